"""Two recognizers side by side against one: what a second worker is worth.

Each is a process of one thread, as each GPU has one. What loads the models does not count: a minute
is counted from when all have heard their first clip.
"""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from impressions_assets.resources.whisperx_environment import package_alone
from impressions_assets.speech.recognizer.job import Clip, Hearing, Job
from impressions_assets_tests.bench.ratios import Ratio
from impressions_assets_tests.speech.whisperx_here import (
    ASR_PYTHON,
    MISSING,
    models,
    offline,
    speak,
)

_SECONDS = 60.0
_CLIPS = 2_000  # more than anybody hears in that time
_LEAST = 1.6


def speech_ratios(seconds: float = _SECONDS) -> Iterator[Ratio]:
    """The row of speech; none where whisperx is not here."""
    if MISSING:
        print(f"speech: not here: {', '.join(MISSING)}")
        return
    with tempfile.TemporaryDirectory(prefix="impressions-bench-") as name:
        folder = speak(Path(name) / "models")
        one, two = (heard_per_second(folder, workers, seconds) for workers in (1, 2))
        cores = len(os.sched_getaffinity(0))
        note = f"{one:.2f} and {two:.2f} clips a second, {seconds:g} s each, {cores} cores"
        what = "speech, two workers of one thread"
        yield Ratio(what, "one of one thread", _LEAST, two / one, note)


def heard_per_second(folder: Path, workers: int, seconds: float) -> float:
    """Clips that so many workers hear in a second, all together."""
    outs = [folder / f"{workers}-{number}" for number in range(workers)]
    with _working(folder, outs):
        while not all(map(_num_heard, outs)):
            time.sleep(0.05)
        before, began = sum(map(_num_heard, outs)), time.monotonic()
        time.sleep(seconds)
        return (sum(map(_num_heard, outs)) - before) / (time.monotonic() - began)


def _num_heard(out: Path) -> int:
    return sum(1 for _ in out.glob("*.json")) - 1  # the job itself


@contextmanager
def _working(folder: Path, outs: Sequence[Path]) -> Iterator[None]:
    environ = {**os.environ, **offline(folder), "PYTHONPATH": str(package_alone(folder))}
    workers = [_started(folder, out, environ) for out in outs]
    try:
        yield
        ended = [worker.args for worker in workers if worker.poll() is not None]
        assert not ended, f"ended before its time: {ended}"
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


def _started(folder: Path, out: Path, environ: dict[str, str]) -> subprocess.Popen[bytes]:
    out.mkdir()
    sound = str(folder / "dialogue-10.wav")
    clips = [Clip(f"v{n}", sound, str(out / f"v{n}.json"), "en") for n in range(_CLIPS)]
    job = Job(tuple(clips), Hearing(**models(folder), beam_size=1), device="cpu", threads=1)  # type: ignore[arg-type]
    job.save(out / "job.json")
    command = [ASR_PYTHON, "-m", "impressions_assets.speech.recognizer", out / "job.json"]
    return subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL)
