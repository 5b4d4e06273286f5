"""What was recognized, kept raw: once per video and way of hearing, for all channels."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cached_property

from impressions_assets.speech.recognizer.job import VERSION, Hearing
from impressions_assets.storage.captures import Raw
from impressions_assets.storage.digests import digest_of, key_of
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import SHARED, Capture, capture_key

_KIND = "speech/whisperx"


class Heard:
    """The captures of one way of hearing: another model, or another setting, hears anew."""

    def __init__(self, home: Home, hearing: Hearing) -> None:
        """Read nothing yet."""
        self.engine = engine_of(hearing)
        self._raw, self._table = Raw(home), home.table("captures")

    def marks(self, video_ids: Iterable[str]) -> dict[str, str]:
        """What tells one recognition from another, by the keys of those that were recognized."""
        known = self._table.digests(SHARED)
        keys = {key_of(video_id): self._key(video_id) for video_id in video_ids}
        return {key: known[ours].output for key, ours in keys.items() if ours in known}

    def body(self, video_id: str) -> bytes | None:
        """What was recognized in a video; None when nothing was yet."""
        kept = self._table.get(SHARED, self._key(video_id))
        return None if kept is None else bytes(kept.body)

    def earlier_body(self, video_id: str) -> bytes | None:
        """What was recognized last in another way, which does until this one has heard it."""
        engine = self._earlier.get(video_id)
        key = engine and capture_key(video_id, _KIND, "und", engine)
        kept = self._table.get(SHARED, key) if key else None
        return None if kept is None else bytes(kept.body)

    @cached_property
    def _earlier(self) -> dict[str, str]:
        """The way in which each video was heard last: one look for all of them."""
        rows = self._table.columns(SHARED, "fetched_at", "video_id", "kind", "engine")
        others = (row for row in rows if row[2] == _KIND and row[3] != self.engine)
        return {video_id: engine for _, video_id, _, engine in sorted(others)}

    def keep(self, bodies: Mapping[str, bytes]) -> None:
        """Keep what was recognized, by video, in one commit."""
        stamp = datetime.now(UTC).isoformat(timespec="seconds")
        rows = [
            Capture(
                video_id=video_id,
                kind=_KIND,
                language="und",
                engine=self.engine,
                body=body,
                revision="",
                fetched_at=stamp,
            )
            for video_id, body in bodies.items()
        ]
        self._raw.keep(rows)

    def _key(self, video_id: str) -> str:
        return capture_key(video_id, _KIND, "und", self.engine)


def forget_heard(home: Home, video_id: str) -> None:
    """Forget what was recognized in a video, in every way of hearing, so that it is heard anew."""
    captures, key = home.table("captures"), key_of(video_id)
    ours = [known for known in captures.digests(SHARED) if known.startswith(f"{key}-")]
    heard = [known for known, capture in captures.items(SHARED, ours) if capture.kind == _KIND]
    captures.remove(SHARED, heard)


def engine_of(hearing: Hearing) -> str:
    """Name a way of hearing."""
    # What was heard before there was this setting is not heard anew.
    said = {name: v for name, v in vars(hearing).items() if name != "language" or v}
    return f"whisperx-{digest_of(VERSION, said)[:12]}"
