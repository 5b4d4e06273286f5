"""Forgetting a video: out of every table, for good, and no source may bring it back.

The tombstone comes first, so a crash after it loses nothing: forgetting again goes on. What remains
is named: the shards, until they are cut anew, and the models that learned from it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from msgspec import Struct

from impressions_assets.rows import PUBLISHED
from impressions_assets.storage.digests import key_of
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import ROW_TYPES, SHARED, Artifact, Tombstone
from impressions_assets.storage.tables import Entry

LEARNED = "learned.json"  # the ids of the videos, among the files of each trained version
TRAINED = ("checkpoint", "chat_model")


class Trace(Struct, frozen=True):
    """Where a video stands: how many rows of a table, in a channel."""

    table: str
    channel: str
    num_rows: int


class Learned(Struct, frozen=True):
    """A model that learned from a video."""

    channel: str
    kind: str
    version: int
    promoted: bool


def traces_of(home: Home, video_id: str) -> list[Trace]:
    """Say where a video stands in the tables, raw captures included."""
    return [
        Trace(table, channel, len(keys)) for table, channel, keys in _keys_by_place(home, video_id)
    ]


def bury(home: Home, video_id: str, now: datetime | None = None) -> None:
    """Write the tombstone that every source obeys."""
    forgotten_at = (now or datetime.now(UTC)).isoformat(timespec="seconds")
    stone = Tombstone(video_id=video_id, forgotten_at=forgotten_at)
    home.table("tombstones").put(SHARED, [Entry(stone)])


def is_buried(home: Home, video_id: str) -> bool:
    """Say whether a video was forgotten."""
    return home.table("tombstones").get(SHARED, key_of(video_id)) is not None


def remove_rows(home: Home, video_id: str) -> None:
    """Remove a video's rows from every table, its raw captures, failures and history as well.

    Its sound and the pictures that its article shows go first: without the row nobody would know of
    them.
    """
    home.delete_own_files(video_id)
    for table, channel, keys in list(_keys_by_place(home, video_id)):
        home.table(table).remove(channel, keys)


def channels_with_shards_of(home: Home, video_id: str) -> list[str]:
    """Return the channels whose current shards hold a video."""
    return [
        channel
        for channel in home.table("artifacts").channels()
        if (made := home.current(channel, "token_shards")) and video_id in _in_shards(home, made)
    ]


def remove_files(home: Home, video_id: str) -> None:
    """Delete shards that hold a video still, superseded ones, and the old files of all tables.

    Only files that a commit names are deleted: what another run is about to commit stays.
    """
    uncut = channels_with_shards_of(home, video_id)
    for channel in home.table("artifacts").channels():
        home.delete_shards(channel, current_too=channel in uncut)
    for table in ROW_TYPES:
        home.table(table).vacuum(0)


def models_that_learned(home: Home, video_id: str) -> list[Learned]:
    """Return the trained versions of all channels that saw a video, by the manifests they keep."""
    return [
        Learned(channel, made.kind, made.version, made.current)
        for channel in home.table("artifacts").channels()
        for kind in TRAINED
        for made in home.artifacts(channel, kind)
        if video_id in learned_from(home, made)
    ]


def forgotten_in(home: Home, made: Artifact) -> set[str]:
    """Return the forgotten videos that a model learned from: with any, it is stale."""
    buried = home.forgotten()
    return buried & learned_from(home, made) if buried else set()


def learned_from(home: Home, made: Artifact) -> set[str]:
    """Return the videos whose text a model was trained or measured on."""
    text = _read(home, made, LEARNED)
    return msgspec.json.decode(text, type=set[str]) if text else set()


def _in_shards(home: Home, made: Artifact) -> set[str]:
    class Named(Struct):
        video_id: str

    class Held(Struct):
        documents: tuple[Named, ...]

    class Manifest(Struct):
        shards: tuple[Held, ...]

    text = _read(home, made, "manifest.json")
    shards = msgspec.json.decode(text, type=Manifest).shards if text else ()
    return {document.video_id for shard in shards for document in shard.documents}


def _read(home: Home, made: Artifact, name: str) -> bytes | None:
    """Return one file of a set; None when it has none of that name, or lost it."""
    files = [file for file in made.files if file.name == name]
    if not files or home.store.missing(files):
        return None
    with TemporaryDirectory() as folder:
        return (home.store.fetch(files, Path(folder)) / name).read_bytes()


def _keys_by_place(home: Home, video_id: str) -> Iterator[tuple[str, str, list[str]]]:
    """Yield (table, channel, keys) of all rows of a video; a key may have a suffix."""
    key = key_of(video_id)
    for table in (*PUBLISHED, "corrections", "attempts", "captures", "history"):
        for channel in home.table(table).channels():
            keys = [k for k in home.table(table).digests(channel) if k.startswith(key)]
            if keys:
                yield table, channel, keys
