"""Acknowledgements in the turn machine: those in doubt change nothing else that it does."""

from __future__ import annotations

from itertools import pairwise, zip_longest
from typing import TypeAlias

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.audio import WINDOW_SECS
from pipeline.interruption import InterruptionPolicy
from pipeline.turn.acknowledge import (
    CLEAR_SECS,
    RHYTHMS,
    Acknowledgement,
    Acknowledger,
    clear_at_secs,
)
from pipeline.turn.actions import (
    Acknowledge,
    Action,
    BeginUtterance,
    Commit,
    Draft,
    Drop,
    SoftEnd,
)
from pipeline.turn.endpointing import TurnSettings
from pipeline.turn.machine import TurnMachine

COUNSELLOR = TurnSettings(pacing="counsellor")
SAID = Acknowledgement("嗯", bytes(2 * 9_600))  # 0.4 s
OTHER = Acknowledgement("哦", bytes(2 * 9_600))
STORY = "那天我回到家里看到他一个人坐着"


class Telling:
    """A machine and a caller who tells it something, window by window.

    Attributes:
        done: Every action so far, with its stream time.
    """

    def __init__(self, *, silent: bool = False, take_turns: bool = True) -> None:
        ready = {} if silent else {"zh": [SAID, OTHER]}
        self.machine = TurnMachine(
            COUNSELLOR,
            InterruptionPolicy(),
            take_turns=take_turns,
            acknowledger=Acknowledger(COUNSELLOR, ready),
        )
        self.done: list[tuple[float, Action]] = []
        self._windows = 0
        self._silence_secs = 1.0

    @property
    def at_secs(self) -> float:
        return self._windows * WINDOW_SECS

    def all(self, kind: type) -> list[tuple[float, Action]]:
        return [(at, action) for at, action in self.done if isinstance(action, kind)]

    def do(self, actions: list[Action]) -> None:
        self.done += [(self.at_secs, action) for action in actions]

    def greet(self) -> None:
        """The bot has spoken, and its echo is gone."""
        self.do(self.machine.respond())
        self.machine.on_playout_started(1)
        self.machine.on_playout_finished(1, "completed")
        self.pass_by(1.0, voiced=False)

    def pass_by(self, secs: float, *, voiced: bool) -> None:
        for _ in range(round(secs / WINDOW_SECS)):
            self._windows += 1
            self._silence_secs = 0.0 if voiced else self._silence_secs + WINDOW_SECS
            self.do(
                self.machine.on_window(
                    self.at_secs,
                    speaking=self._silence_secs < COUNSELLOR.soft_end_secs,
                    silence_secs=self._silence_secs,
                    onset_sample=None,
                    last_voiced_sample=0,
                    level_dbfs=-25.0 if voiced else -70.0,
                )
            )

    def tell(self, secs: float, pause_secs: float, text: str, probability: float) -> None:
        """Speak, and fall silent; words and opinion come 0.16 s later."""
        self.pass_by(secs, voiced=True)
        self.pass_by(min(0.16, pause_secs), voiced=False)
        if soft_ends := self.all(SoftEnd):
            soft_end = soft_ends[-1][1]
            turn_id = self.all(BeginUtterance)[-1][1].turn_id
            self.do(self.machine.on_transcript(turn_id, soft_end.generation, text, "zh"))
            self.do(self.machine.on_end_of_turn(text, probability))
        self.pass_by(max(0.0, pause_secs - 0.16), voiced=False)


def test_the_draft_of_the_same_pause_is_left_alone():
    """Nothing is dropped or drafted anew for it."""
    one = Telling()
    one.greet()
    one.tell(6.0, 0.9, STORY, 0.01)
    assert [action for _, action in one.all(Acknowledge)] == [Acknowledge(SAID)]
    assert len(one.all(Draft)) == 2  # the greeting's, and one for the pause
    assert one.all(Drop) == []


def test_the_first_turn_of_a_call_without_a_greeting_is_acknowledged():
    """Whether the microphone hears it, nobody knows yet: one is said."""
    one = Telling()
    one.tell(6.0, 0.9, STORY, 0.01)
    assert len(one.all(Acknowledge)) == 1


def test_push_to_talk_is_not_acknowledged():
    """The caller says when they have finished, and nobody else."""
    one = Telling(take_turns=False)
    one.greet()
    one.tell(6.0, 2.0, STORY, 0.01)
    assert one.all(Acknowledge) == []


PARTS = st.tuples(
    st.floats(0.2, 7.0),
    st.floats(0.05, 3.0),
    st.sampled_from((STORY, "因为", "你说呢？", "嗯", "")),
    st.sampled_from((0.001, 0.3, 0.6, 0.999)),
)


Parts: TypeAlias = list[tuple[float, float, str, float]]


def loud_and_silent(parts: Parts) -> tuple[Telling, Telling]:
    """The same call with acknowledgements and without, a second of silence at its end."""
    told = Telling(), Telling(silent=True)
    for one in told:
        one.greet()
        for part in parts:
            one.tell(*part)
        one.pass_by(1.0, voiced=False)
    return told


def first_difference(loud: Telling, silent: Telling) -> tuple[float, Action] | None:
    """What the silent call does first that the other does not do then."""
    others = [(at, one) for at, one in loud.done if not isinstance(one, Acknowledge)]
    pairs = zip_longest(others, silent.done)
    return next((wanted for other, wanted in pairs if other != wanted), None)


@settings(max_examples=60, deadline=None)
@given(st.lists(PARTS, max_size=8))
@example([(1.0, 0.625, STORY, 0.001), (0.25, 0.3, STORY, 0.999)])
def test_a_call_with_acknowledgements_is_the_same_call(parts: Parts):
    """All else comes at the same windows, until a turn is taken that had to wait for the sound.

    No commit comes into what is being said.
    """
    loud, silent = loud_and_silent(parts)
    said = loud.all(Acknowledge)
    held_back = first_difference(loud, silent)
    if held_back is None:
        assert [step for step in loud.done if step not in said] == silent.done
    else:
        wanted_at, action = held_back
        assert isinstance(action, Commit)
        assert any(at <= wanted_at < clear_at_secs(at, SAID) for at, _ in said)
    for at, _ in said:
        committed = [later for later, _ in loud.all(Commit) if later > at]
        assert not committed or committed[0] - at >= SAID.secs
    gaps = [later - at for (at, _), (later, _) in pairwise(said)]
    assert all(gap >= RHYTHMS["counsellor"].likely.apart_secs for gap in gaps)


def test_a_turn_that_is_over_waits_for_what_is_being_said():
    """Said into a pause; after a few more words the caller had finished."""
    loud, silent = loud_and_silent([(1.0, 0.625, STORY, 0.001), (0.25, 1.0, STORY, 0.999)])
    ((said_at, _),) = loud.all(Acknowledge)
    ((early, _),), ((late, _),) = silent.all(Commit)[1:], loud.all(Commit)[1:]
    assert early < clear_at_secs(said_at, SAID) <= late < early + 0.2


def test_an_opinion_that_comes_late_brings_no_reply_into_it():
    """The wait is over sooner, but not before the sound is."""
    one = Telling()
    one.greet()
    one.tell(1.0, 0.55, STORY, 0.5)
    ((said_at, _),) = one.all(Acknowledge)
    one.do(one.machine.on_end_of_turn(STORY, 0.999))
    one.pass_by(2.0, voiced=False)
    (committed_at, _) = one.all(Commit)[-1]
    assert said_at + SAID.secs + CLEAR_SECS <= committed_at < said_at + 1.0


DONE = "后来我就一个人回家了。"


def answered_after(one: Telling, secs: float) -> None:
    """The newest draft sounds so long after its beginning; its reply is heard out."""
    at_secs, draft = one.all(Draft)[-1]
    one.pass_by(max(0.0, at_secs + secs - one.at_secs), voiced=False)
    one.machine.on_reply_voiced(draft.generation)
    one.pass_by(1.0, voiced=False)
    one.machine.on_playout_started(draft.generation)
    one.do(one.machine.on_playout_finished(draft.generation, "completed"))
    one.pass_by(2.0, voiced=False)


def after_a_turn(took_secs: float) -> Telling:
    """A call with one turn behind it, whose reply took so long."""
    one = Telling()
    one.greet()
    one.tell(2.0, 0.16, DONE, 0.97)
    answered_after(one, took_secs)
    one.done.clear()
    return one


def test_a_turn_that_is_over_is_acknowledged_where_replies_come_late():
    """When it would have been taken; it is, when the word has been said."""
    late, soon = after_a_turn(0.9), after_a_turn(0.2)
    for one in (late, soon):
        one.tell(2.0, 2.0, DONE, 0.97)
    ((said_at, said),) = late.all(Acknowledge)
    ((taken_at, _),) = late.all(Commit)
    assert 0.0 <= taken_at - clear_at_secs(said_at, said.said) < 2 * WINDOW_SECS
    assert soon.all(Acknowledge) == []
    assert after_soft_end(late, Acknowledge) == pytest.approx(after_soft_end(soon, Commit))


def after_soft_end(one: Telling, kind: type) -> float:
    """Seconds from the only silence to the first such action."""
    return one.all(kind)[0][0] - one.all(SoftEnd)[0][0]


def test_who_goes_on_over_it_goes_on_with_the_turn():
    """It was theirs until the word had been said, though the end was sure."""
    one = after_a_turn(0.9)
    one.tell(2.0, 0.4, DONE, 0.97)
    assert len(one.all(Acknowledge)) == 1
    one.tell(1.0, 2.0, f"{DONE}{STORY}。", 0.97)
    ((_, taken),) = one.all(Commit)
    assert taken.text == f"{DONE}{STORY}。"
    assert len(one.all(Acknowledge)) == 1


def test_nothing_is_covered_where_nothing_is_being_drafted():
    """The reply begins with the turn's end then, and each moment counts."""
    one = after_a_turn(0.9)
    one.pass_by(2.0, voiced=True)
    one.pass_by(0.16, voiced=False)
    soft_end, turn = one.all(SoftEnd)[-1][1], one.all(BeginUtterance)[-1][1]
    one.do(one.machine.on_transcript(turn.turn_id, soft_end.generation, DONE, "zh"))
    one.do(one.machine.on_transcript(turn.turn_id, None, f"{DONE}真的", "zh"))
    one.do(one.machine.on_end_of_turn(f"{DONE}真的", 0.97))
    one.pass_by(2.0, voiced=False)
    assert len(one.all(Drop)) == 1
    assert one.all(Acknowledge) == []
    assert len(one.all(Commit)) == 1
