"""`demo`: all of it, as a newcomer runs it."""

import re
from pathlib import Path

import pytest

from impressions_assets.channels.channel import Channels
from impressions_assets.cli.demo import NAME, SETTINGS
from impressions_assets_tests.cli.conftest import Impressions


def test_the_demo_channel_is_a_valid_one() -> None:
    declared = {"sources": [{"archive": "/demo"}], **SETTINGS}
    channel = Channels.model_validate({"channels": {NAME: declared}}).channels[NAME]
    assert channel.training.max_iters is not None


@pytest.mark.slow
def test_the_demo_ends_with_rows_figures_and_a_sample_and_again_computes_nothing(
    made_demo: Path, impressions: Impressions, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = (made_demo / "said").read_text("utf-8")
    rows = dict(re.findall(r"^(\w+) +(\d+) rows$", first, re.MULTILINE))
    assert set(rows) == {
        "videos", "transcripts", "chapters", "articles", "qa_pairs", "documents",
    }  # fmt: skip
    assert set(rows.values()) == {rows["videos"]}
    assert int(rows["videos"]) >= 27
    assert re.search(r"^Q: .+\?$\nA: .+\.$\nhttps://\S+t=\d+$", first, re.MULTILINE)
    figures = re.search(r"([\d.]+) bits per byte, .* needs ([\d.]+)", first)
    assert figures is not None
    assert float(figures[1]) < float(figures[2])
    assert len(first.split("a sample\n")[1]) > 200
    monkeypatch.setenv("IMPRESSIONS_HOME", str(made_demo / "home"))
    again = impressions("demo")
    assert again.exit_code == 0
    assert again.stdout == first
    assert again.stderr.count("nothing to compute") == 6
    assert "training in process" not in again.stderr
