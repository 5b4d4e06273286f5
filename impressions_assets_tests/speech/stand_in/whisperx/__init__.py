"""In whisperx's place: says what a test wants, and fails where a test wants that.

`windows_that_fit` by device; more at once, and the memory is full. The GPU is none. `aligns`, and
`tells` speakers, where they fit: on what devices.
"""

from types import SimpleNamespace
from typing import Any

import torch

windows_that_fit = {"cuda": 0, "cpu": 99}
segments: list[dict[str, Any]] = []
asked: list[tuple[str, int, str | None]] = []  # device, windows at once, language

aligns: list[str] = []
tells: list[str] | None = None  # None, where the hub refuses it
multilingual = [True]
heard_at: list[tuple[float, float]] = []
too_large: list[str] = []  # devices that do not even hold the model

torch.cuda.is_available = lambda: True


def load_model(name: str, device: str, **settings: Any) -> Any:
    if device in too_large:
        raise RuntimeError("CUDA failed with error out of memory")
    return _Model(device)


class _Model:
    def __init__(self, device: str) -> None:
        self._device = device
        self.model = SimpleNamespace(model=SimpleNamespace(is_multilingual=multilingual[-1]))
        self.vad_model = SimpleNamespace(merge_chunks=lambda audio: [{"segments": heard_at}])

    def transcribe(self, audio: Any, batch_size: int, language: str | None) -> dict[str, Any]:
        asked.append((self._device, batch_size, language))
        self.vad_model.merge_chunks(audio)
        if batch_size > windows_that_fit[self._device]:
            raise RuntimeError("CUDA failed with error out of memory")
        return {"language": language or "en", "segments": [dict(said) for said in segments]}


def load_align_model(language: str, device: str, model_name: str | None) -> tuple[str, str]:
    if not aligns:
        raise ValueError(f"No default align-model for language: {language}")
    return device, "letters"


def align(said: Any, model: str, letters: str, audio: Any, device: str) -> dict[str, Any]:
    if model != device:
        raise RuntimeError("Expected all tensors to be on the same device")
    if device not in aligns:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")
    return {"segments": [{**one, "words": [{"word": device}]} for one in said]}


def assign_word_speakers(turns: Any, found: dict[str, Any]) -> None:
    for said in found["segments"]:
        said["speaker"] = turns
