"""Titles by a language model for chapters that were cut from the transcript.

Their bounds stay as they are, and so does `segmented`, their origin. A title that the model does
not give, or that is none, stays the one of key phrases, and the row's notes say so.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from impressions_assets.rows import Chapters, Transcript, Video
from impressions_assets.text.clean import clean_line, clean_transcript
from impressions_assets.text.faithfulness import addition_in
from impressions_assets.text.model_texts import Ask, Question, Texts, texts_of
from impressions_assets.text.prompts import for_titles
from impressions_assets.text.sections import sections_of

_MOST_CHAPTERS = 20  # in one request
_MOST_WORDS = 250  # of a chapter: its topic is told early
_LONGEST_TITLE = 100


def retitled(
    ask: Ask, video: Video, transcript: Transcript, chapters: Chapters, *, window_words: int = 1500
) -> Chapters:
    """The chapters with the model's titles for those that nobody wrote."""
    numbers = [n for n, one in enumerate(chapters.chapters) if one.origin == "segmented"]
    if not numbers:
        return chapters
    words = _words_of(transcript, chapters)
    titles: dict[str, str] = {}
    problems: dict[str, str] = {}
    about = {"title": clean_line(video.title), "language": transcript.language}
    for part, first in enumerate(range(0, len(numbers), _MOST_CHAPTERS)):
        window = numbers[first : first + _MOST_CHAPTERS]
        most = min(_MOST_WORDS, window_words // len(window))
        texts = {f"c{n}": " ".join(words[n][:most]) for n in window}
        asked = Question(video.video_id, f"titles/{part}", for_titles(), about, texts)
        found = _clean(texts_of(ask, asked, lambda _, title: problem_of(title)))
        titles |= found.fit
        problems |= found.problems
    named = tuple(
        replace(one, title=titles.get(f"c{n}", one.title))
        for n, one in enumerate(chapters.chapters)
    )
    notes = tuple(f"title of {named[int(key[1:])].title!r}: {why}" for key, why in problems.items())
    return replace(chapters, chapters=named, notes=notes)


def problem_of(title: str) -> str:
    """What is wrong with a title; '' when nothing is."""
    if "\n" in title:
        return "it has several lines"
    clean = clean_line(title)
    if not any(character.isalnum() for character in clean):
        return "it has no words"
    if len(clean) > _LONGEST_TITLE:
        return f"it is longer than {_LONGEST_TITLE} characters"
    return addition_in("", clean)


def _clean(found: Texts) -> Texts:
    return found._replace(fit={key: clean_line(title) for key, title in found.fit.items()})


def _words_of(transcript: Transcript, chapters: Chapters) -> Mapping[int, list[str]]:
    starts = [chapter.start_seconds for chapter in chapters.chapters]
    sections = sections_of(clean_transcript(transcript).segments, starts)
    words = {
        n: " ".join(one.text for one in inside).split() for n, inside in sections if n is not None
    }
    return {number: words.get(number, []) for number in range(len(starts))}
