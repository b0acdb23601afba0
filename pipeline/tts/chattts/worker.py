"""One thread for all speech of a model: step by step, clause by clause in turn.

A model that several threads step through needs a lock, lets one of them starve, and gives
each its own team of compute threads. Here callers hand in generators and listen to what
they yield; between any two steps a cancelled one is closed.
"""

from __future__ import annotations

import atexit
import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from pipeline.errors import SynthesisError

logger = logging.getLogger(__name__)

Item = TypeVar("Item")

# How long a listener may overlook that it was cancelled while the model is in a step.
_POLL_SECS = 0.02


@dataclass(frozen=True, slots=True)
class _End:
    """Nothing more comes; `error` says whether it ended badly."""

    error: SynthesisError | None = None


class Job(Generic[Item]):
    """Steps being taken in the worker, and the end at which they are heard."""

    def __init__(self, steps: Generator[Item | None, None, None]) -> None:
        self._steps = steps
        # Unbounded: a generator ends by itself after one clause, and whoever stops
        # listening cancels it.
        self._items: queue.SimpleQueue[Item | _End] = queue.SimpleQueue()
        self._cancelled = threading.Event()

    def listen(self, cancelled: Callable[[], bool]) -> Iterator[Item]:
        """What the steps yield, as it comes.

        Args:
            cancelled: Asked before every item and every 20 ms between; True ends the
                iteration at once, and the steps before the next one.

        Raises:
            SynthesisError: A step failed, or the worker was closed.
        """
        try:
            while not cancelled():
                try:
                    item = self._items.get(timeout=_POLL_SECS)
                except queue.Empty:
                    continue
                if isinstance(item, _End):
                    if item.error is not None:
                        raise item.error
                    return
                yield item
        finally:
            self._cancelled.set()

    def step(self) -> bool:
        """Take one step, in the worker; whether another may follow."""
        if self._cancelled.is_set():
            self._steps.close()
            return False
        try:
            item = next(self._steps)
        except StopIteration:
            self._items.put(_End())
            return False
        except Exception as error:  # whatever the model raises, one clause fails and not all
            logger.warning("a step of the voice failed: %s", type(error).__name__)
            failure = SynthesisError("The voice failed while speaking.")
            failure.__cause__ = error
            self._items.put(_End(failure))
            return False
        if item is not None:
            self._items.put(item)
        return True

    def abandon(self) -> None:
        """End a job that will not be stepped any more."""
        self._steps.close()
        self._items.put(_End(SynthesisError("The voice has been closed.", retryable=False)))


class StepWorker:
    """A thread that takes the steps of all jobs, one of each in turn.

    Args:
        name: Of the thread.
        begin: Called first in the thread, for settings that belong to a thread.
    """

    def __init__(self, name: str, begin: Callable[[], None] = lambda: None) -> None:
        self._begin = begin
        self._arriving: queue.SimpleQueue[Job[object] | None] = queue.SimpleQueue()
        self._closed = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()
        # torch aborts the process if Python ends while a thread is inside it.
        atexit.register(self.close)

    def submit(self, steps: Generator[Item | None, None, None]) -> Job[Item]:
        """Have `steps` taken in the thread; None items are not passed on.

        Raises:
            SynthesisError: The worker is closed.
        """
        job = Job(steps)
        with self._lock:
            if self._closed:
                raise SynthesisError("The voice has been closed.", retryable=False)
            self._arriving.put(job)  # type: ignore[arg-type]  # the worker never looks inside
        return job

    def close(self) -> None:
        """End all jobs after their present step, and the thread; twice is harmless."""
        with self._lock:
            self._closed = True
            self._arriving.put(None)
        self._thread.join()
        atexit.unregister(self.close)

    def _run(self) -> None:
        self._begin()
        running: deque[Job[object]] = deque()
        while True:
            while not running or not self._arriving.empty():
                job = self._arriving.get()
                if job is None:
                    self._abandon(running)
                    return
                running.append(job)
            job = running.popleft()
            if job.step():
                running.append(job)

    def _abandon(self, running: deque[Job[object]]) -> None:
        while not self._arriving.empty():
            job = self._arriving.get()
            if job is not None:
                running.append(job)
        for job in running:
            job.abandon()
