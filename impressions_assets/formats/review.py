"""A channel as sheets to review: its pairs, its chapters, and a transcript per video.

A person accepts, rejects or edits pairs, and gives chapters and segments other words and times.
`impressions correct NAME FILE…` reads back what was changed.
"""

from collections.abc import Iterator
from pathlib import Path

from impressions_assets.formats.files import safe_name, write_text
from impressions_assets.reader import ChannelReader
from impressions_assets.rows import Chapters, QAPairs, Transcript
from impressions_assets.sheets import checksum_of, sheet_of
from impressions_assets.speech.corrections import places_of
from impressions_assets.text.times import link_at

Cells = Iterator[tuple[object, ...]]


def review(channel: ChannelReader, folder: Path) -> list[Path]:
    """Sheets of pairs, chapters and transcripts to correct by hand."""
    home, name = channel.home, channel.name
    urls = dict(home.table("videos").columns(name, "video_id", "url"))
    pairs = (cells for row in home.table("qa_pairs").rows(name) for cells in _pairs(row, urls))
    chapters = (
        cells for row in home.table("chapters").rows(name) for cells in _chapters(row, urls)
    )
    return [
        write_text(folder, "qa_pairs.csv", sheet_of("qa_pairs", pairs)),
        write_text(folder, "chapters.csv", sheet_of("chapters", chapters)),
        *(
            write_text(
                folder,
                f"{safe_name(row.video_id)}.transcript.csv",
                sheet_of("transcripts", _segments(row)),
            )
            for row in home.table("transcripts").rows(name)
            if row.segments
        ),
    ]


def _pairs(row: QAPairs, urls: dict[str, str]) -> Cells:
    for pair in row.pairs:
        times = (pair.start_seconds, pair.end_seconds)
        edited = (pair.review, pair.question, pair.answer, *times, pair.speaker)
        link = _link(urls.get(row.video_id), pair.start_seconds)
        shown = (pair.confidence, pair.origin, link)
        yield row.video_id, pair.pair_id, *edited, *shown, checksum_of(edited)


def _chapters(row: Chapters, urls: dict[str, str]) -> Cells:
    """The chapters, under one checksum: they are replaced as a list."""
    edited = [(chapter.start_seconds, chapter.title) for chapter in row.chapters]
    checksum = checksum_of(cell for cells in edited for cell in cells)
    for cells, chapter in zip(edited, row.chapters, strict=True):
        link = _link(urls.get(row.video_id), chapter.start_seconds)
        yield row.video_id, *cells, chapter.origin, link, checksum


def _segments(row: Transcript) -> Cells:
    for place, segment in places_of(row.segments):
        times = (segment.start_seconds, segment.end_seconds)
        edited = (*times, segment.speaker, segment.text)
        yield row.video_id, *edited, *place, checksum_of(edited)


def _link(url: str | None, seconds: float) -> str:
    return link_at(url, seconds) if url else ""
