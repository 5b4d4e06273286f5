"""Small videos of plain colours, made by ffmpeg, for tests."""

import shutil
import subprocess
from pathlib import Path

import pytest

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg here")


def write_video(path: Path, *colours: str, seconds_each: int = 20) -> None:
    """A video of some colours, one after the other, two frames a second, 1280 by 720."""
    inputs = [f"color={colour}:s=1280x720:d={seconds_each}:r=2" for colour in colours]
    command = ["ffmpeg", "-y", "-v", "error"]
    for one in inputs:
        command += ["-f", "lavfi", "-i", one]
    joined = "".join(f"[{n}]" for n in range(len(colours))) + f"concat=n={len(colours)}"
    subprocess.run([*command, "-filter_complex", joined, str(path)], check=True)
