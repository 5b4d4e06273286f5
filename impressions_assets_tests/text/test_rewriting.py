"""Rewritten articles: every paragraph still carries its time, whatever a model answers."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.rows import Article, Chapter, Chapters, Transcript, Video
from impressions_assets.text.articles import article_of
from impressions_assets.text.faithfulness import problem_of
from impressions_assets.text.pages import Page
from impressions_assets.text.rewriting import rewritten
from impressions_assets_tests.text.samples import (
    chapter_lists,
    chapters,
    spoken,
    transcript,
    transcripts,
    video,
)

URL = "https://www.youtube.com/watch?v=v"
LINES = [f"Sentence number {n} says something about bread and how it is made." for n in range(40)]
TALK = transcript(spoken(*LINES))
CHAPTERS = chapters([Chapter(0.0, "Bread"), Chapter(100.0, "Oven")])
VIDEO = video(url=URL, title="On bread", description="How bread is made, step by step, at home.")
GERMAN = "Hier wird noch ein weiterer Satz darüber gesagt, wie man zu Hause Brot backt. "
IN_GERMAN = {
    "On bread": "Vom Brot",
    "Bread": "Brot",
    "Oven": "Ofen",
    "How bread is made, step by step, at home.": "Wie man Brot backt, Schritt für Schritt.",
}


class Model:
    """Answers each text by a function; None leaves it out."""

    def __init__(self, reply: Callable[[str, str], str | None] = lambda key, text: text.upper()):
        self.reply = reply
        self.asked: list[dict[str, str]] = []
        self.kinds: list[str] = []
        self.prompts: list[str] = []

    def __call__(
        self, video_id: str, kind: str, messages: Sequence[Mapping[str, Any]], schema: object
    ) -> str:
        self.kinds.append(kind)
        self.prompts.append("".join(message["content"] for message in messages))
        material = json.JSONDecoder().raw_decode(messages[-1]["content"])[0]
        self.asked.append({one["id"]: one["text"] for one in material["texts"]})
        said = {key: self.reply(key, text) for key, text in self.asked[-1].items()}
        return json.dumps(
            {"texts": [{"id": k, "text": t} for k, t in said.items() if t is not None]}
        )


def article(
    model: Model,
    about: Video = VIDEO,
    talk: Transcript = TALK,
    found: Chapters = CHAPTERS,
    **options: Any,
) -> Article:
    def rewrite(of: Video, page: Page) -> Page:
        return rewritten(model, of, page, **options)

    return article_of(about, talk, found, rewrite=rewrite)


def times_in(markdown: str) -> list[int]:
    """The seconds of the links at the beginning of paragraphs."""
    return [int(t) for t in re.findall(r"(?m)^\[[\d:]+\]\([^)\s]*[?&]t=(\d+)\)", markdown)]


def paragraphs_in(markdown: str) -> list[str]:
    return [block for block in markdown.split("\n\n") if re.match(r"\[\d+:\d", block)]


def test_paragraphs_have_other_words_at_the_same_times() -> None:
    markdown = article(Model()).markdown
    assert times_in(markdown)[0] == 0
    assert "[0:00](https://www.youtube.com/watch?v=v&t=0) SENTENCE NUMBER 0 SAYS" in markdown
    assert "Sentence number" not in markdown
    assert "## Bread [0:00]" in markdown
    assert "# On bread" in markdown


def test_another_language_changes_titles_headings_contents_and_summary_too() -> None:
    model = Model(lambda key, text: IN_GERMAN.get(text) or GERMAN * (text.count(".") or 1))
    found = article(model, language="de")
    assert (found.title, found.notes) == ("Vom Brot", ())
    for line in ("# Vom Brot", "## Ofen [1:40]", "- [Ofen](#ofen-140)", "Wie man Brot backt"):
        assert line in found.markdown


def test_what_comes_back_untranslated_stays_as_spoken() -> None:
    found = article(Model(), language="de")
    assert found.markdown.count("*(as spoken)*") == len(times_in(found.markdown))
    assert all("it is in en, not de" in note for note in found.notes if "paragraph" in note)


def test_no_prompt_tells_a_time_and_all_ask_for_the_language() -> None:
    model = Model()
    article(model, language="pt-BR", window_words=200)
    assert len(model.prompts) > 2
    assert all(
        "pt-BR" in prompt and "1:40" not in prompt and "t=" not in prompt
        for prompt in model.prompts
    )
    assert len(set(model.kinds)) == len(model.kinds)


def test_requests_are_bounded_and_hold_each_paragraph_once() -> None:
    model = Model()
    article(model, window_words=200)
    assert all(sum(len(t.split()) for t in texts.values()) <= 200 for texts in model.asked)
    said = " ".join(text for texts in model.asked for text in texts.values())
    assert said == " ".join(LINES)


@pytest.mark.parametrize(
    "bad",
    [
        None,
        "",
        "…",
        "word " * 400,
        "Short.",
        "As I said at 12:34, the bread of the sentence number one is made of flour, water and salt,"
        " and of time.",
        "See https://example.org/watch?t=99 for the bread that is made of flour and of water, and"
        " so on and so forth.",
    ],
)
def test_what_no_rewrite_may_say_stays_as_spoken_and_is_shown(bad: str | None) -> None:
    plain = article(Model(lambda key, text: text))
    first = next(iter(_asked_of_first()))
    found = article(Model(lambda key, text: bad if key == first else text))
    assert times_in(found.markdown) == times_in(plain.markdown)
    assert found.markdown.count("*(as spoken)*") == 1
    assert found.markdown.replace("*(as spoken)* ", "") == plain.markdown
    (note,) = found.notes
    assert note.startswith("the paragraph at 0:00 stays as it was: ")


def _asked_of_first() -> dict[str, str]:
    model = Model()
    article(model)
    return model.asked[0]


def test_a_paragraph_that_is_missing_is_asked_for_once_more() -> None:
    seen: list[str] = []

    def reply(key: str, text: str) -> str | None:
        seen.append(key)
        return None if seen.count(key) == 1 and key == seen[0] else text.upper()

    found = article(Model(reply))
    assert (found.notes, "as spoken" in found.markdown) == ((), False)


def test_answers_with_other_ids_leave_every_paragraph_as_spoken_at_its_time() -> None:
    class Inventing(Model):
        def __call__(self, *args: Any) -> str:
            super().__call__(*args)
            return '{"texts": [{"id": "p999", "text": "At the end."}]}'

    plain = article(Model(lambda key, text: text))
    found = article(Inventing())
    assert found.markdown.replace("*(as spoken)* ", "") == plain.markdown
    assert "At the end." not in found.markdown
    assert len(found.notes) == len(times_in(plain.markdown))


def test_a_number_or_a_time_that_was_said_may_be_said_again() -> None:
    assert problem_of("we meet at 10:30 sharp", "We meet at 10:30.") == ""
    assert "time" in problem_of("we meet at 10:30 sharp", "We meet at 10:31.")


def test_text_that_nobody_spoke_is_not_rewritten_and_the_row_says_so() -> None:
    written = transcript(spoken("Written words."), origin="text")
    model = Model()
    found = article(model, talk=written)
    assert found.markdown == article_of(VIDEO, written, CHAPTERS).markdown
    assert (model.asked, len(found.notes)) == ([], 1)


def test_brackets_of_the_model_are_text() -> None:
    found = article(Model(lambda key, text: f"*So* [12] {text}"))
    assert r"\*So\* \[12\]" in found.markdown


anything = (
    st.none()
    | st.text(max_size=80)
    | st.sampled_from(
        [
            "[1:02](https://e.org?t=62) no",
            "## A heading",
            "a\n\nb",
            "- x\n- y",
            "1:00:00",
            "word " * 99,
        ]
    )
)


@given(st.data(), transcripts(), chapter_lists())
def test_every_paragraph_keeps_its_time_whatever_the_model_says(
    data: st.DataObject, talk: Transcript, found: Chapters
) -> None:
    same = article(Model(lambda key, text: text), talk=talk, found=found)
    other = article(
        Model(lambda key, text: data.draw(anything)), talk=talk, found=found, language="de"
    )
    assert times_in(other.markdown) == times_in(same.markdown)
    headings = re.compile(r"(?m)^## .*\[[\d:]+\]\([^)\s]*[?&]t=(\d+)\)$")
    assert headings.findall(other.markdown) == headings.findall(same.markdown)
    expected = article_of(VIDEO, talk, found)
    if talk.is_timed and expected.markdown:
        num_blocks = len(expected.markdown.split("\n\n"))
        assert len(other.markdown.split("\n\n")) == num_blocks
        assert len(paragraphs_in(other.markdown)) == len(times_in(same.markdown))
