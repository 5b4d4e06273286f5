"""What WhisperX said becomes sentences by speakers; what it made up is set aside with a reason."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.errors import SourceBroken
from impressions_assets.rows import Dropped, Segment, Transcript, Video
from impressions_assets.speech.hallucinations import LOOP, SILENCE
from impressions_assets.speech.quality import quality_of
from impressions_assets.speech.recognition import SILENT, recognized_transcript

VIDEO = Video(video_id="v", source="archive", duration_seconds=60.0)


def timed(text, start=0.0, speaker=None, seconds=0.5):
    """A segment of WhisperX's whose words last half a second each."""
    words = [
        {"word": word, "start": start + n * seconds, "end": start + (n + 1) * seconds, "score": 0.5}
        | ({"speaker": speaker} if speaker else {})
        for n, word in enumerate(text.split())
    ]
    return {"start": start, "end": words[-1]["end"], "text": text, "words": words}


def heard(*segments, names=(), **more):
    body = json.dumps({"language": "en", "segments": segments, **more}).encode()
    return recognized_transcript(VIDEO, body, names)


def test_what_a_window_cut_in_the_middle_of_a_sentence_is_one_sentence():
    found = heard(timed("We cut it"), timed("in small parts. Then we", 1.5), timed("stop.", 4.0))
    assert [s.text for s in found.segments] == ["We cut it in small parts.", "Then we stop."]
    first = found.segments[0]
    assert (first.start_seconds, first.end_seconds, first.confidence) == (0.0, 3.0, 0.5)
    assert [word.text for word in first.words] == ["We", "cut", "it", "in", "small", "parts."]
    assert found.origin == "whisperx"
    assert found.language == "en"


def test_windows_that_came_in_another_order_are_read_in_time():
    found = heard(timed("and ends.", 1.5), timed("It begins", 0.0))
    assert [s.text for s in found.segments] == ["It begins and ends."]


def test_a_sentence_ends_where_another_one_speaks():
    found = heard(timed("What is it", 0.0, "A"), timed("A word.", 1.5, "B"), names=["Ada", "Bob"])
    assert [(s.speaker, s.text) for s in found.segments] == [
        ("Ada", "What is it"), ("Bob", "A word."),
    ]  # fmt: skip


def test_a_pause_ends_a_sentence_sooner_where_nobody_wrote_stops():
    thinking = heard(timed("So we"), timed("stop here.", 2.5))
    assert [s.text for s in thinking.segments] == ["So we stop here."]
    bare = heard(timed("so we stop here"), timed("and go on", 3.0))
    assert [s.text for s in bare.segments] == ["so we stop here", "and go on"]


def test_a_stop_before_a_small_letter_is_an_abbreviation():
    found = heard(timed("Take approx. two cups. Stir."))
    assert [s.text for s in found.segments] == ["Take approx. two cups.", "Stir."]


def test_speech_without_end_is_cut_at_its_longest_pause():
    found = heard(
        timed(" ".join(map(str, range(60)))), timed(" ".join(map(str, range(60, 100))), 30.5)
    )
    assert [len(s.words) for s in found.segments] == [60, 40]


def test_words_without_time_share_the_room_between_their_neighbours():
    segment = timed("In 1984 or so")
    del segment["words"][1]["start"], segment["words"][1]["end"]
    del segment["words"][2]["start"], segment["words"][2]["end"]
    (found,) = heard(segment).segments
    assert [(w.text, w.start_seconds, w.end_seconds) for w in found.words] == [
        ("In", 0.0, 0.5), ("1984", 0.5, 1.167), ("or", 1.167, 1.5), ("so", 1.5, 2.0),
    ]  # fmt: skip


def test_a_segment_that_could_not_be_aligned_shares_its_own_time():
    (found,) = heard({"start": 2.0, "end": 4.0, "text": " sí señor", "words": []}).segments
    assert [(w.text, w.start_seconds, w.end_seconds) for w in found.words] == [
        ("sí", 2.0, 2.571), ("señor", 2.571, 4.0),
    ]  # fmt: skip


def test_words_of_nobody_are_said_by_who_spoke_before():
    segment = timed("Yes we can", 0.0, "A")
    del segment["words"][0]["speaker"], segment["words"][2]["speaker"]
    other = timed("No you cannot", 1.5, "B")
    assert [s.text for s in heard(segment, other).segments] == ["Yes we can", "No you cannot"]


@pytest.mark.parametrize(
    ("before", "after", "wrong", "settled"),
    [
        ("How large is the vocabulary?", "We cut the text.", 4, True),  # as whisperx gave it
        ("It has few tokens.", "Thank you for that.", 4, True),
        ("It has few tokens", "and you know that.", 3, False),  # no whole sentence
        ("It has few tokens", "and you know that.", 4, False),
        ("It is.", "So it is.", 1, False),  # too short to tell
        ("We cut it.", "So it is.", 1, False),  # nobody says the rest alone
    ],
)
def test_a_lone_word_at_the_edge_of_a_sentence_is_no_turn(before, after, wrong, settled):
    """whisperx gave the last word before a change of speakers to the one who spoke next."""
    first = timed(before, 0.0, "A")
    second = timed(after, first["end"], "B")
    word = [*first["words"], *second["words"]][wrong]
    word["speaker"] = "B" if word["speaker"] == "A" else "A"
    told = [(s.speaker, s.text) for s in heard(first, second, names=("Ada", "Ben")).segments]
    assert ({text for _, text in told} == {before, after}) == settled


def test_scripts_without_spaces_get_none():
    found = heard(timed("今 日 は 。 良 い 。"), language="ja")
    assert [s.text for s in found.segments] == ["今日は。", "良い。"]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("thank you " * 9, "thank you"),
        ("go " * 12, "go"),
        ("So it is what it is. " * 3, "So it is what it is."),
        ("no no no no", None),
        ("come on come on", None),
    ],
)
def test_a_loop_is_said_once_and_its_rounds_are_kept_aside(said, kept):
    found = heard(timed(f"Well, {said} then we stop."))
    text = " ".join(s.text for s in found.segments)
    assert text == " ".join(f"Well, {kept or said} then we stop.".split())
    assert [dropped.reason for dropped in found.dropped] == ([LOOP] if kept else [])
    told = " ".join([text, *(dropped.text for dropped in found.dropped)]).split()
    assert len(told) == len(f"Well, {said} then we stop.".split())


def test_sentences_in_silence_are_set_aside():
    talk, credits = timed("We begin."), timed("Thanks for watching!", 20.0)
    found = heard(talk, credits, speech=[[0.0, 1.2], [30.0, 31.0]])
    assert [s.text for s in found.segments] == ["We begin."]
    assert found.dropped == (Dropped(SILENCE, "Thanks for watching!", 20.0),)
    assert len(heard(talk, credits).segments) == 2


def test_a_video_in_which_nobody_speaks_is_decided():
    found = heard(timed("Thank you."), speech=[])
    assert (found.origin, found.reason, found.segments) == ("none", SILENT, ())
    assert (heard().origin, heard().reason) == ("none", SILENT)


def test_the_one_who_talks_longest_has_the_first_name():
    talk = [timed("Why?", 0.0, "S0"), timed("Because it is so.", 1.0, "S1"), timed("Ah.", 9, "S2")]
    assert [s.speaker for s in heard(*talk, names=["Ada"]).segments] == [
        "Speaker 2", "Ada", "Speaker 3",
    ]  # fmt: skip
    assert {s.speaker for s in heard(talk[1]).segments} == {None}
    assert {s.speaker for s in heard(talk[1], names=["Ada"]).segments} == {"Ada"}


def test_notes_of_the_recognizer_stand_in_the_row():
    assert heard(timed("Yes."), notes=["no speakers"]).notes == ("no speakers",)


def test_what_is_not_ours_is_told_with_the_video():
    with pytest.raises(SourceBroken, match="^v: what WhisperX recognized"):
        recognized_transcript(VIDEO, b'{"segments": 1}')


WORDS = st.lists(
    st.tuples(
        st.sampled_from(["a", "bb.", "Cc", "dd?", "1984"]),
        st.none() | st.floats(0, 100),
        st.floats(0, 3),
        st.sampled_from([None, "A", "B"]),
    ),
    min_size=1,
    max_size=30,
)


@given(st.lists(st.tuples(st.floats(0, 100), WORDS), max_size=5))
def test_whatever_the_times_are_no_word_is_lost_and_time_never_goes_back(parts):
    segments = [
        {
            "start": start,
            "end": start + 10,
            "text": " ".join(word for word, *_ in words),
            "words": [
                {"word": word, "speaker": speaker}
                | ({} if begin is None else {"start": begin, "end": begin + length})
                for word, begin, length, speaker in words
            ],
        }
        for start, words in parts
    ]
    found = heard(*segments)
    said = [word.text for s in found.segments for word in s.words]
    set_aside = [word for dropped in found.dropped for word in dropped.text.split()]
    assert len(said) + len(set_aside) == sum(len(words) for _, words in parts)
    starts = [word.start_seconds for s in found.segments for word in s.words]
    assert starts == sorted(starts)
    for segment in found.segments:
        assert segment.text == " ".join(word.text for word in segment.words)
        assert segment.end_seconds >= segment.start_seconds


def captions(*texts, seconds=3.0):
    segments = [Segment(n * seconds, (n + 1) * seconds, text) for n, text in enumerate(texts)]
    return Transcript(video_id="v", origin="manual", segments=tuple(segments))


@pytest.mark.parametrize(
    ("transcript", "duration", "worst", "told"),
    [
        (captions("One thing. Another.", "A third one."), 6.0, 1.0, "covered"),
        (captions(*["so we go on and on"] * 2, "and then"), 9.0, 0.0, "stops"),
        (captions("It goes on.", "And ends."), 60.0, 0.1, "10% of the video covered"),
        (captions(*["Same again."] * 4), 12.0, 0.25, "75% repeated"),
        (captions("It goes on.", "And ends."), None, 1.0, "covered"),
        (captions(), 10.0, 0.0, "covered"),
    ],
)
def test_captions_are_worth_what_their_worst_part_is(transcript, duration, worst, told):
    quality = quality_of(transcript, duration)
    assert quality.worst == pytest.approx(worst)
    assert told in str(quality)
