"""Connections to YouTube: polite, with a time limit, patient with what passes.

Every request goes through one adapter. It waits its turn, sends, reads the answer to its end, and
tries again what a moment may mend: no answer, half of one, a server's error. Redirects to other
hosts (google.com's page for robots) go through it as well.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response, Session, exceptions
from requests.adapters import HTTPAdapter
from youtube_transcript_api import YouTubeTranscriptApi
from youtube_transcript_api.proxies import GenericProxyConfig, ProxyConfig, WebshareProxyConfig

from impressions_assets.errors import SourceUnreachable
from impressions_assets.sources.youtube.cookies import cookies_in
from impressions_assets.sources.youtube.politeness import Pace
from impressions_assets.sources.youtube.retries import Retries

_PASSING_STATUS = (408, 500, 502, 503, 504)
_PASSING_ERRORS = (
    exceptions.ConnectionError,
    exceptions.Timeout,
    exceptions.ChunkedEncodingError,
    exceptions.ContentDecodingError,
)


@dataclass(frozen=True, repr=False)
class Way:
    """How YouTube's pages are reached. It has no text form, for it may hold passwords."""

    proxy: str = ""
    """Address of a proxy, maybe with user and password."""
    webshare_username: str = ""
    webshare_password: str = ""
    cookies_file: Path | None = None
    """Cookies of a login, in the format of browsers' exports (Netscape)."""
    base_url: str = ""
    """Another server than YouTube's: a gateway, or a stand-in on loopback."""
    timeout_seconds: float = 20.0

    @property
    def proxy_config(self) -> ProxyConfig | None:
        """The proxy, as youtube-transcript-api takes it."""
        if self.webshare_username:
            return WebshareProxyConfig(self.webshare_username, self.webshare_password)
        return GenericProxyConfig(self.proxy, self.proxy) if self.proxy else None


class PoliteAdapter(HTTPAdapter):
    """Sends requests one after the other, in the pace, and again when that may help."""

    def __init__(
        self,
        way: Way,
        pace: Pace,
        retries: Retries,
        may_ask: Callable[[], None],
    ) -> None:
        """Connect nowhere yet.

        Args:
            way: the time limit, and the server to take in YouTube's place.
            pace: waits for the turn of each request.
            retries: how often a request is made, when what went wrong may pass.
            may_ask: called before each request; raises when none may be made.
        """
        super().__init__()
        self._way = way
        self._pace = pace
        self._retries = retries
        self._may_ask = may_ask

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> Response:
        """Send a request until an answer came whole.

        Raises:
            SourceUnreachable: none came, after all tries.
            What `may_ask` raises.
        """
        limit = timeout or self._way.timeout_seconds
        return self._retries.run(lambda: self._send_once(request, limit, verify, cert, proxies))

    def _send_once(
        self, request: PreparedRequest, timeout: Any, verify: Any, cert: Any, proxies: Any
    ) -> Response:
        self._pace.wait()
        self._may_ask()
        path = urlsplit(request.url or "").path
        try:
            response = super().send(self._elsewhere(request), False, timeout, verify, cert, proxies)
            _ = response.content  # reads it here, so that half an answer is tried again as well
        except exceptions.ProxyError:
            raise SourceUnreachable(
                f"no answer from {path}: is the proxy up, and are its user and password right?"
            ) from None  # requests' messages show whole addresses
        except _PASSING_ERRORS as error:
            raise SourceUnreachable(
                f"no whole answer from {path} ({type(error).__name__})"
            ) from None
        if response.status_code in _PASSING_STATUS:
            raise SourceUnreachable(f"no answer from {path} (status {response.status_code})")
        response.request, response.url = request, request.url or ""  # cookies go by these
        return response

    def _elsewhere(self, request: PreparedRequest) -> PreparedRequest:
        url = request.url or ""
        if not self._way.base_url or url.startswith(self._way.base_url):
            return request
        moved = request.copy()
        moved.url = self._way.base_url + request.path_url
        return moved


class Line:
    """youtube-transcript-api over a session, for one thread at a time; neither is thread-safe."""

    def __init__(self, way: Way, adapter: PoliteAdapter) -> None:
        """Open it; nothing is asked yet.

        Raises:
            SourceRefused: the cookies file cannot be read.
        """
        self.session = Session()
        # A proxy of the environment would come before the one that was chosen, and would stand
        # between us and a server on loopback.
        self.session.trust_env = not (way.proxy_config or way.base_url)
        if way.cookies_file:
            self.session.cookies.update(cookies_in(way.cookies_file))
        self.api = YouTubeTranscriptApi(way.proxy_config, self.session)
        self.session.mount("https://", adapter)  # after the library, which mounts its own
        self.session.mount("http://", adapter)
        self.session.hooks["response"].append(self._note)
        self.last: Response | None = None
        """The last answer, as it was received."""

    def _note(self, response: Response, **_: object) -> None:
        self.last = response
