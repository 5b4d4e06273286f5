"""Documents cut into passages."""

from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.chat.passages import excerpt_of, passages_of
from impressions_assets.rows import Document
from impressions_assets.text.paragraphs import num_words_in

SENTENCE = "These are the five words."


def document(text: str, *anchors: tuple[int, float]) -> Document:
    return Document(
        video_id="v",
        text=text,
        split="train",
        anchor_offsets=tuple(offset for offset, _ in anchors),
        anchor_seconds=tuple(seconds for _, seconds in anchors),
    )


def texts_of(text: str) -> list[str]:
    return [passage.text for passage in passages_of(document(text))]


@given(st.lists(st.text("ab .!\n#我", max_size=100), max_size=6))
def test_passages_hold_all_that_is_said_in_its_order(blocks: list[str]) -> None:
    text = "\n\n".join(blocks)
    assert "".join("".join(texts_of(text)).split()) == "".join(text.split())


def test_short_turns_are_joined_until_they_say_something() -> None:
    turns = ["Yes.", "No.", *[" ".join([SENTENCE] * 25)] * 2, "Well."]
    assert [len(text.split()) for text in texts_of("\n\n".join(turns))] == [127, 126]


def test_a_long_paragraph_is_cut_where_sentences_end() -> None:
    parts = texts_of(" ".join([SENTENCE] * 100))
    assert all(part.strip().endswith("words.") for part in parts)
    assert max(map(num_words_in, parts)) <= 160


def test_a_text_without_sentences_is_cut_between_words() -> None:
    parts = texts_of("word " * 2000)
    assert max(map(len, parts)) <= 1200
    assert all(part.endswith(" ") for part in parts)


def test_a_heading_begins_a_passage() -> None:
    assert [t[:3] for t in texts_of("## One\n\nFew words.\n\n## Two\n\nMore words.")] == [
        "## ",
        "## ",
    ]


def test_a_passage_begins_when_its_first_words_are_said() -> None:
    first, second = " ".join([SENTENCE] * 24), "Ada: " + " ".join([SENTENCE] * 24)
    start = len(first) + 2
    said = document(f"{first}\n\n{second}", (0, 1.5), (26, 4.0), (start + 5, 60.0))
    found = [(one.start_seconds, one.end_seconds) for one in passages_of(said)]
    assert found == [(1.5, 60.0), (60.0, None)]


def test_a_passage_inside_a_paragraph_begins_with_the_words_it_lies_in() -> None:
    said = document(" ".join([SENTENCE] * 25), (0, 0.0), (26 * 20, 30.0))
    assert [one.start_seconds for one in passages_of(said)] == [0.0]
    said = document(" ".join([SENTENCE] * 80), (0, 0.0), (26 * 20, 30.0), (26 * 70, 50.0))
    assert [one.start_seconds for one in passages_of(said)] == [0.0, 30.0, 30.0]


def test_a_text_that_nobody_spoke_has_no_seconds() -> None:
    assert [one.start_seconds for one in passages_of(document("Written."))] == [None]


def test_an_excerpt_is_the_part_that_holds_most() -> None:
    text = "One two. " * 30 + "Here is gold. " + "Three four. " * 30
    shown = excerpt_of(text, lambda part: part.count("gold"), most_words=6)
    assert shown.startswith("… ")
    assert shown.endswith(" …")
    assert "Here is gold." in shown
    assert len(shown) < 60
