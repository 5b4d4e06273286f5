"""A sentence encoder: a model of transformers that tells what a question means as a vector.

Vectors are pooled as the model's card for sentence-transformers says: the mean of all tokens, or
the first. They are taken from four layers, not from the last alone: that one is taught to tell
which sentences mean the same, and layers below it keep more of what they are about (Jawahar et al.
2019, https://aclanthology.org/P19-1356; what it gained here: docs/guard.md). Those of example
questions are kept, since they take a minute or more to make.
"""

import math
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec
import numpy as np
from filelock import FileLock

from impressions_assets.chat.hub import model_folder
from impressions_assets.errors import ConfigError
from impressions_assets.storage.digests import digest_of

_LONGEST = 128  # tokens of a question that are read
_AT_ONCE = 32
_PARTS = 4  # layers: those at a quarter, the half, three quarters, and the last
_CARD = "1_Pooling/config.json"
_MEAN, _FIRST = "pooling_mode_mean_tokens", "pooling_mode_cls_token"


class Encoder:
    """Turns a text into a vector: after one another, those of four layers, each of length 1."""

    def __init__(self, name: str, kept: Path | None = None) -> None:
        """Load a model, by its folder or its name on the hub.

        Args:
            name: of the hub, or a folder's path.
            kept: the folder where vectors of examples are kept.

        Raises:
            ConfigError: it is not there, gated, no encoder, or a library is missing.
        """
        try:
            import torch  # noqa: F401
            import transformers  # noqa: F401
        except ImportError as error:
            raise ConfigError(
                f"the encoder {name} needs transformers and torch, which cannot be imported"
                f" ({error}): pip install 'impressions-assets[chat]'"
            ) from error
        folder = model_folder(name)
        self._takes_mean = _takes_mean(name, folder)
        self._tokenizer, self._model = _loaded(name, folder)
        self._lock = Lock()  # a tokenizer serves one thread at a time
        self._file = kept / f"{_fingerprint(folder)}.npz" if kept else None

    def __call__(self, text: str) -> np.ndarray:
        """The vector of a text."""
        vector: np.ndarray = self._encoded([text])[0]
        return vector

    def kept(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors, text × width, of which those that were made before are not made again."""
        known = self._read()
        missing = {key: text for text in texts if (key := digest_of(text)) not in known}
        by_length = sorted(missing, key=lambda key: len(missing[key]))
        try:
            for start in range(0, len(by_length), _AT_ONCE):
                keys = by_length[start : start + _AT_ONCE]
                known.update(zip(keys, self._encoded([missing[key] for key in keys]), strict=True))
        finally:  # what is interrupted goes on from there
            if missing.keys() & known.keys():
                self._write(known)
        return np.stack([known[digest_of(text)] for text in texts])

    def _encoded(self, texts: list[str]) -> np.ndarray:
        import torch

        longest = min(_LONGEST, self._tokenizer.model_max_length)
        with self._lock:
            asked = self._tokenizer(
                texts, padding=True, truncation=True, max_length=longest, return_tensors="pt"
            )
        with torch.inference_mode():
            made = self._model(**asked, output_hidden_states=True).hidden_states
        num_layers = len(made) - 1  # the first are embeddings
        at = [math.ceil(num_layers * part / _PARTS) for part in range(1, _PARTS + 1)]
        states = torch.stack([made[layer] for layer in at], 1)  # text × layer × token × width
        mask = asked["attention_mask"][:, None, :, None]
        pooled = (
            (states * mask).sum(2) / mask.sum(2).clamp(min=1)
            if self._takes_mean
            else states[:, :, 0]
        )
        vectors: np.ndarray = (
            torch.nn.functional.normalize(pooled.float(), dim=2).flatten(1).numpy()
        )
        return vectors

    def _read(self) -> dict[str, np.ndarray]:
        # What is not there, or damaged, is made again.
        with suppress(OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
            if self._file:
                with np.load(self._file) as kept:
                    return dict(zip(kept["keys"].tolist(), kept["vectors"], strict=True))
        return {}

    def _write(self, known: dict[str, np.ndarray]) -> None:
        if self._file:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            draft = self._file.with_suffix(".draft")
            with FileLock(self._file.with_suffix(".lock")):  # another channel may have its own
                known = self._read() | known
                with draft.open("wb") as file:
                    np.savez(file, keys=list(known), vectors=np.stack(list(known.values())))
                draft.replace(self._file)


def _takes_mean(name: str, folder: Path) -> bool:
    """Whether the vector is the mean of all tokens, as it is without a card; else the first."""
    try:
        card = msgspec.json.decode((folder / _CARD).read_bytes(), type=dict[str, Any])
    except FileNotFoundError:
        return True
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(
            f"the encoder {name} has a {_CARD} that cannot be read: {error}"
        ) from error
    chosen = [mode for mode, on in card.items() if mode.startswith("pooling_mode") and on is True]
    if chosen not in ([_MEAN], [_FIRST]):
        raise ConfigError(
            f"the encoder {name} pools by {', '.join(chosen) or 'nothing'} ({_CARD}), and {_MEAN}"
            f" and {_FIRST} are known here: choose another, such as"
            " sentence-transformers/all-mpnet-base-v2"
        )
    return chosen == [_MEAN]


def _loaded(name: str, folder: Path) -> tuple[Any, Any]:
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # type: ignore[no-untyped-call]
    if not any(folder.glob("*.safetensors")):
        raise ConfigError(
            f"the encoder {name} has no *.safetensors, and other weights can run any program when"
            " they are loaded: take one that has, or save it anew with save_pretrained"
        )
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        model: Any = AutoModel.from_pretrained(
            folder, use_safetensors=True, trust_remote_code=False, dtype="float32"
        )
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise ConfigError(f"cannot load the encoder {name}: {error}") from error
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    if model.config.is_encoder_decoder or not tokenizer.pad_token:
        raise ConfigError(
            f"{name} cannot encode sentences: it wants a decoder's text too, or has no token that"
            " fills up; take a sentence encoder such as sentence-transformers/all-mpnet-base-v2"
        )
    return tokenizer, model.eval()


def _fingerprint(folder: Path) -> str:
    files = [folder / _CARD, *sorted(folder.glob("*.json")), *sorted(folder.glob("*.safetensors"))]
    stats = [(file.name, file.stat()) for file in files if file.exists()]
    return digest_of(
        [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats], _LONGEST, _PARTS
    )
