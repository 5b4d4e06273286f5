"""Serve recorded answers of YouTube over loopback, and tell how each is taken.

    python -m impressions_assets_tests.recordings FOLDER [--pattern '*.static']

A recording is what YouTube answered once: a watch page (.html), the player's answer (.json), a
caption track (.xml), an answer of the Data API (.json) or a feed (feed_....xml). Around those of
captions, a video of our own answers the other requests. What is right for them is told by their
names: `..._age_restricted...` must come out as such, and a name that says nothing of a failure must
give captions. Of the others see `recorded_listings`.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from impressions_assets.errors import SourceError
from impressions_assets.rows import Video
from impressions_assets.sources.youtube.captions import CaptionClient
from impressions_assets.sources.youtube.politeness import Pace
from impressions_assets.sources.youtube.retries import Retries
from impressions_assets.sources.youtube.session import Way
from impressions_assets.speech.captions import parse_track
from impressions_assets.speech.tracks import choose_tracks
from impressions_assets.storage.budget import Budget
from impressions_assets.storage.home import Home
from impressions_assets_tests.recorded_listings import by_api, by_feed
from impressions_assets_tests.servers.youtube import Answer, YouTube

_PATHS = {".html": "/watch", ".json": "/youtubei/v1/player", ".xml": "/api/timedtext"}
_OF_PLAYERS = (b'"responseContext"', b'"playabilityStatus"')
_TRACK = b'<transcript><text start="0" dur="2">Words of our own.</text></transcript>'
_RIGHT = {
    "consent_page_invalid": "Blocked",
    "too_many_requests": "Blocked",
    "request_blocked": "Blocked",
    "age_restricted": "VideoUnavailable age",
    "po_token": "VideoUnavailable po_token",
    "unplayable": "VideoUnavailable unplayable",
    "video_unavailable": "VideoUnavailable gone",
    "transcripts_disabled": "NoCaptions disabled",
    "live": "NotYet",
}


class Outcome(NamedTuple):
    """How a recording was taken, and how it should have been."""

    name: str
    right: str
    found: str
    told: str

    @property
    def is_right(self) -> bool:
        return self.found == self.right


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the outcomes; 1 when any is wrong, or there is none."""
    parser = argparse.ArgumentParser(prog="python -m impressions_assets_tests.recordings")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pattern", default="*.static", help="which files are recordings")
    chosen = parser.parse_args(arguments)
    table = Table("recording", "taken as", "right", "told")
    outcomes = list(outcomes_of(chosen.folder, chosen.pattern))
    for outcome in outcomes:
        table.add_row(
            outcome.name,
            outcome.found,
            "yes" if outcome.is_right else f"no: {outcome.right}",
            outcome.told,
        )
    Console(width=160).print(table)
    return 0 if outcomes and all(outcome.is_right for outcome in outcomes) else 1


def outcomes_of(folder: Path, pattern: str) -> Iterator[Outcome]:
    """Serve each recording in the folder and those in it, and ask for what it holds."""
    for path in sorted(path for path in folder.rglob(pattern) if path.is_file()):
        kind = next((s for s in reversed(path.suffixes) if s in _PATHS), None)
        name, body = str(path.relative_to(folder)), path.read_bytes()
        if kind == ".xml" and path.name.startswith("feed_"):
            yield Outcome(name, *by_feed(path.name, body))
        elif kind == ".json" and not any(word in body for word in _OF_PLAYERS):
            yield Outcome(name, *by_api(body))
        elif kind is not None:
            found, told = _taken(_PATHS[kind], body)
            right = next((right for words, right in _RIGHT.items() if words in name), "captions")
            yield Outcome(name, right, found, told)


def _taken(path: str, body: bytes) -> tuple[str, str]:
    is_question = b"https://consent.youtube.com/s" in body  # the page comes once it is answered
    with tempfile.TemporaryDirectory() as folder, YouTube().running() as youtube:
        clip = youtube.world.upload(youtube.world.open_channel("recorded"), "A recording")
        youtube.fail(path, *[Answer(200, body)] * (1 if is_question else 9))
        youtube.fail(
            "/api/timedtext", Answer(200, _TRACK)
        )  # of a recorded address, signed by others
        budget = Budget(Home(folder), "recordings", None)
        way = Way(base_url=youtube.url)
        client = CaptionClient(budget, Pace(0), way, retries=Retries(tries=1))
        with closing(client):
            try:
                tracks = client.offer(clip.video_id)
                video = Video(video_id=clip.video_id, source="youtube", tracks=tracks)
                chosen = choose_tracks(video, ["en"], "manual_first")[0]
                data = client.fetch(clip.video_id, chosen)
            except SourceError as error:
                reason = getattr(error, "reason", "")
                return f"{type(error).__name__} {reason}".strip(), str(error)
    segments = parse_track(data, chosen.format).segments
    languages = ", ".join(f"{t.language} ({t.kind})" for t in tracks)
    return "captions", f"{languages}; {len(segments)} segments"


if __name__ == "__main__":
    sys.exit(main())
