"""The real whisperx hears espeak's sentences: words with times, and what goes wrong.

It needs ffmpeg, espeak-ng and whisperx's environment (`make asr`, or ASR_PYTHON).
"""

import dataclasses
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from impressions_assets.resources.whisperx_environment import package_alone
from impressions_assets.rows import Video
from impressions_assets.speech.recognition import recognized_transcript
from impressions_assets.speech.recognizer.job import Clip, Hearing, Job
from impressions_assets_tests.speech.tiny_models import DIALOGUES, SENTENCES
from impressions_assets_tests.speech.whisperx_here import (
    ASR_PYTHON,
    models,
    needs_whisperx,
    offline,
    spoken,
)

pytestmark = [pytest.mark.slow, needs_whisperx]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Clips, and the models that know them."""
    return spoken(tmp_path_factory)


def environment(folder: Path) -> dict[str, str]:
    """Our package and nothing else of our environment; no hub."""
    return {**os.environ, **offline(folder), "PYTHONPATH": str(package_alone(folder))}


def out_of(folder: Path) -> Path:
    """Where results come; the models are shared by all processes that test."""
    return folder.parent / f"out-{os.getpid()}"


def recognize(
    folder: Path, clips: dict[str, Path], **more
) -> tuple[dict, subprocess.CompletedProcess]:
    out = out_of(folder)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    hearing = Hearing(**models(folder), beam_size=1)
    hearing = dataclasses.replace(hearing, **more.pop("hearing", {}))
    asked = tuple(Clip(n, str(file), str(out / f"{n}.json"), "en") for n, file in clips.items())
    job = Job(asked, hearing, device="cpu", threads=1, **more)
    job.save(out / "job.json")
    done = subprocess.run(
        [ASR_PYTHON, "-m", "impressions_assets.speech.recognizer", out / "job.json"],
        env=environment(folder), capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = {n: out / f"{n}.json" for n in clips}
    return {n: file.read_bytes() for n, file in found.items() if file.exists()}, done


def transcript(video_id: str, body: bytes):
    return recognized_transcript(Video(video_id=video_id, source="archive"), body)


def test_sentences_come_back_with_times_of_words(folder):
    clips = {f"v{number}": folder / f"{number}.wav" for number in range(len(SENTENCES))}
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono", "-t", "2",
         folder / "silent.wav"], check=True,
    )  # fmt: skip
    (folder / "broken.wav").write_bytes(b"RIFF no more")
    others = {"silent": folder / "silent.wav", "broken": folder / "broken.wav"}
    bodies, done = recognize(folder, {**clips, **others})
    assert done.returncode == 0, done.stderr
    assert bodies.keys() == {*clips, "silent"}
    assert "broken: its audio cannot be read" in done.stdout
    for number, (_, text) in enumerate(SENTENCES):
        (said,) = transcript("v", bodies[f"v{number}"]).segments
        assert said.text == text
        assert len(said.words) == len(text.split())
        assert 0 <= said.start_seconds < said.end_seconds
        assert said.confidence is not None
    nobody = transcript("s", bodies["silent"])
    assert (nobody.origin, nobody.reason) == ("none", "silence")


def test_two_voices_are_two_speakers(folder):
    clips = {f"d{a}{b}": folder / f"dialogue-{a}{b}.wav" for a, b in DIALOGUES}
    bodies, done = recognize(folder, clips, hearing={"min_speakers": 2, "max_speakers": 2})
    assert done.returncode == 0, done.stderr
    for a, b in DIALOGUES:
        found = transcript("v", bodies[f"d{a}{b}"])
        told = " ".join(said.text for said in found.segments)
        assert told == f"{SENTENCES[a][1]} {SENTENCES[b][1]}"
        assert {said.speaker for said in found.segments} == {"Speaker 1", "Speaker 2"}
        assert found.segments[0].speaker != found.segments[-1].speaker
        assert found.notes == ()


def test_what_is_missing_is_noted_and_the_rest_goes_on(folder):
    hearing = {"align_model": "/nowhere", "diarization_model": "/nowhere"}
    bodies, done = recognize(folder, {"v": folder / "1.wav"}, hearing=hearing)
    assert done.returncode == 0, done.stderr
    found = transcript("v", bodies["v"])
    assert [s.text for s in found.segments] == [SENTENCES[1][1]]
    assert [note.split(":")[0] for note in found.notes] == ["no times of words", "no speakers"]
    assert "'/nowhere'" in found.notes[1]


@pytest.mark.parametrize(("within", "lack"), [("", "has no model.bin"), ("gone", "no such folder")])
def test_a_folder_that_is_no_model_is_told_with_what_to_do(folder, within, lack):
    hearing = {"model": str(folder / within)}
    bodies, done = recognize(folder, {"v": folder / "1.wav"}, hearing=hearing)
    assert (bodies, done.returncode) == ({}, 1)
    error = (out_of(folder) / "job.error").read_text()
    assert lack in error
    assert "ct2-transformers-converter" in error


def test_a_job_comes_back_as_it_was(tmp_path):
    job = Job((Clip("v", "a.wav", "a.json", "en"), Clip("w", "b.wav", "b.json")), batch_size=4)
    job.save(tmp_path / "job.json")
    assert Job.load(tmp_path / "job.json") == job
    assert json.loads((tmp_path / "job.json").read_text())["batch_size"] == 4
