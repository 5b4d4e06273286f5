"""A stand-in for YouTube on loopback, with faults on demand; what it holds is a `World`.

One server answers for all addresses, by path: the Data API, the Atom feed, the pages and the
endpoints behind them that yt-dlp reads, and captions. Each has a module of its own, with a table
`ROUTES` from method and path to a function of the server and the request.
"""

import contextlib
import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler
from importlib import import_module
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from impressions_assets_tests.servers.loopback import Loopback
from impressions_assets_tests.servers.youtube_world import World

_MODULES = ("youtube_api", "youtube_feed", "youtube_pages", "youtube_captions")
_HANG_SECONDS = 30.0


@dataclass(frozen=True)
class Request:
    """What a client asked."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass
class Answer:
    """What it gets."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


Fault = int | Answer | Literal["cut", "hang", "empty", "blocked", "captcha", "bot"]
"""A status; an answer; half of the right one; none within any client's patience; 200 with nothing
in it; and what YouTube shows to robots: a captcha with status 429 or with 200, and a player that
wants a login."""

Respond = Callable[["YouTube", Request], Answer]
Routes = Mapping[tuple[str, str], Respond]
"""From (method, regular expression that the whole path must match) to what answers."""


class YouTube:
    """The server: what it holds, what was asked of it, and what it is to do wrong.

    `quota_limit` units may be spent in the Data API until `quota_spent` is set to 0 again.
    `api_keys` are those that it knows, each with the referrer that it is restricted to, or "".
    `consent` says whether the pages ask who brings no cookie for it first, or without end.
    """

    def __init__(self, world: World | None = None) -> None:
        self.world = world or World()
        self.requests: list[Request] = []
        self.delay_seconds = 0.0
        self.quota_limit = 10_000
        self.quota_spent = 0
        self.api_keys: dict[str, str] = {"a-key-for-tests": ""}
        self.consent: Literal["given", "asked", "endless"] = "given"
        self._faults: list[tuple[re.Pattern[str], list[Fault | None]]] = []
        self._chances: list[tuple[re.Pattern[str], float, tuple[Fault, ...]]] = []
        self._random = random.Random(4)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._http = Loopback(_Handler, youtube=self)
        self.url = self._http.url

    @contextlib.contextmanager
    def running(self) -> Iterator["YouTube"]:
        """Serve until the block ends."""
        with self._http.running(self._stopping.set):
            yield self

    def fail(self, path: str, *faults: Fault, after: int = 0) -> None:
        """Do these wrong, one after the other, where a path matches, after some right ones."""
        with self._lock:
            self._faults.append((re.compile(path), [*[None] * after, *faults]))

    def fail_often(self, path: str, chance: float, *faults: Fault) -> None:
        """Do one of these wrong in a share of the requests whose path matches, from a seed."""
        with self._lock:
            self._chances.append((re.compile(path), chance, faults))

    def heal(self) -> None:
        """Do nothing wrong any more."""
        with self._lock:
            self._faults.clear()
            self._chances.clear()

    def asked(self, path: str) -> list[Request]:
        """Return the requests whose path matches."""
        with self._lock:
            return [r for r in self.requests if re.fullmatch(path, r.path)]

    def answer(self, request: Request) -> Answer | Literal["hang"]:
        """Answer one request, rightly or wrongly."""
        fault = self._fault_for(request)
        time.sleep(self.delay_seconds)
        if fault == "hang":
            return "hang"
        if isinstance(fault, int):
            return Answer(fault, b"a fault on demand", {"Content-Type": "text/plain"})
        if isinstance(fault, Answer):
            return fault
        if fault == "empty":
            return Answer()
        if fault in ("blocked", "captcha", "bot"):
            return _ROBOTS[fault](request)
        found = self._route(request)
        answer = found(self, request) if found else Answer(404, b"no such page")
        if fault == "cut":
            answer.headers["X-Cut"] = "yes"
        return answer

    def _fault_for(self, request: Request) -> Fault | None:
        with self._lock:
            self.requests.append(request)
            for pattern, faults in self._faults:
                if faults and pattern.fullmatch(request.path):
                    return faults.pop(0)
            for pattern, chance, among in self._chances:
                if pattern.fullmatch(request.path) and self._random.random() < chance:
                    return self._random.choice(among)
        return None

    def _route(self, request: Request) -> Respond | None:
        for (method, pattern), respond in self._routes.items():
            if method == request.method and re.fullmatch(pattern, request.path):
                return respond
        return None

    @cached_property
    def _routes(self) -> dict[tuple[str, str], Respond]:
        package = __name__.rpartition(".")[0]
        routes: dict[tuple[str, str], Respond] = {}
        for name in _MODULES:
            routes |= import_module(f"{package}.{name}").ROUTES
        return routes


def blocked_page(request: Request) -> Answer:
    """Return what YouTube gives to an address that it takes for a robot's."""
    if request.path.startswith(("/youtubei/", "/youtube/")):
        return Answer(429, b"{}", {"Content-Type": "application/json"})
    return Answer(429, _CAPTCHA, {"Content-Type": "text/html"})


def captcha_page(request: Request) -> Answer:
    """Return the page for robots with a status that says all is well."""
    return Answer(200, _CAPTCHA, {"Content-Type": "text/html"})


def bot_answer(request: Request) -> Answer:
    """Return a player's answer that takes the client for a robot."""
    body = (
        b'{"playabilityStatus": {"status": "LOGIN_REQUIRED", '
        b'"reason": "Sign in to confirm you\xe2\x80\x99re not a bot"}}'
    )
    return Answer(200, body, {"Content-Type": "application/json"})


_CAPTCHA = (
    b'<html><body><form action="/sorry/index"><div class="g-recaptcha" data-sitekey="x">'
    b"</div>Our systems have detected unusual traffic</form></body></html>"
)
_ROBOTS: dict[str, Callable[[Request], Answer]] = {
    "blocked": blocked_page,
    "captcha": captcha_page,
    "bot": bot_answer,
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each answer waits 40 ms for the client's acknowledgement
    youtube: YouTube

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(
            self.command,
            parts.path,
            dict(parse_qsl(parts.query, keep_blank_values=True)),
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(length),
        )
        answer = self.youtube.answer(request)
        if answer == "hang":
            self.youtube._stopping.wait(_HANG_SECONDS)
            self.close_connection = True
            return
        is_cut = answer.headers.pop("X-Cut", None) is not None
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 304:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body[: len(answer.body) // 2] if is_cut else answer.body)
        self.close_connection = self.close_connection or is_cut

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: tests read `requests`."""
