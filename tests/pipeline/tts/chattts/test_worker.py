"""The thread that takes the steps of all jobs."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator

import pytest

from pipeline.errors import SynthesisError
from pipeline.tts.chattts.worker import StepWorker


@pytest.fixture
def worker() -> Iterator[StepWorker]:
    made = StepWorker("test-steps")
    yield made
    made.close()


def counting(log: list[str], name: str, steps: int) -> Generator[int | None, None, None]:
    """Every second step has something to give."""
    for step in range(steps):
        log.append(name)
        yield step if step % 2 else None


def never() -> bool:
    return False


def test_items_come_in_order_and_nones_stay_behind(worker: StepWorker):
    """Then the iteration ends."""
    assert list(worker.submit(counting([], "a", 6)).listen(never)) == [1, 3, 5]


def test_jobs_take_turns(worker: StepWorker):
    """No job takes two steps while another waits."""
    log: list[str] = []
    gate = threading.Event()

    def blocked() -> Generator[int | None, None, None]:
        gate.wait()
        yield 0

    first = worker.submit(blocked())  # holds the worker until both others are there
    jobs = [worker.submit(counting(log, name, 5)) for name in "ab"]
    gate.set()
    for job in (first, *jobs):
        list(job.listen(never))
    assert log == list("ab" * 5)


def test_a_cancelled_job_is_closed_before_its_next_step(worker: StepWorker):
    """Also while its step is running: the listener does not wait for it."""
    stepping, proceed = threading.Event(), threading.Event()
    closed = threading.Event()
    steps = 0

    def slow() -> Generator[int | None, None, None]:
        nonlocal steps
        try:
            while True:
                steps += 1
                stepping.set()
                proceed.wait()
                yield steps
        finally:
            closed.set()

    job = worker.submit(slow())
    stepping.wait()
    assert list(job.listen(lambda: True)) == []
    proceed.set()
    assert closed.wait(10)
    assert steps == 1


def test_leaving_the_iteration_cancels_the_job(worker: StepWorker):
    """Nobody has to say so."""
    closed = threading.Event()

    def endless() -> Generator[int | None, None, None]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    listening = worker.submit(endless()).listen(never)
    next(listening)
    listening.close()  # type: ignore[attr-defined]
    assert closed.wait(10)


def test_a_step_that_fails_ends_its_own_job_alone(worker: StepWorker):
    """Items given before it stay good, and the next job is served."""

    def failing() -> Generator[int | None, None, None]:
        yield 1
        raise RuntimeError("out of memory")

    listening = worker.submit(failing()).listen(never)
    assert next(listening) == 1
    with pytest.raises(SynthesisError):
        next(listening)
    assert list(worker.submit(counting([], "a", 2)).listen(never)) == [1]


def test_closing_ends_running_jobs_and_refuses_new_ones():
    """A listener is not left waiting; closing twice is harmless."""
    worker = StepWorker("test-steps")

    def endless() -> Generator[int | None, None, None]:
        while True:
            yield None

    job = worker.submit(endless())
    worker.close()
    worker.close()
    with pytest.raises(SynthesisError, match="closed"):
        list(job.listen(never))
    with pytest.raises(SynthesisError, match="closed"):
        worker.submit(counting([], "a", 1))
