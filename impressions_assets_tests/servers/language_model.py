"""A stand-in on loopback for a server that speaks OpenAI's chat completions.

It answers each text with `reply` of its id and words, unless a fault is due: a status with headers,
a body as it stands, what a model might say instead, or nothing in any client's patience.
"""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from impressions_assets_tests.servers.loopback import Loopback

PATH = "/v1/chat/completions"


@dataclass(frozen=True)
class Fault:
    """One wrong answer: with `says`, a completion with that content; else a status and a body."""

    status: int = 200
    body: bytes = b"a fault on demand"
    headers: dict[str, str] = field(default_factory=dict)
    says: str | None = None
    message: dict[str, Any] | None = None
    finish_reason: str = "stop"
    hangs: bool = False
    trickles: bool = False
    """Sends a byte now and then, for ever."""


class LanguageModel:
    """The server: what it says, what it was asked, and what it is to do wrong."""

    def __init__(self) -> None:
        self.reply: Callable[[str, str], str] = lambda key, text: f"About {key}"
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.most_at_once = 0
        self._at_once = 0
        self.faults: list[Fault] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._http = Loopback(_Handler, model=self)
        self.url = f"{self._http.url}/v1"

    @contextlib.contextmanager
    def running(self) -> Iterator["LanguageModel"]:
        """Serve until the block ends."""
        with self._http.running(self._stopping.set):
            yield self

    def material(self, number: int = -1) -> dict[str, Any]:
        """What stood in one of the requests: the video, and the texts."""
        found: dict[str, Any] = material_of(self.bodies[number])
        return found

    def answer(self, body: dict[str, Any], key: str | None) -> Fault | None:
        """The answer to a request; None for none at all."""
        with self._lock:
            self.bodies.append(body)
            self.keys.append(key)
            fault = self.faults.pop(0) if self.faults else None
        if fault is None:
            texts = material_of(body)["texts"]
            said = [{"id": one["id"], "text": self.reply(one["id"], one["text"])} for one in texts]
            fault = Fault(says=json.dumps({"texts": said}, ensure_ascii=False))
        if fault.hangs:
            self._stopping.wait(30)
            return None
        return fault

    def is_stopping(self, seconds: float) -> bool:
        """Wait; return whether the server is to end."""
        return self._stopping.wait(seconds)

    @contextlib.contextmanager
    def counting(self) -> Iterator[None]:
        """Note how many requests are under way at the same time."""
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        yield
        with self._lock:
            self._at_once -= 1


def material_of(body: dict[str, Any]) -> dict[str, Any]:
    content = body["messages"][-1]["content"]
    text = content if isinstance(content, str) else content[0]["text"]
    found: dict[str, Any] = json.JSONDecoder().raw_decode(text)[0]
    return found


class _Handler(BaseHTTPRequestHandler):
    model: LanguageModel

    def do_POST(self) -> None:
        with self.model.counting():
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path != PATH:
                self._send(Fault(404, b"no such page"))
                return
            found = self.model.answer(body, self.headers.get("Authorization"))
            if found is not None:
                self._send(found)

    def _send(self, fault: Fault) -> None:
        body = fault.body
        if fault.says is not None or fault.message is not None:
            message = fault.message or {"role": "assistant", "content": fault.says}
            choice = {"index": 0, "message": message, "finish_reason": fault.finish_reason}
            body = json.dumps(
                {"id": "x", "object": "chat.completion", "choices": [choice]}
            ).encode()
        self.send_response(fault.status)
        length = str(10**6 if fault.trickles else len(body))
        for name, value in {"Content-Length": length, **fault.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(body)
            while fault.trickles and not self.model.is_stopping(0.01):
                self.wfile.write(b" ")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
