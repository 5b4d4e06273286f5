"""Which documents say what another one says: within a channel they go, elsewhere they are told.

Only digests and signatures are read, never a text. What is a duplicate is text/duplicates.py's
knowledge; it is recomputed whenever it is asked for, so a video that leaves gives its place back.
"""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import numpy as np

from impressions_assets.channels.channels_yaml import read_channels
from impressions_assets.channels.stages import DocumentSettings
from impressions_assets.storage.digests import digest_of
from impressions_assets.storage.home import Home
from impressions_assets.text.duplicates import Duplicate, Text, bands_of, duplicates_of
from impressions_assets.text.signatures import Signatures, signatures_in, similarities


class Elsewhere(NamedTuple):
    """A document of another channel that says nearly the same."""

    video_id: str
    channel: str
    other_id: str
    similarity: float


class Told(msgspec.Struct, frozen=True):
    """What was found elsewhere, and for which documents of the channel."""

    made_from: str = ""
    found: tuple[Elsewhere, ...] = ()


def duplicates_in(home: Home, channel: str, threshold: float) -> dict[str, Duplicate]:
    """Each duplicate of a channel by its id, with the document that stays in its place."""
    rows = home.table("documents").columns(channel, "video_id", "text_digest", "signature")
    dates = dict(home.table("videos").columns(channel, "video_id", "published"))
    texts = (Text(i, dates.get(i) or "", digest, sign or b"") for i, digest, sign in rows)
    return duplicates_of(texts, threshold)


def duplicates_elsewhere(home: Home, channel: str, threshold: float) -> list[Elsewhere]:
    """For each document of a channel, what other channels say nearly the same.

    The same video in two channels is one video, and no duplicate. All other channels' signatures
    are read once, some thousands at a time.
    """
    rows = home.table("documents").columns(channel, "video_id", "signature")
    ours = [(video_id, sign) for video_id, sign in rows if sign]
    if not ours:
        return []
    signatures = signatures_in([sign for _, sign in ours])
    places: dict[int, list[int]] = {}
    for number, bands in enumerate(bands_of(signatures).tolist()):
        for band in bands:
            places.setdefault(band, []).append(number)
    known = np.array(sorted(places), dtype=np.uint64)
    found = set()
    for other, video_id, signature, bands in _others(home, channel, known):
        near = sorted({number for band in bands for number in places.get(band, ())})
        for number, shared in zip(near, similarities(signature, signatures[near]), strict=True):
            if shared >= threshold and ours[number][0] != video_id:
                found.add(Elsewhere(ours[number][0], other, video_id, float(shared)))
    return sorted(found)


def told_elsewhere(home: Home, channel: str, threshold: float) -> list[Elsewhere]:
    """What `duplicates_elsewhere` found when the channel changed last.

    To look again means to read a file of each channel there is: among a thousand, 3,000 requests
    of a bucket in each refresh of each channel. Whoever says it later is told of the earlier one.
    """
    made_from = digest_of(home.table("documents").data_version(channel), threshold)
    place = f"elsewhere/{channel}.json"
    before = _told(home.store.read_text(place))
    if before.made_from == made_from:
        gone = home.forgotten() if before.found else set()
        return [one for one in before.found if one.other_id not in gone]
    found = duplicates_elsewhere(home, channel, threshold)
    told = Told(made_from=made_from, found=tuple(found))
    home.store.write_text(place, msgspec.json.encode(told).decode())
    return found


def _told(text: str | None) -> Told:
    try:
        return msgspec.json.decode(text or "{}", type=Told)
    except msgspec.DecodeError:  # it can be made again at any time
        return Told()


def threshold_of(home: Home, channel: str) -> float:
    """What the channel calls nearly the same; the default when it left channels.yaml."""
    declared = read_channels(home).channels.get(channel)
    return (declared.documents if declared else DocumentSettings()).duplicate_similarity


def _others(
    home: Home, channel: str, known: np.ndarray[tuple[int, ...], np.dtype[np.uint64]]
) -> Iterator[tuple[str, str, np.ndarray[tuple[int, ...], np.dtype[np.uint32]], list[int]]]:
    """Yield the documents of other channels that share a band with one of ours."""
    for names, ids, stored in home.table("documents").stream_of_all("video_id", "signature"):
        there = [n for n, sign in enumerate(stored) if sign and names[n] != channel]
        theirs: Signatures = signatures_in([stored[n] for n in there])
        bands = bands_of(theirs)
        nearest = known[np.minimum(np.searchsorted(known, bands), len(known) - 1)]
        for row in np.flatnonzero((nearest == bands).any(axis=1)):
            yield names[there[row]], ids[there[row]], theirs[row], bands[row].tolist()
