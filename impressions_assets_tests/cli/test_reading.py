"""`show` and `export`."""

import re
from pathlib import Path

import pytest
from rich.console import Console

from impressions_assets.cli.reading import _transcript
from impressions_assets.rows import Segment, Transcript
from impressions_assets_tests.archives import Archive
from impressions_assets_tests.cli.conftest import Impressions


def test_a_video_is_shown_with_its_chapters_and_transcript(in_talks: Impressions) -> None:
    said = in_talks("show", "talk-a")
    assert said.exit_code == 0, said.stderr
    lines = said.stdout.splitlines()
    assert lines[0] == "Talk talk-a"
    assert "in channel talks" in lines[1]
    assert any(line.split()[:2] == ["0:20", "Middle"] for line in lines)
    assert any("transcript (manual, en)" in line for line in lines)
    assert any(line.strip().startswith("0:55  ") and "talk-a 11." in line for line in lines)


def test_a_video_without_chapters_says_so(in_talks: Impressions) -> None:
    assert "no chapters" in in_talks("show", "talk-b").stdout


@pytest.mark.parametrize(
    ("segments", "said"),
    [
        ((), ["no transcript (disabled)", "note: no speakers [set HF_TOKEN]"]),
        (
            (Segment(0, 1, "Hello."),),
            ["transcript (whisperx, en)", "note: no speakers [set HF_TOKEN]", "    0:00  Hello."],
        ),
    ],
)
def test_what_a_transcript_lacks_stands_beside_it(
    segments: tuple[Segment, ...], said: list[str]
) -> None:
    words = (
        {"origin": "whisperx", "language": "en"}
        if segments
        else {"origin": "none", "reason": "disabled"}
    )
    notes = ("no speakers [set HF_TOKEN]",)
    console = Console(width=80)
    with console.capture() as shown:
        _transcript(console, Transcript(video_id="v", segments=segments, notes=notes, **words))
    assert shown.get().strip().splitlines() == said


def test_a_video_is_found_by_its_link(in_talks: Impressions) -> None:
    assert in_talks("show", "https://youtu.be/talk-b?t=3").stdout.startswith("Talk talk-b")


def test_an_unknown_video_is_an_error_with_a_guess(in_talks: Impressions) -> None:
    said = in_talks("show", "talk-x")
    assert said.exit_code == 1
    assert "video 'talk-x' is not in any channel (talks). Did you mean talk-" in said.stderr


def test_an_export_says_what_it_wrote(in_talks: Impressions, tmp_path: Path) -> None:
    said = in_talks("export", "talks", "--format", "markdown", "--to", str(tmp_path / "out"))
    assert said.exit_code == 0, said.stderr
    assert said.stderr.startswith("4 files, ")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "README.md",
        "talk-a.md",
        "talk-b.md",
        "talk-c.md",
    ]


def test_an_address_publishes_and_wants_a_permission(in_talks: Impressions) -> None:
    said = in_talks("export", "talks", "--format", "csv", "--to", "memory://somewhere")
    assert said.exit_code == 1
    assert "'talks' states no permission to publish" in said.stderr


def test_an_unknown_format_is_told_what_there_is(in_talks: Impressions, tmp_path: Path) -> None:
    said = in_talks("export", "talks", "--format", "markdwon", "--to", str(tmp_path))
    assert said.exit_code == 1
    assert "no format 'markdwon'; did you mean markdown? There are: parquet, csv" in said.stderr


def test_an_unknown_channel_is_told_what_there_is(in_talks: Impressions, tmp_path: Path) -> None:
    said = in_talks("export", "walks", "--format", "csv", "--to", str(tmp_path))
    assert said.exit_code == 1
    assert "did you mean talks? There: talks" in said.stderr
    assert "To have it: `impressions add SOURCE --name walks`" in said.stderr


@pytest.mark.slow
def test_show_tells_how_a_video_was_called_before(
    impressions: Impressions, archive: Archive
) -> None:
    impressions("add", str(archive.folder), "--name", "mine")
    impressions("materialize", "mine", "--select", "videos")
    archive.add("talk-b", title="A better name")
    impressions("materialize", "mine", "--select", "videos")
    shown = impressions("show", "talk-b").stdout
    assert shown.startswith("A better name")
    assert re.search(r"until \d{4}-\d\d-\d\d \d\d:\d\d UTC called 'Talk talk-b'", shown)
