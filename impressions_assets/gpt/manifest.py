"""Which tokens came from which video: the manifest of a channel's shards, and the way back.

`manifest.json` lists the shards in order, and in each the documents with their token ranges. Beside
each shard a Parquet file of anchors (document, token, seconds) leads from a token to its second.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from impressions_assets.errors import CorruptFile, MissingFile, NewerSchema
from impressions_assets.gpt.anchors import second_of
from impressions_assets.gpt.published import published
from impressions_assets.rows import Split

MANIFEST = "manifest.json"
VERSION = 1

TokenType = Literal["uint16", "uint32"]


class ShardDocument(Struct, frozen=True, kw_only=True):
    """One document in a shard; its end-of-text token stands at `token_end`."""

    video_id: Annotated[str, Meta(description="the video")]
    token_start: Annotated[int, Meta(description="first token, from the start of the shard")]
    token_end: Annotated[int, Meta(description="end, exclusive, before the end-of-text token")]
    digest: Annotated[str, Meta(description="digest of the document's row")]
    license: Annotated[str | None, Meta(description="licence of the video")] = None


class Shard(Struct, frozen=True, kw_only=True):
    """One file of token ids and the file of its anchors."""

    file: Annotated[str, Meta(description="name of the token file")]
    anchors_file: Annotated[str, Meta(description="name of the anchors' Parquet file")]
    split: Annotated[Split, Meta(description="training or validation")]
    input_digest: Annotated[str, Meta(description="digest of all that the shard is made from")]
    num_tokens: Annotated[int, Meta(description="tokens, end-of-text tokens included")]
    num_bytes: Annotated[int, Meta(description="UTF-8 bytes of the documents' texts")]
    documents: Annotated[tuple[ShardDocument, ...], Meta(description="documents in order")]


class Manifest(Struct, frozen=True, kw_only=True):
    """All shards of a channel under one tokenizer."""

    version: Annotated[int, Meta(description="version of this format")] = VERSION
    tokenizer: Annotated[str, Meta(description="digest of the tokenizer")]
    vocab_size: Annotated[int, Meta(description="ids, padding and gaps included")]
    dtype: Annotated[TokenType, Meta(description="type of a token in the files")]
    end_of_text: Annotated[int, Meta(description="id after each document")]
    shards: Annotated[tuple[Shard, ...], Meta(description="shards in order")] = ()


class Span(Struct, frozen=True, kw_only=True):
    """Part of a token range that lies in one document; in the coordinates that were asked."""

    video_id: str
    start_seconds: float | None
    token_start: int
    token_end: int


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write manifest.json; the same manifest gives the same bytes."""
    with published(folder / MANIFEST) as file:
        file.write(msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")


def read_manifest(folder: Path) -> Manifest:
    """Read manifest.json, or say what is wrong with it."""
    path = folder / MANIFEST
    try:
        data = path.read_bytes()
        version = msgspec.json.decode(data, type=dict[str, object]).get("version")
        if isinstance(version, int) and version > VERSION:
            raise NewerSchema(
                f"cannot read {path}: it has version {version}, this program knows {VERSION}; "
                "update the program"
            )
        return msgspec.json.decode(data, type=Manifest)
    except FileNotFoundError as error:
        raise MissingFile(f"no {path}: materialize token_shards first") from error
    except msgspec.DecodeError as error:
        raise CorruptFile(f"cannot read {path}: {error}; materialize token_shards again") from error


def locate(folder: Path, file_or_split: str, token_start: int, token_end: int) -> list[Span]:
    """Return the documents that a token range crosses, with the second at which each part begins.

    The range counts from the start of the named shard file, or of all shards of the split `train`
    or `val` laid end to end in the manifest's order. The second is that of the last anchor at or
    before the part's first token; None in untimed text and before a document's first anchor.
    """
    spans: list[Span] = []
    for base, shard in _laid_out(folder, read_manifest(folder), file_or_split):
        low, high = token_start - base, token_end - base
        if low < shard.num_tokens and high > 0:
            spans += _spans_in_shard(folder, shard, base, low, high)
    return spans


def _laid_out(folder: Path, manifest: Manifest, name: str) -> Iterator[tuple[int, Shard]]:
    if name not in ("train", "val"):
        named = [shard for shard in manifest.shards if shard.file == name]
        if not named:
            raise MissingFile(f"{folder / MANIFEST} names no shard {name!r}; nor is it a split")
        yield 0, named[0]
        return
    base = 0
    for shard in manifest.shards:
        if shard.split == name:
            yield base, shard
            base += shard.num_tokens


def _spans_in_shard(folder: Path, shard: Shard, base: int, low: int, high: int) -> Iterator[Span]:
    for index, document in enumerate(shard.documents):
        start, end = max(low, document.token_start), min(high, document.token_end)
        if start < end:
            yield Span(
                video_id=document.video_id,
                start_seconds=second_of(folder / shard.anchors_file, index, start),
                token_start=base + start,
                token_end=base + end,
            )
