"""Rolling captions come out once, with the times of their words."""

from impressions_assets.rows import Word
from impressions_assets.speech.captions import parse_track, read_captions

ROLLING = """WEBVTT
Kind: captions
Language: en

00:00:00.000 --> 00:00:02.000 align:start position:0%
 
we<00:00:00.500><c> cut</c><00:00:01.000><c> text</c>

00:00:02.000 --> 00:00:02.010 align:start position:0%
we cut text
 

00:00:02.010 --> 00:00:04.000 align:start position:0%
we cut text
into<00:00:02.500><c> small</c><00:00:03.000><c> tokens</c>

00:00:04.000 --> 00:00:04.010 align:start position:0%
into small tokens
 

00:00:04.010 --> 00:00:06.000 align:start position:0%
into small tokens
okay

00:00:08.000 --> 00:00:09.000 align:start position:0%
 
okay<00:00:08.400><c> next</c>
"""


def test_each_line_comes_once_with_its_words():
    segments = read_captions(ROLLING)
    assert [s.text for s in segments] == ["we cut text", "into small tokens", "okay", "okay next"]
    assert segments[0].words == (
        Word(0.0, 0.5, "we"),
        Word(0.5, 1.0, "cut"),
        Word(1.0, 2.0, "text"),
    )
    assert segments[2].words == (Word(4.01, 6.0, "okay"),)


def test_a_word_said_again_after_a_pause_is_kept():
    assert read_captions(ROLLING)[3].text == "okay next"


def test_rolling_without_word_stamps_is_seen_by_its_repetition():
    srt = (
        "1\n00:00:00,000 --> 00:00:02,000\none line\n\n"
        "2\n00:00:02,000 --> 00:00:04,000\none line\ntwo line\n\n"
        "3\n00:00:04,000 --> 00:00:06,000\ntwo line\nthree line\n\n"
        "4\n00:00:06,000 --> 00:00:08,000\nthree line\nfour line\n"
    )
    assert [s.text for s in read_captions(srt, "srt")] == [
        "one line",
        "two line",
        "three line",
        "four line",
    ]


def test_a_line_that_grows_gives_only_what_was_added():
    cues = ["we", "we read", "we read it", "we read it\nthen stop", "then stop\nnow"]
    srt = "".join(
        f"{i}\n00:00:0{i},000 --> 00:00:0{i + 1},000\n{text}\n\n" for i, text in enumerate(cues)
    )
    assert [s.text for s in read_captions(srt, "srt")] == ["we", "read", "it", "then stop", "now"]


def test_two_line_captions_that_repeat_nothing_are_left_alone():
    text = (
        "WEBVTT\n\n00:01.000 --> 00:02.000\nno\nno way\n\n00:02.000 --> 00:03.000\nyes\nno\n\n"
        "00:03.000 --> 00:04.000\nwell\nyes\n"
    )
    assert [s.text for s in read_captions(text)] == ["no no way", "yes no", "well yes"]


def test_json3_words_have_times_and_lines_end_where_the_next_begins():
    text = """{"wireMagic": "pb3", "events": [
      {"tStartMs": 0, "dDurationMs": 5000, "id": 1, "wpWinPosId": 1},
      {"tStartMs": 100, "dDurationMs": 4000, "segs": [
        {"utf8": "we", "acAsrConf": 0}, {"utf8": " cut", "tOffsetMs": 300, "acAsrConf": 204}]},
      {"tStartMs": 2000, "aAppend": 1, "segs": [{"utf8": "\\n"}]},
      {"tStartMs": 2100, "dDurationMs": 3000, "segs": [{"utf8": "text"}]}]}"""
    first, second = read_captions(text)
    assert (first.start_seconds, first.end_seconds, first.text) == (0.1, 2.1, "we cut")
    assert first.words == (Word(0.1, 0.4, "we"), Word(0.4, 2.1, "cut", 0.8))
    assert (second.end_seconds, second.words) == (5.1, ())


def test_json3_cut_short_gives_the_events_before_the_cut():
    text = '{"events": [{"tStartMs": 0, "dDurationMs": 900, "segs": [{"utf8": "one"}]}, {"tSta'
    captions = parse_track(text.encode(), "json3")
    assert [s.text for s in captions.segments] == ["one"]
    assert [d.reason for d in captions.dropped] == ["file ends or breaks here"]


def test_people_who_speak_at_once_keep_their_times_in_json3():
    text = """{"events": [{"tStartMs": 0, "dDurationMs": 4000, "segs": [{"utf8": "one"}]},
                          {"tStartMs": 1000, "dDurationMs": 1000, "segs": [{"utf8": "two"}]}]}"""
    assert [s.end_seconds for s in read_captions(text)] == [4.0, 2.0]
