"""Key frames of a channel's videos: taken from the files beside their captions, and stored."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from impressions_assets.rows import Chapter, KeyFrame, Video
from impressions_assets.sources.key_frames import check_ffmpeg, key_frames
from impressions_assets.sources.source import Source, sha256_of
from impressions_assets.storage.digests import digest_of, key_of
from impressions_assets.storage.home import Home
from impressions_assets.text.pages import Picture


class KeyFrames:
    """Gives pictures of a video's chapters, each in the store before its row names it."""

    def __init__(self, home: Home, sources: Sequence[Source]) -> None:
        """Take nothing yet.

        Raises:
            ConfigError: there is no ffmpeg.
        """
        check_ffmpeg()
        self._store, self._sources = home.store, sources

    def __call__(self, video: Video, chapters: Sequence[Chapter]) -> Mapping[float, Picture]:
        """Pictures by the starts of the chapters; none when the video's file is not at hand.

        Raises:
            SourceBroken: ffmpeg cannot read the file.
        """
        file = _file_of(video, self._sources)
        frames = key_frames(file, chapters) if file else {}
        pictures = {start: _picture(start, jpeg) for start, jpeg in frames.items()}
        with TemporaryDirectory() as folder:
            self._store.add({p.frame.name: _written(folder, p) for p in pictures.values()})
        return pictures


def file_marks(home: Home, channel: str, sources: Sequence[Source]) -> dict[str, str]:
    """Tell the file of each video from another one, by the video's key; '' of one that went."""
    files = (
        (key_of(video.video_id), _file_of(video, sources))
        for video in (home.table("videos").rows(channel) if sources else ())
    )
    return {key: _mark(file) for key, file in files if file}


def _mark(file: Path) -> str:
    try:
        found = file.stat()
    except FileNotFoundError:
        return ""
    return digest_of(file.name, found.st_size, found.st_mtime_ns)


def _file_of(video: Video, sources: Sequence[Source]) -> Path | None:
    ours = (source for source in sources if source.kind == video.source)
    return next((file for source in ours if (file := source.video_file(video))), None)


def _picture(start_seconds: float, jpeg: bytes) -> Picture:
    digest = sha256_of(jpeg)
    return Picture(KeyFrame(start_seconds, f"frame-{digest[:16]}.jpg", digest, len(jpeg)), jpeg)


def _written(folder: str, picture: Picture) -> Path:
    path = Path(folder) / picture.frame.name
    path.write_bytes(picture.jpeg)
    return path
