"""Long answers as several rows or cut short, with spans that stay right."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.rows import Segment, Word
from impressions_assets.text.answer_lengths import LimitLength, SplitAnswers
from impressions_assets.text.paragraphs import num_words_in
from impressions_assets.transforms import Answered
from impressions_assets_tests.text.samples import spoken
from impressions_assets_tests.text.talks import characters_of, talks

SENTENCES = ["One two three.", "Why?", "It is so, and was so. ", "no end here", "漢字です。漢字"]


def pair(*segments: Segment, start: float = 0.0, end: float = 100.0) -> Answered:
    return Answered("Why?", segments, start, end, "Ada", 0.9, "speaker")


def shown(pairs: object) -> list[tuple[str, float, float]]:
    return [(one.answer, one.start_seconds, one.end_seconds) for one in pairs]  # type: ignore[attr-defined]


def test_a_long_answer_is_split_at_sentence_ends_with_the_question_on_each() -> None:
    long = pair(*spoken("One two. Three", "four. Five six.", "Seven eight."), end=20.0)
    parts, dropped = SplitAnswers(max_words=4).on_pairs([long])
    assert shown(parts) == [
        ("One two. Three four.", 0.0, 7.0),
        ("Five six. Seven eight.", 7.0, 20.0),
    ]
    assert {(one.question, one.speaker, one.confidence, one.origin) for one in parts} == {
        ("Why?", "Ada", 0.9, "speaker")
    }
    assert not dropped


def test_a_part_begins_at_the_time_of_its_first_word() -> None:
    words = tuple(Word(second, second + 1, "w") for second in (0.0, 1.0, 8.0, 9.0))
    said = Segment(0.0, 10.0, "One two. Three four.", None, None, words)
    first, second = SplitAnswers(max_words=2).on_pairs([pair(said)]).items
    assert (first.end_seconds, second.start_seconds) == (8.0, 8.0)
    assert second.segments[0].words == words[2:]


def test_without_punctuation_an_answer_is_split_between_captions() -> None:
    parts = SplitAnswers(max_words=4).on_pairs([pair(*spoken("a b", "c d", "e f", "g h"))]).items
    assert shown(parts) == [("a b c d", 0.0, 10.0), ("e f g h", 10.0, 100.0)]


def test_one_caption_that_is_too_long_is_split_behind_words() -> None:
    said = Segment(0.0, 12.0, "a b c d e f g h i j k l")
    parts = SplitAnswers(max_words=5).on_pairs([pair(said, end=12.0)]).items
    assert [part.answer for part in parts] == ["a b c d e", "f g h i j", "k l"]
    assert [part.start_seconds for part in parts] == sorted({p.start_seconds for p in parts})
    unspaced = Segment(0.0, 12.0, "漢字" * 60)
    parts = SplitAnswers(max_words=20).on_pairs([pair(unspaced, end=12.0)]).items
    assert [num_words_in(part.answer) for part in parts] == [20, 20, 20]


def test_parts_are_of_about_one_length() -> None:
    said = spoken(*[f"{number} is a number." for number in range(9)])
    parts = SplitAnswers(max_words=32).on_pairs([pair(*said)]).items
    assert [num_words_in(part.answer) for part in parts] == [20, 16]


def test_what_is_too_long_is_dropped_from_a_sentence_end_and_the_span_ends_there() -> None:
    long = pair(*spoken("One two. Three", "four. Five six."), start=2.0, end=10.0)
    [cut], dropped = LimitLength(max_characters=12).on_pairs([long])
    assert shown([cut]) == [("One two.", 2.0, 3.214)]
    assert [(d.reason, d.text, d.start_seconds) for d in dropped] == [
        ("too long", "Three four. Five six.", 3.214)
    ]


def test_a_sentence_that_is_too_long_is_cut_behind_a_word() -> None:
    [cut], dropped = LimitLength(max_characters=9).on_pairs([pair(*spoken("One two three four."))])
    assert (cut.answer, [one.text for one in dropped]) == ("One two", ["three four."])
    [cut], dropped = LimitLength(max_characters=3).on_pairs([pair(*spoken("漢字漢字"))])
    assert (cut.answer, [one.text for one in dropped]) == ("漢字漢", ["字"])


def test_short_answers_are_left_as_they_are() -> None:
    short = pair(*spoken("One two. Three."))
    assert SplitAnswers().on_pairs([short]) == ([short], ())
    assert LimitLength().on_pairs([short]) == ([short], [])


@given(talks(SENTENCES), st.integers(1, 12), st.sampled_from([0.0, 0.5]))
def test_a_split_keeps_all_words_in_spans_that_rise(
    talk: list[Segment], most: int, later: float
) -> None:
    step, whole = (
        SplitAnswers(max_words=most),
        pair(*talk, end=talk[-1].start_seconds + later + 0.5 if talk else 1.0),
    )
    parts = step.on_pairs([whole] if talk else []).items
    said = [segment for part in parts for segment in part.segments]
    assert "".join(s.text for s in said).replace(" ", "") == "".join(s.text for s in talk).replace(
        " ", ""
    )
    # Where captions overlap, time may not go on, and a part is left longer than it should be.
    fitting = [part for part in parts if num_words_in(part.answer) <= most]
    assert step.on_pairs(fitting).items == fitting
    for part in parts:
        assert whole.start_seconds <= part.start_seconds < part.end_seconds <= whole.end_seconds
        assert part.answer.strip()
    for before, after in pairwise(parts):
        assert before.end_seconds == after.start_seconds == after.segments[0].start_seconds


@given(talks(SENTENCES), st.integers(1, 40))
def test_a_limit_holds_and_keeps_what_it_drops(talk: list[Segment], most: int) -> None:
    step, whole = LimitLength(max_characters=most), pair(*talk)
    cut, dropped = step.on_pairs([whole])
    assert len(cut[0].answer) <= most
    assert characters_of(cut[0].segments) + characters_of(dropped) == characters_of(talk)
    assert whole.start_seconds <= cut[0].start_seconds < cut[0].end_seconds <= whole.end_seconds
    assert step.on_pairs(cut) == (cut, [])
    if talk:
        assert cut[0].answer
