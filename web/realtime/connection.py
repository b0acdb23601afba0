"""One client on one WebSocket: it opens a call or comes back to one.

Two tasks, both owned by `RealtimeConnection.run`; the first to end ends the connection:

    reader   socket ─▶ RealtimeProtocol.take
    writer   outbox ─▶ socket

A socket that its client has closed fails the writer at once, with no word why. The close
code stands behind the messages that the reader has yet to take, and decides whether the
client hung up; so the writer leaves the reader time to come to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from pipeline import events as call
from pipeline.errors import EngineError, OverloadedError, VoiceError
from web.limits import TokenBucket
from web.metrics import Metrics
from web.realtime import server_events as wire
from web.realtime.endings import (
    FAILED,
    HANGUP,
    LIMITED,
    LOST,
    NOT_TEXT,
    SLOW_READER,
    TRY_LATER,
    UNKNOWN_CALL,
    Ending,
)
from web.realtime.ongoing import CallLimits, OngoingCall
from web.realtime.open_calls import OpenCalls
from web.realtime.outbox import Outbox
from web.realtime.protocol import RealtimeProtocol
from web.realtime.session import Session

logger = logging.getLogger(__name__)

_GOODBYE = 1000  # the only code that hangs up; uvicorn calls a lost connection 1005


@dataclass(frozen=True, slots=True)
class Resumption:
    """A client's wish to go on with a call.

    Attributes:
        token: From `qingting.hello`.
        after: Number of the last event it has seen; 0 for none.
    """

    token: str
    after: int


class RealtimeConnection:
    """A client's socket, for as long as it is open.

    Args:
        socket: Accepted.
        factory: Opens the call.
        calls: Runs it, and finds those that wait.
        metrics: Where figures go.
        limits: Bounds of the call and of this connection.
        model: Name shown to the client.
        subject: Whom the call is counted under.
        locale: Of the client's page, if it said so.
        caller: Tag under which the caller wants to be remembered, if at all.
        on_ended: Told the length in seconds of a call opened here.
    """

    def __init__(
        self,
        socket: WebSocket,
        factory: call.CallFactory,
        calls: OpenCalls,
        *,
        metrics: Metrics,
        limits: CallLimits,
        model: str,
        subject: str = "",
        locale: str | None = None,
        caller: str | None = None,
        on_ended: Callable[[float], None] = lambda secs: None,
    ) -> None:
        self._socket = socket
        self._factory = factory
        self._calls = calls
        self._metrics = metrics
        self._limits = limits
        self._model = model
        self._subject = subject
        self._options = call.CallOptions(locale=locale, caller=caller)
        self._on_ended = on_ended
        self._outbox = Outbox(limits.outbox_bytes)

    async def run(self, resumption: Resumption | None = None) -> None:
        """Serve the socket until either side ends it.

        Never raises for what a client or an engine does. Cancelling detaches from the
        call, which then waits for its client or ends.
        """
        if resumption is not None:
            ongoing = self._calls.find(resumption.token, self._subject)
            if ongoing is None:
                await self.refuse("call_not_found", "this call has ended", UNKNOWN_CALL)
                return
            ongoing.resume(self._outbox, resumption.after)
            await self._serve(ongoing)
            return
        session = Session(options=self._options)
        try:
            port = await self._open(session)
        except VoiceError as error:
            overloaded = isinstance(error, OverloadedError)
            await self.refuse(error.code, error.message, TRY_LATER if overloaded else FAILED)
        except Exception as error:  # the border: one call's failure must not reach another's
            logger.error("a call could not be opened", exc_info=error)
            await self.refuse(EngineError.code, "the call could not be opened", FAILED)
        else:
            ongoing = OngoingCall(
                port,
                session,
                metrics=self._metrics,
                limits=self._limits,
                model=self._model,
                subject=self._subject,
                on_ended=self._on_ended,
            )
            ongoing.attach(self._outbox)
            ongoing.protocol.begin()
            self._calls.begin(ongoing)
            await self._serve(ongoing)

    async def refuse(self, code: str, message: str, ending: Ending) -> None:
        """Tell a client why it gets no call, and close."""
        self._metrics.calls_refused.labels(code).inc()
        logger.warning("a call was refused: %s", code)
        body = wire.ErrorBody(type="server_error", code=code, message=message)
        with contextlib.suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
            async with asyncio.timeout(self._limits.close_timeout_secs):
                await self._socket.send_text(wire.to_json(wire.Error(error=body), "event_1"))
        await self._close(ending)

    async def _open(self, session: Session) -> call.CallPort:
        try:
            return await self._factory.open_call(session.options)
        except OverloadedError:
            if not await self._calls.make_room():
                raise
        return await self._factory.open_call(session.options)

    async def _serve(self, ongoing: OngoingCall) -> None:
        def spawn(work: Coroutine[Any, Any, Ending], role: str) -> asyncio.Task[Ending]:
            return asyncio.create_task(work, name=f"realtime-{role}-{ongoing.port.call_id}")

        reader = spawn(self._read(ongoing.protocol), "reader")
        writer = spawn(self._write(), "writer")
        overflow = spawn(self._overflow(), "overflow")
        ending = FAILED
        try:
            tasks = [reader, writer, overflow]  # the reader knows best why a socket ends
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finished = next(task for task in tasks if task in done)
            if error := finished.exception():
                logger.error("%s died", finished.get_name(), exc_info=error)
            else:
                ending = finished.result()
        finally:
            await _cancel(reader, overflow)
            await ongoing.detach(self._outbox, ending)
            self._outbox.close(ending)
            if ending.close_code is not None and ending is not SLOW_READER:
                await asyncio.wait({writer}, timeout=self._limits.close_timeout_secs)
            await _cancel(writer)
            await self._close(ending)

    async def _close(self, ending: Ending) -> None:
        """Send a close frame if the client still takes one."""
        if ending.close_code is None:
            return
        with contextlib.suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
            async with asyncio.timeout(self._limits.close_timeout_secs):
                await self._socket.close(ending.close_code, ending.reason)

    # ---- the tasks ----

    async def _read(self, protocol: RealtimeProtocol) -> Ending:
        bucket = TokenBucket(
            self._limits.messages_per_sec, self._limits.message_burst, time.monotonic()
        )
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return HANGUP if message.get("code") == _GOODBYE else LOST
            if not bucket.take(time.monotonic()):
                protocol.refuse(LIMITED.reason, "messages come faster than anybody speaks")
                return LIMITED
            if (text := message.get("text")) is None:
                protocol.refuse("binary_message", "messages must be text frames holding JSON")
                return NOT_TEXT
            protocol.take(text)
            # A burst of small messages never makes `receive` wait; let other calls run.
            await asyncio.sleep(0)

    async def _write(self) -> Ending:
        """Send until the outbox is closed and empty, or the socket takes nothing more."""
        try:
            while (message := await self._outbox.get()) is not None:
                async with asyncio.timeout(self._limits.send_timeout_secs):
                    await self._socket.send_text(message)
        except TimeoutError:
            return SLOW_READER
        except (WebSocketDisconnect, RuntimeError):  # closed by the client, or by a late pong
            await asyncio.sleep(self._limits.close_timeout_secs)
            return LOST
        return self._outbox.ending or FAILED

    async def _overflow(self) -> Ending:
        await self._outbox.overflowed.wait()
        return SLOW_READER


async def _cancel(*tasks: asyncio.Task[Ending]) -> None:
    """Cancel and wait; a task's own end does not matter any more."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
