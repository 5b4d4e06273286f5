"""The environment that holds whisperx: where it is, and what a process in it is given."""

from collections.abc import Mapping
from pathlib import Path

from impressions_assets.errors import ConfigError
from impressions_assets.sources.audio import check_ffmpeg


def check_recognizer(python: Path | None) -> Path:
    """Return whisperx's Python. Raises ConfigError, saying what to do, where there is none."""
    if python is None or not python.is_file():
        where = f"ASR_PYTHON={python} is no file" if python else "ASR_PYTHON is not set"
        raise ConfigError(
            f"speech recognition needs whisperx in an environment of its own, and {where}: `make"
            " asr` makes one and says what to set; what words there are stay"
        )
    check_ffmpeg()
    return python


def package_alone(folder: Path) -> Path:
    """A folder to put on another environment's path: our package, and nothing that lies beside.

    What stands in our own site-packages would come before whisperx's older libraries there.
    """
    alone = folder / "alone"
    alone.mkdir(exist_ok=True)
    link = alone / "impressions_assets"
    if not link.exists():
        link.symlink_to(Path(__file__).parents[1])
    return alone


def environment_of(token: str, alone: Path) -> Mapping[str, str]:
    """What the recognizer's process gets beside our own environment."""
    secret = {"HF_TOKEN": token} if token else {}
    return {"PYTHONPATH": str(alone), **secret}
