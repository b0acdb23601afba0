"""Who computes at this moment: the language model takes a second core only while nobody else does.

llama.cpp's threads wait for each other by spinning: two of them beside another engine on two cores
are slower than one (`pipeline.llm.tuning`), and alone nearly twice as fast. The engines of calls
therefore say when they are at work: recogniser, voice, smart-turn, guardian and the judge of words.
A voice on another machine counts, too, while it is waited for. The intake, a few milliseconds a
turn, does not.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


class Computing:
    """Counts the engines at work beside the language model. For any thread.

    Attributes:
        count: How many are at work now.
        begun: How many began ever: unchanged, none came and went in between.
    """

    def __init__(self) -> None:
        self.count = 0
        self.begun = 0
        self._lock = threading.Lock()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """While the context lasts one more is at work."""
        with self._lock:
            self.count += 1
            self.begun += 1
        try:
            yield
        finally:
            with self._lock:
                self.count -= 1


class CountedThreads(ThreadPoolExecutor):
    """Threads whose jobs are at work while they run; not while they wait for a thread.

    Args:
        most: Threads.
        name: What their names begin with.
        computing: Where they are counted.
    """

    def __init__(self, most: int, name: str, computing: Computing) -> None:
        super().__init__(most, thread_name_prefix=name)
        self._computing = computing

    def submit(
        self, fn: Callable[_Given, _Result], /, *args: _Given.args, **kwargs: _Given.kwargs
    ) -> Future[_Result]:
        """See `Executor.submit`."""

        def counted() -> _Result:
            with self._computing.at_work():
                return fn(*args, **kwargs)

        return super().submit(counted)
