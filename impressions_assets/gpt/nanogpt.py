"""nanoGPT's files: train.bin and val.bin (raw uint16) with their meta, written and read.

What is read becomes shards of ours, so that all that holds for shards holds for it: headers, the
tokenizer's digest, a manifest. nanoGPT's files know no documents: each shard is one, up to 512 MB.
Their meta.pkl is a pickle, which could run anything; here it may hold plain values and no more.
"""

import pickle
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from impressions_assets.errors import CorruptFile, MissingFile, NothingToDo, TokenizerError
from impressions_assets.gpt.anchors import write_anchors
from impressions_assets.gpt.manifest import Manifest, Shard, ShardDocument, write_manifest
from impressions_assets.gpt.published import published
from impressions_assets.gpt.shards import copy_tokens, manifest_of, open_shard
from impressions_assets.gpt.symbols import symbols_of
from impressions_assets.gpt.tokenizer import Tokenizer, load_tokenizer
from impressions_assets.gpt.vocabulary import CARD
from impressions_assets.rows import Split

_TOKENS_PER_SHARD = 1 << 28
_LARGEST_META_BYTES = 1 << 26
_BROKEN_PICKLE = (
    pickle.UnpicklingError, AttributeError, EOFError, ImportError, IndexError, KeyError, ValueError
)  # fmt: skip

Tokens = npt.NDArray[np.unsignedinteger]


def write_nanogpt(folder_from: Path, manifest: Manifest, folder_to: Path) -> None:
    """Write train.bin and val.bin as nanoGPT reads them (raw uint16), and meta.json, no pickle."""
    if manifest.dtype != "uint16":
        raise TokenizerError(
            f"cannot export {folder_from} for nanoGPT, which reads uint16: its vocabulary has "
            f"{manifest.vocab_size} ids; choose a tokenizer of 65536 ids or fewer"
        )
    if not manifest.shards:
        raise NothingToDo(f"cannot export {folder_from} for nanoGPT: it has no shards")
    for split in sorted({shard.split for shard in manifest.shards}):
        with published(folder_to / f"{split}.bin") as file:
            for shard in manifest.shards:
                if shard.split == split:
                    file.write(open_shard(folder_from / shard.file, manifest.tokenizer).data)
    meta = {name: getattr(manifest, name) for name in ("vocab_size", "end_of_text", "tokenizer")}
    with published(folder_to / "meta.json") as file:
        file.write(msgspec.json.format(msgspec.json.encode(meta), indent=2) + b"\n")


def read_nanogpt(folder_from: Path, folder_to: Path) -> Tokenizer:
    """Make shards/ and tokenizer/ in a folder from nanoGPT's files; the same files, the same bytes.

    The tokenizer is the one in tokenizer/ beside the files, else that of meta.json's or meta.pkl's
    `stoi`, else GPT-2's. Raises MissingFile, CorruptFile and NothingToDo for the tokens, and
    TokenizerError for a meta that is none, or is not theirs.
    """
    tokenizer = _tokenizer_of(folder_from)
    train, val = (_tokens_of(folder_from / f"{split}.bin") for split in ("train", "val"))
    if train is None:
        raise MissingFile(f"cannot read {folder_from} as nanoGPT's: it has no train.bin")
    if not len(train):
        raise NothingToDo(f"cannot train on {folder_from}: its train.bin is empty")
    shards_dir = folder_to / "shards"
    shards = [*_copied(shards_dir, "train", train, tokenizer)]
    if val is not None and len(val):
        shards += _copied(shards_dir, "val", val, tokenizer)
    write_manifest(shards_dir, manifest_of(tokenizer, shards))
    tokenizer.save(folder_to / "tokenizer")
    return tokenizer


def _tokens_of(path: Path) -> Tokens | None:
    if not path.is_file():
        return None
    size_bytes = path.stat().st_size
    if size_bytes % 2:
        raise CorruptFile(
            f"cannot read {path}: it has {size_bytes} bytes, an odd number, and nanoGPT's tokens "
            "take two bytes each: it was cut, or is another kind of file"
        )
    return np.memmap(path, dtype="<u2", mode="r") if size_bytes else np.empty(0, np.uint16)


def _copied(folder: Path, split: Split, tokens: Tokens, tokenizer: Tokenizer) -> Iterator[Shard]:
    for number, start in enumerate(range(0, len(tokens), _TOKENS_PER_SHARD)):
        some = tokens[start : start + _TOKENS_PER_SHARD]
        counts = np.bincount(some, minlength=tokenizer.vocab_size)
        if len(counts) > tokenizer.vocab_size:
            raise TokenizerError(
                f"cannot use {split}.bin: it holds id {len(counts) - 1}, and its {tokenizer.kind} "
                f"tokenizer has {tokenizer.vocab_size} ids; put the meta of these tokens beside it"
            )
        digest = sha256(tokenizer.digest.encode() + some.tobytes()).hexdigest()
        name = f"{split}-{digest[:16]}"
        copy_tokens(folder / f"{name}.bin", some, tokenizer)
        with published(folder / f"{name}.anchors.parquet") as file:
            write_anchors(file, [])
        document = ShardDocument(
            video_id=f"{split}-{number}", token_start=0, token_end=len(some) - 1, digest=digest
        )
        yield Shard(
            file=f"{name}.bin",
            anchors_file=f"{name}.anchors.parquet",
            split=split,
            input_digest=digest,
            num_tokens=len(some),
            num_bytes=max(int(counts @ tokenizer.token_lengths()), 1),
            documents=(document,),
        )


def _tokenizer_of(folder: Path) -> Tokenizer:
    if (folder / "tokenizer" / CARD).is_file():
        return load_tokenizer(folder / "tokenizer")
    for path in (folder / "meta.json", folder / "meta.pkl"):
        if path.is_file():
            return _tokenizer_of_meta(path)
    return load_tokenizer("gpt2")


def _tokenizer_of_meta(path: Path) -> Tokenizer:
    meta = _json_meta(path) if path.suffix == ".json" else _pickled_meta(path)
    tokens = meta.get("stoi") if isinstance(meta, dict) else None
    if not isinstance(tokens, dict):
        raise TokenizerError(
            f"cannot make a tokenizer of {path}: it has no `stoi`, from character to id. Put the "
            f"folder of the tokens' own tokenizer, with {CARD}, beside it as tokenizer/"
        )
    is_characters = all(isinstance(token, str) and len(token) == 1 for token in tokens)
    return symbols_of(path, dict(tokens), "characters" if is_characters else "json")


def _json_meta(path: Path) -> Any:
    try:
        return msgspec.json.decode(path.read_bytes())
    except msgspec.DecodeError as error:
        raise TokenizerError(f"cannot read {path}: {error}") from error


class _PlainUnpickler(pickle.Unpickler):
    """Makes dicts, lists, strings and numbers; whatever would import a name is refused."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which a meta has no need of")


def _pickled_meta(path: Path) -> Any:
    if path.stat().st_size > _LARGEST_META_BYTES:
        raise TokenizerError(f"cannot read {path}: it is too large for a meta of nanoGPT's")
    try:
        with path.open("rb") as file:
            return _PlainUnpickler(file).load()
    except _BROKEN_PICKLE as error:
        raise TokenizerError(
            f"cannot read {path}: {error}. A meta.json with `stoi` will do as well"
        ) from error
