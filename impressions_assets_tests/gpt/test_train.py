"""Training: it learns, says how well, and names what keeps it from going on."""

import math
import os
import re

import pytest
import torch
from safetensors.torch import load_file

from impressions_assets.errors import CheckpointError, TokenizerError, TrainingError
from impressions_assets.gpt.checkpoint import Checkpoint
from impressions_assets.gpt.run import TrainingResult
from impressions_assets.gpt.state import Progress
from impressions_assets.gpt.train import main
from impressions_assets_tests.gpt.conftest import weather
from impressions_assets_tests.gpt.driving import killed, trained


def test_it_learns_and_says_how_well(uninterrupted):
    out_dir, result = uninterrupted
    assert result == TrainingResult.load(out_dir / "result.json")
    assert (result.steps, result.stopped, result.resumed_from) == (30, None, None)
    assert (result.device, result.dtype) == ("cpu", "float32")
    start, *trained_on = result.history
    assert (start.step, start.train_loss) == (0, None)
    losses = [point.train_loss for point in trained_on]
    assert [point.step for point in trained_on] == list(range(1, 31))
    assert losses[-1] < losses[0] - 0.1  # it begins at the frequencies of characters
    assert result.best_val_loss == min(p.val_loss for p in result.history if p.val_loss)
    assert [p.step for p in result.history if p.val_loss] == [0, 10, 20, 30]
    assert result.tokens_per_second > 0


def test_a_log_line_tells_bits_per_byte_and_the_use_of_the_device(corpus):
    lines = []
    result = trained(corpus.run(max_iters=2), lines=lines)
    (line,) = (line for line in lines if line.startswith("step      2  loss"))
    found = re.search(r"loss (\S+)  (\S+) bits per byte  .* tokens/s  mfu (\d+)%", line)
    assert found is not None
    # ASCII, a token per character, and one more after each of the eight texts
    tokens_per_byte = 1 + 8 / sum(len(weather(n)) for n in range(10) if n not in (3, 7))
    expected = result.history[2].train_loss / math.log(2) * tokens_per_byte
    assert float(found[2]) == pytest.approx(expected, abs=1e-3)
    assert 0 <= int(found[3]) < 100  # 0 on a busy machine


def test_checkpoints_hold_the_losses_and_the_settings(uninterrupted, corpus):
    out_dir, result = uninterrupted
    best, last = Checkpoint.open(out_dir / "best").meta, Checkpoint.open(out_dir / "last").meta
    assert (best.step, best.val_loss) == (result.best_step, result.best_val_loss)
    assert best.val_bits_per_byte == result.val_bits_per_byte
    assert best.tokenizer == corpus.tokenizer.digest
    assert best.model["n_embd"] == 32
    assert last.step == 30


def test_it_beats_the_unigram_baseline(corpus):
    result = trained(corpus.run(max_iters=60, learning_rate=1e-2, log_interval=50))
    assert result.val_bits_per_byte < 0.7 * result.unigram_bits_per_byte


def test_a_warm_start_keeps_what_was_learned(corpus, tmp_path, uninterrupted):
    start = uninterrupted[0] / "best"
    result = trained(corpus.run(tmp_path, init_from=start, max_iters=10))
    assert result.history[0].step == 0
    assert result.history[0].val_loss == pytest.approx(uninterrupted[1].best_val_loss)
    assert result.best_val_loss <= result.history[0].val_loss
    assert Checkpoint.open(tmp_path / "last").meta.started_from == (
        Checkpoint.open(start).weights_digest
    )


def test_a_warm_start_is_resumed_as_well(corpus, tmp_path, uninterrupted):
    run = corpus.run(tmp_path, init_from=uninterrupted[0] / "best", max_iters=20)
    killed(run, "step 17 loss")
    assert trained(run).resumed_from == 10


def test_a_warm_start_from_another_shape_or_tokenizer_names_the_difference(
    corpus, make_corpus, uninterrupted
):
    start = uninterrupted[0] / "best"
    with pytest.raises(CheckpointError, match="its model has n_embd 32"):
        trained(corpus.run(init_from=start, n_embd=64))
    other = make_corpus({"a": "Other letters altogether?", "b": "Yes!"})
    with pytest.raises(CheckpointError, match="speaks tokenizer"):
        trained(other.run(init_from=start))


def test_shards_of_another_tokenizer_are_refused(corpus, make_corpus):
    other = make_corpus({"a": "Other letters altogether?", "b": "Yes!"})
    run = corpus.run().model_copy(update={"tokenizer_dir": other.tokenizer_dir})
    with pytest.raises(TokenizerError, match="made by another tokenizer"):
        trained(run)


def test_without_an_out_dir_nothing_is_written_and_a_sample_is_shown(corpus, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = trained(corpus.run(sample_tokens=20, sample_prompts=("In the",)))
    assert [sample.prompt for sample in result.samples] == ["In the"]
    assert result.samples[0].text
    assert list(tmp_path.iterdir()) == []


def test_accumulating_gradients_equals_a_larger_batch(corpus):
    large = trained(corpus.run(batch_size=8, dropout=0.0, max_iters=10))
    small = trained(
        corpus.run(batch_size=2, gradient_accumulation_steps=4, dropout=0.0, max_iters=10)
    )
    expected = [p.train_loss for p in large.history]
    assert [p.train_loss for p in small.history] == pytest.approx(expected, abs=1e-4)


def test_losses_are_those_they_were(uninterrupted, corpus):
    """Golden numbers: a change of data order, schedule or optimizer shows here."""
    assert losses_at_1_10_30(uninterrupted[1]) == pytest.approx([2.7549, 2.6496, 2.5977], abs=1e-3)
    classic = trained(corpus.run(recipe="classic", tied=True))
    assert losses_at_1_10_30(classic) == pytest.approx([3.2724, 3.0716, 2.9614], abs=1e-3)


def losses_at_1_10_30(result: TrainingResult) -> list[float | None]:
    found = {p.step: p.train_loss for p in result.history}
    return [found[step] for step in (1, 10, 30)]


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_good(corpus, tmp_path):
    # A weight decay above 2 / learning_rate multiplies the weights by -9 in each step.
    run = corpus.run(
        tmp_path, weight_decay=1e4, decay_lr=False, max_iters=500, eval_interval=5, log_interval=50
    )
    with pytest.raises(TrainingError, match=r"step \d+.*lower learning_rate"):
        trained(run)
    weights = Checkpoint.open(tmp_path / "last").model_tensors()
    assert all(w.isfinite().all() for w in weights.values())


@pytest.mark.slow
def test_every_so_many_steps_and_each_epoch_are_kept_when_asked(corpus, tmp_path):
    result = trained(
        corpus.run(
            tmp_path,
            max_epochs=2,
            max_iters=None,
            save_every=7,
            save_each_epoch=True,
            batch_size=16,
        )
    )
    kept = sorted(p.name for p in tmp_path.iterdir() if p.is_dir())
    steps = [f"step-{step:06}" for step in range(7, result.steps + 1, 7)]
    assert kept == ["best", "epoch-1", "epoch-2", "last", *steps]
    assert Checkpoint.open(tmp_path / "epoch-1").meta.position.epoch == 1


def test_a_long_record_of_losses_is_thinned_but_keeps_every_evaluation():
    progress = Progress()
    for step in range(9_000):
        progress.step = step
        progress.note(1.0)
        if step % 1_000 == 0:
            progress.note_evaluation(2.0)
    assert len(progress.history) <= 4_000
    assert [p.step for p in progress.history if p.val_loss] == list(range(0, 9_000, 1_000))
    assert progress.history[-1].step == 8_999


def test_patience_ends_what_no_longer_improves(corpus):
    result = trained(
        corpus.run(
            learning_rate=1e-9,
            decay_lr=False,
            eval_interval=1,
            patience=3,
            max_iters=500,
            weight_decay=0.0,
            dropout=0.5,
            log_interval=100,
        )
    )
    assert result.stopped == "patience"
    assert result.steps < 500


def test_a_time_limit_ends_a_training_without_end_with_an_evaluation(corpus, tmp_path):
    result = trained(corpus.run(tmp_path, max_iters=None, max_seconds=0.3, eval_interval=10**6))
    assert result.stopped == "max_seconds"
    assert result.best_step == result.steps
    assert result.best_val_loss is not None


def test_without_validation_text_the_latest_is_the_best(make_corpus, tmp_path):
    corpus = make_corpus({"only": "One text, and nothing to hold out. " * 9})
    result = trained(corpus.run(tmp_path / "out", max_iters=12))
    assert (result.best_step, result.best_val_loss, result.val_bits_per_byte) == (12, None, None)
    assert Checkpoint.open(tmp_path / "out" / "best").meta.step == 12


def test_a_text_shorter_than_the_context_is_trained_on_all_the_same(make_corpus, tmp_path):
    corpus = make_corpus({"a": "Short.", "b": "Tiny."}, val=frozenset("b"))
    result = trained(corpus.run(tmp_path / "out", max_iters=5, sample_tokens=20))
    assert result.best_val_loss is not None
    assert Checkpoint.open(tmp_path / "out" / "best").meta.context == 7  # with the end of text


def test_a_text_of_one_token_over_and_over_is_learned_by_heart(make_corpus, tmp_path):
    corpus = make_corpus({"a": "a" * 300, "b": "a" * 40}, val=frozenset("b"))
    result = trained(corpus.run(tmp_path / "out", learning_rate=0.01, sample_tokens=20))
    assert result.best_val_loss < 0.3
    assert {sample.text.strip("a") for sample in result.samples} <= {"", "\n"}


def test_a_device_that_vanishes_is_named_and_the_same_training_goes_on(
    corpus, tmp_path, uninterrupted
):
    def vanish() -> None:
        raise torch.AcceleratorError("CUDA error: device lost\nSet CUDA_LAUNCH_BLOCKING=1")

    with pytest.raises(TrainingError, match=r"device cpu failed.*: CUDA error: device lost; what"):
        trained(corpus.run(tmp_path), at=("step 17 loss", vanish))
    result = trained(corpus.run(tmp_path))
    assert (result.resumed_from, result.history) == (10, uninterrupted[1].history)


def test_a_mistake_of_ours_is_not_laid_on_the_device(corpus):
    def mistake() -> None:
        raise RuntimeError("The size of tensor a must match")

    with pytest.raises(RuntimeError, match="size of tensor a"):
        trained(corpus.run(), at=("step 2 loss", mistake))


@pytest.mark.slow
def test_bfloat16_trains_on_cpu_too(corpus):
    result = trained(corpus.run(dtype="bfloat16", max_iters=20, learning_rate=1e-2))
    assert result.dtype == "bfloat16"
    assert result.history[-1].train_loss < result.history[1].train_loss - 0.5


@pytest.mark.parametrize("settings", [{"dtype": "float16"}, {"device": "cuda"}])
def test_what_this_machine_cannot_do_is_named(corpus, settings):
    if settings.get("device") == "cuda" and torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    with pytest.raises(TrainingError, match="float16 needs|device 'cuda' was asked for"):
        trained(corpus.run(**settings))


def test_a_folder_that_cannot_be_written_to_is_named(corpus, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match=r"cannot write to .*file/out.*another folder"):
        trained(corpus.run(tmp_path / "file" / "out"))


def test_the_command_prints_its_process_and_leaves_a_result(corpus, tmp_path, capsys):
    corpus.run(tmp_path / "out", max_iters=5).save(tmp_path / "run.json")
    assert main([str(tmp_path / "run.json")]) == 0
    assert f"kill -USR1 {os.getpid()} saves and stops" in capsys.readouterr().out
    assert TrainingResult.load(tmp_path / "out" / "result.json").steps == 5


def test_the_command_says_what_is_wrong_with_its_settings(corpus, tmp_path, capsys):
    assert main([str(tmp_path / "missing.json")]) == 1
    assert "missing.json" in capsys.readouterr().err
    (tmp_path / "run.json").write_text('{"shards_dir": "x", "modle": 1}')
    assert main([str(tmp_path / "run.json")]) == 1
    assert "modle" in capsys.readouterr().err
    assert main([]) == 2


# With a GPU

cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")


@cuda
@pytest.mark.gpu
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_it_learns_and_resumes_on_cuda(corpus, tmp_path, dtype):
    run = corpus.run(tmp_path, device="cuda", dtype=dtype, learning_rate=1e-2, dropout=0.0)
    killed(run, "step 17 loss")
    result = trained(run)
    assert result.resumed_from == 10
    assert result.history[-1].train_loss < result.history[1].train_loss - 0.5
    assert load_file(tmp_path / "best" / "model.safetensors")


@cuda
@pytest.mark.gpu
def test_compiled_training_learns_the_same(corpus):
    plain, compiled = (
        trained(corpus.run(device="cuda", dtype="float32", dropout=0.0, compile=compile))
        for compile in (False, True)
    )
    assert compiled.best_val_loss == pytest.approx(plain.best_val_loss, abs=1e-2)
