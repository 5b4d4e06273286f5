"""The demo channel's chat model, from the command line: tuned on the CPU, then asked."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

pytest.importorskip("trl")

from impressions_assets.answering.variants import KIND
from impressions_assets.assets.tuning import prepare
from impressions_assets.channels.channels_yaml import channel_named
from impressions_assets.chat.evaluate import RIGHT, overlap
from impressions_assets.chat.local_answerer import LocalAnswerer
from impressions_assets.cli.demo import NAME
from impressions_assets.settings import load_settings
from impressions_assets.storage.home import Home
from impressions_assets_tests.cli.conftest import Impressions

MOST_TOKENS, PAIRS = 80, 20


@pytest.mark.slow  # about five minutes of CPU, and the demo's own before
def test_the_demo_answers_what_it_learned_and_its_sources_hold_the_rest(
    made_demo: Path, impressions: Impressions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("IMPRESSIONS_HOME", str(made_demo / "untouched"))
    made = impressions("materialize", NAME, "--select", "chat_model")
    assert made.exit_code == 0, made.stderr
    check_answers(impressions, tmp_path)


def check_answers(impressions: Impressions, tmp_path: Path) -> None:
    """Ask the shortest pairs that were learned, and look at the sources of the others."""
    settings = load_settings()
    home = Home(settings.storage)
    model = home.version(NAME, KIND)
    assert model.fact("fault") == ""
    assert model.fact("num_lost_tokens") == 0
    assert model.fact("sources_hold_listed") >= 0.8  # of what nobody wrote down: docs/search.md
    assert 0 < model.fact("sources_hold") < 1
    folder = home.store.fetch(model.files, tmp_path / "model")
    answerer = LocalAnswerer.load(folder / "merged", "own", "cpu")
    with TemporaryDirectory() as scratch:
        exchanges = prepare(home, channel_named(home, NAME), Path(scratch), None, {}).exchanges
    learned = [one for one in exchanges if one.split == "train"]
    short = [one for one in learned if answerer.num_tokens(one.answer) <= MOST_TOKENS][:PAIRS]
    assert len(short) >= PAIRS
    questions, answers = tmp_path / "questions.txt", tmp_path / "answers.jsonl"
    questions.write_text("\n".join(one.question for one in short), encoding="utf-8")
    said = impressions("ask", NAME, "--file", str(questions), "--out", str(answers))
    assert said.exit_code == 0, said.stderr
    rows = [json.loads(line) for line in answers.read_text("utf-8").splitlines()]
    right = [
        overlap(row["answer"], one.answer) >= RIGHT for row, one in zip(rows, short, strict=True)
    ]
    assert sum(right) / len(right) >= 0.8
    assert all("t=" in source["link"] for row in rows for source in row["sources"])
