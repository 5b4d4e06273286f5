"""Small archives as yt-dlp leaves them, for tests."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WORDS = tuple(
    "a model reads tokens and predicts the next one while captions become documents shards keep "  # noqa: SIM905
    "their order because every video has its place attention looks back at words that came before "
    "training lowers the loss slowly and the sample at its end shows what was learned".split()
)


@dataclass
class Archive:
    """A folder as yt-dlp leaves it."""

    folder: Path

    def add(
        self, video_id: str, *, sentences: Sequence[str] | None = None, **info: Any
    ) -> "Archive":
        """Write a video: by default, a minute of talk that no other video has."""
        self.folder.mkdir(parents=True, exist_ok=True)
        facts = {"id": video_id, "title": f"Talk {video_id}", "upload_date": "20240131"}
        self.info(video_id).write_text(json.dumps({**facts, "duration": 90, **info}), "utf-8")
        said = talk(video_id) if sentences is None else sentences
        self.captions(video_id).write_text(vtt(said), "utf-8")
        return self

    def info(self, video_id: str) -> Path:
        return self.folder / f"{video_id}.info.json"

    def captions(self, video_id: str) -> Path:
        return self.folder / f"{video_id}.en.vtt"

    def remove(self, video_id: str) -> None:
        self.info(video_id).unlink()
        self.captions(video_id).unlink()


def talk(seed: str, num_sentences: int = 12) -> list[str]:
    """Sentences that depend on the seed alone."""
    chance = random.Random(seed)
    return [
        f"{' '.join(chance.choices(WORDS, k=11)).capitalize()} {seed} {number}."
        for number in range(num_sentences)
    ]


def vtt(sentences: Sequence[str], seconds_each: int = 5) -> str:
    """Captions in which sentence n begins at n * seconds_each."""
    cues = [
        f"{_time(n * seconds_each)} --> {_time((n + 1) * seconds_each)}\n{sentence}\n"
        for n, sentence in enumerate(sentences)
    ]
    return "\n".join(["WEBVTT\n", *cues])


def _time(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.000"
