"""How well transcripts are cut into chapters: Pk and WindowDiff against chapters that people made.

    python -m impressions_assets_tests.eval.segmentation DATA

DATA holds `archives/<channel>/<id>.info.json` and `<id>.<language>.vtt`. Both scores count errors
among windows of half a mean chapter that slide over the video second by second, so less is better:
Pk (Beeferman, Berger and Lafferty 1999) asks whether both ends of a window lie in one segment,
WindowDiff (Pevzner and Hearst 2002) how many boundaries lie between them.
"""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import mean
from typing import NamedTuple

from impressions_assets.rows import Chapter, Transcript
from impressions_assets.speech.captions import read_captions
from impressions_assets.text.chapters import parse_chapters
from impressions_assets.text.clean import clean_transcript
from impressions_assets.text.segmentation import boundaries_of
from impressions_assets.text.sentences import Sentence, sentences_of
from impressions_assets_tests.eval.texttiling import texttiling

_FEWEST = 3


class Talk(NamedTuple):
    """A video with chapters that people made."""

    video_id: str
    duration_seconds: float
    sentences: list[Sentence]
    boundaries: list[float]


def pk(reference: Sequence[float], found: Sequence[float], duration: float) -> float:
    """The share of windows whose ends lie in one segment by one list, in two by the other."""
    ours, theirs = _numbered(found, duration), _numbered(reference, duration)
    k = _window(reference, duration)
    pairs = range(len(theirs) - k)
    wrong = [(theirs[i] == theirs[i + k]) != (ours[i] == ours[i + k]) for i in pairs]
    return mean(wrong) if wrong else 0.0


def window_diff(reference: Sequence[float], found: Sequence[float], duration: float) -> float:
    """The share of windows that hold different numbers of boundaries by the two lists."""
    ours, theirs = _numbered(found, duration), _numbered(reference, duration)
    k = _window(reference, duration)
    pairs = range(len(theirs) - k)
    wrong = [theirs[i + k] - theirs[i] != ours[i + k] - ours[i] for i in pairs]
    return mean(wrong) if wrong else 0.0


def even(duration: float, number: int) -> list[float]:
    """As many boundaries as said, evenly spaced."""
    return [duration * (i + 1) / (number + 1) for i in range(number)]


def talks_in(folder: Path) -> Iterator[Talk]:
    """The videos of a channel that have a caption file and at least three chapters."""
    for path in sorted(folder.glob("*.info.json")):
        info = json.loads(path.read_text(encoding="utf-8"))
        tracks = sorted(folder.glob(f"{path.name.removesuffix('.info.json')}.*.vtt"))
        if not tracks:
            continue
        segments = read_captions(tracks[0].read_text(encoding="utf-8"), "vtt")
        row = Transcript(video_id=info["id"], origin="manual", segments=tuple(segments))
        sentences = sentences_of(clean_transcript(row).segments)
        duration = float(info.get("duration") or sentences[-1].end_seconds)
        starts = [float(chapter["start_time"]) for chapter in info.get("chapters") or ()]
        if not starts:
            starts = _starts(parse_chapters(info.get("description") or "", duration))
        if len(starts) >= _FEWEST:
            yield Talk(info["id"], duration, sentences, [start for start in starts if start > 0])


def _starts(chapters: Sequence[Chapter]) -> list[float]:
    return [chapter.start_seconds for chapter in chapters]


def _numbered(boundaries: Sequence[float], duration: float) -> list[int]:
    """For each second, the number of boundaries up to it."""
    marks = [0] * max(1, round(duration))
    for boundary in boundaries:
        if 0 < round(boundary) < len(marks):
            marks[round(boundary)] += 1
    total, numbers = 0, []
    for mark in marks:
        total += mark
        numbers.append(total)
    return numbers


def _window(reference: Sequence[float], duration: float) -> int:
    return max(1, round(duration / (len(reference) + 1) / 2))


def methods() -> dict[str, Callable[[Talk], list[float]]]:
    """Ours and what it must beat, by name."""
    return {
        "ours": _ours,
        "ours, true mean length": lambda t: _ours(t, t.duration_seconds / (len(t.boundaries) + 1)),
        "even spacing, our number": lambda t: even(t.duration_seconds, len(_ours(t))),
        "even spacing, true number": lambda t: even(t.duration_seconds, len(t.boundaries)),
        "TextTiling": lambda t: texttiling(t.sentences),
        "TextTiling, true number": lambda t: texttiling(t.sentences, len(t.boundaries)),
        "no boundary": lambda _: [],
    }


def _ours(talk: Talk, typical_seconds: float | None = None) -> list[float]:
    numbers = boundaries_of(talk.sentences, typical_seconds)
    return [talk.sentences[number].start_seconds for number in numbers]


def table(talks: Sequence[Talk]) -> Iterator[str]:
    """The scores as lines of Markdown."""
    yield "| method | Pk | WindowDiff | boundaries |"
    yield "|---|---|---|---|"
    for name, method in methods().items():
        found = [method(talk) for talk in talks]
        pks, diffs = (
            [score(t.boundaries, f, t.duration_seconds) for t, f in zip(talks, found, strict=True)]
            for score in (pk, window_diff)
        )
        number = sum(map(len, found))
        yield f"| {name} | {mean(pks):.3f} | {mean(diffs):.3f} | {number} |"


def report(data: Path) -> Iterator[str]:
    """A table for each half of each channel whose videos have chapters.

    A video whose caption file is empty counts in neither.
    """
    for folder in sorted((data / "archives").iterdir()):
        talks = list(talks_in(folder))
        for part, every in (("tuned on", talks[0::2]), ("kept aside", talks[1::2])):
            half = [talk for talk in every if talk.sentences]
            if half:
                number = sum(len(talk.boundaries) for talk in half)
                yield f"\n{folder.name}, {part}: {len(half)} videos, {number} boundaries\n"
                yield from table(half)


if __name__ == "__main__":
    print("\n".join(report(Path(sys.argv[1]))))
