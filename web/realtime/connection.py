"""One client on one WebSocket: its tasks, its limits, and its end without a trace.

Four tasks, all owned by `RealtimeConnection.run`; the first to end ends the connection:

    reader   socket ─▶ RealtimeProtocol.take
    pump     CallPort.events() ─▶ RealtimeProtocol.follow ─▶ outbox
    writer   outbox ─▶ socket
    watch    ends a call that is idle or has gone on for too long
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from pipeline import events as call
from pipeline.errors import EngineError, OverloadedError, VoiceError
from web.metrics import Metrics
from web.realtime import server_events as wire
from web.realtime.outbox import CLOSE_SLOW_READER, Outbox, SlowReaderError
from web.realtime.protocol import RealtimeProtocol
from web.realtime.session import Session

logger = logging.getLogger(__name__)

CLOSE_NORMAL = 1000
CLOSE_GOING_AWAY = 1001
CLOSE_NOT_TEXT = 1003
CLOSE_FAILED = 1011
CLOSE_TRY_LATER = 1013
CLOSE_TIMEOUT = 4000
_CLOSE_OF_REASON = {
    "hangup": CLOSE_NORMAL,
    "drain": CLOSE_GOING_AWAY,
    "error": CLOSE_FAILED,
    "timeout": CLOSE_TIMEOUT,
    "slow_reader": CLOSE_SLOW_READER,
}


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Bounds of one connection.

    Attributes:
        max_message_bytes: Largest message taken; the server closes with 1009 above it.
        outbox_bytes: Sent but unread by the client; 8 MiB is two minutes of audio.
        send_timeout_secs: One message may wait this long for the client to read.
        close_timeout_secs: What was queued before the end may take this long to go out.
        max_call_secs: Longest call.
        idle_timeout_secs: Longest time in which nobody says anything.
    """

    max_message_bytes: int = 1 << 20
    outbox_bytes: int = 8 << 20
    send_timeout_secs: float = 15.0
    close_timeout_secs: float = 3.0
    max_call_secs: float = 3600.0
    idle_timeout_secs: float = 300.0


@dataclass(frozen=True, slots=True)
class _Ending:
    """Why the connection ends; `close_code` None means that the client has already gone."""

    reason: str
    close_code: int | None


_HANGUP = _Ending("hangup", None)
_TIMEOUT = _Ending("timeout", CLOSE_TIMEOUT)
_NOT_TEXT = _Ending("binary_message", CLOSE_NOT_TEXT)
_FAILED = _Ending("error", CLOSE_FAILED)
_SLOW_READER = _Ending("slow_reader", CLOSE_SLOW_READER)


class RealtimeConnection:
    """A client's connection and the call behind it.

    Args:
        socket: Accepted.
        factory: Opens the call.
        metrics: Where figures go.
        limits: Bounds of this connection.
        model: Name shown to the client.
    """

    def __init__(
        self,
        socket: WebSocket,
        factory: call.CallFactory,
        *,
        metrics: Metrics,
        limits: ConnectionLimits,
        model: str,
    ) -> None:
        self._socket = socket
        self._factory = factory
        self._metrics = metrics
        self._limits = limits
        self._model = model
        self._outbox = Outbox(limits.outbox_bytes)
        self._port: call.CallPort | None = None
        self._active_at = time.monotonic()
        self._no_reply = asyncio.Event()
        self._no_reply.set()

    async def run(self) -> None:
        """Serve the socket until either side ends the call.

        Never raises for what a client or an engine does. Cancelling closes the call and
        the socket.
        """
        session = Session()
        try:
            port = await self._factory.open_call(session.options)
        except VoiceError as error:
            await self._refuse(error)
        except Exception as error:  # the border: one call's failure must not reach another's
            logger.error("a call could not be opened", exc_info=error)
            await self._refuse(EngineError("the call could not be opened"))
        else:
            self._port = port
            protocol = RealtimeProtocol(
                port,
                session,
                self._outbox.put,
                metrics=self._metrics,
                model=self._model,
                max_message_bytes=self._limits.max_message_bytes,
            )
            with self._metrics.one_call():
                await self._serve(port, protocol)

    async def drain(self, within_secs: float) -> None:
        """Let a running reply finish, but no longer than that; then end the call."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_secs):
                await self._no_reply.wait()
        if self._port is not None:
            await self._port.close("drain")

    # ---- life and end ----

    async def _serve(self, port: call.CallPort, protocol: RealtimeProtocol) -> None:
        protocol.begin()

        def spawn(work: Coroutine[Any, Any, _Ending], role: str) -> asyncio.Task[_Ending]:
            return asyncio.create_task(work, name=f"realtime-{role}-{port.call_id}")

        writer = spawn(self._write(), "writer")
        others = [
            spawn(self._read(protocol), "reader"),
            spawn(self._pump(port, protocol), "pump"),
            spawn(self._watch(), "watch"),
        ]
        ending = _FAILED
        try:
            done, _ = await asyncio.wait([writer, *others], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if error := task.exception():
                    logger.error("%s died", task.get_name(), exc_info=error)
                else:
                    ending = task.result()
        finally:
            await _cancel(*others)
            await port.close(ending.reason)
            self._metrics.calls_ended.labels(ending.reason).inc()
            await self._say_goodbye(writer, ending, protocol)

    async def _say_goodbye(
        self, writer: asyncio.Task[_Ending], ending: _Ending, protocol: RealtimeProtocol
    ) -> None:
        """Send what is queued, then the close frame, to a client that may not be reading."""
        if ending is _TIMEOUT:
            with contextlib.suppress(SlowReaderError):
                protocol.follow(call.CallEnded(ending.reason))
        self._outbox.close()
        if ending.close_code is not None and ending is not _SLOW_READER:
            await asyncio.wait({writer}, timeout=self._limits.close_timeout_secs)
        await _cancel(writer)
        if ending.close_code is not None:
            await self._close(ending.close_code, ending.reason)

    async def _close(self, code: int, reason: str) -> None:
        """Send a close frame if the client still takes one."""
        with contextlib.suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
            async with asyncio.timeout(self._limits.close_timeout_secs):
                await self._socket.close(code, reason)

    async def _refuse(self, error: VoiceError) -> None:
        """Tell a client why it gets no call."""
        self._metrics.calls_refused.labels(error.code).inc()
        logger.warning("a call was refused: %s", error.code)
        body = wire.ErrorBody(type="server_error", code=error.code, message=error.message)
        with contextlib.suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
            async with asyncio.timeout(self._limits.close_timeout_secs):
                await self._socket.send_text(wire.to_json(wire.Error(error=body), "event_1"))
        overloaded = isinstance(error, OverloadedError)
        await self._close(CLOSE_TRY_LATER if overloaded else CLOSE_FAILED, error.code)

    # ---- the four tasks ----

    async def _read(self, protocol: RealtimeProtocol) -> _Ending:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return _HANGUP
            try:
                if (text := message.get("text")) is None:
                    protocol.refuse("binary_message", "messages must be text frames holding JSON")
                    return _NOT_TEXT
                protocol.take(text)
            except SlowReaderError:
                return _SLOW_READER
            # A burst of small messages never makes `receive` wait; let other calls run.
            await asyncio.sleep(0)

    async def _pump(self, port: call.CallPort, protocol: RealtimeProtocol) -> _Ending:
        async for event in port.events():
            self._active_at = time.monotonic()
            self._metrics.observe(event)
            try:
                protocol.follow(event)
            except SlowReaderError:
                return _SLOW_READER
            if isinstance(event, call.CallEnded):
                return _Ending(event.reason, _CLOSE_OF_REASON.get(event.reason, CLOSE_NORMAL))
            if protocol.reply_under_way:
                self._no_reply.clear()
            else:
                self._no_reply.set()
        return _FAILED

    async def _write(self) -> _Ending:
        try:
            while (message := await self._outbox.get()) is not None:
                async with asyncio.timeout(self._limits.send_timeout_secs):
                    await self._socket.send_text(message)
        except TimeoutError:
            return _SLOW_READER
        except WebSocketDisconnect:
            return _HANGUP
        return _HANGUP

    async def _watch(self) -> _Ending:
        ends_at = time.monotonic() + self._limits.max_call_secs
        while True:
            due_at = min(ends_at, self._active_at + self._limits.idle_timeout_secs)
            if (left_secs := due_at - time.monotonic()) <= 0:
                return _TIMEOUT
            await asyncio.sleep(left_secs)


async def _cancel(*tasks: asyncio.Task[_Ending]) -> None:
    """Cancel and wait; a task's own end does not matter any more."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
