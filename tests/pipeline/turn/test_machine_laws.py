"""Laws of the turn machine under any order of events, on virtual stream time.

The world around the machine is adversarial here: voices, words, opinions, playout and the
client do what Hypothesis likes, answers come late, twice or never. After every window:

- nobody waits in silence: what is owed sounds, or is apologised for, within the bound;
- every pause ends, every wait ends, and in the end all is at rest;
- results of an older generation change nothing;
- a generation that was dropped is never committed, and two replies never run at once, nor
  does a draft beside a reply.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.audio import WINDOW_SAMPLES, WINDOW_SECS
from pipeline.events import ReplyStatus
from pipeline.interruption import InterruptionMode, InterruptionPolicy
from pipeline.turn.actions import (
    Action,
    BeginTurn,
    BeginUtterance,
    Commit,
    Discard,
    Draft,
    Drop,
    GiveUp,
    Pause,
    Resume,
    Say,
    SoftEnd,
    TakeText,
)
from pipeline.turn.endpointing import TurnSettings
from pipeline.turn.machine import TurnMachine

SETTINGS = TurnSettings(reply_owed_secs=2.0)
LONGEST_WAIT_SECS = SETTINGS.max_wait_secs + SETTINGS.hold_secs + SETTINGS.stalled_transcript_secs
LONGEST_PAUSE_SECS = 1.0  # the policy's own deadlines are tested with the policy
SLACK_SECS = 3 * WINDOW_SECS
TEXTS = ("", "嗯", "等一下", "我睡不好", "我睡不好因为", "我最近压力很大，你说呢？", "让我想想")


@dataclass
class World:
    """Feeds the machine and holds it to its promises."""

    machine: TurnMachine
    at_secs: float = 0.0
    end_sample: int = 0
    last_voiced: int = 0
    turn_id: str = ""
    soft_end: int = 0
    drafted: set[int] = field(default_factory=set)
    dropped: set[int] = field(default_factory=set)
    begun: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    running: int | None = None  # generation that the bot owes or speaks
    sounding: bool = False
    silent_secs: float = 0.0  # of the bot, while it owes, outside pauses
    paused_secs: float | None = None
    waited_secs: float = 0.0

    def take(self, actions: Iterable[Action]) -> None:
        for action in actions:
            self._take(action)

    def _take(self, action: Action) -> None:
        match action:
            case BeginUtterance(turn_id):
                self.turn_id = turn_id
            case SoftEnd(generation):
                assert generation > max(self.drafted | self.dropped | {self.soft_end}, default=0)
                self.soft_end = generation
            case BeginTurn(turn_id):
                assert turn_id not in self.begun
                self.begun.add(turn_id)
            case Draft(generation):
                assert generation not in self.drafted | self.dropped
                assert generation >= max(self.drafted | self.dropped, default=0)
                self.drafted.add(generation)
            case Commit(generation, turn_id):
                assert generation in self.drafted - self.dropped
                self._run(generation)
                self._end_turn(turn_id)
            case Say(generation):
                assert generation not in self.drafted | self.dropped
                self.drafted.add(generation)
                self._run(generation)
            case TakeText(turn_id) | Discard(turn_id):
                self._end_turn(turn_id)
            case Drop(generation):
                self.dropped.add(generation)
                if generation == self.running:
                    self._stop()
            case GiveUp():
                self._stop()
            case Pause(generation):
                assert generation == self.running
                assert self.paused_secs is None
                self.paused_secs = 0.0
            case Resume(generation):
                assert generation == self.running
                self.paused_secs = None

    def _run(self, generation: int) -> None:
        assert self.running is None, "two replies at once"
        assert generation == max(self.drafted), "a stage would take it for an old one"
        self.running, self.sounding, self.silent_secs = generation, False, 0.0

    def _stop(self) -> None:
        self.running, self.sounding, self.paused_secs = None, False, None

    def _end_turn(self, turn_id: str) -> None:
        if turn_id in self.begun:
            assert turn_id not in self.ended
            self.ended.add(turn_id)

    # -- what happens to the machine --------------------------------------------------

    def windows(self, count: int, *, voiced: bool) -> None:
        for _ in range(count):
            self.end_sample += WINDOW_SAMPLES
            self.at_secs = self.end_sample / 16_000
            if voiced:
                self.last_voiced = self.end_sample
            silence_secs = (self.end_sample - self.last_voiced) / 16_000
            self.take(
                self.machine.on_window(
                    self.at_secs,
                    speaking=bool(self.last_voiced) and silence_secs < SETTINGS.soft_end_secs,
                    silence_secs=silence_secs,
                    onset_sample=None,
                    last_voiced_sample=self.last_voiced,
                    level_dbfs=-20.0 if voiced else -70.0,
                )
            )
            self._check(voiced=voiced)

    def _check(self, *, voiced: bool) -> None:
        machine = self.machine
        if self.paused_secs is not None:
            self.paused_secs += WINDOW_SECS
            assert self.paused_secs <= LONGEST_PAUSE_SECS + SLACK_SECS, "the pause does not end"
        elif self.running is not None and not self.sounding:
            self.silent_secs += WINDOW_SECS
            assert self.silent_secs <= SETTINGS.reply_owed_secs + SLACK_SECS, "dead air"
        held = machine.policy.mode == "off" and self.running is not None
        waits = machine.phase == "waiting" and machine.take_turns and not held
        self.waited_secs = self.waited_secs + WINDOW_SECS if waits and not voiced else 0.0
        assert self.waited_secs <= LONGEST_WAIT_SECS + SLACK_SECS, "the turn does not end"
        assert (machine.reply == "none") == (self.running is None)
        assert machine.floor.draft is None or self.running is None, "a draft beside a reply"

    def words(self, text: str, *, final: bool) -> None:
        generation = self.soft_end if final else None
        self.take(self.machine.on_transcript(self.turn_id, generation, text, "zh"))

    def opinion(self, text: str, probability: float) -> None:
        self.take(self.machine.on_end_of_turn(text, probability))
        self.take(self.machine.on_smart_turn(self.soft_end, probability))

    def start(self) -> None:
        if self.running is not None and self.paused_secs is None:
            self.take(self.machine.on_playout_started(self.running))
            self.sounding = True

    def finish(self, status: ReplyStatus) -> None:
        if self.running is not None:
            generation = self.running
            self._stop()
            self.take(self.machine.on_playout_finished(generation, status))

    def all_said(self) -> None:
        if self.sounding:
            self.machine.on_playout_progress("多久了？", "", all_said=True)

    def late(self, text: str) -> None:
        """Whatever belongs to the past changes nothing at all."""
        utterance = self.machine.floor.utterance
        # What tells the caller's words apart is no state, and a copy of it equals nothing.
        constant = () if utterance is None else (utterance._caller_words,)
        before = copy.deepcopy(
            vars(self.machine) | {"policy": vars(self.machine.policy)},
            {id(one): one for one in constant},
        )
        old = self.soft_end - 1
        for actions in (
            self.machine.on_transcript("turn_0", self.soft_end, text, "zh"),
            self.machine.on_transcript(self.turn_id, old, text, "zh"),
            self.machine.on_smart_turn(old, 1.0),
            self.machine.on_playout_started(-1),
            *(self.machine.on_playout_started(g) for g in self.dropped - {self.running}),
            *(self.machine.on_playout_finished(g, "failed") for g in self.dropped),
        ):
            assert actions == []
        assert vars(self.machine) | {"policy": vars(self.machine.policy)} == before

    def ask(self, what: Literal["force", "clear", "respond", "type", "cancel"]) -> None:
        match what:
            case "force":
                utterance = self.machine.floor.utterance
                if utterance is not None and not utterance.forced:
                    self.waited_secs = 0.0  # its words are due from now on
                self.take(self.machine.force_end(self.last_voiced))
            case "clear":
                self.take(self.machine.clear())
            case "respond":
                self.take(self.machine.respond())
            case "type":
                self.take(self.machine.type_text())
            case "cancel":
                self.take(self.machine.cancel_reply())

    def rest(self) -> None:
        """Nobody says or does anything more."""
        self.windows(
            round((LONGEST_WAIT_SECS + 3 * SETTINGS.reply_owed_secs) / WINDOW_SECS), voiced=False
        )
        self.finish("completed")
        self.windows(round(2 * LONGEST_WAIT_SECS / WINDOW_SECS), voiced=False)
        if self.running is not None:  # an answer to what was said over the reply
            self.windows(round(3 * SETTINGS.reply_owed_secs / WINDOW_SECS), voiced=False)
        assert self.machine.reply == "none"
        assert self.machine.phase == "idle" or not self.machine.take_turns
        if self.machine.take_turns:
            assert self.begun <= self.ended


EVENTS = st.one_of(
    st.tuples(st.just("voice"), st.integers(1, 40)),
    st.tuples(st.just("silence"), st.integers(1, 60)),
    st.tuples(st.just("partial"), st.sampled_from(TEXTS)),
    st.tuples(st.just("final"), st.sampled_from(TEXTS)),
    st.tuples(
        st.just("opinion"), st.tuples(st.sampled_from(TEXTS), st.sampled_from((0.0, 0.5, 1.0)))
    ),
    st.tuples(st.just("late"), st.sampled_from(TEXTS)),
    st.tuples(st.just("start"), st.none()),
    st.tuples(st.just("all said"), st.none()),
    st.tuples(st.just("finish"), st.sampled_from(("completed", "failed", "interrupted"))),
    st.tuples(st.just("ask"), st.sampled_from(("force", "clear", "respond", "type", "cancel"))),
)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(EVENTS, max_size=50),
    st.sampled_from(("polite", "instant", "off")),
    st.booleans(),
    st.booleans(),
)
@example(
    [
        *(("voice", 10), ("ask", "respond"), ("voice", 3), ("silence", 5)),
        *(("final", "我睡不好"), ("silence", 1)),
    ],
    "polite",
    True,
    True,
)
@example(
    [("voice", 1), ("silence", 4), ("final", "嗯"), ("ask", "force"), ("late", "")],
    "polite",
    True,
    True,
)
def test_no_order_of_events_breaks_the_floor(
    events: list[tuple[str, object]], mode: InterruptionMode, take_turns: bool, speculation: bool
):
    """Whatever happens, in whatever order: all laws hold after every window, and at rest."""
    turn = TurnSettings(reply_owed_secs=SETTINGS.reply_owed_secs, speculation=speculation)
    world = World(TurnMachine(turn, InterruptionPolicy(mode), take_turns=take_turns))
    for kind, value in events:
        happen(world, kind, value)
    world.rest()


def happen(world: World, kind: str, value: object) -> None:
    match kind, value:
        case "voice", int(count):
            world.windows(count, voiced=True)
        case "silence", int(count):
            world.windows(count, voiced=False)
        case (("partial" | "final"), str(text)):
            world.words(text, final=kind == "final")
        case "opinion", (str(text), float(probability)):
            world.opinion(text, probability)
        case "late", str(text):
            world.late(text)
        case "start", None:
            world.start()
        case "all said", None:
            world.all_said()
        case "finish", str(status):
            world.finish(status)  # type: ignore[arg-type]
        case "ask", str(what):
            world.ask(what)  # type: ignore[arg-type]
        case _:
            raise AssertionError(kind)
