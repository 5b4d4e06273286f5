"""Binary files of token ids: written from documents, opened without copying, read back as text.

A file is a header of 256 little-endian int32 (magic, version, number of tokens, bytes per token,
the 32 bytes of the tokenizer's digest), then the ids: the tokens of each document, and after it
an end-of-text token. The header lets a reader refuse a shard that another tokenizer made: its ids
would be valid numbers and wrong words.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from impressions_assets.errors import (
    CorruptFile,
    MissingFile,
    TokenizerError,
)
from impressions_assets.gpt.anchors import (
    Anchors,
    anchor_characters,
    tokens_of_characters,
    write_anchors,
)
from impressions_assets.gpt.manifest import Manifest, Shard, ShardDocument, TokenType
from impressions_assets.gpt.published import published
from impressions_assets.gpt.shard_plan import FORMAT_VERSION, DocumentRef, PlannedShard
from impressions_assets.gpt.tokenizer import Tokenizer
from impressions_assets.gpt.vocabulary import pieces, valid_text
from impressions_assets.rows import Document

MAGIC = 0x52504D49  # the bytes "IMPR"
HEADER_BYTES = 1024

_AHEAD_CHARACTERS = 1 << 18


def token_type(vocab_size: int) -> TokenType:
    """Return the type of a token in the files of a tokenizer with so many ids."""
    return "uint16" if vocab_size <= 1 << 16 else "uint32"


def open_shard(
    path: Path, tokenizer_digest: str | None
) -> np.memmap[tuple[int], np.dtype[np.uint]]:
    """Return the tokens of a shard as a read-only memory map, shape (num_tokens,).

    Raises MissingFile, CorruptFile when the file is no whole shard, and TokenizerError when
    another tokenizer than `tokenizer_digest` made it (None: any will do).
    """
    try:
        size_bytes = path.stat().st_size
        with path.open("rb") as file:
            header = np.frombuffer(file.read(HEADER_BYTES).ljust(HEADER_BYTES, b"\0"), "<i4")
    except OSError as error:
        raise MissingFile(
            f"cannot open shard {path} ({error.strerror}): materialize token_shards again"
        ) from error
    _check_header(path, header, size_bytes)
    found = header[4:12].tobytes().hex()
    if tokenizer_digest not in (None, found):
        raise TokenizerError(
            f"cannot use shard {path}: it was made by tokenizer {found}, not by "
            f"{tokenizer_digest}; materialize token_shards again, or load its own tokenizer"
        )
    dtype = "<u2" if header[3] == 2 else "<u4"
    return np.memmap(path, dtype=dtype, mode="r", offset=HEADER_BYTES, shape=(int(header[2]),))


def manifest_of(tokenizer: Tokenizer, shards: Iterable[Shard]) -> Manifest:
    """Return the manifest of shards that a tokenizer made."""
    return Manifest(
        tokenizer=tokenizer.digest,
        vocab_size=tokenizer.vocab_size,
        dtype=token_type(tokenizer.vocab_size),
        end_of_text=tokenizer.end_of_text,
        shards=tuple(shards),
    )


def write_shard(
    folder: Path, planned: PlannedShard, documents: Iterable[Document], tokenizer: Tokenizer
) -> Shard:
    """Write a planned shard and its anchors; the same documents give the same bytes.

    `documents` come in the plan's order, none empty; a few at a time are held. Raises ValueError
    when they are others than planned, StorageError when the folder cannot take the files.
    """
    dtype = token_type(tokenizer.vocab_size)
    listed: list[ShardDocument] = []
    anchors: list[Anchors] = []
    place = num_bytes = 0
    with published(folder / planned.file) as file:
        file.write(_header(0, dtype, tokenizer.digest))
        for ref, document in _matched(planned, _read_ahead(documents)):
            encoded = _write_document(file, document, tokenizer, np.dtype(dtype))
            listed.append(_listed(ref, document, place, encoded.num_tokens))
            # As an array: a quarter of the memory of numbers in a tuple, till all are written.
            seconds = np.fromiter(document.anchor_seconds, np.float64, len(document.anchor_seconds))
            anchors.append(Anchors(place + encoded.anchors, seconds))
            place += encoded.num_tokens + 1
            num_bytes += encoded.num_bytes
        file.seek(0)
        file.write(_header(place, dtype, tokenizer.digest))
        with published(folder / planned.anchors_file) as anchors_file:
            write_anchors(anchors_file, anchors)
    return Shard(
        file=planned.file,
        anchors_file=planned.anchors_file,
        split=planned.split,
        input_digest=planned.input_digest,
        num_tokens=place,
        num_bytes=num_bytes,
        documents=tuple(listed),
    )


def read_documents(
    folder: Path, manifest: Manifest, tokenizer: Tokenizer
) -> Iterator[tuple[str, str]]:
    """Return (video id, text) of each document in the shards, decoded, one at a time."""
    for shard in manifest.shards:
        tokens = open_shard(folder / shard.file, tokenizer.digest)
        for document in shard.documents:
            ids = tokens[document.token_start : document.token_end]
            yield document.video_id, tokenizer.decode(ids)


def copy_tokens(path: Path, tokens: npt.NDArray[np.unsignedinteger], tokenizer: Tokenizer) -> None:
    """Write tokens that are there already as a shard."""
    dtype = token_type(tokenizer.vocab_size)
    with published(path) as file:
        file.write(_header(len(tokens), dtype, tokenizer.digest))
        file.write(tokens.astype(dtype, copy=False).data)


class _Encoded(NamedTuple):
    num_tokens: int
    num_bytes: int
    anchors: npt.NDArray[np.int64]  # token of each anchor, from the start of the document


def _check_header(path: Path, header: npt.NDArray[np.int32], size_bytes: int) -> None:
    magic, version, num_tokens, width = (int(number) for number in header[:4])
    expected = HEADER_BYTES + num_tokens * width
    if magic != MAGIC:
        found = f"starts with 0x{magic & 0xFFFFFFFF:08x}, not 0x{MAGIC:08x}: it is no shard"
    elif version != FORMAT_VERSION:
        found = f"has format version {version}, this program reads {FORMAT_VERSION}"
    elif width not in (2, 4) or num_tokens < 1:
        found = f"claims {num_tokens} tokens of {width} bytes"
    elif size_bytes != expected:
        found = f"has {size_bytes} bytes where its header says {expected}: it was cut or changed"
    else:
        return
    raise CorruptFile(f"cannot use shard {path}: it {found}; materialize token_shards again")


def _header(num_tokens: int, dtype: TokenType, digest: str) -> bytes:
    header = np.zeros(HEADER_BYTES // 4, dtype="<i4")
    header[:4] = MAGIC, FORMAT_VERSION, num_tokens, np.dtype(dtype).itemsize
    header[4:12] = np.frombuffer(bytes.fromhex(digest), dtype="<i4")
    return header.tobytes()


def _matched(
    planned: PlannedShard, documents: Iterable[Document]
) -> Iterator[tuple[DocumentRef, Document]]:
    given = iter(documents)
    for ref in planned.documents:
        document = next(given, None)
        if document is None or document.video_id != ref.video_id or not document.text:
            found = "no more" if document is None else f"{document.video_id!r}"
            found += " with empty text" if document and not document.text else ""
            raise ValueError(f"{planned.file} is planned with {ref.video_id!r} next, got {found}")
        yield ref, document
    for document in given:
        raise ValueError(f"{planned.file} is planned without {document.video_id!r}")


def _read_ahead(documents: Iterable[Document]) -> Iterator[Document]:
    """The same documents, a few read before the first is handed on.

    To read one takes from the processor's cache the tables of what encodes; with a few encoded in a
    row, the way from captions to shards took 5% less, and 8% with four times as many.
    """
    few: list[Document] = []
    for document in documents:
        few.append(document)
        if sum(len(document.text) for document in few) >= _AHEAD_CHARACTERS:
            yield from few
            few = []
    yield from few


def _listed(ref: DocumentRef, document: Document, place: int, num_tokens: int) -> ShardDocument:
    return ShardDocument(
        video_id=ref.video_id,
        token_start=place,
        token_end=place + num_tokens,
        digest=ref.digest,
        license=document.license,
    )


def _write_document(
    file: BinaryIO, document: Document, tokenizer: Tokenizer, dtype: np.dtype[np.unsignedinteger]
) -> _Encoded:
    """Write the tokens of a document, a piece at a time, and the end-of-text token."""
    anchors = anchor_characters(document)
    found: list[npt.NDArray[np.int64]] = []
    characters = num_tokens = num_bytes = 0
    for piece in pieces(valid_text(document.text)):
        ids = tokenizer.encode_array(piece).astype(dtype, copy=False)
        here = (anchors >= characters) & (anchors < characters + len(piece))
        if here.any():
            places = tokens_of_characters(anchors[here] - characters, piece, ids, tokenizer)
            found.append(num_tokens + places)
        file.write(ids.data)
        characters += len(piece)
        num_tokens += len(ids)
        num_bytes += len(piece.encode())
    file.write(np.array([tokenizer.end_of_text], dtype=dtype).data)
    return _Encoded(num_tokens, num_bytes, np.concatenate([np.empty(0, np.int64), *found]))
