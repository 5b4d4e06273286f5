"""An archive that yt-dlp left on disk: `*.info.json` with captions beside them.

Made by `yt-dlp --write-info-json --write-subs --write-auto-subs`; folders are searched in depth.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

import msgspec

from impressions_assets.errors import SourceBroken, SourceMissing
from impressions_assets.rows import Failed, Track, Video
from impressions_assets.sources import audio, key_frames
from impressions_assets.sources.caption_files import (
    FORMATS,
    CaptionFile,
    Offer,
    captions_by_stem,
    offer_of,
)
from impressions_assets.sources.duplicates import once
from impressions_assets.sources.folder import files_by_folder, is_text
from impressions_assets.sources.info_json import Info, read_info, video_of
from impressions_assets.sources.media_files import file_beside
from impressions_assets.sources.remembered import Look, Remembered, mark_of
from impressions_assets.sources.source import (
    Log,
    Source,
    checked,
    read_inside,
    safe_video_id,
    sha256_of,
)

VERSION = 1  # raise it when the same files must give another Video from now on

_INFO = ".info.json"
_ORPHAN = "captions without an info.json beside them: fetch it with yt-dlp --write-info-json"
_ID_IN_NAME = re.compile(r"\[([A-Za-z0-9_-]{11})\]$")


class ArchiveSource(Source):
    """The videos of an archive; locations of tracks are relative to its folder.

    Files that did not change since the last look are not opened, as long as `memory` lasts.
    """

    kind = "archive"

    def __init__(
        self, folder: Path, name: str | None = None, memory: Remembered | None = None
    ) -> None:
        self.folder = folder
        self._memory = memory or Remembered()
        self._root = str(folder)
        self.name = name or str(folder)

    def list_videos(self) -> Iterator[Video | Failed]:
        """Stream the videos in the order of their paths.

        Raises SourceMissing when there is no such folder, or no info.json anywhere in it.
        """
        num_items = 0
        with self._memory.look(self.folder, VERSION) as look:
            for item in once(self._items(look)):
                num_items += 1
                yield item
        if not num_items:
            raise SourceMissing(
                f"{self.name}: no *.info.json in {self.folder} or below it. "
                "Make the archive with yt-dlp --write-info-json --write-subs --write-auto-subs"
            )

    def fetch(self, video: Video, track: Track) -> bytes:
        """Bytes of the caption file. Raises SourceMissing, or SourceBroken when it changed.

        Then the next look reads all files: should the memory be to blame, it would never know.
        """
        data = read_inside(self.folder, track.location, self.name)
        try:
            return checked(data, track, f"{self.name}: {track.location} ({video.video_id})")
        except SourceBroken:
            self._memory.forget(self.folder)
            raise

    def video_file(self, video: Video) -> Path | None:
        """The video itself, when yt-dlp left it beside its captions."""
        return file_beside(
            self.folder, [track.location for track in video.tracks], key_frames.SUFFIXES
        )

    def sound(self, video: Video, folder: Path, log: Log) -> Path | None:
        """The sound or the video, when yt-dlp left it beside the info.json."""
        return file_beside(self.folder, self._locations(video), audio.SUFFIXES)

    def _locations(self, video: Video) -> list[str]:
        """Where files of a video are: its captions, or else its info.json."""
        captions = [track.location for track in video.tracks]
        return captions or [self._info_paths[video.video_id]]

    @cached_property
    def _info_paths(self) -> Mapping[str, str]:
        """Where the info.json of each video is; files that did not change are not opened."""
        paths: defaultdict[str, str] = defaultdict(str)
        with self._memory.look(self.folder, VERSION) as look:
            for path, item in self._items(look):
                paths.setdefault(item.video_id, path)
        return paths

    def _items(self, look: Look) -> Iterator[tuple[str, Video | Failed]]:
        for folder, names in files_by_folder(self.folder, self.name):
            below = "" if folder == Path() else f"{folder.as_posix()}/"
            stems = [name.removesuffix(_INFO) for name in names if name.endswith(_INFO)]
            captions = captions_by_stem(names, frozenset(stems))
            for stem in stems:
                item = self._item(look, below, stem, captions.pop(stem, []))
                if item is not None:
                    yield f"{below}{stem}{_INFO}", item
            for stem, files in captions.items():
                path = f"{below}{files[0].file_name}"
                yield path, self._failed(path, _id_from(stem), _ORPHAN)

    def _item(
        self, look: Look, below: str, stem: str, files: list[CaptionFile]
    ) -> Video | Failed | None:
        """One info.json as a Video, as Failed when something is wrong, None for a playlist."""
        path, info = f"{below}{stem}{_INFO}", None
        try:
            _check_names(path, files)
            locations = [path, *(f"{below}{file.file_name}" for file in files)]
            marks = tuple(mark_of(self._root, location) for location in locations)
            video = look.recall(path, marks)
            if video is None and (info := read_info(self._read(path))):
                video = self._video(info, below, files)
                look.remember(path, marks, video)
        except OSError as error:
            return self._failed(path, _id_from(stem), f"cannot be read: {error}", retry=True)
        except SourceBroken as error:
            has_id = info is not None and info.id is not None
            video_id = safe_video_id(str(info.id)) if has_id and info else _id_from(stem)
            return self._failed(path, video_id, str(error))
        return video

    def _video(self, info: Info, below: str, files: list[CaptionFile]) -> Video:
        video = video_of(info)
        offer = offer_of(info.subtitles, info.automatic_captions, video.language)
        tracks = tuple(self._track(f"{below}{file.file_name}", file, offer) for file in files)
        return msgspec.structs.replace(video, language=offer.original, tracks=tracks)

    def _track(self, location: str, file: CaptionFile, offer: Offer) -> Track:
        data = self._read(location)
        return Track(
            language=file.language,
            kind=offer.kind_of(file.language, data),
            format=FORMATS[file.extension],
            location=location,
            digest=sha256_of(data),
        )

    def _read(self, location: str) -> bytes:
        with open(
            f"{self._root}/{location}", "rb", buffering=0
        ) as file:  # Path costs as much again
            return file.read()

    def _failed(self, path: str, video_id: str, reason: str, *, retry: bool = False) -> Failed:
        shown = path.encode("utf-8", "replace").decode()
        return Failed(video_id=video_id, error=f"{self.name}: {shown}: {reason}", retry=retry)


def _check_names(path: str, files: list[CaptionFile]) -> None:
    if not is_text(path) or not all(is_text(file.file_name) for file in files):
        raise SourceBroken("its name, or that of its captions, is not UTF-8: rename the file")


def _id_from(stem: str) -> str:
    """Best guess at the id of a file that cannot be read: `Title [id]`, or the stem itself."""
    found = _ID_IN_NAME.search(stem)
    return found[1] if found else safe_video_id(stem)
