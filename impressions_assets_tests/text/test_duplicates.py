"""Duplicates: exact and near, and which of them stays."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from impressions_assets.text.duplicates import Duplicate, Text, duplicates_of, text_digest
from impressions_assets.text.signatures import signature_of, signatures_in, similarities

VOCABULARY = [f"word{number}" for number in range(2000)]


def talk(seed: int, num_words: int = 1000) -> list[str]:
    return random.Random(seed).choices(VOCABULARY, k=num_words)


def changed(words: list[str], share: float, seed: int = 0) -> list[str]:
    """The words with a stretch at the end replaced, which leaves `1 - share` of the runs."""
    keep = round(len(words) * (1 - share))
    return words[:keep] + talk(seed + 10_000, len(words) - keep)


def text(video_id: str, words: list[str], published: str = "") -> Text:
    said = " ".join(words)
    return Text(video_id, published, text_digest(said), signature_of(said))


def test_the_earliest_of_equal_texts_stays() -> None:
    same, other = text_digest("Hello, World!"), text_digest("Hello moon")
    assert same == text_digest("hello   WORLD")
    rows = [Text("a", "", same), Text("b", "2024-01-02", same), Text("c", "2023-01-01", same),
            Text("d", "2023-01-01", same), Text("e", "2020-01-01", other)]  # fmt: skip
    found = duplicates_of(rows, 0.8)
    assert {i: d.kept for i, d in found.items()} == {"a": "c", "b": "c", "d": "c"}
    assert {d.similarity for d in found.values()} == {1.0}


def test_videos_without_words_are_nobodys_duplicate() -> None:
    assert signature_of(" … !") == b""
    assert duplicates_of([text("a", []), text("b", ["...", "!"])], 0.8) == {}


def test_a_talk_that_was_uploaded_again_with_another_ending_goes() -> None:
    first = talk(1)
    rows = [
        text("again", changed(first, 0.05), "2024-05-01"),
        text("first", first, "2023-05-01"),
        text("other", talk(2), "2022-01-01"),
        text("half", changed(first, 0.5), "2025-01-01"),
    ]
    found = duplicates_of(rows, 0.8)
    assert found.keys() == {"again"}
    assert found["again"].kept == "first"
    assert 0.85 < found["again"].similarity < 0.97


def test_a_duplicate_leads_to_a_document_that_stays_even_through_another_duplicate() -> None:
    first = talk(1)
    near = changed(first, 0.1)
    rows = [text("1", first, "2021"), text("2", near, "2022"), text("3", near, "2023")]
    assert {i: d.kept for i, d in duplicates_of(rows, 0.7).items()} == {"2": "1", "3": "1"}


def test_when_the_earliest_leaves_another_takes_its_place() -> None:
    words = talk(1)
    rows = [text(name, words, f"202{name}") for name in "123"]
    assert duplicates_of(rows, 0.8).keys() == {"2", "3"}
    assert duplicates_of(rows[1:], 0.8) == {"3": Duplicate("3", "2", 1.0)}


def test_at_a_similarity_of_one_only_equal_words_are_duplicates() -> None:
    words = talk(1)
    rows = [text("a", words), text("b", changed(words, 0.02)), text("c", words)]
    assert duplicates_of(rows, 1.0).keys() == {"c"}


def test_chinese_has_no_spaces_and_its_near_duplicates_are_found() -> None:
    chance = random.Random(0)
    said = "".join(chr(chance.randrange(0x4E00, 0x5E00)) for _ in range(600))
    rows = [Text(i, i, text_digest(t), signature_of(t)) for i, t in
            (("1", said), ("2", said[:570] + "完" * 30))]  # fmt: skip
    assert duplicates_of(rows, 0.8).keys() == {"2"}


def test_texts_of_one_template_are_compared_with_some_and_not_with_all() -> None:
    words = talk(1, 400)
    rows = [text(f"{n:04}", words[:200] + talk(n + 5, 200)) for n in range(300)]
    assert duplicates_of(rows, 0.8) == {}


def test_a_signature_never_changes() -> None:
    # They are stored: another algorithm must raise the version of the stage that stores them.
    assert len(signature_of("one two three four five six")) == 512
    assert signature_of("One two, three four five six!") == signature_of(
        "one two three four five six"
    )
    assert signature_of("one two three four five six")[:8].hex() == "7e6edad46cf1cad2"


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.0, 1.0))
def test_the_estimate_is_near_the_share_of_runs_in_common(seed: int, share: float) -> None:
    one = talk(seed)
    two = changed(one, share, seed)
    runs = [{tuple(w[n : n + 5]) for n in range(len(w) - 4)} for w in (one, two)]
    exact = len(runs[0] & runs[1]) / len(runs[0] | runs[1])
    first, second = signatures_in([signature_of(" ".join(words)) for words in (one, two)])
    (estimate,) = similarities(first, second[None])
    assert abs(estimate - exact) < 0.2  # four and a half standard deviations at worst


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0.0, 0.1, 0.6])), max_size=12))
def test_the_order_of_rows_does_not_matter_and_what_stays_is_earlier(
    made: list[tuple[int, float]],
) -> None:
    rows = [
        text(f"v{n}", changed(talk(seed, 200), share, seed), f"2020-01-{n + 1:02}")
        for n, (seed, share) in enumerate(made)
    ]
    found = duplicates_of(rows, 0.8)
    assert duplicates_of(rows[::-1], 0.8) == found
    dates = {row.video_id: row.published for row in rows}
    assert all(dates[d.kept] < dates[d.video_id] for d in found.values())
    assert not found.keys() & {d.kept for d in found.values()}
