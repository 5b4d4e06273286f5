"""The real whisperx hears espeak's sentences: words with times, and what goes wrong.

It needs ffmpeg, espeak-ng and whisperx's environment (`make asr`, or ASR_PYTHON). Its models are
made on the spot; IMPRESSIONS_TEST_SPEECH_MODELS names a folder with real ones instead, laid out as
`tiny_models.py` leaves it: whisper, aligner, diarizer, nltk.
"""

import dataclasses
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from impressions_assets.rows import Video
from impressions_assets.speech.recognition import recognized_transcript
from impressions_assets.speech.recognizer.job import Clip, Hearing, Job
from impressions_assets_tests.speech.tiny_models import SENTENCES

PACKAGE = Path(__file__).parents[2] / "impressions_assets"
ASR_PYTHON = Path(os.environ.get("ASR_PYTHON") or PACKAGE.with_name(".venv-asr") / "bin/python")
MODELS = os.environ.get("IMPRESSIONS_TEST_SPEECH_MODELS")
MISSING = [name for name in ("ffmpeg", "espeak-ng") if not shutil.which(name)]
MISSING += [] if ASR_PYTHON.exists() else ["whisperx's environment (make asr)"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"not here: {', '.join(MISSING)}"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Clips, and the models that know them."""
    folder = tmp_path_factory.mktemp("speech") / "models"
    script = Path(__file__).with_name("tiny_models.py")
    subprocess.run([ASR_PYTHON, script, folder], check=True, env=environment(folder))
    return folder


def environment(folder: Path) -> dict[str, str]:
    """Our package and nothing else of our environment; no hub."""
    alone = folder.parent / "alone"
    alone.mkdir(exist_ok=True)
    link = alone / "impressions_assets"
    if not link.exists():
        link.symlink_to(PACKAGE)
    return {
        **os.environ,
        "PYTHONPATH": str(alone),
        "HF_HUB_OFFLINE": "1",
        "NLTK_DATA": str(Path(MODELS or folder) / "nltk"),
    }


def recognize(
    folder: Path, clips: dict[str, Path], **more
) -> tuple[dict, subprocess.CompletedProcess]:
    models = Path(MODELS or folder)
    out = folder.parent / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    hearing = Hearing(
        model=str(models / "whisper"),
        align_model=str(models / "aligner"),
        diarization_model=str(models / "diarizer"),
        beam_size=1,
    )
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


def test_what_is_missing_is_noted_and_the_rest_goes_on(folder):
    hearing = {"align_model": "/nowhere", "diarization_model": "/nowhere"}
    bodies, done = recognize(folder, {"v": folder / "1.wav"}, hearing=hearing)
    assert done.returncode == 0, done.stderr
    found = transcript("v", bodies["v"])
    assert [s.text for s in found.segments] == [SENTENCES[1][1]]
    assert [note.split(":")[0] for note in found.notes] == ["no times of words", "no speakers"]
    assert "HF_TOKEN" in found.notes[1]


def test_a_folder_that_is_no_model_is_told_with_what_to_do(folder):
    hearing = {"model": str(folder)}
    bodies, done = recognize(folder, {"v": folder / "1.wav"}, hearing=hearing)
    assert (bodies, done.returncode) == ({}, 1)
    error = (folder.parent / "out" / "job.error").read_text()
    assert "has no model.bin" in error
    assert "ct2-transformers-converter" in error


def test_a_job_comes_back_as_it_was(tmp_path):
    job = Job((Clip("v", "a.wav", "a.json", "en"), Clip("w", "b.wav", "b.json")), batch_size=4)
    job.save(tmp_path / "job.json")
    assert Job.load(tmp_path / "job.json") == job
    assert json.loads((tmp_path / "job.json").read_text())["batch_size"] == 4
