"""Articles: a video as a page of Markdown that a person would publish.

Title, channel, date and link; a summary from the description; a table of contents; chapters as
headings with their times as links; paragraphs at natural breaks, with sentences even where the
captions have none; speakers in bold in dialogue. Where a language model rewrote the paragraphs,
each begins with its time.
"""

from collections.abc import Iterator, Sequence
from datetime import date

from impressions_assets.rows import Article, Chapter, Chapters, Segment, Transcript, Video
from impressions_assets.text.clean import clean_line, clean_transcript
from impressions_assets.text.markdown import Anchors, escaped, escaped_title
from impressions_assets.text.pages import Page, Pictures, Rewrite, parts_of
from impressions_assets.text.paragraphs import (
    MOST_WORDS,
    Paragraph,
    is_dialogue,
    is_named,
    num_words_in,
    paragraphs_of,
)
from impressions_assets.text.readable import readable
from impressions_assets.text.summaries import summary_of
from impressions_assets.text.times import clock, link_at

_FEWEST_CHAPTERS_FOR_CONTENTS = 2
_NO_TIMES = "not rewritten: it has no times that a rewrite could keep"


def article_of(
    video: Video,
    transcript: Transcript,
    chapters: Chapters,
    *,
    rewrite: Rewrite | None = None,
    language: str | None = None,
    pictures: Pictures = lambda video, chapters: {},
) -> Article:
    """The page; '' when the video has no words.

    Args:
        video: its title, description and link.
        transcript: what was said, or written.
        chapters: its chapters.
        rewrite: puts what was said into other words; text that nobody spoke stays as it is.
        language: BCP 47 tag of the language that a rewrite is in; that of the talk without.
        pictures: gives key frames of the chapters.
    """
    byline = _byline(video, language or transcript.language)
    title = clean_line(video.title) or video.video_id
    segments = clean_transcript(transcript).segments
    if transcript.is_timed:
        about = " ".join([video.description, *video.tags])
        segments = readable(segments, about, transcript.language)
    if not segments:
        return Article(video_id=video.video_id, title=title, markdown="", num_words=0)
    page = Page(title, summary_of(video.description), ())
    num_words = sum(num_words_in(line) for s in segments if (line := clean_line(s.text)))
    if not transcript.is_timed:
        page = page._replace(notes=(_NO_TIMES,) if rewrite else ())
        body = [block for segment in segments for block in _written(segment.text)]
        return _article(video, page, byline, body, num_words)
    page = page._replace(
        parts=tuple(parts_of(segments, chapters.chapters)),
        pictures=pictures(video, chapters.chapters),
    )
    if rewrite:
        page = rewrite(video, page)
        num_words = sum(num_words_in(part.text) for part in page.paragraphs)
    body = [_contents(page), *_speech(page, is_dialogue(segments), video.url)]
    return _article(video, page, byline, body, num_words)


def _article(video: Video, page: Page, byline: str, body: Sequence[str], num_words: int) -> Article:
    head = [f"# {escaped_title(page.title)}", byline, escaped(page.summary)]
    return Article(
        video_id=video.video_id,
        title=page.title,
        markdown="\n\n".join(block for block in [*head, *body] if block) + "\n",
        num_words=num_words,
        notes=page.notes,
        frames=tuple(picture.frame for picture in page.pictures.values()),
    )


def _byline(video: Video, language: str) -> str:
    """Channel, day and link; in words that all languages share where the page is not English."""
    is_english = language.split("-")[0].lower() in ("en", "und")
    words = "Watch the video" if is_english else "Video"
    link = f"[{words}]({video.url})" if video.url else ""
    parts = [escaped_title(video.channel_title), _day(video.published, in_words=is_english), link]
    return " · ".join(part for part in parts if part)


def _day(published: str | None, *, in_words: bool) -> str:
    """`10 March 2014`, or `2014-03-10`; as much of the date as there is when it is no full one."""
    try:
        day = date.fromisoformat((published or "")[:10])
    except ValueError:
        return escaped_title(published or "")
    return f"{day.day} {day:%B %Y}" if in_words else day.isoformat()


def _contents(page: Page) -> str:
    if len(page.chapters) < _FEWEST_CHAPTERS_FOR_CONTENTS:
        return ""
    anchors = Anchors()
    anchors.of(page.title)
    lines = (
        f"- [{escaped_title(chapter.title)}](#{anchors.of(_heading(chapter))})"
        for chapter in page.chapters
    )
    return "\n".join(lines)


def _heading(chapter: Chapter) -> str:
    """A heading's plain text, of which its anchor is made."""
    return f"{clean_line(chapter.title)} {clock(chapter.start_seconds)}"


def _speech(page: Page, named: bool, url: str) -> Iterator[str]:
    speaker: str | None = None
    for number, part in enumerate(page.parts):
        if isinstance(part, Chapter):
            yield f"## {escaped_title(part.title)} {_time(part.start_seconds, url)}"
            if picture := page.pictures.get(part.start_seconds):
                yield f"![{escaped_title(part.title)}]({picture.frame.name})"
            speaker = None  # a reader may start at any heading
            continue
        text = _paragraph(part, named and part.speaker != speaker)
        if number in page.as_spoken:
            text = f"*(as spoken)* {text}"
        yield f"{_time(part.start_seconds, url)} {text}" if page.is_rewritten else text
        speaker = part.speaker


def _time(seconds: float, url: str) -> str:
    link = link_at(url, seconds)
    return f"[{clock(seconds)}]({link})" if link else clock(seconds)


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
            words = sum(num_words_in(piece.text) for piece in part.pieces)
            if lines and num_words + words > MOST_WORDS:
                yield "  \n".join(lines)
                lines, num_words = [], 0
            lines.append(escaped(part.text))
            num_words += words
    if lines:
        yield "  \n".join(lines)
