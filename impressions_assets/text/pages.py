"""Pages: what an article says, before it is Markdown. A rewrite changes words here, and no time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from impressions_assets.rows import Chapter, KeyFrame, Segment, Video
from impressions_assets.text.paragraphs import Paragraph, paragraphs_of
from impressions_assets.text.sections import sections_of

Part = Chapter | Paragraph


class Picture(NamedTuple):
    """A JPEG, and the row that names it."""

    frame: KeyFrame
    jpeg: bytes


class Page(NamedTuple):
    """A title, a summary ('' without), and chapters and paragraphs in the order of reading."""

    title: str
    summary: str
    parts: tuple[Part, ...]
    is_rewritten: bool = False
    as_spoken: frozenset[int] = frozenset()
    """The numbers of the parts that a rewrite left as they were."""
    notes: tuple[str, ...] = ()
    pictures: Mapping[float, Picture] = MappingProxyType({})
    """Pictures of chapters, by their starts."""

    @property
    def chapters(self) -> list[Chapter]:
        """The chapters among the parts."""
        return [part for part in self.parts if isinstance(part, Chapter)]

    @property
    def paragraphs(self) -> list[Paragraph]:
        """The paragraphs among the parts."""
        return [part for part in self.parts if isinstance(part, Paragraph)]


Rewrite = Callable[[Video, Page], Page]

Pictures = Callable[[Video, Sequence[Chapter]], Mapping[float, Picture]]
"""From a video and its chapters to pictures of some of them, by their starts."""


def parts_of(segments: Sequence[Segment], chapters: Sequence[Chapter]) -> Iterator[Part]:
    """Each chapter, and behind it the paragraphs that are said in it."""
    for number, inside in sections_of(segments, [chapter.start_seconds for chapter in chapters]):
        if number is not None:
            yield chapters[number]
        yield from paragraphs_of(inside)
