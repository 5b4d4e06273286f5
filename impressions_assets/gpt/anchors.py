"""The way from tokens back to seconds: a Parquet file beside each shard, a row per anchor.

Columns: `document` (index within the shard), `token` (from the start of the shard), `seconds`.
A document's anchors count characters; here they become tokens, the one that holds the first byte.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from impressions_assets.errors import CorruptFile, MissingFile, TokenizerError
from impressions_assets.gpt.tokenizer import Tokenizer
from impressions_assets.rows import Document

_SCHEMA = pa.schema([("document", pa.int32()), ("token", pa.int64()), ("seconds", pa.float64())])


class Anchors(NamedTuple):
    """The anchors of one document: tokens from the start of the shard, and their seconds."""

    tokens: npt.NDArray[np.int64]
    seconds: npt.NDArray[np.float64]


def anchor_characters(document: Document) -> npt.NDArray[np.int64]:
    """Return the character offsets of a document's anchors, checked to rise within its text.

    An anchor at the very end of the text belongs to its last character.
    """
    offsets = np.fromiter(document.anchor_offsets, np.int64, len(document.anchor_offsets))
    length = len(document.text)
    outside = bool(offsets.size) and not 0 <= offsets[0] <= offsets[-1] <= length
    falls = bool((offsets[1:] < offsets[:-1]).any())
    if len(document.anchor_seconds) != len(offsets) or falls or outside:
        raise ValueError(
            f"document {document.video_id!r} has anchors that do not rise within its {length} "
            f"characters, or {len(offsets)} offsets for {len(document.anchor_seconds)} seconds"
        )
    return np.minimum(offsets, length - 1)


def tokens_of_characters(
    offsets: npt.NDArray[np.int64],
    text: str,
    ids: npt.NDArray[np.unsignedinteger],
    tokenizer: Tokenizer,
) -> npt.NDArray[np.int64]:
    """Return the token that holds the first byte of each character offset into the text."""
    begun = np.cumsum(tokenizer.characters_begun(text, ids))
    if begun[-1] != len(text):
        raise TokenizerError(
            f"the {tokenizer.kind} tokenizer {tokenizer.digest[:16]} turns {len(text)} characters "
            f"into {begun[-1]}: anchors cannot follow"
        )
    return np.searchsorted(begun, offsets, side="right")


def write_anchors(file: BinaryIO, documents: Sequence[Anchors]) -> None:
    """Write the anchors of all documents of a shard."""
    counts = [len(document.tokens) for document in documents]
    columns = [
        np.repeat(np.arange(len(documents), dtype=np.int32), counts),
        np.concatenate([np.empty(0, np.int64), *(document.tokens for document in documents)]),
        np.concatenate([np.empty(0, np.float64), *(document.seconds for document in documents)]),
    ]
    pq.write_table(
        pa.table(columns, schema=_SCHEMA),
        file,
        compression="zstd",
        use_dictionary=["document"],  # no two tokens are equal, and hardly two seconds
        column_encoding={"token": "DELTA_BINARY_PACKED"},
    )


def second_of(path: Path, document: int, token: int) -> float | None:
    """Return the second of the document's last anchor at or before the token, None without one."""
    documents, tokens, seconds = _columns(path)
    first, end = np.searchsorted(documents, [document, document + 1])
    place = first + np.searchsorted(tokens[first:end], token, side="right") - 1
    return float(seconds[place]) if place >= first else None


@lru_cache(maxsize=8)
def _columns(
    path: Path,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return the columns of an anchors file, which is immutable under its name."""
    try:
        table = pq.read_table(path, schema=_SCHEMA)
    except FileNotFoundError as error:
        raise MissingFile(f"no {path}: materialize token_shards again") from error
    except pa.ArrowInvalid as error:
        raise CorruptFile(f"cannot read {path}: {error}; materialize token_shards again") from error
    return table["document"].to_numpy(), table["token"].to_numpy(), table["seconds"].to_numpy()
