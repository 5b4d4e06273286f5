"""As without a token, or with one that its owners refuse."""

from typing import Any


class DiarizationPipeline:
    def __init__(self, name: str | None, device: str, **settings: Any) -> None:
        raise PermissionError("401 Client Error: access to the model is restricted")
