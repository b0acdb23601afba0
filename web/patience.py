"""uvicorn's protocols, but with an end to their patience.

Both wait for ever for a client that has stopped: HTTP for the rest of a request and for an
answer to be read, WebSocket for what is buffered to drain. Each such client holds a socket, and
some hold a place at the models.
"""

from __future__ import annotations

import asyncio

from uvicorn._types import ASGI3Application, ASGISendEvent
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

ABORT_SECS = 10.0  # from the end of a connection until its socket is gone, read or unread
REQUEST_SECS = 60.0  # for a whole request, an upload of 25 MB at 3.3 Mbit/s included
# Far more than a browser sends; uvicorn's parser has no limits of its own.
MOST_HEADERS = 100
MOST_HEAD_BYTES = 1 << 20  # the first piece of a body may come with it
READ_SECS = 15.0  # for a client to make room for the next piece of an answer


class PatientHttp(HttpToolsProtocol):
    """Cuts a client off that neither finishes its request nor reads its answer.

    Two timers, since a client can owe both at once: the rest of a request, and room for an answer
    to an earlier one. And when it has gone, the answer under way hears of it: uvicorn tells only
    the newest of several requests that a client sends without waiting.
    """

    _answering: RequestResponseCycle | None = None
    _request_watch: asyncio.TimerHandle | None = None
    _read_watch: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_request()

    def data_received(self, data: bytes) -> None:
        if self.cycle is None or self.cycle.response_complete:
            # Any byte ends uvicorn's own watch over idle connections, also one that begins nothing.
            self._expect_request()
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > MOST_HEAD_BYTES:
            self.transport.abort()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._expect_request()

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

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._forget_request()

    def handle_websocket_upgrade(self) -> None:
        self._forget_request()
        self._forget_answer()  # from now on another protocol hears what is read
        super().handle_websocket_upgrade()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._read_watch = self.loop.call_later(READ_SECS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._forget_answer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_request()
        self._forget_answer()
        if self._answering is not None and not self._answering.response_complete:
            self._answering.disconnected = True
            self._answering.message_event.set()
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _expect_request(self) -> None:
        """The client has `REQUEST_SECS` for a whole request, from its first byte on."""
        if self._request_watch is None:
            self._request_watch = self.loop.call_later(REQUEST_SECS, self.transport.abort)

    def _forget_request(self) -> None:
        if self._request_watch is not None:
            self._request_watch.cancel()
            self._request_watch = None

    def _forget_answer(self) -> None:
        if self._read_watch is not None:
            self._read_watch.cancel()
            self._read_watch = None


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
