"""Sounds over the bot: what the turn machine makes of them until they are over."""

from __future__ import annotations

import pytest

from pipeline.audio import WINDOW_SECS
from pipeline.interruption import InterruptionMode, InterruptionPolicy
from pipeline.turn.actions import (
    Action,
    BeginTurn,
    BeginUtterance,
    Commit,
    Discard,
    Draft,
    Drop,
    Pause,
    Resume,
    SoftEnd,
)
from pipeline.turn.endpointing import TurnSettings
from pipeline.turn.machine import TurnMachine

BOT = "听起来你最近压力很大，晚上总是睡不好。"
LOUD, ECHO, FAINT = -25.0, -40.0, -70.0


class Play:
    """A machine with a reply sounding, driven window by window.

    Attributes:
        done: Every action so far, in order.
    """

    def __init__(self, mode: InterruptionMode = "polite") -> None:
        self.machine = TurnMachine(TurnSettings(), InterruptionPolicy(mode))
        self.done: list[Action] = []
        self._windows = 0
        self._speaking = False
        self._silence_secs = 1.0
        self._do(self.machine.respond())
        self.generation = 1
        self.machine.on_playout_started(self.generation)
        self.machine.on_playout_progress(BOT[:6], BOT[6:], all_said=False)

    def _do(self, actions: list[Action]) -> None:
        self.done += actions

    def hear(self, secs: float, level_dbfs: float = LOUD, echo_dbfs: float | None = None) -> None:
        """Voice at a level."""
        for _ in range(round(secs / WINDOW_SECS)):
            onset = None if self._speaking else self._windows * 512
            self._speaking, self._silence_secs = True, 0.0
            self._window(onset, level_dbfs, echo_dbfs)

    def silence(self, secs: float) -> None:
        """None; the gate closes after 0.1 s."""
        for _ in range(round(secs / WINDOW_SECS)):
            self._silence_secs += WINDOW_SECS
            self._speaking = self._speaking and self._silence_secs < 0.1
            self._window(None, FAINT, None)

    def _window(self, onset: int | None, level_dbfs: float, echo_dbfs: float | None) -> None:
        self._windows += 1
        self._do(
            self.machine.on_window(
                self._windows * WINDOW_SECS,
                speaking=self._speaking,
                silence_secs=self._silence_secs,
                onset_sample=onset,
                last_voiced_sample=self._windows * 512,
                level_dbfs=level_dbfs,
                echo_dbfs=echo_dbfs,
            )
        )

    def recognised(self, text: str, *, final: bool = False) -> None:
        """The recogniser answers."""
        turn_id = next(a.turn_id for a in reversed(self.done) if isinstance(a, BeginUtterance))
        ends = [a.generation for a in self.done if isinstance(a, SoftEnd)]
        generation = ends[-1] if final else None
        self._do(self.machine.on_transcript(turn_id, generation, text, "zh"))

    def of(self, *kinds: type[Action]) -> list[Action]:
        """The actions of some kinds."""
        return [action for action in self.done if isinstance(action, kinds)]


FLOOR = (Pause, Resume, Drop, BeginTurn, Discard)


@pytest.mark.parametrize(
    ("text", "stops"),
    [
        ("我想自杀", True),
        (BOT[3:12], False),
        (BOT[3:12] + "伞", False),
        (BOT[3:9] + "我真的想死", True),
    ],
)
def test_words_that_must_be_answered_stop_the_reply_unless_they_are_its_echo(
    text: str, stops: bool
) -> None:
    """A unit or two beside an echo may be echo heard wrongly."""
    play = Play()
    play.hear(0.2)
    play.recognised(text)
    assert play.machine.hush_reply("turn_0") == []
    assert play.machine.hush_reply("turn_1") == ([Drop(1, "cancelled")] if stops else [])
    assert play.machine.hush_reply("turn_1") == []


@pytest.mark.parametrize("silent", [True, False])
def test_a_word_of_its_question_answers_a_bot_that_is_silent(silent: bool) -> None:
    """Only its last words can still come back then; while it asks, the same word is its echo."""
    play = Play()
    ask = "你想过要怎么做吗？"
    play.machine.on_playout_progress(ask if silent else ask[:3], "", all_said=silent)
    play.hear(0.3)
    play.machine.on_playout_progress(ask, "", all_said=True)
    play.recognised("想过")
    play.silence(0.5)
    assert bool(play.of(BeginTurn)) is silent


def test_words_that_come_after_the_resume_still_take_the_floor() -> None:
    """The utterance is kept until its final words are known."""
    play = Play()
    play.hear(0.3)
    play.recognised("")
    play.hear(0.5)
    play.silence(0.2)
    assert play.of(*FLOOR) == [Pause(1), Resume(1)]
    play.recognised("等一下", final=True)
    play.silence(0.1)
    assert play.of(*FLOOR)[2:] == [
        Drop(1, "interrupted"),
        BeginTurn("turn_1", pytest.approx(0.032)),
    ]
    play.silence(3.0)
    assert play.of(Draft)[-1].text == "等一下"
    assert play.of(Commit)[-1].turn_id == "turn_1"


def test_a_backchannel_is_noted_and_is_no_turn() -> None:
    """Pause, resume, and the word for the transcript."""
    play = Play()
    play.hear(0.25)
    play.silence(0.3)
    play.recognised("嗯", final=True)
    play.silence(0.5)
    assert play.of(*FLOOR) == [Pause(1), Resume(1), Discard("turn_1", "嗯")]
    assert play.machine.reply == "playing"


def test_a_cough_leaves_no_trace() -> None:
    """Neither a note nor a turn."""
    play = Play()
    play.hear(0.15)
    play.silence(0.5)
    play.recognised("", final=True)
    play.silence(0.1)
    assert play.of(*FLOOR) == [Pause(1), Resume(1), Discard("turn_1", "")]


def test_an_echo_is_not_even_listened_to() -> None:
    """At the level that the reference predicts nobody is there."""
    play = Play()
    play.hear(2.0, LOUD, echo_dbfs=LOUD - 2.0)
    play.silence(0.3)
    assert play.of(BeginUtterance, *FLOOR) == []


def test_a_caller_over_an_echo_has_an_utterance_of_their_own() -> None:
    """It begins where they stand out, not where the echo opened the gate."""
    play = Play()
    play.hear(2.0, ECHO, echo_dbfs=ECHO)
    play.hear(0.3, LOUD, echo_dbfs=ECHO)
    (begun,) = play.of(BeginUtterance)
    assert isinstance(begun, BeginUtterance)
    assert begun.start_sample == pytest.approx(2.0 * 16_000, abs=2 * 512)
    play.recognised("等一下")
    play.hear(0.032, LOUD, echo_dbfs=ECHO)
    assert [type(action) for action in play.of(*FLOOR)] == [Pause, Drop, BeginTurn]


def test_a_turn_that_began_as_an_echo_holds_the_callers_words_only() -> None:
    """What the bot said in it is in no draft and no commit, however it is heard later."""
    play = Play()
    play.hear(0.6)
    play.recognised("听起来你")
    play.hear(0.1)
    play.hear(0.2, ECHO, echo_dbfs=ECHO)
    play.hear(0.1, LOUD, echo_dbfs=ECHO)
    play.recognised("听起来你最近，等一下")
    play.hear(0.1, LOUD, echo_dbfs=ECHO)
    kinds = [type(action) for action in play.of(*FLOOR)]
    assert kinds == [Pause, Resume, Pause, Drop, BeginTurn]
    assert play.machine.caller_words("听起来你最近，等一下，我") == "等一下，我"
    play.silence(0.2)
    play.recognised("听起来，最近等一下，我有个问题", final=True)
    play.silence(3.0)
    taken = [action.text for action in play.of(Draft, Commit) if action.turn_id]
    assert taken == ["等一下，我有个问题"] * 2


def test_over_an_echo_that_goes_on_each_sound_of_the_caller_pauses() -> None:
    """The gate stays open, but what was judged is over soon after the caller's voice."""
    play = Play()
    for sound in ("turn_1", "turn_2"):
        play.hear(1.0, ECHO, echo_dbfs=ECHO)
        play.hear(0.1, LOUD, echo_dbfs=ECHO)
        play.recognised("")
        play.hear(1.0, ECHO, echo_dbfs=ECHO)
        assert play.of(*FLOOR)[-3:] == [Pause(1), Resume(1), Discard(sound, "")]


def test_an_echo_that_outlasts_the_reply_is_no_turn() -> None:
    """A voice that was the bot's from its beginning stays the bot's."""
    play = Play()
    play.hear(1.0, ECHO, echo_dbfs=ECHO)
    play.machine.on_playout_finished(1, "completed")
    play.hear(1.0, ECHO, echo_dbfs=ECHO)
    assert play.of(BeginUtterance) == []


def test_an_echo_of_the_last_words_is_no_turn() -> None:
    """It may come in after the reply is over."""
    play = Play()
    play.machine.on_playout_progress(BOT, "", all_said=True)
    play.machine.on_playout_finished(1, "completed")
    play.hear(0.4)
    play.silence(0.3)
    play.recognised("睡不好", final=True)
    play.silence(0.2)
    assert play.of(*FLOOR) == [Discard("turn_1", "")]


@pytest.mark.parametrize("text", ["嗯", "对", "是", "去年"])
def test_a_word_into_the_last_silence_is_an_answer(text: str) -> None:
    """Once all its words are said the bot has nothing that could be held up."""
    play = Play()
    play.machine.on_playout_progress(BOT, "", all_said=True)
    play.hear(0.25)
    play.silence(0.3)
    play.recognised(text, final=True)
    play.silence(0.1)
    assert play.of(Pause) == []
    assert play.of(BeginTurn) != []


def test_the_next_sound_is_weighed_anew() -> None:
    """A cough, a silence, and then a word in the same utterance pauses again."""
    play = Play()
    play.hear(0.15)
    play.silence(0.4)
    play.hear(0.3)
    assert play.of(*FLOOR) == [Pause(1), Resume(1), Pause(1)]


def test_somebody_far_away_does_not_pause() -> None:
    """Far below what the caller's turns were like."""
    play = Play()
    play.hear(0.5)
    play.recognised("我想说别的事")
    play.hear(0.2)
    play.silence(0.3)
    play.recognised("我想说别的事", final=True)
    play.silence(3.0)
    assert isinstance(play.of(Commit)[-1], Commit)
    generation = play.of(Commit)[-1].generation
    play.machine.on_playout_started(generation)
    before = len(play.done)
    play.hear(1.0, LOUD - 24.0)
    assert [a for a in play.done[before:] if isinstance(a, Pause)] == []


def test_instant_mode_stops_with_the_first_window_of_a_near_voice() -> None:
    """And not for an echo."""
    play = Play("instant")
    play.hear(0.3, LOUD, echo_dbfs=LOUD)
    assert play.of(Drop) == []
    play.hear(0.032)
    assert play.of(*FLOOR) == [
        Drop(1, "interrupted"), BeginTurn("turn_1", pytest.approx(0.32)),
    ]  # fmt: skip


def test_off_mode_takes_the_turn_when_the_reply_is_over() -> None:
    """Nothing is paused, nothing is lost."""
    play = Play("off")
    play.hear(0.8)
    play.silence(0.3)
    play.recognised("我想说别的事", final=True)
    play.silence(2.0)
    assert play.of(*FLOOR) == []
    play.machine.on_playout_finished(1, "completed")
    play.silence(0.1)
    assert [type(action) for action in play.of(*FLOOR)] == [BeginTurn]


def test_a_recogniser_that_never_answers_holds_nothing_up() -> None:
    """The sound is forgotten a second after its end."""
    play = Play()
    play.hear(0.3)
    play.silence(1.5)
    assert play.of(*FLOOR) == [Pause(1), Resume(1), Discard("turn_1", "")]
