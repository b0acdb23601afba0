"""A bounded queue of decodes before a few worker threads: finals first, then partials."""

from __future__ import annotations

import asyncio
import heapq
import threading
from collections.abc import Callable
from concurrent.futures import Future
from itertools import count
from typing import Generic, TypeVar

from pipeline.errors import OverloadedError, RecognitionError
from pipeline.stt.base import Priority

T = TypeVar("T")

MAX_WAITING_PARTIALS = 8  # at 0.1 s a decode a ninth would be answered a second late
_RANK = {"final": 0, "partial": 1}


class DecodeQueue(Generic[T]):
    """Runs decodes on two threads, one of them kept free for finals.

    So a final never waits for a partial that has begun (0.1 to 0.2 s that nobody could
    take back). Used from one event loop at a time; the threads are daemons.
    """

    def __init__(self, name: str) -> None:
        self._jobs: list[tuple[int, int, Callable[[], T], Future[T]]] = []
        self._order = count()
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, args=(worst,), name=f"{name}-{kind}", daemon=True)
            for kind, worst in _RANK.items()
        ]
        for thread in self._threads:
            thread.start()

    async def run(self, job: Callable[[], T], priority: Priority) -> T:
        """Run `job` on a worker and give what it gives.

        Raises:
            OverloadedError: Too many partials wait; finals always fit.
            RecognitionError: The queue was closed first.

        Cancelling returns at once: a job that waits is skipped, one that runs runs out
        and its result is dropped.
        """
        future: Future[T] = Future()
        with self._changed:
            if self._closed:
                raise RecognitionError("speech recognition has been shut down", retryable=False)
            if priority == "partial" and self._waiting_partials() >= MAX_WAITING_PARTIALS:
                raise OverloadedError("too many interim transcripts are waiting")
            heapq.heappush(self._jobs, (_RANK[priority], next(self._order), job, future))
            self._changed.notify_all()
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Fail what waits and let the threads end; blocks until the running jobs are done."""
        with self._changed:
            self._closed = True
            jobs, self._jobs = self._jobs, []
            self._changed.notify_all()
        for *_, future in jobs:
            if future.set_running_or_notify_cancel():
                error = RecognitionError("speech recognition was shut down", retryable=False)
                future.set_exception(error)
        for thread in self._threads:
            thread.join()

    def _waiting_partials(self) -> int:
        return sum(
            rank == _RANK["partial"] and not future.cancelled() for rank, _, _, future in self._jobs
        )

    def _work(self, worst_rank: int) -> None:
        while True:
            with self._changed:
                while not self._closed and not (self._jobs and self._jobs[0][0] <= worst_rank):
                    self._changed.wait()
                if self._closed:
                    return
                *_, job, future = heapq.heappop(self._jobs)
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(job())
            except Exception as error:  # the waiter re-raises it
                future.set_exception(error)
            del job, future  # the audio inside would live until the next job
