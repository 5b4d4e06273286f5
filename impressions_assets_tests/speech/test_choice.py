"""Whether captions will do, by what the channel wants and what they are worth."""

import json

import pytest

from impressions_assets.rows import Segment, Transcript, Video
from impressions_assets.speech.choice import Choice, chosen
from impressions_assets.speech.tracks import no_transcript

VIDEO = Video(video_id="v", source="archive", duration_seconds=12.0)
GOOD = (Segment(0.0, 3.0, "One thing."), Segment(3.0, 6.0, "And another."))
BARE = (Segment(0.0, 3.0, "one thing and"), Segment(3.0, 6.0, "another one"))


def captions(origin="manual", segments=GOOD):
    return Transcript(video_id="v", origin=origin, segments=segments)


FIRST = Choice("captions_first")
STRICT = FIRST._replace(min_quality=0.6)


@pytest.mark.parametrize(
    ("choice", "found", "why"),
    [
        (Choice("captions"), no_transcript(VIDEO), ""),
        (Choice("whisperx"), captions(), "the channel takes whisperx"),
        (Choice("whisperx"), captions("text"), ""),
        (FIRST, captions(), ""),
        (FIRST, no_transcript(VIDEO, "disabled"), "no captions (disabled)"),
        (FIRST, captions("automatic"), "captions are automatic"),
        (FIRST, captions("translated"), "captions are translated"),
        (
            FIRST,
            captions(segments=BARE),
            "captions are poor: 0% of the stops that sentences need",
        ),
        (STRICT, captions(), "captions are poor: 50% of the video covered"),
        (FIRST._replace(where=("missing",)), captions("automatic"), ""),
        (FIRST._replace(where=("automatic",)), no_transcript(VIDEO), ""),
    ],
)
def test_speech_is_recognized_where_the_channel_wants_more_than_there_is(choice, found, why):
    assert choice.reason(VIDEO, found) == why


def heard(*texts):
    segments = [
        {"start": n, "end": n + 1, "text": text, "words": []} for n, text in enumerate(texts)
    ]
    return json.dumps({"language": "en", "segments": segments}).encode()


@pytest.mark.parametrize(
    ("body", "origin", "note"),
    [
        (None, "automatic", "speech recognition is to come: captions are automatic"),
        (heard("What was said."), "whisperx", "recognized: captions are automatic"),
        (heard(), "automatic", "whisperx heard nothing: captions stay"),
    ],
)
def test_the_better_words_are_taken_and_the_reason_stands_beside_them(body, origin, note):
    found = captions("automatic")
    (row,) = chosen(FIRST, {"v": VIDEO}, iter([found]), lambda video_id: body)
    assert (row.origin, row.notes) == (origin, (note,))


@pytest.mark.parametrize("earlier", [heard("What was said."), heard(), b"{", None])
def test_words_of_another_model_do_until_this_one_has_heard(earlier):
    found = captions("automatic")
    outcomes = chosen(FIRST, {"v": VIDEO}, iter([found]), lambda _: None, lambda _: earlier)
    (row,) = outcomes
    wanted = "speech recognition is to come: captions are automatic"
    if earlier == heard("What was said."):
        assert row.origin == "whisperx"
        assert row.notes[:2] == (wanted, "recognized in another way, as was set before")
    else:
        assert (row.origin, row.notes) == ("automatic", (wanted,))


def test_what_cannot_be_read_fails_alone():
    (row,) = chosen(FIRST, {"v": VIDEO}, iter([captions("automatic")]), lambda video_id: b"{")
    assert row.error.startswith("v: what WhisperX recognized is not as we keep it")
