"""Checkpoints: folders of tensors and JSON, complete or absent, never pickled.

    model.safetensors       the weights
    optimizer.safetensors   what an exact resume needs: the optimizer's moments
    tokenizer/              a copy, so that the folder can be used alone
    meta.json               what it is, and the sha256 of every other file

The same training gives the same bytes: nothing here tells the time or the place.
"""

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import msgspec
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from impressions_assets.errors import CheckpointError
from impressions_assets.gpt.config import ModelConfig
from impressions_assets.gpt.loader import Position
from impressions_assets.gpt.model import GPT, model_of
from impressions_assets.gpt.run import HistoryPoint
from impressions_assets.gpt.swap import current, replacing
from impressions_assets.gpt.tokenizer import Tokenizer

Tensors = Mapping[str, Tensor]
FORMAT_VERSION = 1
_REMEDY = (
    "trying again will not help: use another checkpoint, or delete this folder and train again"
)
_MODEL, _OPTIMIZER, _META = "model.safetensors", "optimizer.safetensors", "meta.json"


class Meta(msgspec.Struct, frozen=True, kw_only=True):
    """What a checkpoint is: everything but its tensors."""

    version: int = FORMAT_VERSION
    step: int
    order: int = 0  # of windows: which of those that programs made
    position: Position
    model: dict[str, Any]
    train: dict[str, Any]
    vocab_size: int
    end_of_text: int | None
    context: int  # the longest window that the weights were trained on
    tokenizer: str  # digest
    manifest: str  # digest of the shards' manifest
    started_from: str | None = None  # digest of the weights it started from
    val_loss: float | None = None
    val_bits_per_byte: float | None = None
    best_step: int | None = None
    best_val_loss: float | None = None
    evaluations_since_best: int = 0
    history: tuple[HistoryPoint, ...] = ()
    scaler: dict[str, int | float] = {}  # torch refuses a growth interval of 2000.0
    libraries: dict[str, str] = {}
    files: dict[str, str] = {}


def untrained_meta(shape: ModelConfig, tokenizer: Tokenizer) -> Meta:
    """What is known of weights that no training of ours gave."""
    return Meta(
        step=0,
        position=Position(),
        model=shape.model_dump(),
        train={},
        vocab_size=tokenizer.vocab_size,
        end_of_text=tokenizer.end_of_text,
        context=shape.block_size,
        tokenizer=tokenizer.digest,
        manifest="",
    )


def save_checkpoint(
    folder: Path, meta: Meta, model: Tensors, optimizer: Tensors, tokenizer_dir: Path
) -> None:
    """Write a checkpoint in the place of `folder`, whole or not at all."""
    try:
        with replacing(folder) as partial:
            save_file(dict(model), partial / _MODEL)
            save_file(dict(optimizer), partial / _OPTIMIZER)
            shutil.copytree(tokenizer_dir, partial / "tokenizer")
            files = {name: _digest(partial / name) for name in _files_of(partial)}
            meta = msgspec.structs.replace(meta, files=files)
            text = msgspec.json.format(msgspec.json.encode(meta, order="sorted"), indent=1)
            (partial / _META).write_bytes(text)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"cannot write the checkpoint of step {meta.step} to {folder}: {error}; what was "
            "there before is intact; free some space and resume"
        ) from error


class Checkpoint:
    """A checkpoint on disk, all of its files checked."""

    def __init__(self, folder: Path, meta: Meta) -> None:
        self.folder, self.meta = folder, meta

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Check the checkpoint and read its meta.json.

        Raises `CheckpointError` that names the file which is missing or cut short.
        """
        place = current(folder)
        if place is None:
            raise CheckpointError(f"there is no checkpoint at {folder}; train one first")
        meta = _read_meta(place / _META)
        for name, digest in meta.files.items():
            _check(place / name, digest)
        return cls(place, meta)

    @property
    def model_config(self) -> ModelConfig:
        """The shape of its model."""
        # What was saved before there were recipes is classic.
        return ModelConfig.model_validate({"recipe": "classic"} | self.meta.model)

    @property
    def tokenizer_dir(self) -> Path:
        """Its own copy of the tokenizer."""
        return self.folder / "tokenizer"

    @property
    def weights_digest(self) -> str:
        """sha256 of model.safetensors."""
        return self.meta.files[_MODEL]

    def model(self) -> GPT:
        """The model with its weights, on the CPU."""
        model = model_of(self.model_config, self.meta.vocab_size)
        model.load_state_dict(self.model_tensors())
        return model

    def model_tensors(self) -> dict[str, Tensor]:
        """The weights, on the CPU."""
        return _load(self.folder / _MODEL)

    def optimizer_tensors(self) -> dict[str, Tensor]:
        """The optimizer's moments, on the CPU."""
        return _load(self.folder / _OPTIMIZER)


def _read_meta(path: Path) -> Meta:
    try:
        version = msgspec.json.decode(path.read_bytes(), type=dict[str, Any]).get("version")
        if version != FORMAT_VERSION:
            raise CheckpointError(
                f"{path} has format {version!r}, and this program reads {FORMAT_VERSION}: "
                "use the version of the program that wrote it"
            )
        return msgspec.json.decode(path.read_bytes(), type=Meta)
    except (OSError, msgspec.DecodeError) as error:
        raise CheckpointError(f"cannot read {path}: {error}; {_REMEDY}") from error


def _check(path: Path, digest: str) -> None:
    if not path.is_file():
        raise CheckpointError(f"{path} is missing; {_REMEDY}")
    if _digest(path) != digest:
        raise CheckpointError(
            f"{path} is not what was saved ({path.stat().st_size} bytes on disk, with another "
            f"digest): it was cut short or changed; {_REMEDY}"
        )


def _load(path: Path) -> dict[str, Tensor]:
    try:
        # A copy: tensors of load_file may be views of the mapped file, at any alignment.
        return {name: tensor.clone() for name, tensor in load_file(path).items()}
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"cannot read {path}: {error}; {_REMEDY}") from error


def _files_of(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
