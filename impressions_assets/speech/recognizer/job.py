"""What a recognizer is asked to do: a batch of audio files, and how to hear them.

It passes between two environments as a file of JSON, so it needs only the standard library.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, Self

DETECT = "detect"  # in a language's place
VERSION = 1  # raise it when the same audio must be recognized anew from now on


@dataclass(frozen=True)
class Clip:
    """The audio of one video, and where what is recognized in it goes."""

    video_id: str
    file: str
    out: str
    language: str | None = None
    """A tag (en, pt-BR); None where it is to be detected."""


@dataclass(frozen=True)
class Hearing:
    """How to recognize: what changes the words, and so tells one recognition from another."""

    model: str = "large-v3"
    """Name of a Whisper model, or folder of one that CTranslate2 converted."""
    align_model: str | None = None
    """Name or folder of a wav2vec2 model; None for whisperx's own of the language."""
    diarize: bool = True
    diarization_model: str | None = None
    """Name or folder of a pyannote pipeline; None for whisperx's own."""
    min_speakers: int | None = None
    max_speakers: int | None = None
    beam_size: int = 5
    """How many continuations are followed; 1 is the fastest."""
    voice_activity: Literal["pyannote", "silero"] = "pyannote"
    language: str | None = None
    """That is spoken in all clips, or `detect`; None for what each says of itself."""


@dataclass(frozen=True)
class Job:
    """A batch."""

    clips: tuple[Clip, ...]
    hearing: Hearing = field(default_factory=Hearing)
    device: Literal["auto", "cuda", "cpu"] = "auto"
    compute_type: str = "default"
    """As CTranslate2 calls it: float16, int8, …; `default` is float16 on CUDA, float32 else."""
    batch_size: int = 16
    """Windows of 30 seconds at once; less where the memory ends."""
    threads: int = 4
    """On the CPU."""
    cpu_when_full: bool = False
    """Whether to go on with the CPU where a GPU's memory does not even hold one window."""

    def save(self, path: Path) -> None:
        """Write it where a recognizer reads it."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        said = json.loads(path.read_text(encoding="utf-8"))
        clips = tuple(Clip(**clip) for clip in said.pop("clips"))
        return cls(clips, Hearing(**said.pop("hearing")), **said)


def loaded(job_file: Path) -> Path:
    """What a recognizer leaves beside its job once its model is loaded, before the first clip."""
    return job_file.with_suffix(".loaded")
