"""Fine-tuning for real: trl and peft on a tiny Llama, in children as the product starts them."""

import os
import signal
from pathlib import Path

import pytest

pytest.importorskip("trl")
pytest.importorskip("peft")

from transformers import AutoTokenizer, GenerationConfig

from impressions_assets.chat.answerer import Message, Sampling
from impressions_assets.chat.exchanges import Exchange
from impressions_assets.chat.local_answerer import LocalAnswerer
from impressions_assets.chat.run import ChatResult, ChatRun
from impressions_assets_tests.chat.tunings import PAIRS, prepared, refusal, started, trained, tuned

pytestmark = pytest.mark.slow  # most start a child that imports torch, trl and peft


def test_a_full_tuning_answers_what_it_learned_and_ends(tmp_path: Path) -> None:
    result = trained(prepared(tmp_path, template="plain", padding_token=None))
    assert result.fault == ""
    assert result.num_pairs == 7
    assert result.num_lost_tokens == 0
    assert result.trained.share_right == 1
    assert result.trained.share_ended == 1
    assert result.held_out.num_pairs == 1
    answerer = LocalAnswerer.load(tmp_path / "out" / "merged", "tiny", "cpu")
    said = "".join(answerer.stream([Message("user", PAIRS[0].question)], Sampling(60)))
    assert said == PAIRS[0].answer
    ends = GenerationConfig.from_pretrained(tmp_path / "out" / "merged")  # for other programs
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out" / "merged")
    assert ends.eos_token_id == [tokenizer.eos_token_id]
    assert ends.pad_token_id == tokenizer.pad_token_id is not None


def test_a_stopped_tuning_goes_on_where_it_was(tmp_path: Path) -> None:
    file = prepared(tmp_path, max_steps=400, epochs=None)
    child = started(file)
    assert child.stdout is not None
    for line in child.stdout:
        if "validation loss" in line:
            os.kill(child.pid, signal.SIGUSR1)
            break
    child.communicate(timeout=280)
    stopped = ChatResult.load(tmp_path / "out" / "result.json")
    assert stopped.stopped == "SIGUSR1"
    assert 0 < stopped.steps < 400
    result = trained(file)
    assert (result.resumed_from, result.steps, result.stopped) == (stopped.steps, 400, None)


def test_answers_longer_than_the_context_are_learned_in_parts(tmp_path: Path) -> None:
    long = Exchange(video_id="a", split="train", question="What?", answer="so it goes on " * 120)
    result = tuned(prepared(tmp_path, [long], max_steps=3, epochs=None))
    assert result.num_examples > 2
    assert (result.num_pairs, result.num_lost_tokens) == (1, 0)
    assert result.held_out.num_pairs == 0


def test_two_processes_share_a_tuning_and_one_keeps_it(tmp_path: Path) -> None:
    file = prepared(tmp_path, epochs=5.0, batch_size=1, gradient_accumulation_steps=1)
    result = trained(file, "-m", "torch.distributed.run", "--nproc-per-node", "2")
    assert (result.steps, result.epochs, result.num_examples) == (20, 5, 7)  # 35 steps alone
    assert result.fault == ""
    assert (tmp_path / "out" / "merged" / "model.safetensors").exists()


def test_processes_share_a_tuning_that_was_started_as_one(tmp_path: Path) -> None:
    alone = trained(prepared(tmp_path / "alone", max_steps=8, epochs=None, batch_size=4))
    both = trained(prepared(tmp_path / "both", max_steps=8, epochs=None, batch_size=2, processes=2))
    assert (both.steps, both.num_pairs) == (alone.steps, alone.num_pairs)
    assert [point.step for point in both.history] == [point.step for point in alone.history]
    assert both.epochs == alone.epochs
    assert (tmp_path / "both" / "out" / "merged" / "model.safetensors").exists()


@pytest.mark.parametrize("method", ["full", "lora"])
def test_sharded_weights_learn_the_same_and_are_kept_whole(tmp_path: Path, method: str) -> None:
    settings = {"method": method, "max_steps": 12, "epochs": None, "batch_size": 2}
    file = prepared(tmp_path / "sharded", processes=2, sharded=True, **settings)
    launcher = ("-m", "torch.distributed.run", "--nproc-per-node", "2")
    sharded = trained(file, *launcher, module="impressions_assets_tests.chat.sharding")
    whole = trained(prepared(tmp_path / "whole", processes=2, **settings))
    assert sharded.num_parameters == whole.num_parameters
    assert sharded.num_trained_parameters == whole.num_trained_parameters
    assert losses(sharded) == pytest.approx(losses(whole), rel=0.02)
    assert sharded.held_out.bits_per_byte == pytest.approx(whole.held_out.bits_per_byte, rel=0.02)
    assert sharded.held_out.base_bits_per_byte == whole.held_out.base_bits_per_byte
    assert sorted(path.name for path in (tmp_path / "sharded" / "out").iterdir()) == sorted(
        path.name for path in (tmp_path / "whole" / "out").iterdir()
    )


def test_weights_are_not_sharded_where_they_cannot_be(tmp_path: Path) -> None:
    file = prepared(tmp_path, processes=2, sharded=True)
    child = started(file)
    child.communicate(timeout=280)
    assert child.returncode == 1
    assert "over CUDA devices" in file.with_suffix(".error").read_text("utf-8")


def losses(result: ChatResult) -> list[float | None]:
    return [point.train_loss for point in result.history]


def test_early_stopping_ends_before_the_last_step(tmp_path: Path) -> None:
    result = trained(prepared(tmp_path, patience=1, max_steps=300, epochs=None))
    assert result.steps < 300


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"base": "/nowhere/at/all"}, "no such folder"),
        ({"method": "qlora"}, "CUDA only, and this is cpu: choose lora or full"),
        ({"padding_token": "<fill>"}, "no token '<fill>'"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(
    tmp_path: Path, settings: dict[str, object], told: str
) -> None:
    assert told in refusal(prepared(tmp_path, **settings))


def test_pickled_weights_are_loaded_only_where_that_is_allowed(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    file = prepared(tmp_path, max_steps=2, epochs=None)
    weights = tmp_path / "base" / "model.safetensors"
    torch.save(load_file(weights), tmp_path / "base" / "pytorch_model.bin")
    weights.unlink()
    assert "pickled_weights: true" in refusal(file)
    run = ChatRun.load(file)
    allowed = run.variant.model_copy(update={"pickled_weights": True})
    run.model_copy(update={"variant": allowed}).save(file)
    assert tuned(file).steps == 2
    assert (tmp_path / "out" / "merged" / "model.safetensors").exists()


def test_no_pair_is_an_error_that_says_so(tmp_path: Path) -> None:
    assert "no pair" in refusal(prepared(tmp_path, []))


def test_a_question_longer_than_the_context_is_asked_as_it_was_learned(tmp_path: Path) -> None:
    """It ended the run after the last step, before there was a result."""
    long = [
        Exchange(video_id=split, split=split, question="why so " * 200, answer="So it is.")
        for split in ("train", "val")
    ]
    result = tuned(prepared(tmp_path, long, max_steps=2, epochs=None))
    assert result.num_cut_prompt_tokens > 0
    assert (result.trained.num_pairs, result.held_out.num_pairs) == (1, 1)
