"""The calls of this process: found again by their token, finished when the server stops."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from web.realtime.endings import TIMEOUT
from web.realtime.ongoing import OngoingCall

_LEAVE_SECS = 5.0  # after the drain, for close frames to slow clients
# A lost caller may be pushed out by a new one only after this long: a reload takes seconds.
SAFE_WAIT_SECS = 20.0


class OpenCalls:
    """Every call under way, attached to a socket or waiting for one.

    Attributes:
        draining: The server is stopping; new connections are to be refused.
    """

    def __init__(self) -> None:
        self.draining = False
        self._calls: dict[str, OngoingCall] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._sockets = 0
        self._all_gone = asyncio.Event()
        self._all_gone.set()

    def __len__(self) -> int:
        return len(self._calls)

    def begin(self, ongoing: OngoingCall) -> None:
        """Run a call until it ends; the task is ours, because sockets come and go."""
        self._calls[ongoing.token] = ongoing
        self._all_gone.clear()
        task = asyncio.create_task(ongoing.run(), name=f"realtime-call-{ongoing.port.call_id}")
        self._tasks[ongoing.token] = task
        task.add_done_callback(lambda _: self._forget(ongoing.token))

    def find(self, token: str, subject: str) -> OngoingCall | None:
        """The call with this token, if it is under way and `subject`'s own."""
        ongoing = self._calls.get(token)
        return ongoing if ongoing is not None and ongoing.subject == subject else None

    def subjects(self) -> Iterator[tuple[str, float]]:
        """Whom each call is counted under, and when it began (monotonic seconds)."""
        return ((one.subject, one.began_at) for one in self._calls.values())

    async def make_room(self) -> bool:
        """End the call that has waited longest in vain; False if none has waited long."""
        waiting = [one for one in self._calls.values() if one.waiting_since is not None]
        longest = min(waiting, key=lambda one: one.waiting_since or 0.0, default=None)
        if longest is None or longest.waiting_since is None:
            return False
        if time.monotonic() - longest.waiting_since < SAFE_WAIT_SECS:
            return False
        longest.end(TIMEOUT)
        await longest.ended.wait()
        return True

    @contextmanager
    def socket(self) -> Iterator[None]:
        """Count a socket as open inside the block."""
        self._sockets += 1
        self._all_gone.clear()
        try:
            yield
        finally:
            self._sockets -= 1
            self._note_gone()

    async def drain(self, within_secs: float) -> None:
        """Refuse new calls, let running replies finish, end all calls.

        Returns when the last socket has gone, at most `within_secs` and a few seconds for
        close frames later.
        """
        self.draining = True
        await asyncio.gather(
            *(one.drain(within_secs) for one in self._calls.values()), return_exceptions=True
        )
        try:
            async with asyncio.timeout(_LEAVE_SECS):
                await self._all_gone.wait()
        except TimeoutError:
            return

    def _forget(self, token: str) -> None:
        self._calls.pop(token, None)
        self._tasks.pop(token, None)
        self._note_gone()

    def _note_gone(self) -> None:
        if not self._sockets and not self._calls:
            self._all_gone.set()
