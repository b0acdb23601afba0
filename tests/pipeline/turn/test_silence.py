"""The check-in ladder: when a silence is answered."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.interruption import InterruptionPolicy
from pipeline.turn.actions import Commit
from pipeline.turn.endpointing import TurnSettings
from pipeline.turn.machine import TurnMachine
from pipeline.turn.silence import CheckInLadder

WINDOW_SECS = 0.032


def check_ins_at(ladder: CheckInLadder, *, until: float, step: float = 0.5) -> list[float]:
    """When it is due while nobody makes a sound; a check-in is one, and lasts a step."""
    due = []
    for count in range(round(until / step)):
        at_secs = count * step
        if ladder.is_due(at_secs):
            due.append(at_secs)
            ladder.note_sound(at_secs)
    return due


def test_each_rung_is_said_once():
    """After 8 s, again 20 s later, and then never."""
    assert check_ins_at(CheckInLadder((8.0, 20.0)), until=100.0) == [8.0, 28.0]


def test_a_turn_of_the_caller_begins_anew():
    """The first rung comes back with the caller's next silence."""
    ladder = CheckInLadder((8.0, 20.0))
    assert ladder.is_due(8.0)
    ladder.note_sound(9.0)
    ladder.note_turn()
    assert not ladder.is_due(16.9)
    assert ladder.is_due(17.0)


def test_without_rungs_silence_stays_silence():
    """The setting [] switches it off."""
    assert check_ins_at(CheckInLadder(()), until=300.0) == []


@given(st.lists(st.floats(0.5, 30.0), max_size=4))
def test_never_more_check_ins_than_rungs(waits: list[float]):
    """However long the silence."""
    assert len(check_ins_at(CheckInLadder(waits), until=200.0)) == len(waits)


def quiet(machine: TurnMachine, begin: float, end: float) -> list[Commit]:
    """The commits during a silence."""
    commits = []
    for count in range(round(begin / WINDOW_SECS), round(end / WINDOW_SECS)):
        actions = machine.on_window(
            count * WINDOW_SECS,
            speaking=False,
            silence_secs=1.0,
            onset_sample=None,
            last_voiced_sample=0,
            level_dbfs=-90.0,
        )
        commits += [action for action in actions if isinstance(action, Commit)]
        for commit in commits[-1:]:
            machine.on_playout_started(commit.generation)
            machine.on_playout_finished(commit.generation, "completed")
    return commits


def test_the_machine_checks_in_only_after_the_bot_has_spoken():
    """Nobody is addressed who has not been greeted."""
    settings = TurnSettings(check_in_secs=(8.0, 20.0))
    machine = TurnMachine(settings, InterruptionPolicy())
    assert quiet(machine, 0.0, 30.0) == []
    (greeting,) = [action for action in machine.respond() if isinstance(action, Commit)]
    machine.on_playout_started(greeting.generation)
    machine.on_playout_finished(greeting.generation, "completed")
    assert len(quiet(machine, 30.0, 90.0)) == 2


def test_push_to_talk_is_never_checked_in_on():
    """Who holds a button decides alone who speaks."""
    settings = TurnSettings(check_in_secs=(8.0,))
    machine = TurnMachine(settings, InterruptionPolicy(), take_turns=False)
    (greeting,) = [action for action in machine.respond() if isinstance(action, Commit)]
    machine.on_playout_started(greeting.generation)
    machine.on_playout_finished(greeting.generation, "completed")
    assert quiet(machine, 0.0, 60.0) == []
