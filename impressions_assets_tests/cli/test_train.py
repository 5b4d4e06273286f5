"""`train`, `models` and `generate`: flags, versions, Ctrl-C, and speech."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import typer

from impressions_assets.cli.main import app
from impressions_assets.gpt import sample
from impressions_assets.gpt.config import ModelConfig, TrainConfig
from impressions_assets.storage.home import Home
from impressions_assets_tests.cli.conftest import Impressions

SETTINGS = {**ModelConfig.model_fields, **TrainConfig.model_fields}
SHORT = ("--preset", "debug", "--eval-interval", "2", "--eval-iters", "2")


def test_every_setting_is_a_flag() -> None:
    command = typer.main.get_command(app).commands["train"]  # type: ignore[attr-defined]
    flags = {flag for parameter in command.params for flag in parameter.opts}
    assert {f"--{name.replace('_', '-')}" for name in SETTINGS} <= flags


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (["--preset", "huge"], "no model preset is called 'huge'; there are: debug"),
        (["--length", "short"], "no length preset is called 'short'"),
        (["--n-head", "3", "--n-embd", "32"], "n_embd 32 is not a multiple of n_head 3"),
        (["--max_iters", "5", "--max_epochs", "1"], "max_iters and max_epochs both give"),
        (["--dtype", "int8"], "dtype is 'int8'"),
    ],
)
def test_a_wrong_setting_is_told_before_anything_starts(
    in_talks: Impressions, flags: list[str], problem: str
) -> None:
    said = in_talks("train", "talks", *flags)
    assert said.exit_code == 1
    assert problem in said.stderr
    assert "checkpoint" not in said.stderr


def test_without_a_model_one_is_told_how_to_get_one(in_talks: Impressions) -> None:
    assert "has no model yet" in in_talks("models", "talks").stderr
    said = in_talks("generate", "talks")
    assert (said.exit_code, "impressions materialize talks" in said.stderr) == (1, True)


def test_an_unknown_channel_has_no_models(in_talks: Impressions) -> None:
    assert "channel 'walks' is not in" in in_talks("models", "walks").stderr


def test_only_to_a_file_wants_a_file(in_talks: Impressions) -> None:
    assert in_talks("generate", "talks", "--quiet").exit_code == 2


@pytest.mark.slow
def test_a_model_is_trained_compared_promoted_and_speaks(
    in_talks: Impressions, talks: Path, tmp_path: Path
) -> None:
    first = in_talks("train", "talks", *SHORT, "--max-iters", "8")
    assert first.exit_code == 0, first.stderr
    assert "step      8  val loss" in first.stderr
    assert "bits per byte" in first.stderr
    assert in_talks("train", "talks", *SHORT, "--max_iters=4", "--seed", "2").exit_code == 0
    said = in_talks("models", "talks")
    assert "today: on that of the last evaluation" in said.stderr
    listed = said.stdout.splitlines()
    assert [line.split()[0] for line in listed[1:]] == ["1", "2"]
    assert sum("promoted" in line for line in listed) == 1
    compared = in_talks("models", "talks", "--compare", "1,2")
    assert ["max_iters", "8", "4"] in [line.split() for line in compared.stdout.splitlines()]
    assert "judged_by" not in compared.stdout
    assert compared.stderr == ""  # both were judged by one text
    evaluated = Home(str(talks / "storage")).current("talks", "evaluation")
    assert evaluated is not None
    today = {version: f"{bits:.3f}" for version, bits in evaluated.fact("scores").items()}
    assert all(today[line.split()[0]] in line for line in listed[1:])
    other = 2 if "promoted" in listed[1] else 1
    assert in_talks("models", "talks", "--promote", str(other)).exit_code == 0
    current = Home(str(talks / "storage")).current("talks", "checkpoint")
    assert current is not None
    assert current.version == other
    _speaks(in_talks, tmp_path)
    thrown_away = in_talks("train", "talks", *SHORT, "--max-iters", "2", "--out", "none")
    assert thrown_away.exit_code == 0
    assert len(Home(str(talks / "storage")).artifacts("talks", "checkpoint")) == 2


def test_figures_of_different_validation_texts_are_not_compared_in_silence(
    in_talks: Impressions, talks: Path
) -> None:
    home = Home(str(talks / "storage"))
    for text in ("one", "one", "another"):
        facts = {"judged_by": text, "seed": text}
        home.publish("talks", "checkpoint", {}, made_from=str(time.time_ns()), facts=facts)
    said = "their figures are of different validation texts"
    assert said not in in_talks("models", "talks", "--compare", "1,2").stderr
    different = in_talks("models", "talks", "--compare", "1,3")
    assert said in different.stderr
    assert "judged_by" not in different.stdout


def _speaks(in_talks: Impressions, tmp_path: Path) -> None:
    file = tmp_path / "new/speech.txt"
    flags = ("-c", "A model", "-t", "9", "--seed", "1", "-m", "1")
    said = in_talks("generate", "talks", *flags, "-f", str(file), "-ft", "30", "--top-k", "50")
    assert said.exit_code == 0, said.stderr
    assert said.stdout.startswith("A model")
    assert file.read_text().startswith(said.stdout.rstrip("\n"))  # the same seed, the same words
    assert len(file.read_text()) > len(said.stdout)
    quiet = in_talks("generate", "talks", *flags, "-q", "-f", str(file))
    assert quiet.stdout == ""
    assert file.read_text().startswith("A model")
    asked: list[torch.dtype] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sample, "laid_out", lambda model, dtype: asked.append(dtype) or model)
        assert in_talks("generate", "talks", *flags, "--dtype", "bfloat16").exit_code == 0
    assert asked == [torch.bfloat16]
    missing = in_talks("generate", "talks", "-m", "9")
    assert (missing.exit_code, "no version 9" in missing.stderr) == (1, True)


@pytest.mark.slow
def test_ctrl_c_saves_and_the_same_command_goes_on(in_talks: Impressions, talks: Path) -> None:
    command = [sys.executable, "-m", "impressions_assets", "train", "talks", *SHORT]
    command += ["--max-iters", "100000", "--log-interval", "1"]

    def interrupted() -> str:
        with subprocess.Popen(
            command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
            start_new_session=True, preexec_fn=_listen,
        ) as process:  # fmt: skip
            assert process.stderr is not None
            said = ""
            for line in process.stderr:
                said += line
                if "step" in line and "loss" in line:
                    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
                    break
            said += process.stderr.read()
            assert process.wait() == 130, said
            return said

    assert "the same command goes on from there" in interrupted()
    assert "starting from scratch" not in interrupted()
    stopped = Home(str(talks / "storage")).artifacts("talks", "checkpoint")[-1]
    assert stopped.fact("stopped") == "SIGINT"


def _listen() -> None:
    """Not to ignore Ctrl-C, as what a shell starts in the background does."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
