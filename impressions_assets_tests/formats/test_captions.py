"""Captions as files, read back by our own reader."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impressions_assets.export import export
from impressions_assets.formats.captions import json_of, srt_of, vtt_of
from impressions_assets.reader import ChannelReader
from impressions_assets.rows import Segment, Transcript, Word
from impressions_assets.speech.captions import read_captions
from impressions_assets.speech.recognized import read_recognized


@pytest.mark.parametrize("form", ["vtt", "srt"])
def test_captions_are_read_back_as_they_were(
    talks: ChannelReader, tmp_path: Path, form: str
) -> None:
    file, _ = export(talks, form, tmp_path)  # untimed text is no captions
    assert file.name == f"a.en.{form}"
    read = read_captions(file.read_text("utf-8"), form)
    assert [(s.start_seconds, s.end_seconds, s.text) for s in read] == [
        (1.0, 2.0, "1 < 2 & 3"),
        (2.0, 3600.5, "later"),
    ]
    assert read[0].speaker == "Ada"


@pytest.mark.parametrize("form", ["vtt", "srt"])
def test_turns_without_names_are_marked_where_they_begin_and_read_back(form: str) -> None:
    said = [("turn 1", "Is it on?"), ("turn 2", "It is."), ("turn 2", "Look."), ("Ada", "Hello.")]
    segments = tuple(Segment(n, n + 1.0, text, who) for n, (who, text) in enumerate(said))
    written = {"vtt": vtt_of, "srt": srt_of}[form](
        Transcript(video_id="a", origin="manual", segments=segments)
    )
    assert "turn" not in written
    assert [(s.speaker, s.text) for s in read_captions(written, form)] == said


def test_json_is_as_whisperx_writes_it_with_the_notes(talks: ChannelReader, tmp_path: Path) -> None:
    file, _ = export(talks, "json", tmp_path)
    assert file.name == "a.en.json"
    read = read_recognized(file.read_bytes())
    assert [(one.start, one.end, one.text, one.speaker) for one in read.segments] == [
        (1.0, 2.0, "1 < 2 & 3", "Ada"),
        (2.0, 3600.5, "later", None),
    ]

    words = (Word(0.0, 0.4, "An", 0.9), Word(0.4, 1.0, "apple."))
    row = Transcript(
        video_id="a",
        origin="whisperx",
        language="en",
        segments=(Segment(0.0, 1.0, "An apple.", "Ada", words=words),),
        notes=("recognized: no captions (none)",),
    )
    told = msgspec.json.decode(json_of(row))
    assert told["segments"][0]["words"] == told["word_segments"]
    assert told["word_segments"] == [
        {"word": "An", "start": 0.0, "end": 0.4, "score": 0.9, "speaker": "Ada"},
        {"word": "apple.", "start": 0.4, "end": 1.0, "speaker": "Ada"},
    ]
    assert (told["origin"], told["notes"]) == ("whisperx", ["recognized: no captions (none)"])


@given(st.integers(0, 10**8), st.integers(1, 10**5), st.sampled_from(["vtt", "srt"]))
def test_times_survive_to_the_millisecond(start_ms: int, length_ms: int, form: str) -> None:
    segment = Segment(start_ms / 1000, (start_ms + length_ms) / 1000, "word")
    write = {"vtt": vtt_of, "srt": srt_of}[form]
    text = write(Transcript(video_id="a", origin="manual", segments=(segment,)))
    (read,) = read_captions(text, form)
    assert (round(read.start_seconds * 1000), round(read.end_seconds * 1000)) == (
        start_ms,
        start_ms + length_ms,
    )


def test_an_arrow_in_the_words_ends_no_cue() -> None:
    segment = Segment(1.0, 2.0, "00:00:01,000 --> 00:00:02,000 is a time line")
    transcript = Transcript(video_id="a", origin="manual", segments=(segment,))
    assert len(read_captions(srt_of(transcript), "srt")) == 1
    (read,) = read_captions(vtt_of(transcript), "vtt")
    assert read.text == segment.text
