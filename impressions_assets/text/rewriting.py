"""Rewriting: an article's paragraphs in a language model's words, each still at its own time.

The model is never told a time and never asked for one: it gets paragraphs by their ids, and what it
says under an id stands where that paragraph stood. What it leaves out, or what says more than a
rewrite may, stays as it was spoken, and the page shows it.
"""

from collections.abc import Iterator, Mapping
from functools import partial

from msgspec.structs import replace

from impressions_assets.rows import Chapter, Segment, Video
from impressions_assets.text.clean import clean_line
from impressions_assets.text.faithfulness import problem_in
from impressions_assets.text.model_texts import Ask, Question, texts_of
from impressions_assets.text.pages import Page, Part
from impressions_assets.text.paragraphs import Paragraph, num_words_in
from impressions_assets.text.prompts import for_rewrite
from impressions_assets.text.times import clock

_TITLE, _SUMMARY = "h", "s"


def rewritten(
    ask: Ask,
    video: Video,
    page: Page,
    *,
    language: str | None = None,
    window_words: int = 1500,
    sees_pictures: bool = False,
) -> Page:
    """The page in the model's words; with a language, its titles and its summary as well."""
    about = {"title": page.title, "channel": clean_line(video.channel_title)}
    instructions = for_rewrite(language, with_pictures=sees_pictures)
    shown = _shown_with(page) if sees_pictures else {}
    kind = f"rewrite/{language or 'same'}"
    new: dict[str, str] = {}
    problems: dict[str, str] = {}
    for number, texts in enumerate(_windows(_texts_of(page, language is not None), window_words)):
        seen = {key: shown[key] for key in texts if key in shown}
        asked = Question(video.video_id, f"{kind}/{number}", instructions, about, texts, seen)
        found = texts_of(ask, asked, partial(problem_in, texts, language=language))
        new |= found.fit
        problems |= found.problems
    return _with(page, {key: clean_line(text) for key, text in new.items()}, problems)


def _texts_of(page: Page, titles_too: bool) -> Iterator[tuple[str, str]]:
    """The texts with their ids, in the order of reading."""
    if titles_too:
        yield _TITLE, page.title
        if page.summary:
            yield _SUMMARY, page.summary
    for number, part in enumerate(page.parts):
        if isinstance(part, Paragraph):
            yield f"p{number}", part.text
        elif titles_too and clean_line(part.title):
            yield f"h{number}", clean_line(part.title)


def _shown_with(page: Page) -> dict[str, bytes]:
    """The pictures by the id of the first paragraph of their chapters."""
    shown: dict[str, bytes] = {}
    picture = None
    for number, part in enumerate(page.parts):
        if isinstance(part, Chapter):
            picture = page.pictures.get(part.start_seconds)
        elif picture:
            shown[f"p{number}"], picture = picture.jpeg, None
    return shown


def _windows(texts: Iterator[tuple[str, str]], most_words: int) -> Iterator[dict[str, str]]:
    """Texts that go into one request: neighbours, for they explain each other."""
    window: dict[str, str] = {}
    num_words = 0
    for key, text in texts:
        words = num_words_in(text)
        if window and num_words + words > most_words:
            yield window
            window, num_words = {}, 0
        window[key] = text
        num_words += words
    if window:
        yield window


def _with(page: Page, new: Mapping[str, str], problems: Mapping[str, str]) -> Page:
    parts = tuple(_changed(part, number, new) for number, part in enumerate(page.parts))
    spoken = frozenset(int(key[1:]) for key in problems if key[0] == "p")
    return page._replace(
        title=new.get(_TITLE, page.title),
        summary=new.get(_SUMMARY, page.summary),
        parts=parts,
        is_rewritten=True,
        as_spoken=spoken,
        notes=tuple(f"{_place(page, key)} stays as it was: {why}" for key, why in problems.items()),
    )


def _changed(part: Part, number: int, new: Mapping[str, str]) -> Part:
    if isinstance(part, Chapter):
        return replace(part, title=new.get(f"h{number}", part.title))
    text = new.get(f"p{number}", part.text)
    first, last = part.pieces[0], part.pieces[-1]
    piece = Segment(first.start_seconds, last.end_seconds, text, part.speaker)
    return Paragraph([piece], part.speaker)


def _place(page: Page, key: str) -> str:
    if key in (_TITLE, _SUMMARY):
        return "the title" if key == _TITLE else "the summary"
    kind = "the paragraph" if key[0] == "p" else "the heading"
    return f"{kind} at {clock(page.parts[int(key[1:])].start_seconds)}"
