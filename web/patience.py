"""uvicorn's protocols, but with an end to their patience.

Both wait for ever for a client that has stopped: HTTP for the rest of a request and for an
answer to be read, WebSocket for what is buffered to drain. Each such client holds a socket, and
some hold a place at the models.
"""

from __future__ import annotations

import asyncio

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

ABORT_SECS = 10.0  # from the end of a connection until its socket is gone, read or unread
REQUEST_SECS = 60.0  # for a whole request, an upload of 25 MB at 3.3 Mbit/s included
# Far more than a browser sends; uvicorn's parser has no limits of its own.
MOST_HEADERS = 100
MOST_HEAD_BYTES = 1 << 20  # the first piece of a body may come with it
READ_SECS = 15.0  # for a client to make room for the next piece of an answer


class PatientHttp(HttpToolsProtocol):
    """Cuts a client off that neither finishes its request nor reads its answer."""

    _watch: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect(REQUEST_SECS)

    def data_received(self, data: bytes) -> None:
        if self._watch is None:
            self._expect(REQUEST_SECS)
        self._head_bytes += len(data)
        super().data_received(data)
        if self.cycle is not None and not self.cycle.more_body:
            self._expect(None)
        if self._head_bytes > MOST_HEAD_BYTES:
            self.transport.abort()

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(self.headers) >= MOST_HEADERS:
            raise ValueError("too many headers")  # the parser makes it a 400
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._head_bytes = 0

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._head_bytes = 0

    def handle_websocket_upgrade(self) -> None:
        self._expect(None)
        super().handle_websocket_upgrade()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._expect(READ_SECS)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._expect(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect(None)
        super().connection_lost(exc)

    def _expect(self, secs: float | None) -> None:
        """The client has so long for its next step; None if it need not take one."""
        if self._watch is not None:
            self._watch.cancel()
        self._watch = None if secs is None else self.loop.call_later(secs, self.transport.abort)


class PatientWebSocket(WebSocketsSansIOProtocol):
    """Cuts a client off `ABORT_SECS` after we are done with it.

    uvicorn only ever closes a transport, and asyncio then waits for its buffer to drain:
    for ever, if the client has stopped reading. And a refused handshake is no error of ours.

    Whoever sends is alive: on a busy machine a pong stands in line behind seconds of audio,
    and uvicorn would end the call with 1011 for it.
    """

    _heard_at = 0.0  # of the loop's clock: the client's last bytes

    def data_received(self, data: bytes) -> None:
        self._heard_at = self.loop.time()
        super().data_received(data)

    def keepalive_timeout(self) -> None:
        if self._heard_at > self.ping_sent_at or self.read_paused:
            self.pong_timer = None
            self.pending_ping_payload = None
            self.schedule_ping()
        else:
            super().keepalive_timeout()

    async def send(self, message: ASGISendEvent) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            # A refusal is an answer. uvicorn would log each as an application's fault.
            self.handshake_complete = True

    async def run_asgi(self) -> None:
        await super().run_asgi()
        self.loop.call_later(ABORT_SECS, self._abort)

    def _abort(self) -> None:
        if not self.disconnected:
            self.transport.abort()
