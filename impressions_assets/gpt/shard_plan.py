"""Which documents go into which shard, so that one video more rewrites about one shard.

Documents stand in the order of sha256(video id), and a shard ends after a document whose hash meets
a boundary pattern (content-defined chunking: the cut depends on that document alone). A shard holds
32 documents on average. Its digest names all that its bytes are made from, and so does its file.
"""

import re
from collections.abc import Iterable
from hashlib import sha256
from itertools import groupby, pairwise

import msgspec
from msgspec import Struct, structs

from impressions_assets.rows import Document, Split

FORMAT_VERSION = 1
DOCUMENTS_PER_SHARD = 32

_LINE_END = re.compile(r"\n+")
_SENTENCE_END = re.compile(r"[.!?…。！？]+[\"'”’)]*\s+|[。！？]")
_SPACE = re.compile(r"\s+")


class DocumentRef(Struct, frozen=True, kw_only=True):
    """A document by name: enough to plan with, without its text."""

    video_id: str
    digest: str
    split: Split


class PlannedShard(Struct, frozen=True, kw_only=True):
    """The documents of one shard in order, and the digest of all that it is made from."""

    split: Split
    documents: tuple[DocumentRef, ...]
    input_digest: str

    @property
    def video_ids(self) -> tuple[str, ...]:
        """Return the videos in order."""
        return tuple(document.video_id for document in self.documents)

    @property
    def file(self) -> str:
        """Return the name of the token file."""
        return f"{self.split}-{self.input_digest[:16]}.bin"

    @property
    def anchors_file(self) -> str:
        """Return the name of the anchors' Parquet file."""
        return f"{self.split}-{self.input_digest[:16]}.anchors.parquet"


def plan_shards(documents: Iterable[DocumentRef], tokenizer_digest: str) -> list[PlannedShard]:
    """Return the shards of the documents: first those of `train`, then those of `val`.

    Raises ValueError when a split holds a video twice.
    """
    ordered = sorted(documents, key=lambda document: (document.split, _place_of(document)))
    return [
        PlannedShard(split=split, documents=group, input_digest=_digest(group, tokenizer_digest))
        for split, members in groupby(ordered, key=lambda document: document.split)
        for group in _cut(tuple(members))
    ]


def split_single(document: Document, val_fraction: float) -> tuple[Document, Document]:
    """Cut a channel's only document into a training and a validation part, near the fraction.

    The cut stands after the line end, else sentence end, else space nearest to the place within
    5% of the text, else right there. The two texts joined are the text, anchors are rebased, and
    both keep the video id. What was dropped stays with the training part.
    """
    if len(document.text) < 2 or not 0 < val_fraction < 1:
        raise ValueError(
            f"cannot split document {document.video_id!r} of {len(document.text)} characters "
            f"with val_fraction {val_fraction}: it takes 2 characters and a fraction in (0, 1)"
        )
    cut = _cut_near(document.text, round(len(document.text) * (1 - val_fraction)))
    anchors = list(zip(document.anchor_offsets, document.anchor_seconds, strict=True))
    before = [anchor for anchor in anchors if anchor[0] < cut]
    after = [(offset - cut, seconds) for offset, seconds in anchors if offset >= cut]
    if before and (not after or after[0][0] > 0):
        after.insert(0, (0, before[-1][1]))
    train = _part(document, "train", document.text[:cut], before)
    val = _part(document, "val", document.text[cut:], after)
    return train, structs.replace(val, dropped=())


def _place_of(document: DocumentRef) -> str:
    return sha256(document.video_id.encode()).hexdigest()


def _cut(documents: tuple[DocumentRef, ...]) -> list[tuple[DocumentRef, ...]]:
    ids = [document.video_id for document in documents]
    twice = [first for first, second in pairwise(ids) if first == second]
    if twice:
        raise ValueError(f"cannot plan shards: split {documents[0].split} holds {twice[0]!r} twice")
    ends = [
        place
        for place, document in enumerate(documents, start=1)
        if int(_place_of(document)[:8], 16) % DOCUMENTS_PER_SHARD == 0 or place == len(documents)
    ]
    return [documents[start:end] for start, end in pairwise([0, *ends])]


def _digest(documents: tuple[DocumentRef, ...], tokenizer_digest: str) -> str:
    listed = [(document.video_id, document.digest) for document in documents]
    return sha256(msgspec.json.encode([FORMAT_VERSION, tokenizer_digest, listed])).hexdigest()


def _cut_near(text: str, target: int) -> int:
    reach = max(len(text) // 20, 1)
    low, high = max(target - reach, 0), min(target + reach, len(text))
    for pattern in (_LINE_END, _SENTENCE_END, _SPACE):
        ends = [match.end() for match in pattern.finditer(text, low, high)]
        inside = [end for end in ends if 0 < end < len(text)]
        if inside:
            return min(inside, key=lambda end: abs(end - target))
    return min(max(target, 1), len(text) - 1)


def _part(
    document: Document, split: Split, text: str, anchors: list[tuple[int, float]]
) -> Document:
    return structs.replace(
        document,
        text=text,
        split=split,
        anchor_offsets=tuple(offset for offset, _ in anchors),
        anchor_seconds=tuple(seconds for _, seconds in anchors),
    )
