"""What the edited lines of a sheet change in one video's row, table by table.

In each sheet a line stands for itself: left out or left alone it changes nothing, emptied it drops
what it is about, and one that was not exported adds. Each function takes the row as it stands with
all corrections so far, those corrections, and the video's lines; it returns the corrections to
keep, and the lines that count in place of what somebody changed after they were exported.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, get_args

from msgspec.structs import replace

from impressions_assets.review.lines import Line, checksum_of
from impressions_assets.rows import (
    Chapter,
    Chapters,
    Corrected,
    CorrectedSegment,
    Correction,
    QAPair,
    QAPairs,
    Review,
    Transcript,
)
from impressions_assets.speech.corrections import ADDED, Place, added_place, places_of
from impressions_assets.storage.digests import digest_of
from impressions_assets.text.clean import clean_transcript
from impressions_assets.text.corrections import added_pair_id

REVIEWS = get_args(Review)
_ADDED_ID = "a"  # begins the id of a segment that was added


class Talk(NamedTuple):
    """What else is known of the video, for those who ask."""

    transcript: Callable[[], Transcript | None]
    duration_seconds: Callable[[], float | None]


class Change(NamedTuple):
    """The corrections to keep, and the lines that overrule a later change."""

    correction: Correction
    overruling: tuple[Line, ...] = ()


def segment_id_of(place: Place) -> str:
    """Return the name of a segment within its video; no spreadsheet takes it for a number."""
    found, occurrence = place
    if found == ADDED:
        return f"{_ADDED_ID}{occurrence:011x}"
    return f"s{digest_of(found, occurrence)[:11]}"


def _to_transcript(talk: Talk, row: Transcript, now: Correction, lines: Sequence[Line]) -> Change:
    """Add to the corrections each line that differs from its segment."""
    changes = {(change.found, change.occurrence): change for change in now.segments}
    here: dict[Place, Any] = changes | dict(places_of(row.segments))
    names = {segment_id_of(place): place for place in here}
    overruling = []
    for line in _edited(lines, "segment_id"):
        place = _place_of(line, names)
        before = here.get(place)
        wanted = _segment_of(line, place, before, row.is_timed)
        if wanted == _as_change(place, before) or (before is None and not wanted.text):
            continue
        if before is not None and line.overrules(before):
            overruling.append(line)
        if wanted.text or place[0] != ADDED:
            changes[place] = here[place] = wanted
        else:
            changes.pop(place, None)
    made = tuple(changes[place] for place in sorted(changes))
    return Change(replace(now, segments=made), tuple(overruling))


def _place_of(line: Line, names: Mapping[str, Place]) -> Place:
    """Return what the line is about; one without an id, or with that of an added one, adds."""
    name = line.words("segment_id")
    if name in names:
        return names[name]
    if not name:
        return added_place(line.words("text"), line.number("start_seconds"))
    try:
        if name.startswith(_ADDED_ID):
            return ADDED, int(name[1:], 16)
    except ValueError:
        pass
    raise line.wrong(
        f"the transcript has no segment {name!r} (any more): export it anew, or empty its "
        "segment_id to add a segment"
    )


def _segment_of(line: Line, place: Place, before: Any, is_timed: bool) -> CorrectedSegment:
    text = line.words("text") if is_timed else line.text("text").strip("\n")
    speaker = line.words("speaker") or None
    return CorrectedSegment(
        found=place[0],
        occurrence=place[1],
        text=before.text if before and line.says("text", before.text) else text,
        speaker=before.speaker if before and line.says("speaker", before.speaker) else speaker,
        **line.span(before),
    )


def _as_change(place: Place, before: Any) -> CorrectedSegment | None:
    """Return the segment, or the change to it, as the change that would make it what it is."""
    if before is None:
        return None
    span = before.start_seconds, before.end_seconds
    return CorrectedSegment(*place, before.text, *span, before.speaker)


def _to_chapters(talk: Talk, row: Chapters, now: Correction, lines: Sequence[Line]) -> Change:
    """Change the list line by line; it is kept as a whole, and is the person's from then on."""
    exported = {checksum_of("chapters", chapter): chapter for chapter in row.chapters}
    taken = {line.checksum for line in lines if not line.is_edited}  # the copy of a line adds one
    gone: list[Chapter] = []
    new: list[Chapter] = []
    overruling = []
    for line in lines:
        if not line.is_edited:
            continue
        is_new = not line.checksum or line.checksum in taken
        same = None if is_new else exported.get(line.checksum)
        before = same or _starting_with(line, row.chapters)
        title = line.words("title")
        taken.add(line.checksum)
        if (before and _is(line, before)) or not (before or title):
            continue
        if not before and not is_new:
            raise line.wrong("somebody changed this chapter after it was exported: export it anew")
        if before and not same and line.overrules(before):
            overruling.append(line)
        gone += [before] if before else []
        start = line.number("start_seconds", before.start_seconds if before else None)
        new += [Chapter(start, title)] if title else []
    kept = [chapter for chapter in row.chapters if chapter not in gone]
    listed = sorted([*kept, *new], key=lambda chapter: chapter.start_seconds)
    if len({chapter.start_seconds for chapter in listed}) < len(listed):
        raise lines[-1].wrong(f"two chapters of {row.video_id} start at the same second")
    if not gone and not new:
        return Change(now)
    return Change(replace(now, chapters=_ended(listed, talk)), tuple(overruling))


def _starting_with(line: Line, chapters: Sequence[Chapter]) -> Chapter | None:
    starting = (c for c in chapters if line.says("start_seconds", c.start_seconds))
    return next(starting, None)


def _is(line: Line, chapter: Chapter) -> bool:
    columns = ("start_seconds", "title")
    return all(line.says(column, getattr(chapter, column)) for column in columns)


def _ended(listed: Sequence[Chapter], talk: Talk) -> tuple[Chapter, ...]:
    ends = [*(chapter.start_seconds for chapter in listed[1:]), talk.duration_seconds()]
    return tuple(
        Chapter(chapter.start_seconds, chapter.title, end, "manual")
        for chapter, end in zip(listed, ends, strict=False)
    )


def _to_pairs(talk: Talk, row: QAPairs, now: Correction, lines: Sequence[Line]) -> Change:
    """Add to the corrections each pair that was reviewed, changed or added."""
    here = {pair.pair_id: pair for pair in row.pairs}
    reviewed = {pair.pair_id: pair for pair in now.pairs}
    overruling = []
    for line in _edited(lines, "pair_id"):
        before = _pair_before(line, here)
        wanted = _pair_of(line, before, talk)
        known = here.get(wanted.pair_id)
        if wanted == known:
            continue
        if known and line.overrules(known):
            overruling.append(line)
        if wanted.review == "unreviewed":
            reviewed.pop(wanted.pair_id, None)
        else:
            reviewed[wanted.pair_id] = here[wanted.pair_id] = wanted
    made = tuple(sorted(reviewed.values(), key=lambda pair: pair.pair_id))
    return Change(replace(now, pairs=made), tuple(overruling))


def _pair_before(line: Line, here: Mapping[str, QAPair]) -> QAPair:
    """Return the pair that a line is about; without an id, or added elsewhere, it is a new one."""
    pair_id = line.words("pair_id")
    if pair_id in here:
        return here[pair_id]
    if pair_id and line.words("origin") != "manual":
        raise line.wrong(
            f"the video has no pair {pair_id!r} (any more): export it anew, or empty its pair_id "
            "to add a pair"
        )
    return QAPair(
        question="",
        answer="",
        start_seconds=0,
        end_seconds=0,
        origin="manual",
        pair_id=pair_id or added_pair_id(line.words("question"), line.number("start_seconds")),
    )


def _pair_of(line: Line, before: QAPair, talk: Talk) -> QAPair:
    """Return the pair that a line describes; unreviewed, it is as it is found."""
    review = line.words("review").lower() or "unreviewed"
    if review not in REVIEWS:
        raise line.wrong(f"review is {review!r}; write one of: {', '.join(REVIEWS)}")
    span = line.span(before)
    texts = {
        name: getattr(before, name) if line.says(name, getattr(before, name)) else line.words(name)
        for name in ("question", "answer", "speaker")
    }
    wanted = replace(before, **{**texts, **span, "speaker": texts["speaker"] or None})
    saw_it = any(line.is_but(review=other) for other in REVIEWS)
    if line.leaves_answer and not saw_it:
        has_moved = span != {
            "start_seconds": before.start_seconds,
            "end_seconds": before.end_seconds,
        }
        wanted = replace(wanted, answer=_said(talk, **span) if has_moved else before.answer)
    if not (wanted.question and wanted.answer):
        if review != "rejected" or not before.question:
            raise line.wrong("the question or the answer is empty; to leave a pair out: rejected")
        wanted = before
    return replace(wanted, review=review if saw_it else _review_of(review, wanted, before))


def _review_of(review: str, wanted: QAPair, before: QAPair) -> str:
    """Return what a person says of a pair: other words than they saw count as edited.

    Read again, such a line says what stands there by then, and takes nothing back.
    """
    if review not in ("unreviewed", "accepted"):
        return review
    if wanted != before:
        return "accepted" if review == "accepted" and not before.question else "edited"
    return before.review if review == "unreviewed" or before.review == "edited" else review


def _said(talk: Talk, start_seconds: float, end_seconds: float) -> str:
    """Return what is said in a span that a person moved."""
    transcript = talk.transcript()
    segments = clean_transcript(transcript).segments if transcript else ()
    return " ".join(s.text for s in segments if start_seconds <= s.start_seconds < end_seconds)


def _edited(lines: Sequence[Line], column: str) -> list[Line]:
    """Return the lines that somebody edited; none may have the id of another."""
    first: dict[str, Line] = {}
    for line in lines:
        other = first.setdefault(line.words(column), line)
        if line.words(column) and other.cells != line.cells:
            raise line.wrong(
                f"line {other.line_number} has the same {column}: empty it here to add a line, or "
                "delete one of the two"
            )
    return [line for line in lines if line.is_edited]


CHANGES: dict[Corrected, Callable[[Talk, Any, Correction, Sequence[Line]], Change]] = {
    "transcripts": _to_transcript,
    "chapters": _to_chapters,
    "qa_pairs": _to_pairs,
}
