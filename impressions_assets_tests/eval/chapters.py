"""How well chapters are read from real descriptions: exact lists, and F1 of their boundaries.

    python -m impressions_assets_tests.eval.chapters DATA [--failures]

DATA holds `chapters/*.jsonl`: lines with a `description`, a `duration` when it is known, and the
expected `chapters` (`start_sec`, `title`, null where nobody knows it). The files `negatives_*` hold
none. For two files without chapters, the starts that a reader found lie in `labels/`. A list is
exact when every start and every known title is right, and nothing else came out.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from impressions_assets.rows import Chapter
from impressions_assets.text.chapters import parse_chapters

_LABELS = Path(__file__).parent / "labels"
_LABELLED = {
    "pyvideo_candidates_unlabelled": ("pyvideo.json", "path"),
    "flattened_trending_3plus_times": ("flattened.json", "video_id"),
}
_WITHOUT = ("youtube_auto_or_none",)  # their chapters are YouTube's own guess, and in no text

Item = tuple[float, str | None]


class Case(NamedTuple):
    """A description and the chapters that it lists; a title of None may be anything."""

    name: str
    description: str
    duration_seconds: float | None
    expected: Sequence[Item]

    @property
    def found(self) -> list[Chapter]:
        """What we read from it."""
        return parse_chapters(self.description, self.duration_seconds)


def is_exact(expected: Sequence[Item], found: Sequence[Chapter]) -> bool:
    """Whether every start and every known title agree."""
    return len(expected) == len(found) and all(
        start == chapter.start_seconds and title in (None, chapter.title)
        for (start, title), chapter in zip(expected, found, strict=True)
    )


def cases_in(path: Path) -> Iterator[Case]:
    """The cases of one file; of a labelled file, those with a label."""
    label_file, key = _LABELLED.get(path.stem, (None, "video_id"))
    labels = _labels(label_file)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        row = json.loads(line)
        name = row.get(key) or row.get("path") or str(number)
        if label_file and name not in labels:
            continue
        listed = [_item(c, row["description"]) for c in row.get("chapters") or ()]
        listed = [] if path.stem in _WITHOUT else listed
        expected = [(start, None) for start in labels[name]] if label_file else listed
        yield Case(name, row["description"], _duration(row), expected)


def _item(chapter: Mapping[str, Any], description: str) -> Item:
    """A start and its title; labels that lost the "¿" of their description get it back."""
    title = chapter["title"]
    if title and f"¿{title}" in description:
        title = f"¿{title}"
    return float(chapter["start_sec"]), title


def _duration(row: Mapping[str, Any]) -> float | None:
    return float(row["duration"]) if row.get("duration") else None


def _labels(name: str | None) -> dict[str, list[float]]:
    return json.loads((_LABELS / name).read_text(encoding="utf-8")) if name else {}


def table(data: Path) -> Iterator[str]:
    """The scores as lines of Markdown; F1 counts a start that is right to the second."""
    yield "| file | descriptions | exact | | boundary F1 | false chapters |"
    yield "|---|---|---|---|---|---|"
    for path in sorted((data / "chapters").glob("*.jsonl")):
        cases = [(case, case.found) for case in cases_in(path)]
        exact = sum(is_exact(case.expected, found) for case, found in cases)
        wanted = [{start for start, _ in case.expected} for case, _ in cases]
        starts = [{chapter.start_seconds for chapter in found} for _, found in cases]
        right = sum(len(a & b) for a, b in zip(wanted, starts, strict=True))
        both = sum(map(len, wanted)) + sum(map(len, starts))
        f1 = f"{2 * right / both:.4f}" if right else "–"
        false = sum(map(len, starts)) - right
        share = f"{exact / len(cases):.1%}"
        yield f"| {path.stem} | {len(cases)} | {exact} | {share} | {f1} | {false} |"


def failures(data: Path) -> Iterator[str]:
    """Each list that is not exact: what was missed, what should not be there, wrong titles."""
    for path in sorted((data / "chapters").glob("*.jsonl")):
        for case in cases_in(path):
            found = case.found
            if is_exact(case.expected, found):
                continue
            ours = {chapter.start_seconds: chapter.title for chapter in found}
            theirs = dict(case.expected)
            yield f"\n{path.stem} {case.name} ({case.duration_seconds} s)"
            yield from (f"  missed {at:g} {theirs[at]}" for at in theirs if at not in ours)
            yield from (f"  false  {at:g} {ours[at]}" for at in ours if at not in theirs)
            for at in theirs:
                if at in ours and theirs[at] not in (None, ours[at]):
                    yield f"  title  {at:g} {theirs[at]!r}, not {ours[at]!r}"


def main() -> None:
    """Print the table, or what is not exact."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--failures", action="store_true", help="say what is not exact")
    chosen = parser.parse_args()
    print("\n".join((failures if chosen.failures else table)(chosen.data)))


if __name__ == "__main__":
    main()
