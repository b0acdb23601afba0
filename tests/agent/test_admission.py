"""The house degrades on purpose: by the number of calls and by the load, and comes back."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.admission import (
    BETTER_AFTER_SECS,
    COARSENING,
    LAG_INTERVAL_SECS,
    WORSE_AFTER_SECS,
    LoadGauge,
    admit,
    degraded,
    level_of,
)
from agent.config import ServerSettings
from pipeline.assembly import CallProfile
from pipeline.context.manner import Manner, ScriptedLines
from pipeline.errors import OverloadedError

SETTINGS = ServerSettings(max_calls=4, speculating_calls=1, fine_captions_calls=2)
PROFILE = CallProfile({"zh": Manner("", ScriptedLines("", "", lambda text: False))}, {})
QUICK = {"soft_end": 117.0, "transcript_final": 367.0, "first_token": 509.0, "first_audio": 567.0}
SLOW = {"soft_end": 128.0, "transcript_final": 1139.0, "first_token": 1709.0, "first_audio": 1992.0}


def passes(gauge: LoadGauge, secs: float, at: float, lag_secs: float = 0.002) -> float:
    """Time goes by with an event loop that wakes so late; gives the time afterwards."""
    for _ in range(round(secs / LAG_INTERVAL_SECS)):
        at += LAG_INTERVAL_SECS
        gauge.note_lag(at, lag_secs)
    return at


def slow_turns(gauge: LoadGauge, at: float, marks=SLOW) -> None:
    for _ in range(3):
        gauge.note_turn(at, marks)


def test_the_house_degrades_step_by_step():
    """First no drafts, then rarer captions."""
    profiles = [degraded(PROFILE, level_of(calls, 0, SETTINGS)) for calls in (1, 2, 3)]
    assert [one.turn.speculation for one in profiles] == [True, False, False]
    usual = PROFILE.hearing.interval_secs
    assert [one.hearing.interval_secs / usual for one in profiles] == [1, 1, COARSENING]


def test_the_higher_of_both_levels_holds():
    """One call on a slow machine, and many on a quick one."""
    assert level_of(1, 2, SETTINGS) == 2
    assert level_of(3, 1, SETTINGS) == 2
    assert level_of(1, 0, SETTINGS) == 0


def test_a_full_house_refuses_with_a_reason():
    """Politely, and not before it is full; a slow one takes nobody beside a caller."""
    admit(3, 0, SETTINGS)
    with pytest.raises(OverloadedError, match="4 lines"):
        admit(4, 0, SETTINGS)
    admit(2, 2, SETTINGS)
    with pytest.raises(OverloadedError, match="busy"):
        admit(2, 3, SETTINGS)
    admit(1, 3, SETTINGS)
    admit(2, 3, SETTINGS.model_copy(update={"refuse_when_slow": False}))


def test_slow_answers_raise_the_level_and_quick_ones_bring_it_back():
    """A step at a time, and down more slowly than up."""
    gauge = LoadGauge()
    at = passes(gauge, 10.0, 0.0)
    assert gauge.level == 0
    slow_turns(gauge, at)
    at = passes(gauge, 1.0, at)
    assert gauge.level == 1
    slow_turns(gauge, at)
    at = passes(gauge, WORSE_AFTER_SECS, at)
    assert gauge.level == 2
    slow_turns(gauge, at, QUICK)
    at = passes(gauge, BETTER_AFTER_SECS - 6.0, at)
    assert gauge.level == 2
    at = passes(gauge, 7.0, at)
    assert gauge.level == 1
    at = passes(gauge, BETTER_AFTER_SECS + 1.0, at)
    assert gauge.level == 0


def test_one_slow_answer_is_no_load():
    """Nor are two of three, if the third was quick."""
    gauge = LoadGauge()
    for marks in (SLOW, QUICK, QUICK):
        gauge.note_turn(0.0, marks)
    passes(gauge, 30.0, 0.0)
    assert gauge.level == 0


def test_an_event_loop_that_wakes_late_is_load_without_any_turn():
    """Callers who only listen suffer, too; step after step up to the refusal."""
    gauge = LoadGauge()
    at = passes(gauge, 5.25, 0.0, lag_secs=0.2)
    assert gauge.level == 1
    at = passes(gauge, 2 * WORSE_AFTER_SECS + 1.0, at, lag_secs=0.2)
    assert gauge.level == 3
    passes(gauge, 3 * BETTER_AFTER_SECS + 3.0, at)
    assert gauge.level == 0


def test_turns_that_nobody_computed_for_say_nothing():
    """A scripted line has no first token; an answer at the client's wish no soft end."""
    gauge = LoadGauge()
    for marks in ({}, {"first_audio": 9_000.0, "turn_commit": 10.0}):
        slow_turns(gauge, 0.0, marks)
    passes(gauge, 10.0, 0.0)
    assert gauge.level == 0


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.001, 0.05, 0.3])), max_size=400))
def test_the_level_moves_by_single_steps_with_time_between(moments):
    """Whatever the load does."""
    gauge, at, before, changes = LoadGauge(), 0.0, 0, []
    for slow, lag_secs in moments:
        at += LAG_INTERVAL_SECS
        gauge.note_turn(at, SLOW if slow else QUICK)
        changed = gauge.note_lag(at, lag_secs)
        assert changed == (gauge.level != before)
        assert abs(gauge.level - before) <= 1
        if changed:
            changes.append(at)
        before = gauge.level
    gaps = [later - earlier for earlier, later in pairwise(changes)]
    assert all(gap >= WORSE_AFTER_SECS - 1e-6 for gap in gaps)
