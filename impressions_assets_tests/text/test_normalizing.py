"""Characters that look alike become one; words stay the words they are."""

import re
import unicodedata

import pytest
from hypothesis import given

from impressions_assets.rows import Segment
from impressions_assets.text.normalizing import Normalize
from impressions_assets.transforms import Answered
from impressions_assets_tests.text.samples import spoken
from impressions_assets_tests.text.talks import talks


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("“It’s” — so", '"It\'s" – so'),
        ("a—b", "a – b"),
        ("他说——好", "他说 – 好"),
        ("pages 5–7, well‐known", "pages 5–7, well-known"),
        ("a\u00a0b\u2009c\u200bd", "a b cd"),
        ("Zoe\u0308", "Zoë"),
        ("« mot »", "« mot »"),
        ("می\u200cخواهم 👩\u200d🔬", "می\u200cخواهم 👩\u200d🔬"),
    ],
)
def test_what_looks_alike_becomes_one(text: str, normal: str) -> None:
    kept, dropped = Normalize().on_segments(spoken(text))
    assert ([one.text for one in kept], dropped) == ([normal], [])


def test_each_part_can_be_left_out() -> None:
    text = "“a” — Zoe\u0308\u00a0b"
    off = Normalize(unicode=False, quotes=False, dashes=False, spaces=False)
    assert off.on_segments(spoken(text)).items == spoken(text)
    assert Normalize(quotes=False).on_segments(spoken(text)).items[0].text == "“a” – Zoë b"


def test_questions_are_normalized_too() -> None:
    pair = Answered("Why “so”?", spoken("a"), 0.0, 5.0, None, 1.0, "description")
    assert Normalize().on_pairs([pair]).items == [pair._replace(question='Why "so"?')]


def test_text_without_width_is_dropped_as_empty() -> None:
    kept, dropped = Normalize().on_segments(spoken("\u200b", "a"))
    assert [one.text for one in kept] == ["a"]
    assert [(one.reason, one.text) for one in dropped] == [("empty", "\u200b")]


@given(talks(["“It’s” — so.", "a—", "—b", "‐", "\u00ad", "x \u2014 \u2014 y"]))
def test_letters_stay_and_a_second_time_nothing_changes(talk: list[Segment]) -> None:
    kept, _ = Normalize().on_segments(talk)
    assert Normalize().on_segments(kept) == (kept, [])
    assert _letters(kept) == _letters(talk)


def _letters(segments: list[Segment]) -> str:
    text = "".join(segment.text for segment in segments)
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFC", text))
