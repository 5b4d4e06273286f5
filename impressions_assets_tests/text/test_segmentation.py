"""Chapters for talks that list none: where topics change, at sentence ends, with titles to read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.rows import Chapter, Segment, Transcript
from impressions_assets.sentence_ends import ends_sentence
from impressions_assets.text.articles import article_of
from impressions_assets.text.chapters import chapters_of
from impressions_assets.text.documents import document_of
from impressions_assets.text.qa import pairs_of
from impressions_assets.text.segmentation import segmented
from impressions_assets_tests.text.samples import (
    chapters,
    spoken,
    transcript,
    transcripts,
    video,
)

FRAMES = (
    "We begin with the {0} and the {1} beside it.",
    "Everyone who owns a {0} has asked about the {2}.",
    "So the {1} goes first, and then a {3} follows.",
    "Look at the {2} again before you touch the {0}.",
    "It took me years to see what the {3} does to a {1}.",
    "A good {0} never needs more than one {3}.",
)
TOPICS = {
    "bread": ("sourdough starter", "flour", "oven", "crust"),
    "bees": ("queen bee", "hive", "honeycomb", "swarm"),
    "sails": ("mainsail", "harbour", "anchor", "keel"),
    "clocks": ("pendulum", "escapement", "mainspring", "dial"),
}
GERMAN = (
    "Wir beginnen mit {0} und {1}.",
    "Ohne {2} taugt auch {0} wenig.",
    "Erst kommt {1}, danach {3}.",
    "Schaut noch einmal auf {2}, bevor ihr {0} anfasst.",
)


def talk(*topics: str, sentences: int = 30, frames: tuple[str, ...] = FRAMES) -> list[str]:
    """So many sentences on each topic, one after another."""
    return [
        frames[number % len(frames)].format(*words[number % 2 :], *words[: number % 2])
        for words in map(TOPICS.__getitem__, topics)
        for number in range(sentences)
    ]


def cut(lines: list[str], **options: float) -> list[Chapter]:
    return segmented(transcript(spoken(*lines, seconds=4.0)), len(lines) * 4.0, **options)


@pytest.mark.parametrize("frames", [FRAMES, GERMAN], ids=["English", "German"])
def test_a_chapter_begins_where_the_talk_turns_to_another_topic(frames: tuple[str, ...]) -> None:
    found = cut(talk(*TOPICS, frames=frames))
    assert {0.0, 120.0, 240.0, 360.0} <= {chapter.start_seconds for chapter in found}
    assert len(found) <= 6


def test_a_talk_that_keeps_to_its_topics_stays_whole() -> None:
    lines = talk(*TOPICS)
    mixed = [lines[number % 4 * 30 + number // 4] for number in range(120)]
    assert cut(mixed) == []
    assert cut(talk("bread", sentences=120)) == []


def test_captions_without_punctuation_are_cut_between_segments() -> None:
    bare = [line.lower().strip(".").replace(",", "") for line in talk(*TOPICS)]
    starts = [chapter.start_seconds for chapter in cut(bare)]
    assert all(start % 4 == 0 for start in starts)
    assert all(min(abs(start - turn) for start in starts) <= 8 for turn in (120, 240, 360))


def test_chapters_begin_where_sentences_do_even_inside_a_caption() -> None:
    words = " ".join(talk(*TOPICS)).split()
    captions = [" ".join(words[i : i + 7]) for i in range(0, len(words), 7)]
    said = transcript(spoken(*captions, seconds=3.0))
    found = chapters(segmented(said, len(captions) * 3.0))
    page = article_of(video(), said, found).markdown
    blocks = [block for block in page.split("\n\n") if block and block[0] not in "#-"]
    assert page.count("\n## ") == len(found.chapters) >= 4
    assert all(ends_sentence(block.strip()) for block in blocks)


def test_chapters_meet_and_end_with_the_video() -> None:
    found = cut(talk(*TOPICS))
    assert [chapter.origin for chapter in found] == ["segmented"] * len(found)
    assert [one.end_seconds for one in found] == [*(c.start_seconds for c in found[1:]), 480.0]


def test_titles_are_different_and_made_of_words_of_their_span() -> None:
    lines = talk(*TOPICS)
    found = cut(lines)
    titles = [chapter.title for chapter in found]
    assert len(set(titles)) == len(titles)
    for chapter in found:
        first, last = int(chapter.start_seconds // 4), int((chapter.end_seconds or 0) // 4)
        said = " ".join(lines[first:last]).casefold()
        assert all(part in said for part in chapter.title.casefold().split(", "))
        assert chapter.title[0].isupper()
    assert any(title in ("Sourdough starter", "Queen bee") for title in titles)


def test_chinese_is_cut_and_titled_too() -> None:
    # "The yeast of bread is important." / "The queen of bees is important." and so on.
    bread = ["面包的酵母很重要。", "酵母要用温水。", "面包放进烤箱。"] * 20
    bees = ["蜜蜂的蜂王很重要。", "蜂王住在蜂箱。", "蜜蜂采花蜜。"] * 20
    found = cut([*bread, *bees])
    assert 240.0 in {chapter.start_seconds for chapter in found}
    assert all(chapter.title and "…" not in chapter.title for chapter in found)


@pytest.mark.parametrize("lines", [talk(*TOPICS)[:60], [], ["One."] * 15])
def test_a_short_talk_stays_whole(lines: list[str]) -> None:
    assert cut(lines) == []


def test_what_is_short_can_be_said() -> None:
    short = talk(*TOPICS, sentences=18)  # 288 seconds
    assert cut(short) == []
    assert len(cut(short, min_duration_seconds=200)) == 4
    assert cut(talk(*TOPICS), min_duration_seconds=481) == []
    coarse, fine = (cut(talk(*TOPICS), typical_seconds=seconds) for seconds in (240, 30))
    assert len(coarse) < len(fine)


def test_text_without_times_has_no_chapters() -> None:
    assert segmented(transcript(spoken(*talk(*TOPICS)), origin="text")) == []


def test_listed_chapters_go_before_segmented_ones_which_may_be_switched_off() -> None:
    said = transcript(spoken(*talk(*TOPICS), seconds=4.0))
    listed = video(description="0:00 Bread\n2:00 Bees\n4:00 Sails", duration_seconds=480.0)
    assert {c.origin for c in chapters_of(listed, said).chapters} == {"description"}
    bare = video(duration_seconds=480.0)
    assert {c.origin for c in chapters_of(bare, said).chapters} == {"segmented"}
    assert chapters_of(bare, said, segment=False).chapters == ()


@pytest.mark.parametrize("structure", ["plain", "light"])
def test_titles_that_nobody_wrote_reach_no_document(structure: str) -> None:
    said = transcript(spoken(*talk(*TOPICS), seconds=4.0))
    options = {"val_fraction": 0.1, "structure": structure}
    cut_up = document_of(video(), said, chapters_of(video(), said), **options)
    assert cut_up == document_of(video(), said, chapters(), **options)


def test_an_answer_does_not_end_at_a_segmented_chapter() -> None:
    said = transcript(spoken(*talk(*TOPICS), seconds=4.0))
    asked = video(
        description="Questions:\n0:08 Why bread?\n1:40 Why bees?\n", duration_seconds=480.0
    )
    found = chapters([Chapter(s, "A guess?", None, "segmented") for s in (0.0, 120.0, 240.0)])
    pairs = pairs_of(asked, said, found).pairs
    assert pairs == pairs_of(asked, said, chapters()).pairs
    assert pairs_of(video(), said, found).pairs == ()


def test_the_same_talk_gives_the_same_chapters() -> None:
    assert cut(talk(*TOPICS)) == cut(talk(*TOPICS))


@given(transcripts(), st.none() | st.floats(0, 2000), st.floats(1, 300))
def test_no_transcript_breaks_it(found: Transcript, duration: float | None, typical: float) -> None:
    made = segmented(found, duration, min_duration_seconds=0.0, typical_seconds=typical)
    check_bounds(made, duration)


lines = st.lists(st.sampled_from(talk(*TOPICS)) | st.text(max_size=20), min_size=20, max_size=60)


@given(lines, st.floats(0, 9), st.floats(1, 300))
def test_starts_rise_from_0_within_the_video(said: list[str], each: float, typical: float) -> None:
    parts = [Segment(i * each, (i + 1) * each, line) for i, line in enumerate(said)]
    duration = max(1.0, len(said) * each * 0.9)
    options = {"min_duration_seconds": 0.0, "typical_seconds": typical}
    check_bounds(segmented(transcript(parts), duration, **options), duration)


def check_bounds(made: list[Chapter], duration: float | None) -> None:
    starts = [chapter.start_seconds for chapter in made]
    assert len(made) != 1
    assert starts[:1] in ([], [0.0])
    assert starts == sorted(set(starts))
    assert all(chapter.title.strip() for chapter in made)
    assert all(chapter.end_seconds is not None for chapter in made)
    assert all(chapter.start_seconds < chapter.end_seconds for chapter in made)
    assert duration is None or all(start < duration for start in starts)
