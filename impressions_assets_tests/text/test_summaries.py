"""Summaries: what a description says of the content, and nothing that only its site needs."""

import pytest

from impressions_assets.text.casing import with_capital, with_stop
from impressions_assets.text.summaries import summary_of

WRAPPED = "A sentence that its author has wrapped by hand at the column"
UNCASED = "我们今天讲分词的原理和它的代价，也讲我们在实际工作中为什么离不开它们以及其他的事情"


def test_the_summary_is_the_first_paragraph_about_the_content() -> None:
    text = "Join at https://a.example\n0:00 Start\n\nHow a parser reads.\nAnd why.\n\nFollow us!"
    assert summary_of(text) == "How a parser reads. And why."
    assert summary_of("Chapters:\n0:00 A\n#tag #more") == ""


@pytest.mark.parametrize(
    ("description", "summary"),
    [
        ("Two operations in maths. (Small correction below)", "Two operations in maths."),
        ("This video was supported by Amplify.\n\nHow most nets learn.", "How most nets learn."),
        ("New to this channel?  It's all about maths. Take a look around.", ""),
        ("Licence: MIT, part of the project", ""),
        ("On chapters that aren't chapters.", "On chapters that aren't chapters."),
    ],
)
def test_a_summary_leaves_out_what_only_the_site_needs(description: str, summary: str) -> None:
    assert summary_of(description) == summary


@pytest.mark.parametrize(
    ("description", "summary"),
    [
        ("An introduction to ODEs", "An introduction to ODEs."),
        ("Solved by two friends\nI was led to it", "Solved by two friends. I was led to it."),
        (f"{WRAPPED}\nI like.", f"{WRAPPED} I like."),
        ("Why is it so?\nbecause of this", "Why is it so? because of this."),
        (UNCASED, UNCASED),
    ],
)
def test_a_summary_is_whole_sentences(description: str, summary: str) -> None:
    assert summary_of(description) == summary


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("and so,", "And so."),
        ("x squared", "x squared."),
        ("a square", "A square."),
        ("nanoGPT's run", "nanoGPT's run."),
        ("channels.yaml, and", "channels.yaml, and."),
        ("“so it is”", "“So it is”."),
        ("...and so it is!", "...and so it is!"),
        ("élan", "Élan."),
        ("1 half", "1 half."),
        ("今天", "今天"),
        ("", ""),
    ],
)
def test_a_sentence_gets_its_capital_and_its_stop(text: str, sentence: str) -> None:
    assert with_stop(with_capital(text)) == sentence
