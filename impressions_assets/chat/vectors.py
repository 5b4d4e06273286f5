"""Vectors of texts, kept on disk under their texts' digests, so that each is made once.

They lie in parts, each written when so many more were made: what is interrupted goes on, and no
part is written twice. At the end all become one. A process that needs vectors while another makes
some waits for them.
"""

import zipfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path

import numpy as np
from filelock import FileLock

from impressions_assets.storage.digests import digest_of

AT_ONCE = 32  # texts that are encoded together
_PART = 128  # vectors; with a large model on a CPU, some two minutes
_KEYS, _VECTORS = "keys", "vectors"
_DAMAGED = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile)

Encode = Callable[[list[str]], np.ndarray]
Tell = Callable[[int, int], object]
"""Told how many texts are encoded, of how many that have to be; first 0, never when none has to."""


def unsaid(_done: int, _of: int) -> None:
    """Tell nobody."""


class KeptVectors:
    """A folder of vectors, all made by one model."""

    def __init__(self, folder: Path | None, *, shared: bool = False) -> None:
        """Say where they are kept.

        Args:
            folder: theirs alone, made when there is something to keep; None keeps nothing.
            shared: whether others, too, keep theirs there, so that what is not asked for stays.
        """
        self._folder, self._shared = folder, shared

    def of(self, texts: Sequence[str], encode: Encode, tell: Tell = unsaid) -> np.ndarray:
        """Vectors, text × width, of which those that were made before are not made again."""
        wanted = {digest_of(text): text for text in texts}
        with self._only_here():
            known = self._read()
            if missing := {key: text for key, text in wanted.items() if key not in known}:
                tell(0, len(missing))
                known |= self._made(missing, encode, tell)
            self._tidy(known if self._shared else {key: known[key] for key in wanted})
        return np.stack([known[digest_of(text)] for text in texts])

    def _only_here(self) -> AbstractContextManager[object]:
        if self._folder is None:
            return nullcontext()
        self._folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self._folder.with_suffix(".lock"))

    def _made(self, missing: dict[str, str], encode: Encode, tell: Tell) -> dict[str, np.ndarray]:
        """Encode texts of about one length together; what an interrupt leaves is kept, too."""
        by_length = sorted(missing, key=lambda key: len(missing[key]))
        made: dict[str, np.ndarray] = {}
        part: dict[str, np.ndarray] = {}
        try:
            for start in range(0, len(by_length), AT_ONCE):
                keys = by_length[start : start + AT_ONCE]
                part |= zip(keys, encode([missing[key] for key in keys]), strict=True)
                if len(part) >= _PART:
                    self._write(part)
                    made, part = made | part, {}
                tell(start + len(keys), len(missing))
        finally:
            self._write(part)
        return made | part

    def _read(self) -> dict[str, np.ndarray]:
        known: dict[str, np.ndarray] = {}
        for part in sorted(self._folder.glob("*.npz")) if self._folder else ():
            # What is damaged is made again.
            with suppress(*_DAMAGED), np.load(part) as kept:
                known |= zip(kept[_KEYS].tolist(), kept[_VECTORS], strict=True)
        return known

    def _write(self, vectors: dict[str, np.ndarray]) -> None:
        if self._folder and vectors:
            try:
                _write_into(self._folder, vectors)
            except FileNotFoundError:  # the folder was forgotten meanwhile
                _write_into(self._folder, vectors)

    def _tidy(self, wanted: dict[str, np.ndarray]) -> None:
        """Leave one part, with these alone, and no draft of who was killed."""
        files = list(self._folder.glob("*")) if self._folder else []
        if [file.name for file in files] != [_name_of(wanted)]:
            self._write(wanted)
            for file in files:
                if file.name != _name_of(wanted):
                    file.unlink(missing_ok=True)


def _write_into(folder: Path, vectors: dict[str, np.ndarray]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / _name_of(vectors)
    draft = part.with_suffix(".draft")
    with draft.open("wb") as file:
        np.savez(file, keys=list(vectors), vectors=np.stack(list(vectors.values())))
    draft.replace(part)


def _name_of(vectors: dict[str, np.ndarray]) -> str:
    return f"{digest_of(sorted(vectors))}.npz"
