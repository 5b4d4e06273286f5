"""What people corrected by hand: read from the CSV of a review, kept, and taken back.

`impressions export NAME --format review` writes the sheets, a person edits them, `impressions
correct NAME FILE…` reads them back. What differs from the tables becomes a row of `corrections`;
the stages apply it whenever they make the video's row anew. All sheets are checked before anything
is kept.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

from impressions_assets.digests import key_of
from impressions_assets.home import Home, correction_key
from impressions_assets.rows import (
    Chapter,
    Corrected,
    CorrectedSegment,
    Correction,
    QAPair,
)
from impressions_assets.sheets import Line, read_sheet
from impressions_assets.speech.corrections import places_of
from impressions_assets.tables import Entry
from impressions_assets.text.clean import clean_transcript
from impressions_assets.text.corrections import added_pair_id

REVIEWS = ("unreviewed", "accepted", "edited", "rejected")


class Corrections(NamedTuple):
    """What an import changes: corrections to keep, and the keys of those that are over."""

    kept: tuple[Correction, ...]
    over: tuple[tuple[str, Corrected], ...]

    @property
    def tables(self) -> set[Corrected]:
        """The tables whose rows must be made anew."""
        return {made.table for made in self.kept} | {table for _, table in self.over}

    @property
    def video_ids(self) -> set[str]:
        """The videos that are concerned."""
        return {made.video_id for made in self.kept} | {video_id for video_id, _ in self.over}


def correct(home: Home, channel: str, paths: Iterable[Path]) -> Corrections:
    """Keep what the sheets change in a channel's rows; return it.

    Raises:
        ConfigError: a sheet cannot be read, or a line of it fits nothing; nothing was kept.
    """
    before: dict[tuple[str, Corrected], Correction] = {}
    after: dict[tuple[str, Corrected], Correction] = {}
    for path in paths:
        sheet = read_sheet(path)
        for video_id, lines in _by_video(sheet.lines):
            place = (video_id, sheet.table)
            if place not in before:
                before[place] = _kept(home, channel, *place)
            now = after.get(place, before[place])
            row = home.table(sheet.table).get(channel, key_of(video_id))
            if row is None:
                raise lines[0].wrong(f"channel {channel!r} has no {sheet.table} of {video_id!r}")
            after[place] = _CHANGES[sheet.table](home, channel, row, now, lines)
    changed = {place: made for place, made in after.items() if made != before[place]}
    done = Corrections(
        kept=tuple(made for made in changed.values() if _says_something(made)),
        over=tuple(place for place, made in changed.items() if not _says_something(made)),
    )
    _keep(home, channel, done)
    return done


def undo(home: Home, channel: str, video_id: str) -> Corrections:
    """Take back all corrections of a video; return what they were, as what is over."""
    key = key_of(video_id)
    known = home.table("corrections").digests(channel)
    over = [(video_id, table) for table in _CHANGES if correction_key(key, table) in known]
    done = Corrections((), tuple(over))
    _keep(home, channel, done)
    return done


def _kept(home: Home, channel: str, video_id: str, table: Corrected) -> Correction:
    found: Correction | None = home.table("corrections").get(
        channel, correction_key(key_of(video_id), table)
    )
    return found or Correction(video_id=video_id, table=table)


def _keep(home: Home, channel: str, done: Corrections) -> None:
    corrections = home.table("corrections")
    corrections.put(channel, [Entry(made) for made in done.kept])
    corrections.remove(channel, [correction_key(key_of(v), table) for v, table in done.over])


def _says_something(made: Correction) -> bool:
    return made.table == "chapters" or bool(made.segments or made.pairs)


def _by_video(lines: Sequence[Line]) -> Iterator[tuple[str, list[Line]]]:
    ordered = sorted(lines, key=lambda line: line.words("video_id"))
    for video_id, group in groupby(ordered, key=lambda line: line.words("video_id")):
        yield video_id, list(group)


def _transcript(
    home: Home, channel: str, row: Any, now: Correction, lines: Sequence[Line]
) -> Correction:
    """Add to the corrections each line that differs from its segment."""
    here = dict(places_of(row.segments))
    changes = {(change.found, change.occurrence): change for change in now.segments}
    for line in lines:
        place = (line.text("found"), int(line.number("occurrence")))
        segment = here.get(place)
        if segment is None:
            raise line.wrong(
                "the transcript has no such segment; lines cannot be added, only changed, or "
                "emptied to drop them: export it anew"
            )
        wanted = CorrectedSegment(
            found=place[0],
            occurrence=place[1],
            text=" ".join(line.text("text").split()),
            speaker=line.text("speaker").strip() or None,
            **line.span(),
        )
        says = (segment.text, segment.start_seconds, segment.end_seconds, segment.speaker)
        if says != (wanted.text, wanted.start_seconds, wanted.end_seconds, wanted.speaker):
            changes[place] = wanted
    return replace(now, segments=tuple(changes[place] for place in sorted(changes)))


def _chapters(
    home: Home, channel: str, row: Any, now: Correction, lines: Sequence[Line]
) -> Correction:
    """Take the lines as the video's whole list, unless it says the same already."""
    wanted = {
        line.number("start_seconds"): line.text("title").strip()
        for line in sorted(lines, key=lambda line: line.number("start_seconds"))
        if line.text("title").strip()
    }
    if list(wanted.items()) == [(c.start_seconds, c.title) for c in row.chapters]:
        return now
    if len(wanted) < sum(bool(line.text("title").strip()) for line in lines):
        raise lines[0].wrong(f"two chapters of {row.video_id} start at the same second")
    video = home.table("videos").get(channel, key_of(row.video_id))
    ends: list[float | None] = [*wanted, video.duration_seconds if video else None]
    made = [
        Chapter(start, title, end, "manual")
        for (start, title), end in zip(wanted.items(), ends[1:], strict=True)
    ]
    return replace(now, chapters=tuple(made))


def _pairs(
    home: Home, channel: str, row: Any, now: Correction, lines: Sequence[Line]
) -> Correction:
    """Add to the corrections each pair that was reviewed, changed or added."""
    here = {pair.pair_id: pair for pair in row.pairs}
    reviewed = {pair.pair_id: pair for pair in now.pairs}
    for line in lines:
        wanted = _pair_of(line, here)
        before = here.get(wanted.pair_id)
        if before and wanted.answer == before.answer and _span(wanted) != _span(before):
            wanted = replace(wanted, answer=_said(home, channel, row.video_id, *_span(wanted)))
        if not wanted.question or not wanted.answer:
            raise line.wrong("the question or the answer is empty; to leave a pair out: rejected")
        if before and wanted == replace(before, review="unreviewed"):
            reviewed.pop(wanted.pair_id, None)
        elif wanted != before:
            reviewed[wanted.pair_id] = wanted
    return replace(now, pairs=tuple(sorted(reviewed.values(), key=lambda pair: pair.pair_id)))


def _pair_of(line: Line, here: Mapping[str, QAPair]) -> QAPair:
    """Return the pair that a line describes; one without an id is added."""
    pair_id, review = line.words("pair_id"), line.words("review").lower() or "unreviewed"
    if review not in REVIEWS:
        raise line.wrong(f"review is {review!r}; write one of: {', '.join(REVIEWS)}")
    if pair_id and pair_id not in here:
        raise line.wrong(f"the video has no pair {pair_id!r}: export it anew")
    question = line.text("question").strip()
    before = here.get(pair_id) or QAPair(
        question="",
        answer="",
        start_seconds=0,
        end_seconds=0,
        origin="manual",
        pair_id=added_pair_id(question, line.number("start_seconds")),
    )
    wanted = replace(
        before,
        question=question,
        answer=line.text("answer").strip(),
        speaker=line.words("speaker") or None,
        **line.span(),
    )
    if wanted != before and review in ("unreviewed", "accepted"):
        review = "edited"
    return replace(wanted, review=review)


def _span(pair: QAPair) -> tuple[float, float]:
    return pair.start_seconds, pair.end_seconds


def _said(home: Home, channel: str, video_id: str, start: float, end: float) -> str:
    """Return what is said in a span that a person moved."""
    transcript = home.table("transcripts").get(channel, key_of(video_id))
    segments = clean_transcript(transcript).segments if transcript else ()
    return " ".join(s.text for s in segments if start <= s.start_seconds < end)


_CHANGES: dict[Corrected, Callable[[Home, str, Any, Correction, Sequence[Line]], Correction]] = {
    "transcripts": _transcript,
    "chapters": _chapters,
    "qa_pairs": _pairs,
}
