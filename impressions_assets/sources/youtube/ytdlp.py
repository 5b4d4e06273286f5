"""yt-dlp as a quiet library: pages of YouTube in, its dicts out, its errors in our words.

It prints nothing, writes nothing (no cache, no cookies), runs no JavaScript and asks for no stream.
Whatever it sends goes through `urlopen`, which waits for its turn first.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from yt_dlp import YoutubeDL
from yt_dlp.extractor.youtube import YoutubeIE as _YoutubeIE
from yt_dlp.extractor.youtube import YoutubeTabIE
from yt_dlp.networking import Request, Response
from yt_dlp.networking.exceptions import HTTPError, TransportError
from yt_dlp.utils import YoutubeDLError

from impressions_assets.errors import (
    SourceError,
    SourceMissing,
    SourceUnreachable,
)
from impressions_assets.sources.youtube.cookies import cookies_in
from impressions_assets.sources.youtube.retries import Retries
from impressions_assets.sources.youtube.session import Way
from impressions_assets.storage.budget import Budget

_ROBOT = re.compile(r"not a bot|unusual traffic|captcha|rate-limited|try again later", re.I)
_GONE = re.compile(
    r"does not exist|doesn.t exist|private|not available|unavailable|no longer|removed|terminated"
    r"|not found|HTTP Error 404|does not have a",
    re.I,
)
_Wait = Callable[[], None]
# What it raises on pages whose shape it does not know.
_TRIPPED = (AssertionError, AttributeError, LookupError, TypeError, ValueError)


@dataclass
class _Log:
    """Takes what yt-dlp says; why a video cannot be played is said as a warning."""

    warnings: list[str] = field(default_factory=list)

    def debug(self, message: str) -> None:
        """Forget it."""

    def warning(self, message: str) -> None:
        """Remember it until somebody asks."""
        self.warnings.append(message)

    def error(self, message: str) -> None:
        """Forget it: it comes as an exception too."""


class YtDlp:
    """Asks YouTube's pages. For one thread."""

    def __init__(
        self,
        budget: Budget,
        wait: _Wait,
        way: Way,
        *,
        retries: Retries = Retries(),
    ) -> None:
        """Connect to nothing yet.

        Args:
            budget: of YouTube's pages; a block pauses it for everybody.
            wait: returns when the next request may be made.
            way: how YouTube is reached; a cookies file is only read.
            retries: how often to ask when none comes.

        Raises:
            SourceRefused: the cookies file cannot be read.
        """
        self._budget = budget
        self._log = _Log()

        def pause(n: int) -> int:
            """Wait by our clock; yt-dlp itself waits for 0 seconds more."""
            retries.pause(n)
            return 0

        options: dict[str, Any] = {
            "quiet": True,
            "logger": self._log,
            "color": "no_color",
            "cachedir": False,
            "skip_download": True,
            "ignore_no_formats_error": True,
            "socket_timeout": way.timeout_seconds,
            "extractor_retries": retries.tries - 1,
            "retry_sleep_functions": {"extractor": pause},
            "compat_opts": {"no-youtube-channel-redirect"},
            "extractor_args": {
                "youtube": {
                    "player_client": ["web"],
                    "player_skip": ["configs", "js"],
                    "skip": ["hls", "dash", "translated_subs"],
                    "raise_incomplete_data": ["yes"],  # else half of a list passes for a whole one
                }
            },
        }
        if proxy := way.proxy_config:
            options["proxy"] = proxy.to_requests_dict()["https"]
        # Not yt-dlp's option `cookiefile`: it prints the lines that it skips.
        cookies = cookies_in(way.cookies_file) if way.cookies_file else ()
        self._client = _Client(options, way.base_url, budget, wait)
        for cookie in cookies:
            self._client.cookiejar.set_cookie(cookie)

    def extract(self, what: str, url: str) -> tuple[dict[str, Any], str]:
        """Return what yt-dlp tells of a page, and its warnings. Entries of a list come lazily.

        A page that takes us for a robot may still hold a video's title: it is no answer.
        """
        self._log.warnings.clear()
        with self.asking(what):
            info = self._client.extract_info(url, download=False, process=False)
        said = "\n".join(self._log.warnings)
        if _ROBOT.search(said):
            raise self._budget.pause(f"{what}: YouTube takes us for a robot")
        self._budget.worked()
        return info or {}, said

    @contextmanager
    def asking(self, what: str) -> Iterator[None]:
        """Translate what goes wrong inside.

        Raises:
            Blocked: YouTube takes us for a robot; nobody asks for a while.
            SourceMissing: there is no such page, or not for everybody.
            SourceUnreachable: no whole answer after several tries, or one that makes no sense.
        """
        try:
            yield
        except YoutubeDLError as error:
            raise self._error(what, error) from None  # its message may hold a proxy's password
        except _TRIPPED as error:
            raise SourceUnreachable(
                f"{what}: yt-dlp does not understand the page ({type(error).__name__}); when that "
                "goes on, a newer yt-dlp may"
            ) from error

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _error(self, what: str, error: YoutubeDLError) -> SourceError:
        causes = list(causes_of(error))
        status = next((cause.status for cause in causes if isinstance(cause, HTTPError)), None)
        text = " ".join(str(cause) for cause in causes if isinstance(cause, YoutubeDLError))
        network = next((cause for cause in causes if isinstance(cause, TransportError)), None)
        is_said = status is None and network is None  # by YouTube, and by nobody on the way there
        if is_said and _ROBOT.search(text):
            return self._budget.pause(f"{what}: YouTube takes us for a robot")
        if status in (404, 410) or (is_said and _GONE.search(text)):
            return SourceMissing(
                f"{what}: YouTube shows none to everybody. Is it spelled right, and not private?"
            )
        why = status or type(network or error).__name__
        return SourceUnreachable(f"{what}: no whole answer ({why}); it is tried again")


class YoutubeIE(_YoutubeIE):  # type: ignore[misc]
    """Reads a video's page; by its name it takes the place of yt-dlp's own."""

    def _extract_chapters_from_description(self, *args: Any, **kwargs: Any) -> None:
        """Leave the description to our own reader: these chapters would pass for YouTube's."""


class _Client(YoutubeDL):  # type: ignore[misc]
    """yt-dlp with our pace, at our address, leaving the cookies file as it is."""

    def __init__(self, options: dict[str, Any], base_url: str, budget: Budget, wait: _Wait) -> None:
        self._base_url = base_url
        self._budget = budget
        self._wait = wait
        super().__init__(options, auto_init=False)  # without its readers of 1,800 other sites
        for reader in (YoutubeIE, YoutubeTabIE):
            self.add_info_extractor(reader(self))

    def urlopen(self, req: Any) -> Any:
        """Send a request when it may be sent, and read all of the answer.

        yt-dlp goes on to other pages when one is refused. A robot should not: it stops here.
        """
        request = at(self._base_url, req)
        self._budget.check()
        self._wait()
        try:
            answer = _whole(super().urlopen(request))
        except HTTPError as error:
            answer = _whole(error.response)
            if answer.status != 429:
                raise HTTPError(answer) from error
        body = answer.fp.getvalue()
        if answer.status == 429 or (b'class="g-recaptcha"' in body and b"ytcfg" not in body):
            where = urlsplit(request.url).path
            raise self._budget.pause(f"{where}: YouTube takes us for a robot")
        return answer

    def save_cookies(self) -> None:
        """Leave the file alone: it is the user's."""


def at(base_url: str, asked: Request | str) -> Request:
    """Turn a request to YouTube into one to another server, where one takes its place."""
    request = Request(asked) if isinstance(asked, str) else asked
    address = urlsplit(request.url)
    if base_url and (address.hostname or "").endswith("youtube.com"):
        query = f"?{address.query}" if address.query else ""
        request.url = f"{base_url}{address.path}{query}"
    return request


def _whole(answer: Any) -> Any:
    """Read an answer to its end, so that half of one is noticed and its connection is free."""
    try:
        body = answer.read()
    finally:
        answer.close()
    return Response(BytesIO(body), answer.url, dict(answer.headers), answer.status, answer.reason)


def causes_of(error: BaseException | None) -> Iterator[BaseException]:
    """All that led to an error, as yt-dlp hides it: in `exc_info`, `cause` and `__cause__`."""
    while error is not None:
        yield error
        hidden = getattr(error, "exc_info", None)
        inner = hidden[1] if hidden else None
        error = inner or getattr(error, "cause", None) or error.__cause__
