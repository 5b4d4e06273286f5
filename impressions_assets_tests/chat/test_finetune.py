"""Fine-tuning for real: trl and peft on a tiny Llama, in children as the product starts them."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("trl")
pytest.importorskip("peft")

from impressions_assets.channels.chat import ChatVariant
from impressions_assets.chat.answerer import Message, Sampling
from impressions_assets.chat.exchanges import Exchange, save_exchanges
from impressions_assets.chat.local_answerer import LocalAnswerer
from impressions_assets.chat.run import ChatResult, ChatRun
from impressions_assets_tests.chat.tiny import write_llama

pytestmark = pytest.mark.slow  # each starts a child that imports torch, trl and peft

THINGS = ("door", "river", "token", "garden", "engine", "letter", "window", "loss")
PAIRS = [
    Exchange(
        video_id=thing,
        split="val" if thing == "loss" else "train",
        question=f"What is the {thing}?",
        answer=f"The {thing} is what the {other} needs.",
    )
    for thing, other in zip(THINGS, reversed(THINGS), strict=True)
]


def prepared(tmp_path: Path, pairs: list[Exchange] = PAIRS, **variant: object) -> Path:
    texts = [f"{one.question} {one.answer}" for one in PAIRS]
    base = write_llama(tmp_path / "base", texts, width=64)
    save_exchanges(tmp_path / "exchanges.jsonl", pairs)
    settings = {"base": str(base), "epochs": 200.0, "learning_rate": 5e-3} | variant
    run = ChatRun(
        name="tiny",
        exchanges=tmp_path / "exchanges.jsonl",
        out_dir=tmp_path / "out",
        variant=ChatVariant.model_validate(settings),
    )
    run.save(tmp_path / "chat.json")
    return tmp_path / "chat.json"


def started(file: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "impressions_assets.chat.train", str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
    )


def trained(file: Path) -> ChatResult:
    child = started(file)
    said, _ = child.communicate(timeout=280)
    assert child.returncode == 0, said
    return ChatResult.load(file.parent / "out" / "result.json")


def refusal(file: Path) -> str:
    child = started(file)
    child.communicate(timeout=280)
    assert child.returncode == 1
    return file.with_suffix(".error").read_text("utf-8")


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


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
def test_an_adapter_merged_or_put_onto_its_base_again_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    trained(prepared(tmp_path / "first"))  # an adapter teaches what knows nothing to say nothing
    base = tmp_path / "first" / "out" / "merged"
    result = trained(prepared(tmp_path, method="lora", base=str(base), epochs=20.0))
    assert 0 < result.num_trained_parameters < result.num_parameters
    assert result.fault == ""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    merged = LocalAnswerer.load(tmp_path / "out" / "merged", "merged", "cpu")
    onto = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(base), tmp_path / "out" / "adapter"
    )
    onto.generation_config = merged._model.generation_config
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out" / "merged")
    adapted = LocalAnswerer("adapted", onto, tokenizer)
    spoken = 0
    for one in PAIRS:
        said = ["".join(a.stream(one.messages, Sampling(40))) for a in (merged, adapted)]
        assert said[0] == said[1]
        spoken += said[0] != ""
        prompt = tokenizer.apply_chat_template(
            [{"role": "user", "content": one.question}],
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
        )
        made = merged._model.generate(**prompt, max_new_tokens=40, do_sample=False)
        theirs = tokenizer.decode(made[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True)
        assert said[0] == theirs.strip()
    assert spoken > len(PAIRS) // 2
    config = json.loads((tmp_path / "out" / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(base)
    assert not list((tmp_path / "out" / "adapter").glob("*.bin"))


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
    result = trained(prepared(tmp_path, [long], max_steps=3, epochs=None))
    assert result.num_examples > 2
    assert (result.num_pairs, result.num_lost_tokens) == (1, 0)
    assert result.held_out.num_pairs == 0


def test_early_stopping_ends_before_the_last_step(tmp_path: Path) -> None:
    result = trained(prepared(tmp_path, patience=1, max_steps=300, epochs=None))
    assert result.steps < 300


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"base": "/nowhere/at/all"}, "no such folder"),
        ({"method": "qlora"}, "CUDA only"),
        ({"padding_token": "<fill>"}, "no token '<fill>'"),
        ({"packing": True}, "flash attention"),
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
    assert trained(file).steps == 2
    assert (tmp_path / "out" / "merged" / "model.safetensors").exists()


def test_no_pair_is_an_error_that_says_so(tmp_path: Path) -> None:
    assert "no pair" in refusal(prepared(tmp_path, []))
