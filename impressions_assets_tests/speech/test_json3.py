"""json3 is read the same by its types and value by value."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import ValidationError

from impressions_assets.speech.json3 import _read_lines, _read_untyped, read_json3

ODD = st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=2) | st.just([])
TIMES = st.integers(-3, 9) | st.sampled_from([10**10, 10**10 - 1, 10**30])
CONFIDENCES = st.integers(-1, 255)
WORDS = st.sampled_from(["so", " it", "\n", " ", "", ">> é", "a b"])


def events(times, confidences, words):
    seg = st.fixed_dictionaries(
        {}, optional={"utf8": words, "tOffsetMs": times, "acAsrConf": confidences}
    )
    return st.fixed_dictionaries(
        {},
        optional={
            "tStartMs": times,
            "dDurationMs": times,
            "segs": st.lists(seg, max_size=3),
            "wWinId": st.integers(),
        },
    )


PLAIN = events(TIMES, CONFIDENCES, WORDS)
SOUND = events(st.integers(0, 9), st.integers(0, 255), WORDS)
STRANGE = events(TIMES | ODD, CONFIDENCES | ODD, WORDS | ODD) | ODD


@example([{"segs": [{"utf8": "so", "tOffsetMs": 1}]}], 0)  # a word that begins after its event
@given(
    st.lists(SOUND, max_size=4)
    | st.lists(PLAIN, max_size=4)
    | st.lists(PLAIN | STRANGE, max_size=4),
    st.sampled_from([0, 0, 0, 1, 9, 30]),
)
def test_a_file_is_read_the_same_by_its_types_and_value_by_value(given_events, cut):
    whole = json.dumps({"wireMagic": "pb3", "events": given_events})
    for text in (whole, whole[: len(whole) - cut]):
        assert read_json3(text) == _read_untyped(text)


LINE = st.fixed_dictionaries(
    {"segs": st.lists(st.fixed_dictionaries({"utf8": WORDS | st.text()}), min_size=1, max_size=1)},
    optional={"tStartMs": st.integers(0, 9), "dDurationMs": st.integers(0, 9), "wWinId": TIMES},
)


@example([{"segs": [{"utf8": "\u2003\n"}]}])
@given(st.lists(LINE, max_size=4))
def test_a_file_of_one_text_per_event_is_read_at_once_as_value_by_value(given_events):
    text = json.dumps({"wireMagic": "pb3", "events": given_events})
    assert _read_lines(text) == _read_untyped(text)


@pytest.mark.parametrize(
    "seg", [{}, {"utf8": "so", "tOffsetMs": 4}, {"utf8": "so", "acAsrConf": 9}, {"utf8": None}]
)
def test_an_event_of_more_than_a_text_is_no_line(seg):
    for segs in ([seg], [{"utf8": "so"}, seg]):
        text = json.dumps({"events": [{"segs": [{"utf8": "well"}]}, {"segs": segs}]})
        with pytest.raises(ValidationError):
            _read_lines(text)
        assert read_json3(text) == _read_untyped(text)


@pytest.mark.parametrize("file", [{"wireMagic": "pb3"}, {"events": []}, {"events": [{}]}])
def test_a_file_without_words_has_no_cues(file):
    assert read_json3(json.dumps(file)).cues == []
