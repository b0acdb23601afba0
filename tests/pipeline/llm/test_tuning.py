"""Steps are run the way that past steps recommend."""

from __future__ import annotations

import pytest

from pipeline.llm.tuning import HOLD_SECS, LONGEST_HOLD_SECS, StepTuner


def calm(tuner, at=0.0):
    tuner.note(tokens=32, threads=2, secs=0.1, at=at)


def disturb(tuner, at):
    tuner.note(tokens=32, threads=2, secs=0.5, at=at)


def test_a_calm_machine_gives_all_threads():
    """Even steps change nothing."""
    tuner = StepTuner()
    calm(tuner)
    assert tuner.threads(2, 0.1) == 2


def test_a_disturbed_step_is_followed_by_one_thread_for_a_while():
    """After the hold all threads are tried again."""
    tuner = StepTuner()
    calm(tuner)
    disturb(tuner, at=1.0)
    assert tuner.threads(2, 1.0 + 0.9 * HOLD_SECS) == 1
    assert tuner.threads(2, 1.0 + 1.1 * HOLD_SECS) == 2


def test_the_hold_grows_while_the_machine_stays_busy_and_starts_over_when_it_is_calm():
    """Trying again becomes rare, but never stops."""
    tuner = StepTuner()
    calm(tuner)
    holds = []
    at = 0.0
    for _ in range(6):
        disturb(tuner, at)
        since = at
        while tuner.threads(2, at) == 1:
            at += 0.25
        holds.append(at - since)
    assert holds == [HOLD_SECS, 2 * HOLD_SECS, 4 * HOLD_SECS] + [LONGEST_HOLD_SECS] * 3
    calm(tuner, at)
    disturb(tuner, at)
    assert tuner.threads(2, at + 1.1 * HOLD_SECS) == 2


def test_steps_are_compared_with_steps_of_their_size():
    """A long prompt is slower than a short one and no sign of trouble."""
    tuner = StepTuner()
    tuner.note(tokens=4, threads=2, secs=0.02, at=0.0)
    tuner.note(tokens=32, threads=2, secs=0.12, at=0.0)
    assert tuner.threads(2, 0.1) == 2


def test_one_thread_says_nothing():
    """Steps on one thread are slower by nature."""
    tuner = StepTuner()
    calm(tuner)
    tuner.note(tokens=32, threads=1, secs=1.0, at=0.0)
    assert tuner.threads(2, 0.1) == 2


@pytest.mark.parametrize(("together_secs", "pays"), [(0.038, False), (0.025, True)])
def test_the_faster_way_to_serve_two_replies_is_kept(together_secs, pays):
    """Both ways are tried once, the batch first; then the times decide."""
    tuner = StepTuner()
    assert tuner.batching_pays(2, threads=2)
    tuner.note(tokens=2, threads=2, secs=together_secs, at=0.0)
    assert not tuner.batching_pays(2, threads=2)
    tuner.note(tokens=1, threads=2, secs=0.016, at=0.0)
    assert tuner.batching_pays(2, threads=2) is pays


def test_times_on_another_number_of_threads_do_not_count():
    """One thread and two are two different machines."""
    tuner = StepTuner()
    tuner.note(tokens=2, threads=1, secs=0.071, at=0.0)
    tuner.note(tokens=1, threads=1, secs=0.020, at=0.0)
    assert not tuner.batching_pays(2, threads=1)
    assert tuner.batching_pays(2, threads=2)
