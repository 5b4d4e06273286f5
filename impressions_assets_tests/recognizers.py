"""A stand-in for whisperx's environment, and videos that have sound and no captions.

It is a program that reads the job and answers by the names of the videos. Files in its folder tell
it what to do: `kill-NAME` (`always`, `once`, or its `parent`), `deaf-NAME`, `no-model`; `dies`, to
die while its model is loaded; `meet`, to begin only when two of it have come; `words`, to say a
hundred of them, not four. It leaves there what it did: `done`, `cards`.
"""

import shutil
import sys
import wave
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from impressions_assets.storage.attempts import attempts
from impressions_assets.storage.tables import Entry
from impressions_assets_tests.archives import WORDS, Archive
from impressions_assets_tests.houses import House

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")

STAND_IN = """
import json, os, random, signal, sys, time
from pathlib import Path

job = json.loads(Path(sys.argv[-1]).read_text())
counted = Path(os.environ["COUNTED"])
if (counted / "no-model").exists():
    Path(sys.argv[-1]).with_suffix(".error").write_text("there is no such model")
    sys.exit(1)
if (counted / "dies").exists():
    os.kill(os.getpid(), signal.SIGABRT)
Path(sys.argv[-1]).with_suffix(".loaded").touch()
with (counted / "cards").open("a") as file:
    file.write(os.environ.get("CUDA_VISIBLE_DEVICES", "") + " ")
while (counted / "meet").exists() and len((counted / "cards").read_text().split()) < 2:
    time.sleep(0.05)
for clip in job["clips"]:
    name, out = clip["video_id"], Path(clip["out"])
    kill = counted / f"kill-{name}"
    if kill.exists():
        whom = {"parent": os.getppid()}.get(kill.read_text(), os.getpid())
        if kill.read_text() != "always":
            kill.unlink()
        os.kill(whom, signal.SIGKILL)
        sys.exit(1)  # as the real one does, when its parent is gone
    if (counted / f"deaf-{name}").exists():
        out.with_suffix(".error").write_text(f"{name}: nothing can be heard")
        continue
    with (counted / "done").open("a") as file:
        file.write(f"{name} ")
    said = f"This is {name} speaking.".split()
    if (counted / "words").exists():
        more = random.Random(name).choices((counted / "words").read_text().split(), k=100)
        said += [word + "." * (n % 10 == 9) for n, word in enumerate(more)]
    words = [
        {"word": word, "start": n * 1.0, "end": n + 0.9, "speaker": "SPEAKER_00"}
        for n, word in enumerate(said)
    ]
    segment = {"start": 0.0, "end": float(len(words)), "text": "", "words": words}
    part = out.with_suffix(".part")  # whole at once: who watches may look at any time
    part.write_text(json.dumps({"language": "en", "segments": [segment], "notes": ["a note"]}))
    part.replace(out)
"""


def python_of(folder: Path) -> Path:
    """What ASR_PYTHON names: the stand-in, in place of a Python."""
    program = folder / "stand_in.py"
    program.write_text(STAND_IN)
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} {program} "$@"\n')
    python.chmod(0o755)
    return python


def silent(archive: Archive, *names: str, duration: float = 5, **info: Any) -> None:
    """Add videos with sound, without captions."""
    for name in names:
        archive.add(name, duration=duration, **info)
        archive.captions(name).unlink()
        with wave.open(str(archive.folder / f"{name}.wav"), "wb") as sound:
            sound.setparams((1, 2, 16_000, 0, "NONE", ""))
            sound.writeframes(bytes(range(250)) * 128)


def rows(house: House, channel: str):
    return {row.video_id: row for row in house.home.table("transcripts").rows(channel)}


def done(counted: Path) -> list[str]:
    file = counted / "done"
    return file.read_text().split() if file.exists() else []


def twelve(archive: Archive, counted: Path, killed: str = "once") -> list[str]:
    """Twelve talks in four batches of three; one is corrupt, and the third batch is killed."""
    names = [f"v{n:02}" for n in range(12)]
    chapters = [{"title": "All", "start_time": 0, "end_time": 2000}]
    silent(archive, *names, duration=2000, chapters=chapters)
    (archive.folder / "v04.wav").write_bytes(b"no sound")
    (counted / "kill-v06").write_text(killed)
    (counted / "words").write_text(" ".join(WORDS))
    return [name for name in names if name != "v04"]


def check_twelve(house: House, channel: str, counted: Path, whole: list[str]) -> None:
    """Eleven are recognized once each, and the twelfth is given up, with its reason."""
    assert sorted(done(counted)) == whole
    origins = {name: row.origin for name, row in rows(house, channel).items()}
    assert origins == {**dict.fromkeys(whole, "whisperx"), "v04": "none"}
    (failed,) = attempts(house.home, channel, "speech").values()
    assert (failed.video_id, failed.status) == ("v04", "permanent")
    assert "ffmpeg cannot read v04.wav" in failed.error
    chapters = {row.video_id: row.chapters for row in house.home.table("chapters").rows(channel)}
    documents = {row.video_id: row.text for row in house.home.table("documents").rows(channel)}
    for name in whole:
        assert chapters[name]
        assert name in documents[name]


def lift(house: House, channel: str) -> None:
    """Make what waits for another try due at once."""
    table = house.home.table("attempts")
    due = [replace(row, next_try=row.next_try and "2026-01-01T00:00:00+00:00")
           for row in table.rows(channel)]  # fmt: skip
    table.put(channel, [Entry(row, row.made_from) for row in due])
