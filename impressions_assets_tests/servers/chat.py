"""A channel's server on loopback, as uvicorn runs it, and models that answer at it."""

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import uvicorn

from impressions_assets.chat.answerer import Message, Sampling


class Parrot:
    """Says a word again and again, one each time so many seconds have passed, and counts them."""

    context = 1000

    def __init__(self, seconds: float = 0.0, word: str = "token ") -> None:
        self.name, self.seconds, self.word = "parrot", seconds, word
        self.num_said = 0
        self.asked: list[Sequence[Message]] = []

    def stream(self, messages: Sequence[Message], settings: Sampling) -> Iterator[str]:
        self.asked.append(messages)
        return self._said(settings)

    def complete(self, text: str, settings: Sampling) -> Iterator[str]:
        return self._said(settings)

    def num_tokens(self, text: str) -> int:
        return len(text.split())

    def _said(self, settings: Sampling) -> Iterator[str]:
        for _ in range(settings.max_tokens):
            time.sleep(self.seconds)
            self.num_said += 1
            if settings.tally is not None:
                settings.tally.num_tokens += 1
            yield self.word
        if settings.tally is not None:
            settings.tally.is_cut = True


@contextlib.contextmanager
def serving(app: Any) -> Iterator[str]:
    """Serve an application on a free port; yields its address."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([bound],), daemon=True)
        thread.start()
        try:
            eventually(lambda: server.started)
            yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=10)


def eventually(is_so: Any, seconds: float = 20.0) -> None:
    """Wait until something is so."""
    ends = time.monotonic() + seconds
    for _ in itertools.count():
        if is_so():
            return
        assert time.monotonic() < ends, "it never came"
        time.sleep(0.02)
