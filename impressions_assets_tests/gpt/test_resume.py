"""A training goes on where it was left, bit for bit, or says why it starts anew."""

import random
import time
from pathlib import Path

import pytest

from impressions_assets.errors import CheckpointError
from impressions_assets_tests.gpt.driving import (
    content_of,
    killed,
    posix,
    started,
    trained,
    wait_for_line,
)


@pytest.mark.slow
@pytest.mark.parametrize("line", ["step 1 loss", "step 17 loss", "step 20 val", "step 30 loss"])
def test_killed_and_resumed_is_uninterrupted_bit_for_bit(corpus, tmp_path, uninterrupted, line):
    killed(corpus.run(tmp_path), line)
    result = trained(corpus.run(tmp_path))
    assert result.history == uninterrupted[1].history
    for name in ("best", "last"):
        assert content_of(tmp_path / name) == content_of(uninterrupted[0] / name)


@pytest.mark.slow
def test_killed_again_and_again_is_uninterrupted(corpus, tmp_path, uninterrupted):
    for line in ("step 3 loss", "step 12 loss", "step 10 val", "step 19 loss", "step 25 loss"):
        killed(corpus.run(tmp_path), line)
    trained(corpus.run(tmp_path))
    assert content_of(tmp_path / "best") == content_of(uninterrupted[0] / "best")


def test_other_settings_start_anew_and_set_the_old_checkpoints_aside(corpus, tmp_path):
    trained(corpus.run(tmp_path, max_iters=10))
    old, lines = content_of(tmp_path / "best"), []
    result = trained(corpus.run(tmp_path, max_iters=10, learning_rate=5e-4), lines=lines)
    assert result.resumed_from is None
    assert any("learning_rate 0.001 → 0.0005" in line for line in lines)
    assert content_of(tmp_path / "earlier-1" / "best") == old
    assert content_of(tmp_path / "best") != old


@pytest.mark.slow
def test_settings_that_only_watch_do_not_hinder_a_resume(corpus, tmp_path):
    killed(corpus.run(tmp_path), "step 17 loss")
    watching = {"eval_interval": 5, "log_interval": 30, "patience": 9, "tensorboard": True}
    result = trained(corpus.run(tmp_path, **watching, activation_checkpointing=True, processes=1))
    assert result.resumed_from == 10


@pytest.mark.slow
def test_another_device_or_compiler_goes_on_and_loses_nothing(corpus, tmp_path):
    """`train --device cpu` after a stop without it found its folder, and began at step 0."""
    killed(corpus.run(tmp_path, device="auto"), "step 17 loss")
    assert trained(corpus.run(tmp_path, device="cpu", compile=False)).resumed_from == 10


def test_other_shards_are_no_resume(corpus, make_corpus, tmp_path):
    trained(corpus.run(tmp_path / "out", max_iters=10))
    other, lines = make_corpus({f"t{n}": "Another text altogether. " * 9 for n in range(3)}), []
    trained(other.run(tmp_path / "out", max_iters=2), lines=lines)
    assert any("the tokenizer is another one" in line for line in lines)


def test_a_checkpoint_of_another_order_of_the_data_is_no_resume(corpus, tmp_path, monkeypatch):
    """What was saved before documents were packed went on in silence with other windows."""
    monkeypatch.setattr("impressions_assets.gpt.state.ORDER", 0)
    trained(corpus.run(tmp_path, max_iters=10))
    monkeypatch.undo()
    lines: list[str] = []
    assert trained(corpus.run(tmp_path, max_iters=10), lines=lines).resumed_from is None
    assert any("read the shards in another order" in line for line in lines)
    assert (tmp_path / "earlier-1" / "best").is_dir()


def test_without_resume_it_starts_anew(corpus, tmp_path):
    trained(corpus.run(tmp_path, max_iters=5))
    assert trained(corpus.run(tmp_path, max_iters=5, resume=False)).resumed_from is None
    assert (tmp_path / "earlier-1" / "last").is_dir()


@pytest.mark.slow
def test_a_finished_training_run_again_trains_nothing(corpus, tmp_path, uninterrupted):
    killed(corpus.run(tmp_path), "step 30 val")
    trained(corpus.run(tmp_path))
    before = content_of(tmp_path / "best")
    again = trained(corpus.run(tmp_path))
    assert (again.resumed_from, again.steps, again.tokens_per_second) == (30, 30, 0)
    assert again.history == uninterrupted[1].history
    assert content_of(tmp_path / "best") == before


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.slow
def test_a_last_checkpoint_cut_short_is_replaced_by_the_best(corpus, tmp_path, uninterrupted):
    killed(corpus.run(tmp_path), "step 25 loss")
    cut_short(tmp_path / "last" / "model.safetensors")
    lines = []
    assert trained(corpus.run(tmp_path), lines=lines).resumed_from in (10, 20)
    assert any("last/model.safetensors is not what was saved" in line for line in lines)
    assert content_of(tmp_path / "best") == content_of(uninterrupted[0] / "best")


def test_when_all_checkpoints_are_cut_short_it_says_so_and_touches_nothing(corpus, tmp_path):
    killed(corpus.run(tmp_path), "step 12 loss")
    for name in ("best", "last"):
        cut_short(tmp_path / name / "optimizer.safetensors")
    before = content_of(tmp_path)
    with pytest.raises(CheckpointError, match=r"optimizer\.safetensors.*train again"):
        trained(corpus.run(tmp_path))
    assert content_of(tmp_path) == before


@posix
@pytest.mark.slow
@pytest.mark.parametrize("step", [3, 17, 29])
def test_sigkill_and_resume_give_the_uninterrupted_weights(corpus, tmp_path, uninterrupted, step):
    with started(corpus.run(tmp_path / "out"), tmp_path) as process:
        wait_for_line(process, f"step {step:>6}  loss")
        process.kill()
    with started(corpus.run(tmp_path / "out"), tmp_path) as process:
        process.communicate()
        assert process.returncode == 0
    for name in ("best", "last"):
        assert content_of(tmp_path / "out" / name) == content_of(uninterrupted[0] / name)


@posix
@pytest.mark.slow
def test_sigkill_at_random_moments_changes_nothing_in_the_end(corpus, tmp_path, uninterrupted):
    chance, run = random.Random(0), corpus.run(tmp_path / "out")
    for _ in range(6):
        with started(run, tmp_path) as process:
            wait_for_line(process, ("starting", "going on"))
            time.sleep(chance.uniform(0, 0.4))
            process.kill()
    with started(run, tmp_path) as process:
        process.communicate()
    for name in ("best", "last"):
        assert content_of(tmp_path / "out" / name) == content_of(uninterrupted[0] / name)
