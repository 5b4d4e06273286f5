"""Whisperx's environment on this machine, and the models that it hears with in tests.

They are made on the spot (tiny_models.py); IMPRESSIONS_TEST_SPEECH_MODELS names a folder with real
ones instead, laid out as that leaves it: whisper, aligner, diarizer, nltk.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from impressions_assets_tests.once import made_once

PACKAGE = Path(__file__).parents[2] / "impressions_assets"
ASR_PYTHON = Path(os.environ.get("ASR_PYTHON") or PACKAGE.with_name(".venv-asr") / "bin/python")
MODELS = os.environ.get("IMPRESSIONS_TEST_SPEECH_MODELS")
MISSING = [name for name in ("ffmpeg", "espeak-ng") if not shutil.which(name)]
MISSING += [] if ASR_PYTHON.exists() else ["whisperx's environment (make asr)"]

needs_whisperx = pytest.mark.skipif(bool(MISSING), reason=f"not here: {', '.join(MISSING)}")


def spoken(factory: pytest.TempPathFactory) -> Path:
    """Make clips and models once for all tests, whatever process they are in."""
    return made_once(factory, "speech", speak)


def speak(folder: Path) -> Path:
    """Make clips, and models that know them unless others are named."""
    command = [ASR_PYTHON, Path(__file__).with_name("tiny_models.py"), folder]
    command += ["clips"] if MODELS else []
    subprocess.run(command, check=True, env={**os.environ, **offline(folder)})
    return folder


def offline(folder: Path) -> dict[str, str]:
    """What keeps whisperx from asking the hub, and gives it the sentence splitter of a folder."""
    # Threads that wait for each other on busy cores took twice the time.
    return {
        "HF_HUB_OFFLINE": "1",
        "NLTK_DATA": str(Path(MODELS or folder) / "nltk"),
        "OMP_NUM_THREADS": "1",
    }


def models(folder: Path) -> dict[str, str]:
    """Settings of `speech` that name the models."""
    at = Path(MODELS or folder)
    return {
        "model": str(at / "whisper"),
        "align_model": str(at / "aligner"),
        "diarization_model": str(at / "diarizer"),
    }
