"""Speech that captions lack is recognized in the same run; what fails hurts nothing else.

The recognizer is a stand-in for whisperx's environment: a program that reads the job and answers by
the names of the videos. The real one is heard in speech/test_recognizer.py.
"""

import shutil
import sys
import wave
from pathlib import Path

import pytest

from impressions_assets.resources.recognizer import batches_of
from impressions_assets.rows import Video
from impressions_assets_tests.archives import Archive
from impressions_assets_tests.houses import House

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")

STAND_IN = """
import json, os, signal, sys
from pathlib import Path

job = json.loads(Path(sys.argv[-1]).read_text())
counted = Path(os.environ["COUNTED"])
if (counted / "no-model").exists():
    Path(sys.argv[-1]).with_suffix(".error").write_text("there is no such model")
    sys.exit(1)
for clip in job["clips"]:
    name, out = clip["video_id"], Path(clip["out"])
    if (counted / f"kill-{name}").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    if (counted / f"deaf-{name}").exists():
        out.with_suffix(".error").write_text(f"{name}: nothing can be heard")
        continue
    with (counted / "done").open("a") as file:
        file.write(f"{name} ")
    words = [
        {"word": word, "start": n * 1.0, "end": n + 0.9, "speaker": "SPEAKER_00"}
        for n, word in enumerate(f"This is {name} speaking.".split())
    ]
    segment = {"start": 0.0, "end": 4.0, "text": "", "words": words}
    out.write_text(json.dumps({"language": "en", "segments": [segment], "notes": ["a note"]}))
"""


@pytest.fixture
def counted(tmp_path, monkeypatch):
    """Where the stand-in counts what it did, and is told what to do wrong."""
    folder = tmp_path / "counted"
    folder.mkdir()
    program = tmp_path / "stand_in.py"
    program.write_text(STAND_IN)
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} {program} "$@"\n')
    python.chmod(0o755)
    monkeypatch.setenv("ASR_PYTHON", str(python))
    monkeypatch.setenv("COUNTED", str(folder))
    return folder


@pytest.fixture
def archive(tmp_path):
    return Archive(tmp_path / "archive")


def silent(archive: Archive, *names: str) -> None:
    """Add videos with sound, without captions."""
    for name in names:
        archive.add(name, duration=5)
        archive.captions(name).unlink()
        with wave.open(str(archive.folder / f"{name}.wav"), "wb") as sound:
            sound.setparams((1, 2, 16_000, 0, "NONE", ""))
            sound.writeframes(bytes(range(250)) * 128)


def run(house: House, channel: str):
    """Bring transcripts up to date; returns the run's check on speech."""
    return house.data(channel, "videos", "transcripts").check("transcripts", "speech_is_recognized")


def rows(house: House, channel: str):
    return {row.video_id: row for row in house.home.table("transcripts").rows(channel)}


def done(counted: Path) -> list[str]:
    file = counted / "done"
    return file.read_text().split() if file.exists() else []


@needs_ffmpeg
def test_speech_is_recognized_where_captions_will_not_do(house: House, archive, counted):
    archive.add("written")
    silent(archive, "aaa")
    speech = {"use": "captions_first", "names": ["Ada"]}
    channel = house.declare("talks", archive.folder, speech=speech)
    assert run(house, channel).passed
    found = rows(house, channel)
    origins = {name: row.origin for name, row in found.items()}
    assert origins == {"written": "manual", "aaa": "whisperx"}
    (said,) = found["aaa"].segments
    assert (said.text, said.speaker) == ("This is aaa speaking.", "Ada")
    assert found["aaa"].notes == ("recognized: no captions (none)", "a note")
    assert done(counted) == ["aaa"]
    assert house.data(channel, "videos", "transcripts").computed()["transcripts"] == 0
    assert done(counted) == ["aaa"]


@needs_ffmpeg
@pytest.mark.slow
def test_a_killed_recognizer_and_broken_files_stop_nobody_else(house: House, archive, counted):
    silent(archive, "aaa", "bbb", "ccc", "ddd", "eee")
    (archive.folder / "ddd.wav").write_bytes(b"no sound")
    (counted / "kill-bbb").touch()
    (counted / "deaf-eee").touch()
    channel = house.declare("talks", archive.folder, speech={"use": "whisperx"})
    told = run(house, channel).metadata
    assert done(counted) == ["aaa"]
    assert "ffmpeg cannot read ddd.wav" in told["ddd"].value
    assert "its output is in this step's stderr" in told["bbb"].value
    told = run(house, channel).metadata
    assert done(counted) == ["aaa", "ccc"]  # bbb waits for its next try
    assert told["eee"].value == "eee: nothing can be heard"
    assert told["waiting"].value == 3
    origins = {name: row.origin for name, row in rows(house, channel).items()}
    assert origins == {
        "aaa": "whisperx", "bbb": "none", "ccc": "whisperx", "ddd": "none", "eee": "none",
    }  # fmt: skip


def test_without_whisperx_captions_go_on_and_the_check_says_what_to_do(
    house: House, archive, monkeypatch
):
    monkeypatch.delenv("ASR_PYTHON", raising=False)
    archive.add("written").add("aaa")
    archive.captions("aaa").unlink()
    channel = house.declare("talks", archive.folder, speech={"use": "captions_first"})
    check = run(house, channel)
    assert not check.passed
    assert "`make asr`" in check.metadata["why"].value
    assert rows(house, channel)["written"].origin == "manual"
    note = "speech recognition is to come: no captions (none)"
    assert rows(house, channel)["aaa"].notes == (note,)


@needs_ffmpeg
def test_a_model_that_is_none_is_charged_to_no_video(house: House, archive, counted):
    silent(archive, "aaa")
    (counted / "no-model").touch()
    channel = house.declare("talks", archive.folder, speech={"use": "captions_first"})
    assert run(house, channel).metadata["why"].value == "there is no such model"
    (counted / "no-model").unlink()
    assert run(house, channel).passed
    assert done(counted) == ["aaa"]


def test_a_channel_that_takes_captions_starts_nothing(house: House, archive, counted):
    archive.add("aaa")
    archive.captions("aaa").unlink()
    channel = house.declare("talks", archive.folder)
    assert run(house, channel).passed
    assert done(counted) == []


def test_batches_hold_two_hours_the_longest_first():
    lengths = {"a": 600.0, "b": 7000.0, "c": None, "d": 40_000.0}
    videos = [Video(video_id=v, source="s", duration_seconds=s) for v, s in lengths.items()]
    batches = [[video.video_id for video in batch] for batch in batches_of(videos)]
    assert batches == [["d"], ["b"], ["a", "c"]]
    assert batches_of([]) == []
