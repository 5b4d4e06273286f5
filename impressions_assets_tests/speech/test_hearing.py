"""What a recognizer does where a GPU's memory ends, or a model, a language, a token is missing.

A stand-in takes whisperx's place: nothing here needs its environment, or a GPU.
"""

import importlib
import json
import sys
import wave
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from impressions_assets.errors import RecognitionError, SourceBroken
from impressions_assets.rows import Video
from impressions_assets.speech.recognition import recognized_transcript
from impressions_assets.speech.recognizer.job import Clip, Hearing, Job

SAID = {"start": 0.0, "end": 1.0, "text": " Hello."}
SOUND = Path()


def sound_of(file: Path, samples: bytes = b"\x00\x40\x00\xc0", channels: int = 1) -> None:
    """Write a WAV of 16 kHz and 16 bits."""
    with wave.open(str(file), "wb") as sound:
        sound.setparams((channels, 2, 16_000, 0, "NONE", ""))
        sound.writeframes(samples)


@pytest.fixture
def whisperx(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(Path(__file__).with_name("stand_in")))
    monkeypatch.setattr(torch.cuda, "is_available", torch.cuda.is_available)  # it is put back
    threads, known = torch.get_num_threads(), set(sys.modules)
    stand_in = importlib.import_module("whisperx")
    stand_in.segments.append(SAID)
    monkeypatch.setattr(sys.modules[__name__], "SOUND", tmp_path / "v.wav")
    sound_of(SOUND)
    yield stand_in
    torch.set_num_threads(threads)
    for name in set(sys.modules) - known:
        if name.startswith(("whisperx", "impressions_assets.speech.recognizer")):
            del sys.modules[name]


def hear(language: str | None = "en", **settings: Any) -> tuple[dict[str, Any], list[str]]:
    """Hear a clip; returns what came of it, and the log."""
    ears, clip, log = listening(language, **settings)
    return ears.hear(clip), log


def listening(language: str | None = "en", **settings: Any) -> tuple[Any, Clip, list[str]]:
    """What hears clips, one of them, and the log."""
    hearing = importlib.import_module("impressions_assets.speech.recognizer.hearing")
    log: list[str] = []
    clip = Clip("v", str(SOUND), "v.json", language)
    job = Job((clip,), **{"device": "cuda", "batch_size": 8, "threads": 1, **settings})
    return hearing.Ears(job, log.append), clip, log


def test_where_memory_ends_fewer_windows_go_at_once(whisperx: ModuleType) -> None:
    whisperx.windows_that_fit["cuda"] = 2
    found, log = hear()
    assert [(device, size) for device, size, _ in whisperx.asked] == [
        ("cuda", 8), ("cuda", 4), ("cuda", 2),
    ]  # fmt: skip
    assert found["segments"][0]["text"] == " Hello."
    assert "the GPU's memory is full: going on with 2 windows at once" in log


def test_where_not_even_one_fits_it_says_what_to_do(whisperx: ModuleType) -> None:
    with pytest.raises(RecognitionError, match=r"a single window .* `cpu_when_full: true`"):
        hear()


def test_a_model_too_large_for_its_gpu_is_told_as_that(whisperx: ModuleType) -> None:
    whisperx.too_large.append("cuda")
    with pytest.raises(RecognitionError, match=r"'large-v3' does not fit .*`cpu_when_full: true`"):
        hear()
    found, _ = hear(cpu_when_full=True)
    assert found["notes"][0] == "recognized on the CPU: the GPU's memory was full"
    whisperx.windows_that_fit["cpu"] = 0
    with pytest.raises(RecognitionError, match="this machine's memory.*: int8`$"):
        hear(device="cpu")


@pytest.mark.parametrize(
    ("compute_type", "told"),
    [
        ("default", "fetched elsewhere"),
        ("int8_bfloat16", "fetched elsewhere"),
        ("float17", "is default, auto, int8"),
    ],
)
def test_a_model_that_cannot_be_had_is_told_with_what_to_do(
    whisperx: ModuleType, monkeypatch: pytest.MonkeyPatch, compute_type: str, told: str
) -> None:
    def load_model(*_: object, **__: object) -> None:
        raise OSError("no answer.")

    monkeypatch.setattr(whisperx, "load_model", load_model)
    with pytest.raises(RecognitionError, match=f"{compute_type}': no answer\\. .*{told}"):
        hear(compute_type=compute_type)


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
    found, _ = hear("de", hearing=Hearing(diarization_model="/of/ours"))
    assert "HF_TOKEN" not in found["notes"][1]


def test_who_went_to_the_cpu_takes_nothing_there_that_lies_on_the_gpu(
    whisperx: ModuleType,
) -> None:
    whisperx.windows_that_fit["cuda"] = 8
    whisperx.aligns += ["cuda", "cpu"]
    whisperx.tells = ["cuda", "cpu"]
    ears, clip, _ = listening(cpu_when_full=True)
    told = []
    for windows in (8, 0):
        whisperx.windows_that_fit["cuda"] = windows
        (said,) = ears.hear(clip)["segments"]
        told.append((said["words"], said["speaker"]))
    assert told == [
        ([{"word": device}], f"who speaks, by the {device}") for device in ("cuda", "cpu")
    ]


@pytest.mark.parametrize("cpu_when_full", [False, True])
def test_where_words_and_speakers_do_not_fit_the_cpu_gives_them_or_nobody(
    whisperx: ModuleType, cpu_when_full: bool
) -> None:
    whisperx.windows_that_fit["cuda"] = 8
    whisperx.aligns.append("cpu")
    whisperx.tells = ["cpu"]
    ears, clip, _ = listening(cpu_when_full=cpu_when_full)
    found = ears.hear(clip)
    (said,) = found["segments"]
    if cpu_when_full:
        later = "times of words and speakers are the CPU's: the GPU's memory was full"
        assert ears.hear(clip)["notes"] == [later]
        assert (said["words"], said["speaker"]) == ([{"word": "cpu"}], "who speaks, by the cpu")
        assert found["notes"] == ["times of words are the CPU's: the GPU's memory was full"]
    else:
        assert (said["words"], "speaker" in said) == ([], False)
        full = "no {}: the memory was full ({})"
        assert found["notes"] == [
            full.format("times of words", "CUDA out of memory. Tried to allocate 20 GiB"),
            full.format("speakers", "Unable to allocate 12.5 GiB for an array"),
        ]


@pytest.mark.parametrize(
    ("said", "of_the_video", "asked"),
    [(None, "pt-BR", "pt"), ("DE", "en", "de"), ("detect", "en", None), (None, None, None)],
)
def test_the_language_is_the_channels_or_else_the_videos_or_else_detected(
    whisperx: ModuleType, said: str | None, of_the_video: str | None, asked: str | None
) -> None:
    whisperx.windows_that_fit["cuda"] = 8
    hear(of_the_video, hearing=Hearing(language=said))
    assert whisperx.asked == [("cuda", 8, asked)]


def test_samples_are_heard_as_they_are_and_nothing_else_is_taken_for_them(
    whisperx: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    hearing = importlib.import_module("impressions_assets.speech.recognizer.hearing")
    clip = Clip("v", str(SOUND), "v.json")
    assert hearing._load(clip).tolist() == [0.5, -0.5]
    monkeypatch.setattr(hearing, "_BLOCK", 1)
    assert hearing._load(clip).tolist() == [0.5, -0.5]
    for samples, channels, told in ((b"", 1, "0 seconds"), (bytes(4), 2, "one channel")):
        sound_of(SOUND, samples, channels)
        with pytest.raises(SourceBroken, match=f"^v: .*{told}"):
            hearing._load(clip)


def test_a_model_of_english_alone_hears_english_and_notes_it(whisperx: ModuleType) -> None:
    whisperx.windows_that_fit["cuda"] = 8
    whisperx.multilingual.append(False)
    for language, noted in (("de", ["heard as English: the model knows no german"]), ("en", [])):
        found, _ = hear(language, hearing=Hearing(diarize=False))
        assert found["language"] == "en"
        assert [note for note in found["notes"] if "the model knows" in note] == noted
    assert {language for *_, language in whisperx.asked} == {"en"}


def test_where_somebody_speaks_is_told_once_whatever_was_tried(whisperx: ModuleType) -> None:
    whisperx.windows_that_fit["cuda"] = 4
    whisperx.heard_at.append((0.50049, 1.0))
    found, _ = hear()
    assert len(whisperx.asked) == 2
    assert found["speech"] == [(0.5, 1.0)]


def test_music_in_which_nobody_speaks_is_told_as_silence(whisperx: ModuleType) -> None:
    whisperx.windows_that_fit["cuda"] = 8
    whisperx.segments.clear()
    found, _ = hear()
    body = json.dumps(found).encode()
    row = recognized_transcript(Video(video_id="v", source="archive"), body)
    assert (row.segments, row.origin, row.reason) == ((), "none", "silence")
