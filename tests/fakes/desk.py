"""A person's desk: a real server on this machine that takes the notices of the crisis webhook."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_PATIENCE_SECS = 10.0


class Desk(ThreadingHTTPServer):
    """Listens on a free port of loopback.

    Attributes:
        notices: What was posted, in the order of arrival.
        arrived: Set once something was posted.
        answers: Cleared, a notice waits for its answer until it is set.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.notices: list[dict[str, str]] = []
        self.arrived = threading.Event()
        self.answers = threading.Event()
        self.answers.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class _Answer(BaseHTTPRequestHandler):
    server: Desk

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.notices.append(json.loads(body))
        self.server.arrived.set()
        self.server.answers.wait(_PATIENCE_SECS)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Nothing on stderr."""


@contextmanager
def open_desk() -> Iterator[Desk]:
    """A desk, for as long as the block lasts."""
    with Desk() as desk:
        thread = threading.Thread(target=desk.serve_forever, args=(0.02,), name="desk")
        thread.start()
        try:
            yield desk
        finally:
            desk.answers.set()
            desk.shutdown()
            thread.join()
