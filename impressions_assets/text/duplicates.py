"""Duplicates: the same words twice, exactly or nearly; the earliest one stays.

Near-duplicates are found by locality-sensitive hashing over stored signatures: 32 bands of four
hashes, of which two texts that share 80 % of their runs miss all once in twenty million times. A
candidate counts when the estimate of the whole signature says so. Each text is compared with a few
that stay, so the work grows with the number of texts and not with its square.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from impressions_assets.text.signatures import (
    NUM_HASHES,
    Signatures,
    signatures_in,
    similarities,
)

Bands = npt.NDArray[np.uint64]  # (documents, _BANDS)

_BANDS = 32
_MOST_IN_A_BAND = 50  # texts of one template may share a band by hundreds; none needs them all


class Text(NamedTuple):
    """What is known of a document without its text."""

    video_id: str
    published: str  # ISO date, '' when unknown: later than any known one
    digest: str  # of the exact words, '' without any
    signature: bytes = b""


class Duplicate(NamedTuple):
    """A document that goes, and why: the one that stays, and how much the two share."""

    video_id: str
    kept: str
    similarity: float


def text_digest(text: str) -> str:
    """sha256 of the text's letters and digits in one case; '' when it has none."""
    letters = "".join(filter(str.isalnum, text.casefold()))
    return hashlib.sha256(letters.encode()).hexdigest() if letters else ""


def duplicates_of(texts: Iterable[Text], threshold: float) -> dict[str, Duplicate]:
    """Each duplicate by its id, with the document that stays in its place.

    Texts that share `threshold` of their runs or more, 0 to 1, say the same; at 1, only equal
    words do. Of dates that are equal, the lower id stays; a text without words is no duplicate.
    """
    in_order = sorted(texts, key=lambda text: (not text.published, text.published, text.video_id))
    with_words = [text for text in in_order if text.digest]
    index = _Index([text.signature for text in with_words], threshold)
    by_digest: dict[str, str] = {}
    found: dict[str, Duplicate] = {}
    for number, text in enumerate(with_words):
        kept = by_digest.get(text.digest)
        if kept is not None:
            found[text.video_id] = Duplicate(text.video_id, kept, 1.0)
            continue
        match = index.match(number) if threshold < 1 else None
        if match:
            kept = with_words[match[0]].video_id
            found[text.video_id] = Duplicate(text.video_id, kept, match[1])
        else:
            index.keep(number)
        by_digest[text.digest] = kept or text.video_id
    return found


def bands_of(signatures: Signatures) -> Bands:
    """What near-duplicates have in common: a number per band; equal ones make candidates."""
    width = NUM_HASHES // _BANDS // 2
    pairs = np.ascontiguousarray(signatures).view("<u8").reshape(-1, _BANDS, width)
    mixed = np.arange(_BANDS, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    for part in range(width):
        mixed = (mixed ^ pairs[:, :, part]) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = mixed ^ (mixed >> np.uint64(31))
    return mixed


class _Index:
    """The texts that stay, by their bands."""

    def __init__(self, signatures: Sequence[bytes], threshold: float) -> None:
        empty = bytes(4 * NUM_HASHES)
        self._signed = [bool(signature) for signature in signatures]
        self._signatures = signatures_in([signature or empty for signature in signatures])
        self._bands = bands_of(self._signatures).tolist()
        self._threshold = threshold
        self._kept: dict[int, list[int]] = {}

    def match(self, number: int) -> tuple[int, float] | None:
        """The text most like this one among those that stay, the earliest of equals."""
        if not self._signed[number]:
            return None
        near = {n for band in self._bands[number] for n in self._kept.get(band, ())}
        if not near:
            return None
        candidates = sorted(near)
        shared = similarities(self._signatures[number], self._signatures[candidates])
        best = int(shared.argmax())
        likeness = float(shared[best])
        return (candidates[best], likeness) if likeness >= self._threshold else None

    def keep(self, number: int) -> None:
        for band in self._bands[number] if self._signed[number] else ():
            bucket = self._kept.setdefault(band, [])
            if len(bucket) < _MOST_IN_A_BAND:
                bucket.append(number)
