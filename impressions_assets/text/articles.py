"""Articles: a video as a page of Markdown that a person would publish.

Title, channel, date and link; a summary from the description; a table of contents; chapters as
headings with their times as links; paragraphs at natural breaks, with sentences even where the
captions have none; speakers in bold in dialogue.
"""

from collections.abc import Iterator, Sequence
from datetime import date

from impressions_assets.rows import Article, Chapter, Chapters, Segment, Transcript, Video
from impressions_assets.text.clean import clean_line, clean_transcript
from impressions_assets.text.markdown import Anchors, escaped, escaped_title
from impressions_assets.text.paragraphs import (
    MOST_WORDS,
    Paragraph,
    is_dialogue,
    is_named,
    num_words_in,
    paragraphs_of,
)
from impressions_assets.text.readable import readable
from impressions_assets.text.sections import sections_of
from impressions_assets.text.summaries import summary_of
from impressions_assets.text.times import clock, link_at

_FEWEST_CHAPTERS_FOR_CONTENTS = 2


def article_of(video: Video, transcript: Transcript, chapters: Chapters) -> Article:
    """The page; '' when the video has no words."""
    title = clean_line(video.title) or video.video_id
    segments = clean_transcript(transcript).segments
    if transcript.is_timed:
        about = " ".join([video.description, *video.tags])
        segments = readable(segments, about, transcript.language)
    if not segments:
        return Article(video_id=video.video_id, title=title, markdown="", num_words=0)
    if transcript.is_timed:
        body = list(_speech(segments, chapters.chapters, video.url))
        contents = _contents(title, chapters.chapters)
    else:
        body = [block for segment in segments for block in _written(segment.text)]
        contents = ""
    head = [f"# {escaped_title(title)}", _byline(video), escaped(summary_of(video.description))]
    markdown = "\n\n".join(block for block in [*head, contents, *body] if block) + "\n"
    num_words = sum(num_words_in(line) for s in segments if (line := clean_line(s.text)))
    return Article(video_id=video.video_id, title=title, markdown=markdown, num_words=num_words)


def _byline(video: Video) -> str:
    link = f"[Watch the video]({video.url})" if video.url else ""
    parts = [escaped_title(video.channel_title), _day(video.published), link]
    return " · ".join(part for part in parts if part)


def _day(published: str | None) -> str:
    """`10 March 2014`; as much of the date as there is when it is no full one."""
    try:
        day = date.fromisoformat((published or "")[:10])
    except ValueError:
        return escaped_title(published or "")
    return f"{day.day} {day:%B %Y}"


def _contents(title: str, chapters: Sequence[Chapter]) -> str:
    if len(chapters) < _FEWEST_CHAPTERS_FOR_CONTENTS:
        return ""
    anchors = Anchors()
    anchors.of(title)
    lines = (
        f"- [{escaped_title(chapter.title)}](#{anchors.of(_heading(chapter))})"
        for chapter in chapters
    )
    return "\n".join(lines)


def _heading(chapter: Chapter) -> str:
    """A heading's plain text, of which its anchor is made."""
    return f"{clean_line(chapter.title)} {clock(chapter.start_seconds)}"


def _speech(segments: Sequence[Segment], chapters: Sequence[Chapter], url: str) -> Iterator[str]:
    named = is_dialogue(segments)
    speaker: str | None = None
    for number, inside in sections_of(segments, [chapter.start_seconds for chapter in chapters]):
        if number is not None:
            chapter = chapters[number]
            time, link = clock(chapter.start_seconds), link_at(url, chapter.start_seconds)
            yield f"## {escaped_title(chapter.title)} {f'[{time}]({link})' if link else time}"
            speaker = None  # a reader may start at any heading
        for paragraph in paragraphs_of(inside):
            yield _paragraph(paragraph, named and paragraph.speaker != speaker)
            speaker = paragraph.speaker


def _paragraph(paragraph: Paragraph, is_new: bool) -> str:
    text = escaped(paragraph.text)
    if not (is_new and paragraph.speaker):
        return text
    named = is_named(paragraph.speaker)
    return f"**{escaped_title(paragraph.speaker)}:** {text}" if named else f"— {text}"


def _written(text: str) -> Iterator[str]:
    """Written text in its own lines; what is longer than a paragraph may be is cut at lines."""
    lines: list[str] = []
    num_words = 0
    for line in text.strip("\n").split("\n"):
        for part in paragraphs_of([Segment(0.0, 0.0, line)]):
            words = sum(piece.num_words for piece in part.pieces)
            if lines and num_words + words > MOST_WORDS:
                yield "  \n".join(lines)
                lines, num_words = [], 0
            lines.append(escaped(part.text))
            num_words += words
    if lines:
        yield "  \n".join(lines)
