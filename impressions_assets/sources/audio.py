"""The sound of a video as recognizers hear it: WAV of 16 kHz, one channel, by ffmpeg.

What is wrong with a file is told here, before anything expensive looks at it.
"""

import shutil
import subprocess
import wave
from pathlib import Path

from impressions_assets.errors import ConfigError, SourceBroken, StorageError

SUFFIXES = (".wav", ".flac", ".m4a", ".opus", ".ogg", ".mp3", ".aac", ".mka", ".webm", ".mp4")

_RATE = 16_000
_LEAST_SECONDS = 0.1
_NO_TRACK = ("matches no streams", "does not contain any stream")
_FULL = ("No space left on device", "Disk quota exceeded")


def check_ffmpeg() -> None:
    """Raise ConfigError when there is no ffmpeg."""
    if shutil.which("ffmpeg") is None:
        raise ConfigError(
            "speech recognition needs ffmpeg, and there is none on the PATH: install it (apt-get"
            " install ffmpeg, brew install ffmpeg), or set `speech: {use: captions}`"
        )


def write_wav(file: Path, target: Path, what: str) -> float:
    """Write the sound of a file, and return its length in seconds.

    What can be read of a file that is cut short is written.

    Args:
        file: any audio or video that ffmpeg reads.
        target: the WAV.
        what: whose sound it is, for messages.

    Raises:
        SourceBroken: there is no sound in it, or it cannot be read.
        StorageError: the disk is full.
    """
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-protocol_whitelist", "file"]
    command += ["-i", f"file:{file}", "-map", "0:a:0", "-map_metadata", "-1"]
    command += ["-ac", "1", "-ar", str(_RATE), "-c:a", "pcm_s16le", "-f", "wav", str(target)]
    done = subprocess.run(command, capture_output=True, check=False)
    said = done.stderr.decode(errors="replace").strip()
    if any(words in said for words in _FULL):
        target.unlink(missing_ok=True)
        raise StorageError(
            f"{what}: the disk is full at {target.parent}; an hour of speech takes 115 MB there"
            " while it is recognized. Make room and run again"
        )
    if any(words in said for words in _NO_TRACK):
        raise SourceBroken(f"{what}: {file.name} has no audio track")
    if done.returncode:
        why = said.rpartition("\n")[2][:200]
        raise SourceBroken(f"{what}: ffmpeg cannot read {file.name} ({why}): is the file whole?")
    with wave.open(str(target)) as sound:
        seconds = float(sound.getnframes() / _RATE)
    if seconds < _LEAST_SECONDS:
        raise SourceBroken(f"{what}: the audio of {file.name} is 0 seconds long")
    return seconds
