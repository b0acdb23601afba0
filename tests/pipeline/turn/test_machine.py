"""The turn machine, read as a specification.

How long it waits is `endpointing`'s business and what counts as an interruption the
policy's; both are injected here: words are complete or not, sounds are commands or not.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from pipeline.audio import WINDOW_SAMPLES, WINDOW_SECS
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

SETTINGS = TurnSettings(
    soft_end_secs=0.1,
    min_wait_secs=0.2,
    max_wait_secs=1.0,
    hold_secs=0.5,
    discard_secs=0.7,
    reply_owed_secs=3.0,
    unheard_speech_secs=1.5,
)
COMPLETE = "我睡不好。"
BOT = "听起来你最近很累。"


@dataclass
class Floor:
    """A machine and the ears that feed it; `done` lists everything it asked for."""

    machine: TurnMachine
    done: list[Action] = field(default_factory=list)
    end_sample: int = 0
    last_voiced: int = 0

    def take(self, actions: list[Action]) -> list[Action]:
        self.done += actions
        return actions

    def voice(self, secs: float) -> list[Action]:
        """Somebody speaks for a while."""
        return self._windows(secs, voiced=True)

    def silence(self, secs: float) -> list[Action]:
        """Nobody speaks for a while."""
        return self._windows(secs, voiced=False)

    def partial(self, text: str) -> list[Action]:
        """The recogniser has heard this much, while the caller goes on."""
        turn_id = self.last(BeginUtterance).turn_id
        return self.take(self.machine.on_transcript(turn_id, None, text, "zh"))

    def final(self, text: str) -> list[Action]:
        """The recogniser has heard everything up to the last soft end."""
        soft_end = self.last(SoftEnd)
        return self.take(
            self.machine.on_transcript(soft_end.turn_id, soft_end.generation, text, "zh")
        )

    def sure(self, text: str, probability: float = 1.0) -> None:
        """The language model's opinion whether `text` is complete."""
        self.machine.on_end_of_turn(text, probability)

    def turn(self, text: str = COMPLETE) -> Commit:
        """A whole turn, up to its commit."""
        self.voice(0.6)
        self.silence(0.15)
        self.final(text)
        self.sure(text)
        self.silence(2.0)
        return self.last(Commit)

    def play(self) -> Commit:
        """A whole turn whose reply has begun to sound."""
        commit = self.turn()
        self.take(self.machine.on_playout_started(commit.generation))
        return commit

    def finish(self, status: str = "completed") -> list[Action]:
        """The reply under way is over."""
        started = [a for a in self.done if isinstance(a, Commit | Say)][-1]
        return self.take(self.machine.on_playout_finished(started.generation, status))

    def last(self, kind: type) -> Action:
        return [action for action in self.done if isinstance(action, kind)][-1]

    def _windows(self, secs: float, *, voiced: bool) -> list[Action]:
        actions: list[Action] = []
        for _ in range(round(secs / WINDOW_SECS)):
            self.end_sample += WINDOW_SAMPLES
            if voiced:
                self.last_voiced = self.end_sample
            silence_secs = (self.end_sample - self.last_voiced) / 16_000
            actions += self.take(
                self.machine.on_window(
                    self.end_sample / 16_000,
                    speaking=bool(self.last_voiced) and silence_secs < SETTINGS.soft_end_secs,
                    silence_secs=silence_secs,
                    onset_sample=None,
                    last_voiced_sample=self.last_voiced,
                    level_dbfs=-20.0 if voiced else -70.0,
                )
            )
        return actions


def floor(mode: InterruptionMode = "polite", *, take_turns: bool = True) -> Floor:
    policy = InterruptionPolicy(
        mode,
        is_backchannel=lambda text: text == "嗯",
        is_command=lambda text: text.startswith("停"),
    )
    return Floor(TurnMachine(SETTINGS, policy, take_turns=take_turns))


def kinds(actions: list[Action]) -> list[type]:
    return [type(action) for action in actions]


# -- one speaks ---------------------------------------------------------------------------


def test_voice_begins_an_utterance_and_a_turn():
    """Where nobody else speaks, any voice is a turn."""
    assert kinds(floor().voice(0.3)) == [BeginUtterance, BeginTurn]


def test_a_short_silence_is_a_soft_end():
    """Once, however long it grows; it says up to where to listen."""
    one = floor()
    one.voice(0.64)
    soft_ends = [a for a in one.silence(0.3) if isinstance(a, SoftEnd)]
    assert [soft_end.end_sample for soft_end in soft_ends] == [one.last_voiced]


def test_the_final_words_are_drafted_at_once():
    """Before it is decided whether the turn is over."""
    one = floor()
    one.voice(0.6)
    one.silence(0.15)
    (draft,) = one.final(COMPLETE)
    assert isinstance(draft, Draft)
    assert draft.speculative
    assert Commit not in kinds(one.done)


def test_a_complete_turn_is_taken():
    """The draft that was made is the one that is committed."""
    one = floor()
    commit = one.turn()
    assert commit.generation == one.last(Draft).generation
    assert commit.text == COMPLETE
    assert [kind for kind in kinds(one.done) if kind is Draft] == [Draft]


def test_no_turn_is_taken_before_the_minimum_wait():
    """However sure the models are."""
    one = floor()
    one.voice(0.6)
    one.silence(0.12)
    one.final(COMPLETE)
    one.sure(COMPLETE)
    assert Commit not in kinds(one.silence(SETTINGS.min_wait_secs - 0.12 - WINDOW_SECS))


@pytest.mark.parametrize("probability", [0.0, 0.01, 0.5, 1.0])
def test_no_turn_waits_longer_than_the_maximum(probability: float):
    """However unfinished the words sound."""
    one = floor()
    one.voice(0.6)
    one.silence(0.15)
    one.final("我睡不好因为")
    one.sure("我睡不好因为", probability)
    assert Commit in kinds(one.silence(SETTINGS.max_wait_secs))


def test_going_on_keeps_the_draft_until_new_words_come():
    """A breath, a cough or a click after the words costs nothing."""
    one = floor()
    one.voice(0.6)
    one.silence(0.15)
    one.final("我睡不好")
    assert Drop not in kinds(one.voice(0.3))
    one.silence(0.15)
    assert one.final("我睡不好") == []


def test_new_words_drop_the_draft():
    """It answered something that was not all; the next one has a number of its own."""
    one = floor()
    one.voice(0.6)
    one.silence(0.15)
    (first,) = one.final("我睡")
    one.voice(0.3)
    assert one.partial("我睡不好") == [Drop(first.generation, "resumed")]
    one.silence(0.15)
    (second,) = one.final("我睡不好")
    assert second.generation > first.generation


def test_punctuation_does_not_spoil_a_draft():
    """Nor script width: the same words have the same answer."""
    one = floor()
    one.voice(0.6)
    one.silence(0.15)
    one.final("我睡不好")
    one.voice(0.2)
    one.silence(0.15)
    assert one.final("我，睡不好。") == []


def test_words_are_not_drafted_beside_the_answer_to_typed_ones():
    """Who types and speaks at once is answered once to each; the spoken turn loses no word."""
    one = floor()
    one.voice(0.6)
    one.take(one.machine.type_text())
    one.take(one.machine.respond())
    typed = one.last(Commit)
    one.take(one.machine.on_playout_started(typed.generation))
    one.voice(0.3)
    one.silence(0.15)
    assert one.final(COMPLETE) == []
    one.sure(COMPLETE)
    assert kinds(one.silence(1.0)) == [Drop, Draft, Commit]
    assert Drop(typed.generation, "replaced") in one.done
    assert one.last(Commit).text == COMPLETE


def test_a_dropped_draft_is_made_anew_under_another_number():
    """Every stage has forgotten the old one for good."""
    one = floor()
    one.voice(0.6)
    one.silence(0.15)
    (first,) = one.final(COMPLETE)
    one.take(one.machine.type_text())
    one.sure(COMPLETE)
    one.silence(1.0)
    assert Drop(first.generation, "replaced") in one.done
    assert one.last(Commit).generation > first.generation


def test_a_wordless_sound_is_forgotten():
    """Without a reply, if it was short; the client hears that the turn came to nothing."""
    one = floor()
    one.voice(0.4)
    one.silence(0.15)
    one.final("")
    assert kinds(one.silence(1.0)) == [Discard]


def test_a_long_wordless_sound_is_asked_for_again():
    """But not twice in a row."""
    one = floor()
    for expected in ([Discard, Say], [Discard]):
        one.voice(SETTINGS.unheard_speech_secs)
        one.silence(0.15)
        one.final("")
        assert kinds(one.silence(1.0)) == expected
        one.finish()
        one.silence(1.0)


def test_a_recogniser_that_never_answers_is_not_waited_for():
    """Its last partial is taken as the turn."""
    one = floor()
    one.voice(0.6)
    one.partial("我睡不")
    one.silence(SETTINGS.max_wait_secs + SETTINGS.stalled_transcript_secs + 0.1)
    assert one.last(Commit).text == "我睡不"


# -- the bot owes an answer ---------------------------------------------------------------


def test_an_answer_that_does_not_come_is_apologised_for():
    """After the bound: the draft is dropped and a line is spoken in its place."""
    one = floor()
    commit = one.turn()
    actions = one.silence(SETTINGS.reply_owed_secs)
    assert actions[0] == Drop(commit.generation, "failed")
    assert [action.line for action in actions if isinstance(action, Say)] == ["apology"]


def test_an_apology_that_does_not_come_is_given_up():
    """The client is told; nothing more is owed."""
    one = floor()
    one.turn()
    actions = one.silence(3 * SETTINGS.reply_owed_secs)
    assert kinds(actions) == [Drop, Say, Drop, GiveUp]
    assert one.machine.reply == "none"


def test_a_failed_reply_is_apologised_for_at_once():
    """And whatever still works at it is stopped."""
    one = floor()
    commit = one.play()
    actions = one.finish("failed")
    assert actions[0] == Drop(commit.generation, "failed")
    assert kinds(actions) == [Drop, Say]


def test_a_reply_that_sounds_owes_nothing():
    """However long it is."""
    one = floor()
    one.play()
    assert one.silence(10 * SETTINGS.reply_owed_secs) == []


# -- both speak ---------------------------------------------------------------------------


def test_a_voice_over_the_bot_pauses_it():
    """At once; whether it is a turn is not said yet."""
    one = floor()
    commit = one.play()
    actions = one.voice(0.2)
    assert kinds(actions) == [BeginUtterance, Pause]
    assert actions[1] == Pause(commit.generation)


def test_a_command_takes_the_floor():
    """The reply is dropped, and what is said is a turn."""
    one = floor()
    commit = one.play()
    one.voice(0.3)
    one.partial("停")
    actions = one.voice(0.1)
    assert kinds(actions) == [Drop, BeginTurn]
    assert actions[0] == Drop(commit.generation, "interrupted")


def test_a_caller_who_goes_on_at_once_had_not_finished():
    """What is taken for an end too early is remembered as a pause; a later cut-in is not."""
    floor = Floor(TurnMachine(SETTINGS, InterruptionPolicy()))
    floor.turn()
    floor.silence(2.0)
    ended = floor.machine.rhythm.lean
    floor.voice(0.5)
    floor.partial("等一下")
    floor.voice(0.1)
    assert floor.machine.rhythm.lean == ended > 0.0

    floor = Floor(TurnMachine(SETTINGS, InterruptionPolicy()))
    floor.voice(0.6)
    floor.silence(0.15)
    floor.final(COMPLETE)
    floor.sure(COMPLETE)
    floor.silence(0.3)
    assert isinstance(floor.last(Commit), Commit)
    floor.voice(0.5)
    floor.partial("可是我昨天又失眠了")
    floor.voice(0.1)
    assert floor.machine.rhythm.lean < 0.0


def test_a_backchannel_gives_it_back():
    """The reply goes on; the word is noted and no turn."""
    one = floor()
    commit = one.play()
    one.voice(0.3)
    one.silence(0.15)
    one.final("嗯")
    one.silence(0.7)
    assert Resume(commit.generation) in one.done
    assert one.last(Discard).text == "嗯"
    assert Drop not in kinds(one.done)


def test_a_noise_gives_it_back_unmentioned():
    """Nothing is noted."""
    one = floor()
    one.play()
    one.voice(0.1)
    one.silence(0.15)
    one.final("")
    one.silence(1.5)
    assert Resume in kinds(one.done)
    assert one.last(Discard).text == ""


def test_what_is_said_over_the_last_words_waits_for_the_end():
    """Mode "off": the reply is played out, then the words are a turn."""
    one = floor("off")
    one.play()
    one.voice(0.6)
    one.silence(0.15)
    one.final("你听我说完")
    one.silence(1.0)
    assert Pause not in kinds(one.done)
    one.finish()
    one.silence(2.0)
    assert one.last(Commit).text == "你听我说完"


def test_instant_mode_takes_no_evidence():
    """Any voice is a turn."""
    one = floor("instant")
    commit = one.play()
    actions = one.voice(0.1)
    assert Drop(commit.generation, "interrupted") in actions
    assert BeginTurn in kinds(actions)
    assert Pause not in kinds(actions)


def test_the_words_of_an_overlap_survive_an_apology():
    """A reply that fails meanwhile does not make their transcript a late one."""
    one = floor()
    one.play()
    one.voice(0.3)
    one.silence(0.15)
    one.finish("failed")
    one.final("停，听我说")
    one.sure("停，听我说")
    one.silence(1.5)
    assert one.last(Commit).text == "停，听我说"


# -- the client decides -------------------------------------------------------------------


def test_push_to_talk_ends_the_turn_when_told():
    """What was said enters the context; it is answered when the client asks."""
    one = floor(take_turns=False)
    one.voice(0.6)
    assert kinds(one.take(one.machine.force_end(one.last_voiced))) == [SoftEnd]
    assert kinds(one.final(COMPLETE)) == [TakeText]
    assert kinds(one.take(one.machine.respond())) == [Draft, Commit]


def test_asking_early_is_answered_when_the_words_are_there():
    """Commit and respond come together; the transcript comes later."""
    one = floor(take_turns=False)
    one.voice(0.6)
    one.take(one.machine.force_end(one.last_voiced))
    assert one.machine.respond() == []
    assert kinds(one.final(COMPLETE)) == [TakeText, Draft, Commit]


def test_a_chunk_after_the_end_does_not_reopen_the_turn():
    """The last 20 ms of a microphone may come after the button's release."""
    one = floor(take_turns=False)
    one.voice(0.6)
    one.take(one.machine.force_end(one.last_voiced))
    one.voice(0.1)
    assert kinds(one.final(COMPLETE)) == [TakeText]


def test_the_last_silence_of_a_forced_turn_begins_no_other():
    """Its words are known before the gate closes; only new voice is a new turn."""
    one = floor(take_turns=False)
    one.voice(0.6)
    one.take(one.machine.force_end(one.last_voiced))
    one.final(COMPLETE)
    assert one.silence(0.064) == []
    assert kinds(one.voice(0.2)) == [BeginUtterance, BeginTurn]


def test_a_forced_turn_ends_although_others_speak_on():
    """No silence comes after it; its words are waited for from the moment it was forced."""
    one = floor(take_turns=False)
    one.voice(0.6)
    one.partial("我睡不")
    one.take(one.machine.force_end(one.last_voiced))
    one.voice(SETTINGS.max_wait_secs + SETTINGS.stalled_transcript_secs + 0.1)
    assert one.last(TakeText).text == "我睡不"


def test_a_turn_forced_in_a_short_silence_is_closed_there():
    """Its last words are still being recognised; those said after it was forced are not its own."""
    one = floor(take_turns=False)
    one.voice(0.6)
    one.silence(0.15)
    assert not one.last(SoftEnd).closes
    (soft_end,) = one.take(one.machine.force_end(one.last_voiced))
    assert isinstance(soft_end, SoftEnd)
    assert soft_end.closes
    assert one.take(one.machine.force_end(one.last_voiced)) == []
    assert kinds(one.final(COMPLETE)) == [TakeText]


def test_a_forced_turn_without_a_transcript_ends_too():
    """With what was heard of it so far."""
    one = floor(take_turns=False)
    one.voice(0.6)
    one.partial("我睡不")
    one.take(one.machine.force_end(one.last_voiced))
    one.silence(SETTINGS.max_wait_secs + SETTINGS.stalled_transcript_secs + 0.1)
    assert one.last(TakeText).text == "我睡不"


def test_a_cleared_turn_is_forgotten():
    """Its draft with it."""
    one = floor()
    one.voice(0.6)
    one.silence(0.15)
    one.final(COMPLETE)
    assert kinds(one.take(one.machine.clear())) == [Drop, Discard]
    assert one.silence(3.0) == []


def test_clearing_a_forced_turn_withdraws_the_request_for_its_answer():
    """The next turn waits to be asked about."""
    one = floor(take_turns=False)
    one.voice(0.6)
    one.take(one.machine.force_end(one.last_voiced))
    one.take(one.machine.respond())
    one.take(one.machine.clear())
    one.silence(0.3)
    one.voice(0.6)
    one.take(one.machine.force_end(one.last_voiced))
    assert kinds(one.final(COMPLETE)) == [TakeText]


def test_clearing_over_a_paused_reply_lets_it_go_on():
    """Nobody else would resume it."""
    one = floor()
    commit = one.play()
    one.voice(0.2)
    assert one.take(one.machine.clear())[-1] == Resume(commit.generation)


def test_asking_again_while_a_reply_runs_does_nothing():
    """One answer is enough."""
    one = floor()
    one.play()
    assert one.machine.respond() == []


def test_over_a_cancelled_reply_words_make_a_turn_and_echo_does_not():
    """There is nothing left to interrupt, but the reply may still be heard in the room."""
    for text, taken in ((COMPLETE, True), (BOT, False)):
        one = floor("off")
        commit = one.play()
        one.machine.on_playout_progress(BOT, "", all_said=False)
        before = len(one.done)
        one.voice(0.3)
        actions = one.take(one.machine.cancel_reply())
        assert actions == [Drop(commit.generation, "cancelled")]
        one.silence(0.15)
        one.final(text)
        one.silence(0.3)
        assert any(isinstance(action, BeginTurn) for action in one.done[before:]) == taken, text


def test_an_answer_that_is_asked_for_ends_a_turn_that_has_paused():
    """What is heard next is heard over the answer, and is weighed."""
    one = floor()
    one.voice(0.6)
    one.silence(0.15)
    one.final(COMPLETE)
    actions = one.take(one.machine.respond())
    assert kinds(actions) == [Drop, TakeText, Draft, Commit]
    one.machine.on_playout_started(one.last(Commit).generation)
    one.voice(0.3)
    assert one.last(BeginUtterance).overlap


def test_a_turn_that_is_taken_replaces_a_reply_that_was_asked_for_meanwhile():
    """Two replies never run at once."""
    one = floor()
    one.voice(0.6)
    asked = next(a for a in one.take(one.machine.respond()) if isinstance(a, Commit))
    one.silence(0.15)
    one.final(COMPLETE)
    one.sure(COMPLETE)
    one.silence(1.5)
    assert Drop(asked.generation, "replaced") in one.done
    assert one.last(Commit).text == COMPLETE
