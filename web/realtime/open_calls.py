"""The connections of this process, so that a stopping server can let them finish."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from web.realtime.connection import RealtimeConnection

_LEAVE_SECS = 5.0  # after the drain, for close frames to slow clients


class OpenCalls:
    """Every connection being served.

    Attributes:
        draining: The server is stopping; new connections are to be refused.
    """

    def __init__(self) -> None:
        self.draining = False
        self._connections: set[RealtimeConnection] = set()
        self._all_gone = asyncio.Event()
        self._all_gone.set()

    def __len__(self) -> int:
        return len(self._connections)

    @contextmanager
    def holding(self, connection: RealtimeConnection) -> Iterator[None]:
        """Count `connection` among the open ones inside the block."""
        self._connections.add(connection)
        self._all_gone.clear()
        try:
            yield
        finally:
            self._connections.discard(connection)
            if not self._connections:
                self._all_gone.set()

    async def drain(self, within_secs: float) -> None:
        """Refuse new calls, let running replies finish, end all calls.

        Returns when the last connection has gone, at most `within_secs` and a few seconds
        for close frames later.
        """
        self.draining = True
        await asyncio.gather(
            *(connection.drain(within_secs) for connection in self._connections),
            return_exceptions=True,
        )
        try:
            async with asyncio.timeout(_LEAVE_SECS):
                await self._all_gone.wait()
        except TimeoutError:
            return
