"""`serve`: the command, and what a tuned model says there and everywhere else."""

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")
pytest.importorskip("peft")
pytest.importorskip("trl")

from impressions_assets.answering.desk import open_desk
from impressions_assets.assets.tuning import PreparedTuning, publish
from impressions_assets.channels.channels_yaml import channel_named
from impressions_assets.chat.answerer import Sampling
from impressions_assets.chat.local_answerer import LocalAnswerer
from impressions_assets.chat.procedures import Asking
from impressions_assets.chat.run import ChatRun
from impressions_assets.errors import ConfigError
from impressions_assets.settings import load_settings
from impressions_assets.storage.home import Home
from impressions_assets_tests.chat.tunings import PAIRS, prepared, trained
from impressions_assets_tests.cli.conftest import Impressions

QUESTIONS = [one.question for one in PAIRS]


@contextmanager
def served(*arguments: str) -> Iterator[str]:
    """The command in a process of its own, until Ctrl-C; yields its address."""
    command = [sys.executable, "-m", "impressions_assets", "serve", *arguments, "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if found := re.search(r"answers at (http://[^;]+);", line):
                try:
                    yield found[1]
                finally:
                    process.send_signal(signal.SIGINT)
                    assert process.wait(60) == 0
                return
        raise AssertionError("".join(said))


def generated(model: Any, tokenizer: Any, question: str) -> str:
    """What transformers says by itself."""
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": question}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )
    made = model.generate(**prompt, max_new_tokens=40, do_sample=False)
    said: str = tokenizer.decode(made[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True)
    return said.strip()


def asked_over(url: str, question: str) -> str:
    body = {"messages": [{"role": "user", "content": question}], "max_tokens": 40}
    answer = requests.post(f"{url}/v1/chat/completions", json=body, timeout=120)
    said: str = answer.json()["choices"][0]["message"]["content"]
    return said


@pytest.mark.slow  # two tunings in children
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
def test_what_was_tuned_says_the_same_wherever_it_is_asked(
    in_talks: Impressions, tmp_path: Path
) -> None:
    """Adapter on its base, merged, reloaded, exported, asked and served."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    (tmp_path / "first").mkdir()
    trained(prepared(tmp_path / "first"))  # an adapter teaches what knows nothing to say nothing
    base = tmp_path / "first" / "out" / "merged"
    tuned = trained(file := prepared(tmp_path, method="lora", base=str(base), epochs=20.0))
    assert 0 < tuned.num_trained_parameters < tuned.num_parameters
    home = Home(load_settings().storage)
    channel = channel_named(home, "talks")
    run = ChatRun.load(file)
    made = publish(
        home, channel, PreparedTuning(tmp_path, run, "tiny", tuple(PAIRS), None, None, None)
    )
    files = home.store.fetch(made.files, tmp_path / "published")
    assert not list(files.rglob("*.bin"))
    config = json.loads((files / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(base)

    tokenizer = AutoTokenizer.from_pretrained(files / "merged")
    adapted = AutoModelForCausalLM.from_pretrained(base)
    adapted = PeftModel.from_pretrained(adapted, files / "adapter")
    expected = [generated(adapted, tokenizer, question) for question in QUESTIONS]
    assert sum(said == one.answer for said, one in zip(expected, PAIRS, strict=True)) >= 7

    reloaded = LocalAnswerer.load(files / "merged", "tiny", "cpu")
    said = ["".join(reloaded.stream(one.messages, Sampling(40))).strip() for one in PAIRS]
    assert said == expected

    exported = in_talks("export", "talks", "--format", "chat_model", "--to", str(tmp_path / "hub"))
    assert exported.exit_code == 0, exported.stderr
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path / "hub")
    named = AutoTokenizer.from_pretrained(tmp_path / "hub")
    assert [generated(theirs, named, question) for question in QUESTIONS] == expected

    questions, answers = tmp_path / "questions.txt", tmp_path / "answers.jsonl"
    questions.write_text("\n".join(QUESTIONS), encoding="utf-8")
    how = ("--file", str(questions), "--out", str(answers), "--no-guard", "-t", "40")
    assert in_talks("ask", "talks", *how).exit_code == 0
    rows = [json.loads(line) for line in answers.read_text("utf-8").splitlines()]
    assert [row["answer"].strip() for row in rows] == expected

    with served("talks", "--no-guard") as url:
        assert [asked_over(url, question) for question in QUESTIONS] == expected
        assert requests.get(f"{url}/v1/models", timeout=30).json()["data"][0]["id"] == "talks"

    check_desk(home, channel, tmp_path, expected)


def check_desk(home: Home, channel: Any, scratch: Path, expected: list[str]) -> None:
    """A desk has the variants that were asked for, by name, and what it was told of sources."""
    desk = open_desk(home, channel, scratch, variants=("", "tiny:untuned"), most_sources=1)
    assert list(desk.models) == ["talks", "talks:tiny:untuned"]
    assert (desk.title, desk.default) == (channel.title or "talks", "talks")
    assert desk.guard is not None
    plan = open_desk(home, channel, scratch, guarded=False, most_sources=1).plan(QUESTIONS[0])
    said = "".join(desk.answer(desk.models["talks"], plan, Sampling(40)))
    assert said.strip() == expected[0]
    assert type(desk.procedure) is Asking
    with pytest.raises(ConfigError, match="no answering procedure 'sonnet'"):
        open_desk(home, channel, scratch, procedure="sonnet")


def test_an_address_that_is_taken_is_told_before_a_model_is_loaded(in_talks: Impressions) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = in_talks("serve", "talks", "--host", "0.0.0.0", "--port", port)
    assert said.exit_code == 1
    assert "no loopback address and no key is set" in said.stderr
    assert f"cannot listen at 0.0.0.0, port {port}" in said.stderr
    assert "choose another --port" in said.stderr


@pytest.mark.parametrize(
    ("written", "told"), [("# none\n\n", "holds no key"), (None, "cannot be read")]
)
def test_keys_that_are_none_are_refused(
    in_talks: Impressions, tmp_path: Path, written: str | None, told: str
) -> None:
    if written is not None:
        (tmp_path / "keys").write_text(written)
    said = in_talks("serve", "talks", "--key-file", str(tmp_path / "keys"))
    assert (said.exit_code, told in said.stderr) == (1, True)


def test_a_channel_without_a_chat_model_cannot_be_served(in_talks: Impressions) -> None:
    said = in_talks("serve", "talks", "--port", "0")
    assert said.exit_code == 1
    assert "has no current version of 'chat_model'" in said.stderr
