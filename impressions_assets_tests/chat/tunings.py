"""Fine-tunings of a tiny Llama, in children as the product starts them."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

from impressions_assets.channels.chat import ChatVariant
from impressions_assets.chat.exchanges import Exchange, save_exchanges
from impressions_assets.chat.run import ChatResult, ChatRun
from impressions_assets.chat.train import main
from impressions_assets_tests.chat.tiny import write_llama

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


def started(
    file: Path, *launcher: str, module: str = "impressions_assets.chat.train"
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *launcher, "-m", module, str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
    )


def trained(file: Path, *launcher: str, **module: str) -> ChatResult:
    child = started(file, *launcher, **module)
    said, _ = child.communicate(timeout=280)
    assert child.returncode == 0, said
    return ChatResult.load(file.parent / "out" / "result.json")


def tuned(file: Path) -> ChatResult:
    """What a tuning makes in this process: a child needs seconds to import torch, trl and peft."""
    with warnings.catch_warnings(action="ignore"):  # those of libraries, which no child minds
        assert main([str(file)]) == 0, file.with_suffix(".error").read_text("utf-8")
    return ChatResult.load(file.parent / "out" / "result.json")


def refusal(file: Path) -> str:
    """What a tuning says that cannot begin; in this process, for a child needs seconds to start."""
    assert main([str(file)]) == 1
    return file.with_suffix(".error").read_text("utf-8")
