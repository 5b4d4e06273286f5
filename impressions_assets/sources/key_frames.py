"""Key frames: a picture for each chapter out of the video's file, by ffmpeg.

Of the first seconds of a chapter, the frame that is most like all of them: no fade, no blur of a
cut. ffmpeg seeks before it decodes, so a frame of a long file costs as much as of a short one.
https://ffmpeg.org/ffmpeg-filters.html#thumbnail
"""

import math
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from impressions_assets.errors import ConfigError, SourceBroken
from impressions_assets.rows import Chapter

VERSION = 1  # raise it when the same file must give other frames from now on
SUFFIXES = (".mp4", ".webm", ".mkv", ".m4v", ".mov")

_WIDTH = 960
_LOOK_SECONDS = 8.0
_FRAMES_A_SECOND = 2  # that are compared: memory stays small whatever the video's rate
_PATIENCE_SECONDS = 120.0
_NOTHING = b"Nothing was written"  # behind the end of a file: an error since ffmpeg 6


def check_ffmpeg() -> None:
    """Raise ConfigError when there is no ffmpeg."""
    if shutil.which("ffmpeg") is None:
        raise ConfigError(
            "`articles: {key_frames: true}` in channels.yaml needs ffmpeg, and there is none on the"
            " PATH: install it (apt-get install ffmpeg, brew install ffmpeg), or take the line out"
        )


def key_frames(file: Path, chapters: Sequence[Chapter]) -> dict[float, bytes]:
    """A JPEG for each chapter by its start; none for chapters behind the end of the file.

    Raises:
        SourceBroken: ffmpeg cannot read the file.
    """
    frames = {one.start_seconds: _frame(file, one) for one in chapters}
    return {start: jpeg for start, jpeg in frames.items() if jpeg}


def _frame(file: Path, chapter: Chapter) -> bytes:
    where = f"{file}: a frame at {chapter.start_seconds:g} s"
    try:
        done = subprocess.run(
            list(_command(file, chapter)),
            capture_output=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SourceBroken(f"{where}: ffmpeg took longer than {_PATIENCE_SECONDS:g} s") from None
    if done.returncode and _NOTHING not in done.stderr:
        said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise SourceBroken(f"{where}: ffmpeg cannot read it ({said[:200]}): is the file whole?")
    return done.stdout


def _command(file: Path, chapter: Chapter) -> Iterator[str]:
    """Reads nothing but this file: a playlist in a video's clothes opens no address."""
    start = chapter.start_seconds
    seconds = max(1.0, min(_LOOK_SECONDS, (chapter.end_seconds or math.inf) - start))
    yield from ("ffmpeg", "-nostdin", "-v", "error", "-threads", "1")
    yield from ("-protocol_whitelist", "file", "-ss", f"{start:.3f}", "-t", f"{seconds:.3f}")
    yield from ("-i", f"file:{file}", "-an", "-sn", "-dn", "-map_metadata", "-1")
    shrunk = f"fps={_FRAMES_A_SECOND},scale='min({_WIDTH},iw)':-2"
    yield from ("-vf", f"{shrunk},thumbnail={int(seconds * _FRAMES_A_SECOND)}", "-frames:v", "1")
    yield from ("-flags:v", "+bitexact", "-q:v", "4", "-c:v", "mjpeg", "-f", "image2pipe", "pipe:1")
