"""An HTTP server on loopback for as long as a `with` lasts: what all stand-ins serve by."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Loopback(ThreadingHTTPServer):
    """A server on a free port; `url` is its address."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, handler: type[BaseHTTPRequestHandler], **known: Any) -> None:
        """Give the handler's class what it answers from, by name."""
        super().__init__(("127.0.0.1", 0), type("Handler", (handler,), known))
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is no error of the server's."""

    @contextlib.contextmanager
    def running(self, stop: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Serve until the block ends; `stop` wakes handlers that wait."""
        thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop()
            self.shutdown()
            thread.join()
            self.server_close()
