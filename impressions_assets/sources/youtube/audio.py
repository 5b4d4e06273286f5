"""The sound of a video, fetched by yt-dlp: the audio alone where it can be had alone.

Nothing of it is kept by yt-dlp: what was recognized is never fetched again, so the table of
captures is the archive of what was downloaded.
"""

import errno
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from yt_dlp import YoutubeDL
from yt_dlp.utils import YoutubeDLError

from impressions_assets.errors import SourceBroken, StorageError
from impressions_assets.sources.source import Log
from impressions_assets.sources.youtube.cookies import cookies_in
from impressions_assets.sources.youtube.session import Way
from impressions_assets.sources.youtube.ytdlp import YtDlp, at, causes_of

_FORMAT = "bestaudio/best"
_TOLD_EVERY = 0.25  # of a download


class AudioClient:
    """Downloads sound, one video at a time."""

    def __init__(
        self,
        pages: YtDlp,
        way: Way,
        *,
        bytes_per_second: int | None = None,
        pause_seconds: float = 0.0,
    ) -> None:
        """Connect to nothing yet.

        Args:
            pages: translates what goes wrong, and pauses for all when YouTube blocks us.
            way: the proxy and the cookies.
            bytes_per_second: how fast at most; None for no limit.
            pause_seconds: before each request.
        """
        self._pages, self._way = pages, way
        self._limits: dict[str, Any] = {
            "ratelimit": bytes_per_second,
            "sleep_interval_requests": pause_seconds,
        }

    def fetch(self, what: str, url: str, folder: Path, log: Log) -> Path:
        """Download the sound of a page's video into a folder; `log` is told how far that is.

        Raises:
            Blocked, SourceMissing, SourceUnreachable: as for YouTube's pages.
            SourceBroken: the page holds nothing that can be heard.
            StorageError: the disk is full.
        """
        with self._pages.asking(what), self._client(folder, _progress(what, log)) as client:
            try:
                info = client.extract_info(url)
            except (YoutubeDLError, OSError) as error:
                if _is_of_a_full_disk(error):
                    raise StorageError(
                        f"{what}: the disk is full at {folder}: make room and run again"
                    ) from None
                raise
        files = [Path(item["filepath"]) for item in (info or {}).get("requested_downloads") or ()]
        if not files:
            raise SourceBroken(f"{what}: there is nothing on its page that can be heard")
        return files[0]

    def _client(self, folder: Path, hook: Callable[[Mapping[str, Any]], None]) -> YoutubeDL:
        options: dict[str, Any] = {
            "format": _FORMAT,
            "outtmpl": str(folder / "sound.%(ext)s"),
            "quiet": True,
            "noprogress": True,
            "no_warnings": True,
            "color": "no_color",
            "cachedir": False,
            "noplaylist": True,
            "socket_timeout": self._way.timeout_seconds,
            "progress_hooks": [hook],
            **{name: value for name, value in self._limits.items() if value},
        }
        if proxy := self._way.proxy_config:
            options["proxy"] = proxy.to_requests_dict()["https"]
        client = _Client(options, self._way.base_url)
        for cookie in cookies_in(self._way.cookies_file) if self._way.cookies_file else ():
            client.cookiejar.set_cookie(cookie)
        return client


def _is_of_a_full_disk(error: BaseException) -> bool:
    """Whether the disk is full: yt-dlp names no cause where closing a file fails."""
    found = [one for cause in causes_of(error) for one in (cause, cause.__context__)]
    return any(getattr(one, "errno", None) == errno.ENOSPC for one in found)


class _Client(YoutubeDL):  # type: ignore[misc]
    """yt-dlp at our address: streams come from where the pages say, pages from there alone."""

    def __init__(self, options: dict[str, Any], base_url: str) -> None:
        self._base_url = base_url
        super().__init__(options)

    def urlopen(self, req: Any) -> Any:
        """Send a request, to the server that stands in YouTube's place where there is one."""
        return super().urlopen(at(self._base_url, req))


def _progress(what: str, log: Log) -> Callable[[Mapping[str, Any]], None]:
    told = 0.0

    def hook(state: Mapping[str, Any]) -> None:
        nonlocal told
        total = float(state.get("total_bytes") or state.get("total_bytes_estimate") or 0)
        share = (state.get("downloaded_bytes") or 0) / total if total else 0.0
        if share >= told + _TOLD_EVERY:
            told = share
            log(f"{what}: {share:.0%} of {total / 1e6:,.1f} MB")

    return hook
