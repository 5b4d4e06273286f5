"""What a recognizer does where a GPU's memory ends, or a model, a language, a token is missing.

A stand-in takes whisperx's place: nothing here needs its environment, or a GPU.
"""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from impressions_assets.errors import RecognitionError
from impressions_assets.rows import Video
from impressions_assets.speech.recognition import recognized_transcript
from impressions_assets.speech.recognizer.job import Clip, Job

SAID = {"start": 0.0, "end": 1.0, "text": " Hello."}


@pytest.fixture
def whisperx(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(Path(__file__).with_name("stand_in")))
    monkeypatch.setattr(torch.cuda, "is_available", torch.cuda.is_available)  # it is put back
    threads, known = torch.get_num_threads(), set(sys.modules)
    stand_in = importlib.import_module("whisperx")
    stand_in.segments.append(SAID)
    yield stand_in
    torch.set_num_threads(threads)
    for name in set(sys.modules) - known:
        if name.startswith(("whisperx", "impressions_assets.speech.recognizer")):
            del sys.modules[name]


def hear(language: str | None = "en", **settings: Any) -> tuple[dict[str, Any], list[str]]:
    """Hear a clip; returns what came of it, and the log."""
    hearing = importlib.import_module("impressions_assets.speech.recognizer.hearing")
    log: list[str] = []
    clip = Clip("v", "v.wav", "v.json", language)
    job = Job((clip,), **{"device": "cuda", "batch_size": 8, "threads": 1, **settings})
    return hearing.Ears(job, log.append).hear(clip), log


def test_where_memory_ends_fewer_windows_go_at_once(whisperx: ModuleType) -> None:
    whisperx.windows_that_fit["cuda"] = 2
    found, log = hear()
    assert [(device, size) for device, size, _ in whisperx.asked] == [
        ("cuda", 8), ("cuda", 4), ("cuda", 2),
    ]  # fmt: skip
    assert found["segments"][0]["text"] == " Hello."
    assert "the GPU's memory is full: going on with 2 windows at once" in log


def test_where_not_even_one_fits_it_says_what_to_do(whisperx: ModuleType) -> None:
    with pytest.raises(RecognitionError, match="cpu_when_full: true"):
        hear()


def test_the_cpu_goes_on_where_that_is_allowed_and_it_is_noted(whisperx: ModuleType) -> None:
    found, _ = hear(cpu_when_full=True)
    assert whisperx.asked[-1][:2] == ("cpu", 1)
    assert "recognized on the CPU: the GPU's memory was full" in found["notes"]


def test_a_language_that_nobody_knows_is_detected_and_noted(whisperx: ModuleType) -> None:
    whisperx.windows_that_fit["cuda"] = 8
    found, _ = hear("tlh")
    assert whisperx.asked == [("cuda", 8, None)]
    assert found["language"] == "en"
    assert found["notes"][0].startswith("the language was detected")


def test_a_refused_token_and_no_alignment_model_leave_the_words(whisperx: ModuleType) -> None:
    whisperx.windows_that_fit["cuda"] = 8
    found, _ = hear("de")
    assert found["segments"][0]["text"] == " Hello."
    assert [note.split(":")[0] for note in found["notes"]] == ["no times of words", "no speakers"]
    assert "401 Client Error" in found["notes"][1]
    assert "HF_TOKEN" in found["notes"][1]


def test_music_in_which_nobody_speaks_is_told_as_silence(whisperx: ModuleType) -> None:
    whisperx.windows_that_fit["cuda"] = 8
    whisperx.segments.clear()
    found, _ = hear()
    body = json.dumps(found).encode()
    row = recognized_transcript(Video(video_id="v", source="archive"), body)
    assert (row.segments, row.origin, row.reason) == ((), "none", "silence")
