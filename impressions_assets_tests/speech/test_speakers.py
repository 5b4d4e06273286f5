"""Speaker marks become speakers."""

from impressions_assets.rows import Word
from impressions_assets.speech.captions import read_captions


def said(*cues):
    lines = "".join(f"00:0{i}.000 --> 00:0{i + 1}.000\n{text}\n\n" for i, text in enumerate(cues))
    return [(s.speaker, s.text) for s in read_captions(f"WEBVTT\n\n{lines}")]


def test_voice_tags_name_the_speaker_of_their_cue_alone():
    assert said("<v Guest Host>hello</v>", "hm", "<v.loud A>so <v B>no") == [
        ("Guest Host", "hello"),
        (None, "hm"),
        ("A", "so"),
        ("B", "no"),
    ]


def test_diarization_labels_hold_until_the_next():
    assert said("[SPEAKER_00]: hi", "still me", "[SPEAKER_01] hello", "SPEAKER_00: bye") == [
        ("SPEAKER_00", "hi"),
        ("SPEAKER_00", "still me"),
        ("SPEAKER_01", "hello"),
        ("SPEAKER_00", "bye"),
    ]


def test_bare_marks_begin_a_turn_without_claiming_who():
    assert said("before", "&gt;&gt; one", "goes on", ">> two >> three") == [
        (None, "before"),
        ("turn 1", "one"),
        ("turn 1", "goes on"),
        ("turn 2", "two"),
        ("turn 3", "three"),
    ]


def test_names_after_marks_and_in_capitals_are_speakers():
    assert said(">> The Host: welcome", "DR. GUEST: thanks", "so be it", ">> Note this: no") == [
        ("The Host", "welcome"),
        ("DR. GUEST", "thanks"),
        ("DR. GUEST", "so be it"),
        ("turn 2", "Note this: no"),
    ]


def test_colons_in_sentences_and_shouted_tracks_are_not_names():
    cues = ("Remember this: it matters", "HE SAID: COME HERE", "at 10:30 we left")
    assert [speaker for speaker, _ in said(*cues)] == [None, None, None]


def test_turns_within_a_cue_share_its_time_by_length():
    segments = read_captions("WEBVTT\n\n00:00.000 --> 00:09.000\n>> abc >> defghi\n")
    assert [(s.start_seconds, s.end_seconds) for s in segments] == [(0.0, 3.0), (3.0, 9.0)]


def test_turns_within_a_cue_take_their_own_words_and_times_where_known():
    text = (
        "WEBVTT\n\n00:00.000 --> 00:09.000\nyes<00:01.000><c> sure</c><00:02.000><c> &gt;&gt;</c>"
        "<00:02.500><c> next</c>\n"
    )
    first, second = read_captions(text)
    assert (first.text, first.end_seconds, len(first.words)) == ("yes sure", 2.5, 2)
    assert (second.speaker, second.words) == ("turn 1", (Word(2.5, 9.0, "next"),))
