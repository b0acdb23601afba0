"""When a voice is too late, and how long it rests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.tts.patience import Health, Patience, Progress

PATIENCE = Patience(first_audio_secs=2.0, stall_secs=0.5, retry_secs=10.0, warm_up_secs=20.0)


def test_the_first_sound_has_a_deadline_of_its_own():
    """Longer for a voice that was never asked before; silence does not count."""
    progress = Progress(PATIENCE, began_at=100.0)
    assert progress.deadline_at == 102.0
    progress.received(0.0, at=101.0)
    assert progress.deadline_at == 102.0
    assert Progress(PATIENCE, 100.0, is_first=True).deadline_at == 120.0


def test_later_pieces_are_due_when_the_sound_so_far_is_over():
    """It was first heard when it was first there."""
    progress = Progress(PATIENCE, began_at=100.0)
    progress.received(0.25, at=101.0)
    assert progress.deadline_at == 101.75
    progress.received(1.0, at=101.1)
    assert progress.deadline_at == 102.75


@given(
    pieces=st.lists(st.tuples(st.floats(0.01, 1.0), st.floats(0.01, 1.0)), min_size=1, max_size=50)
)
def test_a_voice_at_real_time_is_never_late(pieces: list[tuple[float, float]]):
    """However it cuts its sound: no piece takes longer than the one before lasts."""
    progress, at, lead = Progress(PATIENCE, 0.0), 0.5, 0.0
    for sound_secs, _ in pieces:
        assert at <= progress.deadline_at
        progress.received(sound_secs, at)
        at += sound_secs
        lead += sound_secs
    assert progress.deadline_at == pytest.approx(0.5 + lead + 0.5)


def test_a_voice_slower_than_real_time_gets_late():
    """At a third more than real time half a second is lost after two."""
    progress, at, count = Progress(PATIENCE, 0.0), 0.3, 0
    while at <= progress.deadline_at:
        progress.received(0.3, at)
        at += 0.4
        count += 1
    assert count * 0.3 == pytest.approx(1.5, abs=0.31)


@pytest.mark.parametrize(
    ("sound_secs", "took_secs", "behind"),
    [(2.0, 1.9, False), (2.0, 2.1, True), (0.4, 2.0, False)],
)
def test_a_clause_that_takes_longer_than_it_lasts_is_behind(
    sound_secs: float, took_secs: float, behind: bool
):
    """But a 嗯 is mostly the wait for it."""
    progress = Progress(PATIENCE, 10.0)
    progress.received(sound_secs, 10.2)
    assert progress.fell_behind(10.0 + took_secs) is behind


def test_a_failed_voice_rests_and_longer_each_time():
    """Up to ten minutes; speaking once makes it new."""
    health = Health(PATIENCE)
    assert health.is_fit(0.0)
    assert [health.failed(0.0) for _ in range(8)] == [10, 20, 40, 80, 160, 320, 600, 600]
    assert not health.is_fit(599.0)
    assert health.is_fit(600.0)
    assert health.spoke(601.0, behind=False) == 0.0
    assert health.failed(602.0) == 10.0


def test_two_slow_clauses_in_a_row_are_a_failure():
    """One is not, nor are two with a quick one between."""
    health = Health(PATIENCE)
    assert health.spoke(0.0, behind=True) == 0.0
    assert health.spoke(1.0, behind=False) == 0.0
    assert health.spoke(2.0, behind=True) == 0.0
    assert health.spoke(3.0, behind=True) == 10.0
    assert not health.is_fit(12.0)
