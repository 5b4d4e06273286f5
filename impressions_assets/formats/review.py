"""A channel as sheets to review: its pairs, its chapters, and a transcript per video.

A person accepts, rejects or edits pairs, and gives chapters and segments other words and times.
`impressions correct NAME FILE…` reads back what was changed.
"""

from collections.abc import Iterator
from pathlib import Path

from impressions_assets.errors import ConfigError
from impressions_assets.formats.files import safe_name, write_text
from impressions_assets.reader import ChannelReader
from impressions_assets.review.changes import segment_id_of
from impressions_assets.review.corrections import waiting
from impressions_assets.review.lines import EDITABLE, checksum_of
from impressions_assets.review.sheets import sheet_of
from impressions_assets.rows import (
    Chapters,
    Corrected,
    CorrectedSegment,
    Correction,
    QAPairs,
    Segment,
    Transcript,
)
from impressions_assets.speech.corrections import REMOVED, Place, places_of
from impressions_assets.text.times import link_at

Cells = Iterator[tuple[object, ...]]


_PAIRS, _CHAPTERS = "qa_pairs.csv", "chapters.csv"


def review(channel: ChannelReader, folder: Path) -> list[Path]:
    """Sheets of pairs, chapters and transcripts to correct by hand, in any spreadsheet.

    - `qa_pairs.csv`: write `accepted` or `rejected` into `review`, or other words and times.
    - `chapters.csv`: other titles and times; an empty `title` drops a chapter.
    - `….transcript.csv`: other words and times; an empty `text` drops a segment.

    A line with an empty id adds a pair, a chapter or a segment. Lines that you leave out or leave
    alone change nothing. Leave `checksum` as it is, save as CSV in UTF-8, and give the sheets to
    `impressions correct NAME FILE…`.

    Raises:
        ConfigError: a sheet that lies in the folder holds edits that would be lost.
    """
    home, name = channel.home, channel.name
    videos = home.table("videos").columns(name, "video_id", "url")
    _check_nothing_waits(channel, folder, [video_id for video_id, _ in videos])
    urls = dict(videos)
    pairs = (cells for row in home.table("qa_pairs").rows(name) for cells in _pairs(row, urls))
    chapters = (
        cells for row in home.table("chapters").rows(name) for cells in _chapters(row, urls)
    )
    made = {row.video_id: row for row in home.table("corrections").rows(name) if row.segments}
    return [
        write_text(folder, _PAIRS, sheet_of("qa_pairs", pairs)),
        write_text(folder, _CHAPTERS, sheet_of("chapters", chapters)),
        *(
            write_text(folder, _transcript(row.video_id), sheet_of("transcripts", segments))
            for row in home.table("transcripts").rows(name)
            if (segments := list(_segments(row, made.get(row.video_id))))
        ),
    ]


def _check_nothing_waits(channel: ChannelReader, folder: Path, ids: list[str]) -> None:
    names = [_PAIRS, _CHAPTERS, *map(_transcript, ids)]
    paths = [folder / name for name in names if (folder / name).exists()]
    try:
        edited = len(waiting(channel.home, channel.name, paths).video_ids)
    except ConfigError as error:
        raise ConfigError(
            f"{folder} has a sheet that would be lost; choose another: {error}"
        ) from error
    if edited:
        raise ConfigError(
            f"the sheets in {folder} hold corrections of {edited} videos that would be lost: take "
            f"them over with `impressions correct {channel.name} {folder}/*.csv` first, or choose "
            "another folder"
        )


def _transcript(video_id: str) -> str:
    return f"{safe_name(video_id)}.transcript.csv"


def _pairs(row: QAPairs, urls: dict[str, str]) -> Cells:
    for pair in row.pairs:
        shown = (pair.confidence, pair.origin, _link(urls.get(row.video_id), pair.start_seconds))
        yield row.video_id, pair.pair_id, *_edited("qa_pairs", pair, shown)


def _chapters(row: Chapters, urls: dict[str, str]) -> Cells:
    for chapter in row.chapters:
        shown = (chapter.origin, _link(urls.get(row.video_id), chapter.start_seconds))
        yield row.video_id, *_edited("chapters", chapter, shown)


def _segments(row: Transcript, made: Correction | None) -> Cells:
    """The segments, and corrections that are not seen in them: what is dropped or fits no more.

    Filling the line of the one, or emptying that of the other, settles it.
    """
    changes = {(one.found, one.occurrence): one for one in (made.segments if made else ())}
    removed = {dropped.text for dropped in row.dropped if dropped.reason == REMOVED}
    here = dict(places_of(row.segments))
    left = {
        place: change
        for place, change in changes.items()
        if place not in here and (change.text or change.found in removed)
    }
    lines: list[tuple[Place, Segment | CorrectedSegment]] = [*here.items(), *left.items()]
    for place, segment in sorted(lines, key=lambda line: line[1].start_seconds):
        found = place[0] if place in changes else ""
        yield row.video_id, segment_id_of(place), *_edited("transcripts", segment, (found,))


def _edited(table: Corrected, item: object, shown: tuple[object, ...]) -> tuple[object, ...]:
    """Return the cells that people edit, those that are shown beside them, and the checksum."""
    return *(getattr(item, name) for name in EDITABLE[table]), *shown, checksum_of(table, item)


def _link(url: str | None, seconds: float) -> str:
    return link_at(url, seconds) if url else ""
