"""A call and everything about it that outlives a socket.

    open ──▶ attached ◀──attach──┐
                │                │
                └──detach──▶ waiting ──resume_secs──▶ ended
    any ──hang-up, limit, drain, failure──▶ ended

While no socket is there, a stand-in reports that nothing is being played. Playout sends
only a little ahead of what is reported, so a reply stands still and goes on, to the sample,
when the client is back.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from pipeline import events as call
from web.metrics import Metrics
from web.realtime import server_events as wire
from web.realtime.endings import FAILED, HANGUP, REPLACED, TIMEOUT, Ending, of_call
from web.realtime.event_log import EventLog, Outgoing
from web.realtime.outbox import Outbox
from web.realtime.protocol import RealtimeProtocol
from web.realtime.session import Session

logger = logging.getLogger(__name__)

STAND_IN_SECS = 0.1  # far less than playout's lead, which bounds what "stands still" means


@dataclass(frozen=True, slots=True)
class CallLimits:
    """Bounds of one call and its sockets.

    Attributes:
        max_message_bytes: Largest message taken; the server closes with 1009 above it.
        outbox_bytes: Sent but unread by the client; 8 MiB is two minutes of audio.
        send_timeout_secs: One message may wait this long for the client to read.
        close_timeout_secs: What was queued before the end may take this long to go out.
        max_call_secs: Longest call.
        idle_timeout_secs: Longest time in which nobody says anything.
        resume_secs: How long a call waits for a lost client; 0 ends it at once.
        messages_per_sec: Sustained rate of messages from a client; a microphone sends 50.
        message_burst: Messages at once above that rate, such as a clip's.
    """

    max_message_bytes: int = 1 << 20
    outbox_bytes: int = 8 << 20
    send_timeout_secs: float = 15.0
    close_timeout_secs: float = 3.0
    max_call_secs: float = 3600.0
    idle_timeout_secs: float = 300.0
    resume_secs: float = 120.0
    messages_per_sec: float = 400.0
    message_burst: int = 6000


class OngoingCall:
    """One call, its protocol state, its log, and the socket that is attached now.

    Args:
        port: The call, just opened.
        session: What it was opened with.
        metrics: Where figures go.
        limits: Its bounds.
        model: Name shown to the client.
        subject: Whom the call is counted under; only they may resume it.
        on_ended: Told the call's length in seconds.
    """

    def __init__(
        self,
        port: call.CallPort,
        session: Session,
        *,
        metrics: Metrics,
        limits: CallLimits,
        model: str,
        subject: str = "",
        on_ended: Callable[[float], None] = lambda secs: None,
    ) -> None:
        self.port = port
        self.subject = subject
        self.token = secrets.token_urlsafe(24)
        self.began_at = time.monotonic()
        self.waiting_since: float | None = None
        self.ended = asyncio.Event()
        self._metrics = metrics
        self._limits = limits
        self._on_ended = on_ended
        self._log = EventLog()
        self._outbox: Outbox | None = None
        self._attached = asyncio.Event()
        self._lost = asyncio.Event()
        self._lost.set()
        self._active_at = self.began_at
        self._no_reply = asyncio.Event()
        self._no_reply.set()
        self._asked_to_end: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self.protocol = RealtimeProtocol(
            port,
            session,
            self._deliver,
            metrics=metrics,
            model=model,
            max_message_bytes=limits.max_message_bytes,
            resume_token=self.token if limits.resume_secs > 0 else None,
            resume_secs=limits.resume_secs,
        )

    async def run(self) -> None:
        """Serve the call until it ends, whatever becomes of its sockets.

        Never raises for what a client or an engine does. Cancelling closes the call.
        """

        def spawn(work: Coroutine[Any, Any, Ending], role: str) -> asyncio.Task[Ending]:
            return asyncio.create_task(work, name=f"realtime-{role}-{self.port.call_id}")

        tasks = [
            spawn(self._pump(), "pump"),
            spawn(self._watch(), "watch"),
            spawn(self._stand_in(), "stand-in"),
        ]
        ending = FAILED
        try:
            with self._metrics.one_call():
                done, _ = await asyncio.wait(
                    [*tasks, self._asked_to_end], return_when=asyncio.FIRST_COMPLETED
                )
            for finished in done:
                if error := finished.exception():
                    logger.error("a task of %s died", self.port.call_id, exc_info=error)
                else:
                    ending = finished.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.port.close(ending.reason)
            self._metrics.calls_ended.labels(ending.reason).inc()
            if ending is TIMEOUT:
                self.protocol.follow(call.CallEnded(ending.reason))
            if self._outbox is not None:
                self._outbox.close(ending)
            self._on_ended(time.monotonic() - self.began_at)
            self.ended.set()

    # ---- sockets come and go ----

    def attach(self, outbox: Outbox) -> None:
        """Serve a socket that starts from nothing; an older one is closed with 4001."""
        if self._outbox is not None:
            self._outbox.close(REPLACED)
        self._outbox = outbox
        self.waiting_since = None
        self._lost.clear()
        self._attached.set()

    def resume(self, outbox: Outbox, after: int) -> None:
        """Serve a socket that has seen the events up to number `after`."""
        reply_id, samples = self.protocol.playing
        outbox.put(
            wire.to_json(
                wire.Resumed(
                    call_id=self.port.call_id,
                    state=self.protocol.state,
                    complete=self._log.complete_since(after),
                    response_id=reply_id,
                    samples=samples,
                ),
                # Of the number last seen, so that a client's count stays what it was.
                f"event_{after}",
            )
        )
        for message in self._log.since(after):
            outbox.put(message)
        self.attach(outbox)

    async def detach(self, outbox: Outbox, ending: Ending) -> None:
        """A socket has gone: wait for its client, or end the call.

        Only a client that asked for it is waited for, and not after a hang-up. Returns
        when the call has ended, if it does; harmless for a socket that was replaced.
        """
        if outbox is not self._outbox:
            return
        if ending.reason in ("lost", "slow_reader") and self.protocol.resumable:
            self._outbox = None
            self.waiting_since = time.monotonic()
            self._attached.clear()
            self._lost.set()
            return
        self.end(HANGUP if ending.reason == "lost" else ending)
        await self.ended.wait()

    def end(self, ending: Ending) -> None:
        """End the call soon; the first ending holds."""
        if not self._asked_to_end.done():
            self._asked_to_end.set_result(ending)

    async def drain(self, within_secs: float) -> None:
        """Let a running reply finish, but no longer than that; then end the call."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_secs if self._outbox is not None else 0):
                await self._no_reply.wait()
        await self.port.close("drain")

    def _deliver(self, outgoing: Outgoing) -> None:
        if self.protocol.resumable:
            self._log.note(outgoing)
        if self._outbox is not None:
            self._outbox.put(outgoing.text)

    # ---- the three tasks ----

    async def _pump(self) -> Ending:
        async for event in self.port.events():
            self._active_at = time.monotonic()
            self._metrics.observe(event)
            self.protocol.follow(event)
            if isinstance(event, call.CallEnded):
                return of_call(event.reason)
            if self.protocol.reply_under_way:
                self._no_reply.clear()
            else:
                self._no_reply.set()
        return FAILED

    async def _watch(self) -> Ending:
        """End a call that is idle, goes on for too long, or waits in vain."""
        limits = self._limits
        while True:
            due_at = self.began_at + limits.max_call_secs
            if self.waiting_since is not None:
                due_at = min(due_at, self.waiting_since + limits.resume_secs)
            else:
                due_at = min(due_at, self._active_at + limits.idle_timeout_secs)
            if (left_secs := due_at - time.monotonic()) <= 0:
                return TIMEOUT
            changed = self._attached if self.waiting_since is not None else self._lost
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left_secs):
                    await changed.wait()

    async def _stand_in(self) -> Ending:
        """Hold a reply where it is while nobody listens to it."""
        while True:
            await self._lost.wait()
            if self.waiting_since is None:  # no socket was ever there
                await self._attached.wait()
                continue
            self.protocol.hold_playout()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STAND_IN_SECS):
                    await self._attached.wait()
