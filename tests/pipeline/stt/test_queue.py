"""Order, bounds and ends of the decode queue."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from pipeline.errors import OverloadedError, RecognitionError
from pipeline.stt.queue import MAX_WAITING_PARTIALS, DecodeQueue


class Blocker:
    """A job that says when it began and runs until released."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.release = threading.Event()

    def __call__(self) -> str:
        self.began.set()
        self.release.wait(10)
        return "done"


@pytest_asyncio.fixture
async def queue() -> AsyncIterator[DecodeQueue[str]]:
    queue: DecodeQueue[str] = DecodeQueue("test")
    yield queue
    await asyncio.to_thread(queue.close)


async def occupy(queue: DecodeQueue[str], priority: str) -> tuple[Blocker, asyncio.Task[str]]:
    blocker = Blocker()
    task = asyncio.create_task(queue.run(blocker, priority))
    await asyncio.to_thread(blocker.began.wait, 10)
    return blocker, task


async def test_a_final_does_not_wait_for_a_partial_that_runs(queue: DecodeQueue[str]):
    """One thread is kept free for finals."""
    blocker, task = await occupy(queue, "partial")
    assert await queue.run(lambda: "final", "final") == "final"
    assert not task.done()
    blocker.release.set()
    assert await task == "done"


async def test_waiting_finals_overtake_waiting_partials(queue: DecodeQueue[str]):
    """Order of arrival counts only within a priority."""
    held = [await occupy(queue, "partial"), await occupy(queue, "final")]
    order: list[str] = []
    names = [("partial", "p1"), ("partial", "p2"), ("final", "f1")]
    tasks = [
        asyncio.create_task(queue.run(lambda name=name: order.append(name) or name, priority))
        for priority, name in names
    ]
    await asyncio.sleep(0)
    held[0][0].release.set()  # only the thread that also takes partials goes on
    await asyncio.gather(*tasks)
    assert order == ["f1", "p1", "p2"]
    held[1][0].release.set()
    await asyncio.gather(*(task for _, task in held))


async def test_a_cancelled_job_that_waits_is_skipped(queue: DecodeQueue[str]):
    """Cancelling takes a job out of the queue at once."""
    blocker, task = await occupy(queue, "partial")
    ran: list[str] = []
    waiting = asyncio.create_task(queue.run(lambda: ran.append("late") or "late", "partial"))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    blocker.release.set()
    await task
    await queue.run(lambda: "next", "partial")
    assert ran == []


async def test_too_many_partials_are_refused_and_finals_never(queue: DecodeQueue[str]):
    """The bound is on waiting partials only."""
    held = [await occupy(queue, "partial"), await occupy(queue, "final")]
    waiting = [
        asyncio.create_task(queue.run(lambda: "p", "partial")) for _ in range(MAX_WAITING_PARTIALS)
    ]
    await asyncio.sleep(0)
    with pytest.raises(OverloadedError):
        await queue.run(lambda: "one too many", "partial")
    final = asyncio.create_task(queue.run(lambda: "f", "final"))
    for blocker, _ in held:
        blocker.release.set()
    assert await final == "f"
    assert await asyncio.gather(*waiting) == ["p"] * MAX_WAITING_PARTIALS


async def test_what_a_job_raises_reaches_its_caller(queue: DecodeQueue[str]):
    """A failed decode fails its own caller and leaves the thread working."""

    def fail() -> str:
        raise RecognitionError("broken")

    with pytest.raises(RecognitionError):
        await queue.run(fail, "final")
    assert await queue.run(lambda: "fine", "final") == "fine"


async def test_closing_fails_what_waits_and_refuses_what_comes():
    """After close there is no silence: every waiter hears of it."""
    queue: DecodeQueue[str] = DecodeQueue("test")
    blocker, task = await occupy(queue, "partial")
    waiting = asyncio.create_task(queue.run(lambda: "never", "partial"))
    await asyncio.sleep(0)
    closing = asyncio.create_task(asyncio.to_thread(queue.close))
    with pytest.raises(RecognitionError):
        await waiting
    blocker.release.set()
    await closing
    assert await task == "done"
    with pytest.raises(RecognitionError):
        await queue.run(lambda: "never", "final")
