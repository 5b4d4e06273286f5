"""Sound that was fetched and is kept: once per video, for all channels and ways of hearing.

The files lie in the store under their digest; a capture names each, so that they go when it does.
"""

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from impressions_assets.errors import CorruptFile, MissingFile
from impressions_assets.storage.captures import Raw
from impressions_assets.storage.home import Home
from impressions_assets.storage.records import SOUND, Capture
from impressions_assets.storage.store import StoredFile

_ENGINE = "yt-dlp"


class Sounds:
    """What was fetched before, to be heard again without asking anybody."""

    def __init__(self, home: Home) -> None:
        """Read nothing yet."""
        self._store, self._raw = home.store, Raw(home)

    def keep(self, video_id: str, file: Path) -> None:
        """Keep a video's sound, as it came."""
        (stored,) = self._store.add({file.name: file})
        row = Capture(
            video_id=video_id,
            kind=SOUND,
            language="und",
            engine=_ENGINE,
            body=msgspec.json.encode(stored),
            revision=stored.digest,
            fetched_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        self._raw.keep([row])

    def named(self, video_id: str) -> StoredFile | None:
        """What is kept of a video."""
        kept = self._raw.kept([video_id], SOUND, _ENGINE).get(video_id)
        return msgspec.json.decode(kept.body, type=StoredFile) if kept else None

    def fetch(self, video_id: str, folder: Path) -> Path | None:
        """Put what is kept of a video into a folder; None where nothing is, or it was lost."""
        file = self.named(video_id)
        if file is None:
            return None
        try:
            return self._store.fetch([file], folder) / file.name
        except (MissingFile, CorruptFile):  # it is fetched anew
            return None
