"""One answer on its way: pieces of a model until it ends, takes too long, or nobody is there.

Notable choices:
- Each piece is fetched in a thread, so that the event loop goes on; whether the client is still
  there is asked between two pieces. A model is closed where it stands: no token is made for nobody.
- The slot is freed by `close`, which whoever began the answer calls, come what may.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from impressions_assets.chat.server.slots import Slots


class Speech:
    """An answer in pieces; `end` says why it ended, in OpenAI's words or `gone`."""

    def __init__(
        self,
        pieces: Iterator[str],
        slots: Slots,
        seconds: float,
        is_gone: Callable[[], Awaitable[bool]],
        on_close: "Callable[[Speech, float], None]",
    ) -> None:
        """Take over a slot that was taken."""
        self._pieces, self._slots, self._is_gone = pieces, slots, is_gone
        self._on_close = on_close
        self._began = time.monotonic()
        self._until = self._began + seconds
        self._is_open = True
        self.text, self.end, self.num_pieces = "", "gone", 0

    async def __aiter__(self) -> AsyncIterator[str]:
        """Yield the pieces as they are made."""
        while not await self._is_gone():
            if time.monotonic() > self._until:
                self.end = "length"
                return
            piece = await run_in_threadpool(next, self._pieces, None)
            if piece is None:
                self.end = "stop"
                return
            self.text += piece
            self.num_pieces += 1
            yield piece

    async def whole(self) -> str:
        """Wait for all of it."""
        async for _ in self:
            pass
        return self.text

    def close(self) -> None:
        """Stop the model, and free the slot; once."""
        if self._is_open:
            self._is_open = False
            try:
                # A procedure may return any iterator. A generator that is making a piece cannot be
                # closed, and nobody asks for another.
                with suppress(ValueError):
                    getattr(self._pieces, "close", bool)()
            finally:
                seconds = time.monotonic() - self._began
                self._slots.give(seconds)
                self._on_close(self, seconds)


class SpeechResponse(StreamingResponse):
    """A stream that frees what it holds however it ends: sent, cancelled, or never begun."""

    def __init__(self, content: Any, close: Callable[[], None]) -> None:
        """Send server-sent events; proxies must not hold them back."""
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        super().__init__(content, media_type="text/event-stream", headers=headers)
        self._close = close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._close()
