"""Who is at work is known while they are, and no longer."""

from __future__ import annotations

import threading

import pytest

from pipeline.computing import Computing, CountedThreads


def test_somebody_is_at_work_while_one_is():
    """However many there are, and whoever leaves first."""
    computing = Computing()
    assert (computing.count, computing.begun) == (0, 0)
    with computing.at_work():
        with computing.at_work():
            assert (computing.count, computing.begun) == (2, 2)
        assert computing.count == 1
    assert (computing.count, computing.begun) == (0, 2)


def test_who_fails_is_not_at_work_any_more():
    """An engine's error does not slow the language model down for ever."""
    computing = Computing()
    with pytest.raises(ValueError, match="broken"), computing.at_work():
        raise ValueError("broken")
    assert computing.count == 0


def test_jobs_count_while_they_run():
    """Not while they wait for a thread, and not once they are done; results and errors pass."""
    computing = Computing()
    began, may_end = threading.Event(), threading.Event()

    def job(result: int) -> int:
        began.set()
        may_end.wait(10)
        return result

    with CountedThreads(1, "test", computing) as threads:
        first = threads.submit(job, 7)
        waiting = threads.submit(job, 8)
        assert began.wait(10)
        assert computing.count == 1
        may_end.set()
        assert (first.result(10), waiting.result(10)) == (7, 8)
        assert isinstance(threads.submit(int, "x").exception(10), ValueError)
    assert computing.count == 0
