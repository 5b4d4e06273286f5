"""As without a token, or with one that its owners refuse, unless a test says where it fits."""

from typing import Any

import whisperx


class DiarizationPipeline:
    def __init__(self, name: str | None, device: str, **settings: Any) -> None:
        if whisperx.tells is None:
            raise PermissionError("401 Client Error: access to the model is restricted")
        self._device = device

    def __call__(self, audio: Any, **settings: Any) -> str:
        if self._device not in whisperx.tells:
            raise MemoryError("Unable to allocate 12.5 GiB for an array")
        return f"who speaks, by the {self._device}"
