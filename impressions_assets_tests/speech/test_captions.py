"""What captions of every format become, whole and damaged."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.errors import SourceBroken
from impressions_assets.speech.captions import parse_track, read_captions

PLAIN = (
    "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\nfirst line\nsecond line\n\n"
    "00:03.000 --> 00:04.000\nthird\n"
)


def rows(text, format=None):
    return [(s.start_seconds, s.end_seconds, s.text) for s in read_captions(text, format)]


def texts(text, format=None):
    return [segment.text for segment in read_captions(text, format)]


def reasons(text, format="vtt"):
    return [dropped.reason for dropped in parse_track(text.encode(), format).dropped]


def vtt(*cues):
    return "WEBVTT\n\n" + "".join(f"{times}\n{text}\n\n" for times, text in cues)


def test_lines_of_a_cue_become_one_line_with_its_times():
    assert rows(PLAIN) == [(1.0, 2.5, "first line second line"), (3.0, 4.0, "third")]


def test_a_valid_track_without_cues_has_no_segments_and_no_complaints():
    for text in ("", "WEBVTT", "WEBVTT\nKind: captions\nLanguage: en\n", "WEBVTT\n\nNOTE empty\n"):
        assert parse_track(text.encode(), "vtt") == ((), ())


def test_ids_comments_styles_and_settings_are_not_text():
    text = (
        "WEBVTT - a title\n\nSTYLE\n::cue(b) {\n  color: red;\n}\n\nNOTE\nby a translator\n\n"
        "an id\n00:01.000 --> 00:02.000 align:start position:0%\none\n\nNOTE aside\n\n"
        "2\n00:02.000 --> 00:03.000\ntwo\n"
    )
    assert texts(text) == ["one", "two"]
    assert reasons(text) == []


def test_old_youtube_heads_with_unfinished_styles_are_not_text():
    head = "WEBVTT\nKind: captions\nStyle:\n::cue(c) { color: red;\n }\n##\n\n"
    assert texts(head + "00:01.000 --> 00:02.000\none\n") == ["one"]
    assert reasons(head + "00:01.000 --> 00:02.000\none\n") == []


def test_srt_reads_with_commas_counters_and_windows_line_ends():
    text = (
        "1\r\n00:00:01,000 --> 00:00:02,000\r\none\r\n\r\n2\r\n01:00:02,079 --> 01:00:03,000\r\ntwo"
    )
    assert rows(text, "srt") == [(1.0, 2.0, "one"), (3602.079, 3603.0, "two")]


def test_srt_counters_are_not_text_where_the_empty_line_is_missing():
    text = "1\n00:00:01,000 --> 00:00:02,000\none\n2\n00:00:02,000 --> 00:00:03,000\ntwo\n"
    assert texts(text, "srt") == ["one", "two"]


def test_text_after_an_empty_line_below_its_time_is_kept():
    assert texts("WEBVTT\n\n00:01.000 --> 00:02.000\n\nlate\n\n00:03.000 --> 00:04.000\nx\n") == [
        "late",
        "x",
    ]


def test_cues_follow_each_other_without_empty_lines():
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\none\n00:02.000 --> 00:03.000\ntwo\n"
    assert texts(text) == ["one", "two"]


def test_text_without_a_time_and_unreadable_times_are_set_aside_with_the_reason():
    text = vtt(
        ("00:01.000 --> 00:02.000", "one\n\nlost"),
        ("00:02.000 --> 00:0d.000", "bad"),
        ("00:04.000 --> 00:05.000", "two"),
    )
    assert texts(text) == ["one", "two"]
    assert reasons(text) == ["text without a time", "unreadable time"]


def test_a_file_cut_in_a_time_line_gives_what_stands_before():
    for cut in ("00:00:05.000 --> ", "00:00:05.000 -", "00:0"):
        assert texts(f"{PLAIN}\n{cut}") == ["first line second line", "third"]
        assert reasons(f"{PLAIN}\n{cut}") == ["file ends or breaks here"]


def test_markup_goes_and_entities_are_undone():
    text = vtt(
        ("00:01.000 --> 00:02.000", "<i>a</i> &amp; <c.red>b</c> {\\an8}5 &lt; 6, I <3 it&#39;s")
    )
    assert texts(text) == ["a & b 5 < 6, I <3 it's"]


def test_cues_out_of_order_are_sorted():
    text = vtt(("00:05.000 --> 00:06.000", "later"), ("00:01.000 --> 00:02.000", "first"))
    assert texts(text) == ["first", "later"]


def test_an_end_before_the_start_is_mended_from_the_next_later_start():
    text = vtt(
        ("00:01.000 --> 00:01.000", "one"),
        ("00:01.000 --> 00:00.500", "two"),
        ("00:01.500 --> 00:03.000", "three"),
    )
    assert rows(text) == [(1.0, 1.5, "one"), (1.0, 1.5, "two"), (1.5, 3.0, "three")]


def test_a_mended_cue_does_not_last_until_a_far_next_one():
    text = vtt(("00:01.000 --> 00:01.000", "word"), ("59:00.000 --> 59:01.000", "end"))
    assert rows(text)[0] == (1.0, 2.267, "word")


def test_a_repeated_cue_is_set_aside_but_an_echo_later_is_not():
    text = vtt(
        ("00:01.000 --> 00:02.000", "you"),
        ("00:30.000 --> 00:32.000", "you"),
        ("00:33.000 --> 00:34.000", "and"),
        ("00:35.000 --> 00:36.000", "you"),
    )
    assert texts(text) == ["you", "and", "you"]
    assert reasons(text) == ["repeated cue"]


def test_sounds_are_set_aside_only_when_they_are_the_whole_cue():
    text = vtt(
        ("00:01.000 --> 00:02.000", "[Music]"),
        ("00:02.000 --> 00:03.000", "(audience laughs)"),
        ("00:03.000 --> 00:04.000", "♪♪"),
        ("00:04.000 --> 00:05.000", "so [Applause] yes"),
        ("00:05.000 --> 00:06.000", "(which is, by the way, untrue)"),
        ("00:06.000 --> 00:07.000", ">> [Laughter]"),
    )
    assert texts(text) == ["so [Applause] yes", "(which is, by the way, untrue)"]
    assert reasons(text) == ["not speech"] * 4


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_are_told_apart(encoding):
    data = vtt(("00:01.000 --> 00:02.000", "déjà vu, naïve")).encode(encoding)
    assert [segment.text for segment in parse_track(data, "vtt").segments] == ["déjà vu, naïve"]


def test_a_file_cut_inside_a_character_reads_up_to_it():
    data = vtt(("00:01.000 --> 00:02.000", "ça va bien, dé")).rstrip().encode()[:-1]
    assert parse_track(data, "vtt").segments[0].text == "ça va bien, d"


def test_a_few_bad_bytes_do_not_turn_utf8_into_gibberish():
    data = vtt(("00:01.000 --> 00:02.000", "über größe X zurück")).encode().replace(b"X", b"\xff")
    assert parse_track(data, "vtt").segments[0].text == "über größe \ufffd zurück"


def test_nul_bytes_are_removed():
    assert texts(PLAIN.replace("third", "th\0ird"))[-1] == "third"
    data = b'{"events": [{"segs": [{"utf8": "th\0ird"}]}]}'
    assert parse_track(data, "json3").segments[0].text == "third"


@pytest.mark.parametrize("format", ["vtt", "srt", "json3", "timedtext"])
def test_a_file_in_which_nothing_can_be_read_says_what_was_expected(format):
    with pytest.raises(SourceBroken, match="expected"):
        read_captions("<html>not captions" if format == "timedtext" else '"words"', format)


def test_prose_is_not_taken_for_captions_unless_named():
    with pytest.raises(SourceBroken, match="expected captions"):
        read_captions("just some words")
    assert texts("one\ntwo\n\n\nthree  four\n", "text") == ["one two", "three four"]


def test_an_unknown_format_is_the_callers_mistake():
    with pytest.raises(ValueError, match="sbv"):
        read_captions(PLAIN, "sbv")


@given(
    st.lists(
        st.tuples(st.integers(0, 10**7), st.integers(1, 9000), st.integers(0, 999)), max_size=30
    )
)
def test_any_plain_track_comes_back_whole(cues):
    cues = [
        (start, start + length, f"word{n} and {i}") for i, (start, length, n) in enumerate(cues)
    ]
    text = vtt(*((f"{stamp(a)} --> {stamp(b)}", words) for a, b, words in cues))
    ordered = sorted(cues, key=lambda cue: cue[0])
    assert rows(text) == [(a / 1000, b / 1000, words) for a, b, words in ordered]


@given(st.text(alphabet="0123456789:.-> \n<>[]&;ab\\{}/cv", max_size=300))
def test_any_rubbish_gives_segments_in_order_or_our_error(rubbish):
    try:
        segments = read_captions("WEBVTT\n\n" + rubbish, "vtt")
    except SourceBroken:
        return
    assert all(segment.text and segment.end_seconds > segment.start_seconds for segment in segments)
    starts = [segment.start_seconds for segment in segments]
    assert starts == sorted(starts)


@given(st.binary(max_size=200), st.sampled_from(["vtt", "srt", "json3", "timedtext", "text"]))
def test_any_bytes_give_segments_or_our_error(data, format):
    with contextlib.suppress(SourceBroken):
        assert all(segment.text for segment in parse_track(data, format).segments)


@pytest.mark.parametrize(
    "cue",
    [
        "♪" * 5000 + "x",
        "(" + "a" * 100_000,
        "<v" + " " * 100_000,
        "<00:" * 20_000,
        "[" * 50_000,
        ">> " * 20_000,
        "&amp;" * 20_000,
    ],
)
def test_hostile_cues_take_no_more_time_than_their_length_deserves(cue):
    assert len(read_captions(f"WEBVTT\n\n00:01.000 --> 00:02.000\n{cue}\n")) <= 1


def test_odd_but_readable_stamps_are_read():
    text = "WEBVTT\n\n100:00:00.50 --> 100:00:01.25\none\n\n1:2 --> 1:3\ntwo\n"
    assert rows(text) == [(62.0, 63.0, "two"), (360000.5, 360001.25, "one")]


def test_a_stamp_of_thousands_of_digits_is_unreadable_not_a_crash():
    text = vtt(("1" * 9000 + ":00:00.000 --> 00:02.000", "one"), ("00:03.000 --> 00:04.000", "two"))
    assert texts(text) == ["two"]
    assert reasons(text) == ["unreadable time"]


def test_deeply_nested_json_is_broken_not_a_crash():
    with pytest.raises(SourceBroken, match="expected"):
        read_captions('{"events": ' + "[" * 100_000, "json3")


@given(st.integers(0, len(PLAIN)))
def test_a_file_cut_anywhere_never_invents_text(length):
    try:
        found = texts(PLAIN[:length], "vtt")
    except SourceBroken:
        return
    assert "first line second line third".startswith(" ".join(found).strip())


def stamp(milliseconds):
    seconds, milliseconds = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{milliseconds:03}"
