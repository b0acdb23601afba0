"""An event loop whose clock jumps to the next timer instead of waiting for it.

A call of half a minute runs in milliseconds and always the same way. Works because
everything in the voice loop takes its instants from `loop.time()`; only for code
without threads and sockets, which the loop could not wait for.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

# A selector that is asked to wait for ever has nothing left to do: a test deadlocked.
_FOREVER = None


class _JumpingSelector(selectors.SelectSelector):
    """Never sleeps; tells the loop how long it would have."""

    def __init__(self) -> None:
        super().__init__()
        self.virtual_secs = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready:
            return ready
        if timeout is _FOREVER:
            raise RuntimeError("virtual time stands still: every task waits for another")
        self.virtual_secs += max(timeout, 0.0)
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """`time()` starts at 0 and advances only by timers."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.virtual_secs


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` to its end on a fresh virtual-time loop."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
