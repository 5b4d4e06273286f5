"""A sentence encoder: a model of transformers that tells what a text means as a vector.

Vectors are pooled as the model's card for sentence-transformers says: the mean of all tokens, or
the first. Two uses want two kinds of them:
- Examples of what belongs to a subject are told apart best by four layers: the last alone is taught
  to tell which sentences mean the same, and layers below it keep more of what they are about
  (Jawahar et al. 2019, https://aclanthology.org/P19-1356; what it gained here: docs/guard.md).
- A search wants the last, as the model was trained to compare it, and what the model wants written
  before a question and before a passage (https://sbert.net).
"""

import math
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

from impressions_assets.chat.hub import model_folder
from impressions_assets.chat.recipe import recipe_of
from impressions_assets.chat.vectors import KeptVectors, Tell, unsaid
from impressions_assets.errors import ConfigError
from impressions_assets.storage.digests import digest_of

_VERSION = 1  # raise it when the same model must make its vectors anew
_FILES = ("*.json", "*.model", "*.safetensors", "*.txt")
_LONGEST_QUESTION = 4000  # characters; the rest of a megabyte would be tokens that nobody reads


class Use(NamedTuple):
    """What vectors are for, and so how they are made."""

    layers: int
    """How many layers, evenly spaced, the last among them; after one another, each of length 1."""
    longest: int
    """Tokens that are read at most; fewer where the model takes no more."""
    searches: bool = False
    """Whether questions are compared with passages: the model's whole recipe for that counts."""


EXAMPLES = Use(layers=4, longest=128)
SEARCH = Use(layers=1, longest=1024, searches=True)  # no passage is longer in words of Latin script


class Encoder:
    """Turns a text into a vector of length 1 for each layer that is used."""

    def __init__(
        self, name: str, kept: Path | None = None, use: Use = EXAMPLES, tell: Tell = unsaid
    ) -> None:
        """Load a model, by its folder or its name on the hub.

        Args:
            name: of the hub, or a folder's path.
            kept: the folder under which vectors of many texts are kept.
            use: what they are for.
            tell: is told how many of those that were not kept are encoded.

        Raises:
            ConfigError: it is not there, gated, no encoder for this use, or a library is missing.
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
        self._use, self._tell = use, tell
        self._recipe = recipe_of(name, folder, searches=use.searches)
        files = digest_of(_files_of(folder))
        self.fingerprint = digest_of(_VERSION, name, files, use, self._recipe)
        self._loaded = _loaded(name, folder, files)
        said = self._recipe.longest or use.longest
        self._longest = min(use.longest, said, self._loaded.longest)
        folder_of_vectors = kept / self.fingerprint if kept else None
        self._kept = KeptVectors(folder_of_vectors, shared=not use.searches)

    def __call__(self, text: str) -> np.ndarray:
        """The vector of a question, of its first 4,000 characters where it is longer."""
        vector: np.ndarray = self._encoded([self._recipe.asked + text[:_LONGEST_QUESTION]])[0]
        return vector

    def kept(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of examples, or of passages, text × width; each is made once where it is kept."""
        try:
            return self._kept.of(texts, self._in_bulk, self._tell)
        finally:
            self._loaded.leave_card()

    def _in_bulk(self, texts: list[str]) -> np.ndarray:
        import torch

        said = [self._recipe.said + text for text in texts]
        with suppress(torch.OutOfMemoryError):  # others work on that card
            self._loaded.use_card()
            return self._encoded(said)
        self._loaded.leave_card()
        return self._encoded(said)

    def _encoded(self, texts: list[str]) -> np.ndarray:
        import torch

        loaded = self._loaded
        if self._recipe.lowers:
            texts = [text.lower() for text in texts]
        with loaded.lock, torch.inference_mode():
            asked = loaded.tokenizer(
                texts, padding=True, truncation=True, max_length=self._longest, return_tensors="pt"
            ).to(loaded.model.device)
            states = self._states(loaded.model, asked)
            mask = asked["attention_mask"][:, None, :, None]
            pooled = (
                (states * mask).sum(2) / mask.sum(2).clamp(min=1)
                if self._recipe.takes_mean
                else states[:, :, 0]
            )
            made = torch.nn.functional.normalize(pooled.float(), dim=2).flatten(1)
        vectors: np.ndarray = made.cpu().numpy()
        return vectors

    def _states(self, model: Any, asked: Any) -> Any:
        """What the layers say: text × layer × token × width."""
        import torch

        if self._use.layers == 1:
            return model(**asked).last_hidden_state[:, None]
        made = model(**asked, output_hidden_states=True).hidden_states
        num_layers, parts = len(made) - 1, self._use.layers  # the first are embeddings
        at = [math.ceil(num_layers * part / parts) for part in range(1, parts + 1)]
        return torch.stack([made[layer] for layer in at], 1)


class _Loaded(NamedTuple):
    """A model in memory, for whoever wants it in this process."""

    tokenizer: Any
    model: Any
    lock: Lock
    """A tokenizer serves one thread at a time, and a model is in one place."""

    @property
    def longest(self) -> int:
        """How many tokens it can read."""
        most: int = self.tokenizer.model_max_length
        embeddings = getattr(self.model, "embeddings", None)
        # Where padding has a position, as in RoBERTa, those of tokens begin after it.
        padding = getattr(getattr(embeddings, "position_embeddings", None), "padding_idx", None)
        before = 0 if padding is None else padding + 1
        return min(most, getattr(self.model.config, "max_position_embeddings", most) - before)

    def use_card(self) -> None:
        """Have the model on the GPU, where there is one."""
        import torch

        if torch.cuda.is_available():
            with self.lock:
                self.model.to("cuda")

    def leave_card(self) -> None:
        """Leave the GPU to chat models and tunings: a question alone is not worth its memory."""
        import torch

        if torch.cuda.is_available():
            with self.lock:
                self.model.to("cpu")
            torch.cuda.empty_cache()


@lru_cache(maxsize=1)
def _loaded(name: str, folder: Path, _files: str) -> _Loaded:
    """Load a model, once for guard and search where both name it, while its files are the same."""
    tokenizer, model = _read(name, folder)
    tokenizer.padding_side = "right"  # the first token is to stand first
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    if model.config.is_encoder_decoder or not tokenizer.pad_token:
        raise ConfigError(
            f"{name} cannot encode sentences: it wants a decoder's text too, or has no token that"
            " fills up; take a sentence encoder such as sentence-transformers/all-mpnet-base-v2"
        )
    return _Loaded(tokenizer, model.eval(), Lock())


def _read(name: str, folder: Path) -> tuple[Any, Any]:
    """A tokenizer, and a model of which no weight is missing."""
    from safetensors import SafetensorError
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
        model, told = AutoModel.from_pretrained(
            folder,
            use_safetensors=True,
            trust_remote_code=False,
            dtype="float32",
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        raise ConfigError(f"cannot load the encoder {name}: {error}") from error
    # A pooler is not used here, and a model that was trained without has none.
    if absent := sorted(key for key in told["missing_keys"] if not key.startswith("pooler.")):
        raise ConfigError(
            f"the encoder {name} lacks {len(absent)} of its weights, such as {absent[0]}, which"
            " would be drawn at random: are its *.safetensors and config.json of one model?"
        )
    return tokenizer, model


def _files_of(folder: Path) -> list[tuple[str, str]]:
    """Each file and what tells its contents: in the hub's cache a link to what a hash names."""
    files = sorted(file for pattern in _FILES for file in folder.glob(pattern))
    return [(file.name, _content_of(file.resolve())) for file in files]


def _content_of(file: Path) -> str:
    stat = file.stat()
    return file.name if file.parent.name == "blobs" else f"{stat.st_size} {stat.st_mtime_ns}"
