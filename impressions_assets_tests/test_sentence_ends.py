"""Where sentences end, inside a line and at its end."""

import pytest

from impressions_assets.sentence_ends import (
    ends_sentence,
    inner_sentence_ends,
    that_end_sentences,
)


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("It works. Then we go on. So", [10, 25]),
        ("Why? “Because.” Well", [5, 16]),
        ("Dr. Lee and J. Doe met. Both", [24]),
        ("no end in here, 3.5 or so", []),
        ("到了。然后", [3]),
        ("她说「好。」然后走了！ So", [6, 12]),
        ("(He left.) Then… Well? yes", [11, 17]),
        ("so.」 Not. 」So", []),
        ("", []),
    ],
)
def test_a_sentence_ends_before_the_next_begins(text: str, ends: list[int]) -> None:
    assert inner_sentence_ends(text) == ends


def test_many_texts_are_asked_as_each_is() -> None:
    texts = ["So.", "so", "", "he said “no.”", "by Dr.", "why?)", "。", "J.", "(yes)", "…"]
    assert that_end_sentences(texts) == [n for n, text in enumerate(texts) if ends_sentence(text)]
    assert that_end_sentences(texts) == [0, 3, 5, 6, 9]
