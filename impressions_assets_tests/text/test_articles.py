"""Articles as a person would publish them."""

import re

import pytest
from hypothesis import given
from msgspec.structs import replace

from impressions_assets.rows import Chapter, Chapters, Segment, Transcript, Video
from impressions_assets.text.articles import article_of
from impressions_assets.text.markdown import Anchors
from impressions_assets_tests.text.samples import (
    chapter_lists,
    chapters,
    spoken,
    transcript,
    transcripts,
    video,
)


def test_an_article_has_title_byline_summary_contents_and_linked_headings() -> None:
    talk = video(
        title="Bytes & #1 *pairs*", url="https://v.example/watch?v=v", channel_title="Workshop",
        published="2024-03-05T10:00:00Z",
        description="How bytes become tokens. Get it at https://x.example\n\nSubscribe!",
    )  # fmt: skip
    marks = chapters([Chapter(0.0, "Why [not]"), Chapter(5.0, "Costs")])
    article = article_of(talk, transcript(spoken("Hello there.", "It costs.")), marks)
    assert article.markdown == (
        "# Bytes & \\#1 \\*pairs\\*\n\n"
        "Workshop · 5 March 2024 · [Watch the video](https://v.example/watch?v=v)\n\n"
        "How bytes become tokens.\n\n"
        "- [Why \\[not\\]](#why-not-000)\n- [Costs](#costs-005)\n\n"
        "## Why \\[not\\] [0:00](https://v.example/watch?v=v&t=0)\n\nHello there.\n\n"
        "## Costs [0:05](https://v.example/watch?v=v&t=5)\n\nIt costs.\n"
    )
    assert (article.title, article.num_words) == ("Bytes & #1 *pairs*", 4)


@pytest.mark.parametrize(("spoken_in", "written_in"), [("de-DE", None), ("en", "de")])
def test_a_page_that_is_not_english_has_no_english_byline(
    spoken_in: str, written_in: str | None
) -> None:
    talk = video(url="https://v.example/v", published="2024-03-05")
    said = replace(transcript(spoken("Hallo.")), language=spoken_in)
    markdown = article_of(talk, said, chapters(), language=written_in).markdown
    assert "2024-03-05 · [Video](https://v.example/v)\n" in markdown


def test_without_a_page_the_times_are_plain() -> None:
    article = article_of(video(), transcript(spoken("Hi.")), chapters([Chapter(0.0, "A")]))
    assert "## A 0:00\n" in article.markdown


def test_a_video_without_words_has_no_page() -> None:
    article = article_of(video(), transcript([], origin="none"), chapters())
    assert (article.markdown, article.num_words) == ("", 0)


def test_speakers_are_named_where_they_change_in_a_dialogue() -> None:
    said = [
        Segment(0, 5, "Why?", "Ada"),
        Segment(5, 8, "Because.", "Bo"),
        Segment(8, 9, "So.", "Bo"),
    ]
    markdown = article_of(video(), transcript(said), chapters()).markdown
    assert "**Ada:** Why?\n\n**Bo:** Because. So." in markdown
    alone = [Segment(0, 5, "Why?", "Ada")]
    assert "**" not in article_of(video(), transcript(alone), chapters()).markdown


def test_a_heading_never_cuts_a_sentence() -> None:
    said = spoken("We start. The tale of", "one machine. It was", "tall and green.")
    marks = chapters([Chapter(0.0, "A"), Chapter(5.0, "B")])
    markdown = article_of(video(), transcript(said), marks).markdown
    assert "We start.\n\n## B 0:05\n\nThe tale of one machine. It was tall and green." in markdown


def test_long_speech_breaks_at_sentence_ends() -> None:
    said = spoken(*["and so we count on and on and on", "to ten. Then we begin"] * 40)
    blocks = article_of(video(), transcript(said), chapters()).markdown.split("\n\n")[1:]
    assert len(blocks) > 3
    assert all(block.rstrip().endswith("ten.") for block in blocks[:-1])


def test_speech_without_punctuation_breaks_at_its_longest_pause() -> None:
    said = [Segment(i * 2, i * 2 + 2 - 0.9 * (i == 25), "four words are here") for i in range(60)]
    blocks = article_of(video(), transcript(said), chapters()).markdown.split("\n\n")[1:]
    assert len(blocks[0].split()) == 26 * 4


def test_scripts_without_spaces_break_at_their_full_stops() -> None:
    said = spoken(*["我们今天讲分词的原理和它的代价。", "然后我们看一个例子，"] * 30, "好" * 900)
    blocks = article_of(video(), transcript(said), chapters()).markdown.split("\n\n")[1:]
    assert len(blocks) > 6
    assert all(len(block) <= 310 for block in blocks)
    assert blocks[0].endswith("。")


def test_poems_keep_their_lines_and_nothing_turns_into_markup() -> None:
    poem = [Segment(0, 0, "# not a heading\n1. not a list\n<b>*plain*</b>")]
    markdown = article_of(video(), transcript(poem, origin="text"), chapters()).markdown
    assert article_of(video(), transcript([*poem, Segment(0, 0, "\n")], "text"), chapters()) == (
        article_of(video(), transcript(poem, "text"), chapters())
    )
    assert "\\# not a heading  \n1\\. not a list  \n\\<b\\>\\*plain\\*\\</b\\>" in markdown


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("What's next? 1:02", "whats-next-102"),
        ("Bytes & pairs", "bytes--pairs"),
        ("😄 emoji", "-emoji"),
        ("Привет non-latin 你好", "привет-non-latin-你好"),
        ("हिन्दी", "हिन्दी"),
        ("Straße", "straße"),
        ("x² is ½", "x-is-"),
        ("snake_case – dash", "snake_case--dash"),
    ],
)
def test_anchors_are_those_of_github(heading: str, anchor: str) -> None:
    anchors = Anchors()
    assert [anchors.of(heading), anchors.of(heading)] == [anchor, f"{anchor}-1"]


@given(transcripts(), chapter_lists())
def test_links_resolve_and_no_paragraph_is_too_long(found: Transcript, marks: Chapters) -> None:
    talk = video(url="https://v.example/v")
    markdown = article_of(talk, found, marks).markdown
    headings = re.findall(r"(?m)^#{1,2} (.*)$", markdown)
    anchors = Anchors()
    targets = {anchors.of(_plain(heading)) for heading in headings}
    assert set(re.findall(r"(?m)^- \[.*\]\(#(.*)\)$", markdown)) <= targets
    blocks = markdown.split("\n\n")
    assert all(len(b.split()) <= 151 for b in blocks if not b.startswith(("- [", "#")))


def _plain(heading: str) -> str:
    """A heading as it is read: no link targets, no backslashes."""
    text = re.sub(r"\[([0-9:]+)\]\(https://v\.example/v\?t=\d+\)$", r"\1", heading)
    return re.sub(r"\\(.)", r"\1", text).replace("&amp;", "&")


def test_a_turn_of_somebody_unnamed_begins_with_a_dash() -> None:
    said = (Segment(0, 2, "Is it done?", "turn 1"), Segment(2, 4, "It is.", "turn 2"))
    spoken_row = Transcript(video_id="v", origin="manual", segments=said)
    page = article_of(Video(video_id="v", source="archive"), spoken_row, Chapters(video_id="v"))
    assert "— Is it done?\n\n— It is." in page.markdown
