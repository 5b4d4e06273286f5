"""Documents: clean text fit for a language model, with the way back to the second it was said.

Speech becomes paragraphs; text that was written stays as it is. `light` structure adds the title,
the listed chapters as `##` lines and `Name: ` where the speaker changes; `plain` adds nothing.
Segmented chapters change no document: a model must not learn titles that nobody wrote.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Literal

from impressions_assets.rows import Chapter, Chapters, Document, Dropped, Segment, Transcript, Video
from impressions_assets.text.clean import clean_line, clean_transcript
from impressions_assets.text.duplicates import text_digest
from impressions_assets.text.languages import UNKNOWN, language_of
from impressions_assets.text.paragraphs import (
    Paragraph,
    is_dialogue,
    is_named,
    paragraphs_of,
)
from impressions_assets.text.sections import sections_of
from impressions_assets.text.signatures import signature_of
from impressions_assets.text.splits import split_of
from impressions_assets.transforms import Transform, segments_through

Structure = Literal["plain", "light"]

_BETWEEN_BLOCKS = "\n\n"


def document_of(
    video: Video,
    transcript: Transcript,
    chapters: Chapters,
    *,
    val_fraction: float,
    min_characters: int = 200,
    structure: Structure = "plain",
    transforms: Sequence[Transform] = (),
) -> Document:
    """The video's text; '' with a reason in `dropped` when there is none or too little of it."""
    cleaned = clean_transcript(transcript)
    steps = transforms if transcript.is_timed else ()
    said, gone = segments_through(steps, cleaned.segments)
    page = _Page()
    light = structure == "light"
    if light and video.title.strip():
        page.block(f"# {clean_line(video.title)}")
    if transcript.is_timed:
        _speech(page, said, chapters.listed, light)
    else:
        page.block("\n\n".join(segment.text for segment in said))
    text, dropped = page.text, [*cleaned.dropped, *gone]
    if not cleaned.segments:
        text, dropped = "", [*dropped, Dropped("no transcript", "")]
    elif not said or sum(len(segment.text) for segment in said) < min_characters:
        text, dropped = "", [*dropped, Dropped("too short", text)]
    identified = language_of(text)
    return Document(
        video_id=video.video_id,
        text=text,
        split=split_of(video.video_id, val_fraction),
        language=transcript.language if transcript.language != UNKNOWN else identified,
        license=video.license,
        anchor_offsets=tuple(page.offsets) if text else (),
        anchor_seconds=page.seconds if text else (),
        dropped=tuple(dropped),
        num_characters=len(text),
        text_digest=text_digest(text),
        signature=signature_of(text),
        identified_language=identified,
    )


class _Page:
    """Text under construction: blocks apart by a blank line, and where each piece began."""

    def __init__(self) -> None:
        self.blocks: list[str] = []
        self.offsets: list[int] = []
        self._starts: list[float] = []
        self._next_offset = 0

    @property
    def text(self) -> str:
        """All blocks."""
        return _BETWEEN_BLOCKS.join(self.blocks)

    @property
    def seconds(self) -> tuple[float, ...]:
        """When each piece begins, rising.

        Captions overlap, so a piece cut off a segment may begin after the next segment.
        """
        starts = [0.0, *self._starts]
        if starts != sorted(starts):
            starts = list(accumulate(starts, max))
        return tuple(starts[1:])

    def block(self, text: str) -> int:
        """Add a block; the offset at which it begins."""
        begin = self._next_offset
        self.blocks.append(text)
        self._next_offset += len(text) + len(_BETWEEN_BLOCKS)
        return begin

    def paragraph(self, paragraph: Paragraph, prefix: str) -> None:
        texts = [piece.text for piece in paragraph.pieces]
        begin = self.block(prefix + " ".join(texts)) + len(prefix)
        lengths = [len(text) + 1 for text in texts]
        self.offsets += accumulate(lengths[:-1], initial=begin)
        self._starts += [piece.start_seconds for piece in paragraph.pieces]


def _speech(
    page: _Page, segments: Sequence[Segment], chapters: Sequence[Chapter], light: bool
) -> None:
    named = light and is_dialogue(segments)
    speaker: str | None = None
    for number, inside in sections_of(segments, [chapter.start_seconds for chapter in chapters]):
        if light and number is not None:
            page.block(f"## {clean_line(chapters[number].title)}")
        for paragraph in paragraphs_of(inside):
            changed = named and paragraph.speaker is not None and paragraph.speaker != speaker
            page.paragraph(paragraph, _label(paragraph.speaker) if changed else "")
            speaker = paragraph.speaker


def _label(speaker: str | None) -> str:
    return f"{clean_line(speaker)}: " if speaker and is_named(speaker) else "— "
