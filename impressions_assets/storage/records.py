"""Rows of the tables that are storage's own: what failed, was fetched, was made, was forgotten.

Does not belong here: what the published tables hold (rows.py).
"""

import json
from collections.abc import Callable
from typing import Annotated, Any

from msgspec import Meta, Struct

from impressions_assets.rows import PUBLISHED, Correction
from impressions_assets.storage.digests import digest_of, key_of
from impressions_assets.storage.store import StoredFile

SHARED = "_shared"  # what belongs to no channel lies there; no channel can have this name
SOUND = "audio"  # kind of the captures that name a file of sound by its digest
WHOLE_CHANNEL = "*"  # stands for the video of an attempt that all of a channel waits for


class Attempt(Struct, frozen=True, kw_only=True):
    """A failure that is not over yet."""

    video_id: Annotated[str, Meta(description="the video; '*': the channel, 'source:…': a source")]
    stage: Annotated[str, Meta(description="the asset that failed")]
    status: Annotated[str, Meta(description="'retry' or 'permanent'")]
    error: Annotated[str, Meta(description="what happened, and what to do")]
    count: Annotated[int, Meta(description="how often it was tried")]
    made_from: Annotated[str, Meta(description="a change of the input lifts even 'permanent'")]
    next_try: Annotated[str | None, Meta(description="ISO time (UTC) to try again")] = None


class Capture(Struct, frozen=True, kw_only=True):
    """Bytes as they were received, shared by all channels."""

    video_id: Annotated[str, Meta(description="the video")]
    kind: Annotated[str, Meta(description="what it is: 'captions/manual/vtt', …")]
    language: Annotated[str, Meta(description="BCP 47 tag, 'und' when unknown")]
    engine: Annotated[str, Meta(description="what fetched or recognized it")]
    body: Annotated[bytes, Meta(description="the bytes")]
    revision: Annotated[str, Meta(description="what the source announced, or the file's digest")]
    fetched_at: Annotated[str, Meta(description="ISO time (UTC)")]
    expires_at: Annotated[str | None, Meta(description="ISO time (UTC) to fetch it anew")] = None


class Revision(Struct, frozen=True, kw_only=True):
    """How a video was called and described before its owner changed that."""

    video_id: Annotated[str, Meta(description="the video")]
    title: Annotated[str, Meta(description="the title until then")]
    description: Annotated[str, Meta(description="the description until then")]
    until: Annotated[str, Meta(description="ISO time (UTC) at which the change was seen")]


class Tombstone(Struct, frozen=True, kw_only=True):
    """A video that was forgotten: no source may bring it back."""

    video_id: Annotated[str, Meta(description="the video")]
    forgotten_at: Annotated[str, Meta(description="ISO time (UTC)")]


class Allowance(Struct, frozen=True, kw_only=True):
    """What we asked of a service today, and whether it wants to be left alone."""

    service: Annotated[str, Meta(description="the service, and by which key")]
    day: Annotated[str, Meta(description="the day, where the service counts it")]
    spent: Annotated[int, Meta(description="units spent or set aside on that day")]
    pauses: Annotated[int, Meta(description="blocks in a row, without a success between")] = 0
    paused_until: Annotated[str | None, Meta(description="ISO time (UTC) to ask again")] = None
    why: Annotated[str, Meta(description="why it is paused")] = ""


class Artifact(Struct, frozen=True, kw_only=True):
    """A set of files that an asset made: tokenizer, token shards, checkpoint."""

    kind: Annotated[str, Meta(description="the asset that made it")]
    version: Annotated[int, Meta(description="counts up within a channel and kind")]
    digest: Annotated[str, Meta(description="hash of the names and digests of the files")]
    made_from: Annotated[str, Meta(description="hash of the inputs and settings")]
    files: Annotated[tuple[StoredFile, ...], Meta(description="names, digests and sizes")]
    current: Annotated[bool, Meta(description="the one that readers get; at most one a kind")]
    created_at: Annotated[str, Meta(description="ISO time (UTC)")]
    facts: Annotated[str, Meta(description="JSON: figures and provenance")]

    def fact(self, name: str) -> Any:
        """Return one of the facts, or None."""
        return json.loads(self.facts).get(name)


def attempt_key(key: str, stage: str) -> str:
    """Return the key of an attempt at the video with this key."""
    return f"{key}-{stage}"


def correction_key(key: str, table: str) -> str:
    """Return the key of a correction to the row of a table that has this key."""
    return f"{key}-{table}"


def capture_key(video_id: str, kind: str, language: str, engine: str) -> str:
    """Return the key of a capture; all captures of a video stand together."""
    return f"{key_of(video_id)}-{digest_of(kind, language, engine)[:16]}"


def artifact_key(kind: str, version: int) -> str:
    """Return the key of a set of files."""
    return f"{kind}-{version:06d}"


ROW_TYPES: dict[str, type[Struct]] = {
    **PUBLISHED,
    "corrections": Correction,
    "attempts": Attempt,
    "captures": Capture,
    "artifacts": Artifact,
    "history": Revision,
    "tombstones": Tombstone,
    "allowances": Allowance,
}
ROW_KEYS: dict[str, Callable[[Any], str]] = {
    "corrections": lambda row: correction_key(key_of(row.video_id), row.table),
    "attempts": lambda row: attempt_key(key_of(row.video_id), row.stage),
    "captures": lambda row: capture_key(row.video_id, row.kind, row.language, row.engine),
    "artifacts": lambda row: artifact_key(row.kind, row.version),
    "history": lambda row: f"{key_of(row.video_id)}-{row.until}",
    "allowances": lambda row: key_of(row.service),
}
