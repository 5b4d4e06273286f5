"""What the edited lines of a sheet change in one video's row, table by table.

Each function takes the row as it stands, the correction that is kept already and the video's lines,
and returns the correction to keep.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args

from msgspec.structs import replace

from impressions_assets.rows import Chapter, Corrected, CorrectedSegment, Correction, QAPair, Review
from impressions_assets.sheets import Line, are_as_exported
from impressions_assets.speech.corrections import places_of
from impressions_assets.storage.digests import key_of
from impressions_assets.storage.home import Home
from impressions_assets.text.clean import clean_transcript
from impressions_assets.text.corrections import added_pair_id

REVIEWS = get_args(Review)


def _to_transcript(
    home: Home, channel: str, row: Any, now: Correction, lines: Sequence[Line]
) -> Correction:
    """Add to the corrections each line that differs from its segment."""
    here = dict(places_of(row.segments))
    changes = {(change.found, change.occurrence): change for change in now.segments}
    for line in _touched("transcripts", lines):
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


def _to_chapters(
    home: Home, channel: str, row: Any, now: Correction, lines: Sequence[Line]
) -> Correction:
    """Take the lines as the video's whole list, unless it is as exported, or says the same."""
    ordered = sorted(lines, key=lambda line: line.number("start_seconds"))
    titled = [(line.number("start_seconds"), line.words("title")) for line in ordered]
    wanted = {start: title for start, title in titled if title}
    listed = [(chapter.start_seconds, chapter.title) for chapter in row.chapters]
    if are_as_exported("chapters", ordered) or list(wanted.items()) == listed:
        return now
    if len(wanted) < sum(bool(title) for _, title in titled):
        raise lines[0].wrong(f"two chapters of {row.video_id} start at the same second")
    video = home.table("videos").get(channel, key_of(row.video_id))
    ends: list[float | None] = [*wanted, video.duration_seconds if video else None]
    made = [
        Chapter(start, title, end, "manual")
        for (start, title), end in zip(wanted.items(), ends[1:], strict=True)
    ]
    return replace(now, chapters=tuple(made))


def _to_pairs(
    home: Home, channel: str, row: Any, now: Correction, lines: Sequence[Line]
) -> Correction:
    """Add to the corrections each pair that was reviewed, changed or added."""
    here = {pair.pair_id: pair for pair in row.pairs}
    reviewed = {pair.pair_id: pair for pair in now.pairs}
    for line in _touched("qa_pairs", lines):
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


def _touched(table: Corrected, lines: Iterable[Line]) -> Iterator[Line]:
    """Yield the lines that somebody edited."""
    return (line for line in lines if not are_as_exported(table, [line]))


def _span(pair: QAPair) -> tuple[float, float]:
    return pair.start_seconds, pair.end_seconds


def _said(home: Home, channel: str, video_id: str, start: float, end: float) -> str:
    """Return what is said in a span that a person moved."""
    transcript = home.table("transcripts").get(channel, key_of(video_id))
    segments = clean_transcript(transcript).segments if transcript else ()
    return " ".join(s.text for s in segments if start <= s.start_seconds < end)


CHANGES: dict[Corrected, Callable[[Home, str, Any, Correction, Sequence[Line]], Correction]] = {
    "transcripts": _to_transcript,
    "chapters": _to_chapters,
    "qa_pairs": _to_pairs,
}
