"""Who has the floor: a pure state machine over windows, words and playout.

    user   idle ──voice──▶ speaking ──silence ≥ soft_end──▶ waiting ──long enough──▶ idle
                               ▲                               │         (taken)
                               └──────────── voice ────────────┘
    reply  none ──taken──▶ owed ──first sample──▶ playing ──all played──▶ none
    Voice while a reply is owed or playing is an *overlap*: the interruption policy pauses
    the reply at once and decides later whether it goes on or the turn is the caller's.
    A sound that is neither is dismissed when it is over and its words are known.

Every state has a bounded exit. `waiting` ends by commit, voice, or discard; a reply that
is owed sounds within `reply_owed_secs` or an apology does; a pause ends by the policy's
deadline. Time is stream time: seconds of audio received.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log10
from typing import Literal, TypeAlias

from pipeline.events import ReplyStatus
from pipeline.frames import DropReason
from pipeline.interruption import InterruptionPolicy, OverlapDecision
from pipeline.text import Language, count_units, same_words
from pipeline.turn import lexicon
from pipeline.turn.actions import (
    Action,
    BeginTurn,
    BeginUtterance,
    Commit,
    Discard,
    Draft,
    Drop,
    Fallback,
    GiveUp,
    Pause,
    Resume,
    Say,
    SoftEnd,
    TakeText,
)
from pipeline.turn.endpointing import Evidence, PauseRhythm, TurnSettings, wait_secs

Phase: TypeAlias = Literal["idle", "speaking", "waiting"]
ReplyPhase: TypeAlias = Literal["none", "owed", "playing"]

# A partial transcript with this many units more than the draft's makes the draft stale.
STALE_DRAFT_UNITS = 1
# For so long after a reply its last words may still come back as an echo.
ECHO_TAIL_SECS = 0.5
# Share of a turn's level in the caller's usual level: a few turns decide.
USUAL_LEVEL_SHARE = 0.3


@dataclass
class _Utterance:
    """Speech under way that may become a turn."""

    turn_id: str
    began_secs: float
    overlap: bool
    text: str = ""
    answered: bool = False  # the recogniser has said something, if only that it was nothing
    language: Language = "zh"
    voiced_secs: float = 0.0
    voiced_windows: int = 0
    voiced_power: float = 0.0  # sum over those windows, full scale is 1
    final_for: int | None = None  # generation whose transcript is complete
    forced: bool = False  # push-to-talk said that it ends here


@dataclass
class _DraftState:
    generation: int
    text: str


class TurnMachine:
    """Decides when the caller has finished, and what happens when voices overlap.

    Every method returns what is to be done, in order. Late results are recognised by
    their generation and change nothing.

    Args:
        settings: Times and pacing.
        policy: What to do when the caller speaks over the bot.
        take_turns: False leaves the end of a turn to `force_end` (push-to-talk).
    """

    def __init__(
        self, settings: TurnSettings, policy: InterruptionPolicy, *, take_turns: bool = True
    ) -> None:
        self.settings = settings
        self.phase: Phase = "idle"
        self.reply: ReplyPhase = "none"
        self.rhythm = PauseRhythm()
        self.speculation = settings.speculation
        self.policy = policy
        self.take_turns = take_turns
        self._generation = 0
        self._soft_end_generation = 0
        self._turn_count = 0
        self._utterance: _Utterance | None = None
        self._draft: _DraftState | None = None
        self._llm: tuple[str, float] | None = None
        self._smart_turn: float | None = None
        self._reply_generation = 0
        self._reply_turn_id = ""
        self._reply_ended_secs = -ECHO_TAIL_SECS
        self._all_said = False
        self._usual_dbfs: float | None = None
        self._owed_since_secs = 0.0
        self._apologising = False
        self._asked_to_repeat = False
        self._paused = False
        self._paused_since_secs = 0.0
        self._respond_when_ready = False
        self._at_secs = 0.0
        self._silence_secs = 0.0

    # -- the stream -------------------------------------------------------------------

    def on_window(
        self,
        at_secs: float,
        *,
        speaking: bool,
        silence_secs: float,
        onset_sample: int | None,
        last_voiced_sample: int,
        level_dbfs: float,
        echo_dbfs: float | None = None,
    ) -> list[Action]:
        """One more window of audio, 32 ms of stream time.

        Args:
            at_secs: Stream time after the window.
            speaking: The speech gate is open; it closes at the first short silence.
            silence_secs: Confirmed silence since the last voiced sample.
            onset_sample: Where speech began, in the window that opens the gate.
            last_voiced_sample: End of the last voiced audio.
            level_dbfs: Level of the window.
            echo_dbfs: Up to this level it may be the bot's echo; None if there is none.
        """
        window_secs, self._at_secs = at_secs - self._at_secs, at_secs
        actions: list[Action] = []
        if self.phase == "idle" and speaking:
            onset_at = last_voiced_sample if onset_sample is None else onset_sample
            actions += self._begin(at_secs, onset_at)
        elif self.phase == "speaking" and not speaking:
            actions += self._soft_end(last_voiced_sample)
        elif self.phase == "waiting" and speaking and not self._forced:
            actions += self._go_on()
        self._silence_secs = silence_secs
        if self._utterance is not None:
            if speaking and silence_secs == 0.0:
                self._utterance.voiced_secs += window_secs
                self._utterance.voiced_windows += 1
                self._utterance.voiced_power += 10.0 ** (level_dbfs / 10.0)
            if self._utterance.overlap:
                actions += self._judge(at_secs, silence_secs, level_dbfs, echo_dbfs)
            elif self.phase == "waiting":
                actions += self._consider(silence_secs)
        if self.reply == "owed" and not self._paused:
            actions += self._watch_owed()
        return actions

    @property
    def _forced(self) -> bool:
        """The client has said that the utterance ends here; what still arrives is no part of it."""
        return self._utterance is not None and self._utterance.forced

    @property
    def _is_final(self) -> bool:
        """All words up to the latest soft end are known."""
        utterance = self._utterance
        return utterance is not None and utterance.final_for == self._soft_end_generation

    def _begin(self, at_secs: float, onset_sample: int) -> list[Action]:
        self._turn_count += 1
        echoes = at_secs - self._reply_ended_secs < ECHO_TAIL_SECS
        overlap = self.reply != "none" or echoes
        turn_id = f"turn_{self._turn_count}"
        self._utterance = _Utterance(turn_id, at_secs, overlap)
        self._llm = self._smart_turn = None
        self.phase = "speaking"
        actions: list[Action] = [BeginUtterance(turn_id, onset_sample, overlap)]
        if overlap:
            self.policy.begin(at_secs)
            return actions
        return [*actions, BeginTurn(turn_id, at_secs)]

    def _soft_end(self, last_voiced_sample: int) -> list[Action]:
        assert self._utterance is not None
        self._generation += 1
        self._soft_end_generation = self._generation
        self._smart_turn = None
        self.phase = "waiting"
        return [SoftEnd(self._generation, self._utterance.turn_id, last_voiced_sample)]

    def _go_on(self) -> list[Action]:
        """The caller went on before the turn was taken; a draft holds until new words come."""
        self.phase = "speaking"
        self.rhythm.note_inner_pause(self._silence_secs)
        if self._utterance is not None and self._utterance.overlap and not self._paused:
            self.policy.begin(self._at_secs)
            if not self.policy.has_heard_caller:
                self._utterance.voiced_secs = 0.0  # after a silence it is another sound
        return []

    # -- words ------------------------------------------------------------------------

    def on_transcript(
        self,
        turn_id: str,
        generation: int | None,
        text: str,
        language: Language,
    ) -> list[Action]:
        """Recognised so far; `generation` is the soft end it completes, None for a partial."""
        utterance = self._utterance
        if utterance is None or utterance.turn_id != turn_id:
            return []
        if generation is not None and generation != self._soft_end_generation:
            return []
        utterance.text, utterance.language, utterance.answered = text, language, True
        if generation is None:
            return self._drop_stale_draft(text)
        if self.phase != "waiting":
            return []
        utterance.final_for = generation
        if utterance.forced:
            return self._finish_forced()
        if utterance.overlap or not text or not self.take_turns or not self.speculation:
            return []
        return self._draft_reply(speculative=True)

    def _draft_reply(self, *, speculative: bool) -> list[Action]:
        utterance = self._utterance
        assert utterance is not None
        if self._draft is not None:
            if same_words(self._draft.text, utterance.text):
                return []
            actions = self._drop_draft("resumed")
        else:
            actions = []
        # A number of its own: what was once dropped stays dropped in every stage.
        self._generation += 1
        self._draft = _DraftState(self._generation, utterance.text)
        draft = Draft(
            self._generation, utterance.turn_id, utterance.text, utterance.language, speculative
        )
        return [*actions, draft]

    def _drop_stale_draft(self, text: str) -> list[Action]:
        if self._draft is None:
            return []
        if count_units(text) < count_units(self._draft.text) + STALE_DRAFT_UNITS:
            return []
        return self._drop_draft("resumed")

    def _drop_draft(self, reason: DropReason) -> list[Action]:
        if self._draft is None:
            return []
        generation, self._draft = self._draft.generation, None
        return [Drop(generation, reason)]

    def on_end_of_turn(self, text: str, probability: float) -> list[Action]:
        """The language model's opinion of the words `text`."""
        self._llm = (text, probability)
        return []

    def on_smart_turn(self, generation: int, probability: float) -> list[Action]:
        """The audio model's opinion of the silence that `generation` began with."""
        if generation == self._soft_end_generation:
            self._smart_turn = probability
        return []

    # -- taking the turn --------------------------------------------------------------

    def evidence(self) -> Evidence:
        """What is known about the end of the utterance under way."""
        utterance = self._utterance
        text = utterance.text if utterance else ""
        llm = None
        if self._llm is not None and same_words(self._llm[0], text):
            llm = self._llm[1]
        return Evidence(
            llm=llm,
            smart_turn=self._smart_turn,
            ending=lexicon.ending_of(text),
            mark=lexicon.mark_of(text),
            language=utterance.language if utterance else "zh",
            asks_for_time=lexicon.asks_for_time(text),
            discloses_feeling=lexicon.discloses_feeling(text),
        )

    def _consider(self, silence_secs: float) -> list[Action]:
        utterance = self._utterance
        assert utterance is not None
        settings = self.settings
        stalled = silence_secs >= settings.max_wait_secs + settings.stalled_transcript_secs
        if utterance.forced:
            return self._finish_forced() if stalled else []
        if not self.take_turns or not (self._is_final or stalled):
            return []
        if not utterance.text:
            return self._without_words() if silence_secs >= settings.discard_secs else []
        if silence_secs < wait_secs(self.evidence(), self.rhythm, settings):
            return []
        return self._take_turn()

    def _take_turn(self) -> list[Action]:
        utterance = self._utterance
        assert utterance is not None
        actions = [*self._end_reply("replaced"), *self._draft_reply(speculative=False)]
        assert self._draft is not None
        generation, self._draft = self._draft.generation, None
        self._asked_to_repeat = False
        self._note_level(utterance)
        self._owe(generation, utterance.turn_id)
        self._forget_utterance()
        commit = Commit(generation, utterance.turn_id, utterance.text, utterance.language)
        return [*actions, commit]

    def _note_level(self, utterance: _Utterance) -> None:
        """Learn how loud the caller usually is."""
        if not utterance.voiced_windows:
            return
        level = 10.0 * log10(utterance.voiced_power / utterance.voiced_windows + 1e-12)
        usual = level if self._usual_dbfs is None else self._usual_dbfs
        self._usual_dbfs = usual + USUAL_LEVEL_SHARE * (level - usual)

    def _without_words(self) -> list[Action]:
        utterance = self._utterance
        assert utterance is not None
        actions: list[Action] = [*self._drop_draft("resumed"), Discard(utterance.turn_id, "")]
        self._forget_utterance()
        if self.reply == "none" and self._spoke_long(utterance) and not self._asked_to_repeat:
            self._asked_to_repeat = True
            actions += self._say("unheard", utterance.turn_id)
        return actions

    def _spoke_long(self, utterance: _Utterance) -> bool:
        """Long enough that silence in return would be rude, even if no word was recognised."""
        return utterance.voiced_secs >= self.settings.unheard_speech_secs

    def _owe(self, generation: int, turn_id: str) -> None:
        self.reply = "owed"
        self._reply_generation = generation
        self._reply_turn_id = turn_id
        self._owed_since_secs = self._at_secs
        self._apologising = False
        self._paused = False
        self._all_said = False

    def _forget_utterance(self) -> None:
        self.phase = "idle"
        self._utterance = None
        self._llm = self._smart_turn = None

    # -- overlap ----------------------------------------------------------------------

    def _judge(
        self, at_secs: float, silence_secs: float, level_dbfs: float, echo_dbfs: float | None
    ) -> list[Action]:
        utterance = self._utterance
        assert utterance is not None
        probability = None
        if self._llm is not None and same_words(self._llm[0], utterance.text):
            probability = self._llm[1]
        decision = self.policy.judge(
            at_secs,
            voiced_secs=utterance.voiced_secs,
            silence_secs=silence_secs,
            level_dbfs=level_dbfs,
            text=utterance.text if utterance.answered else None,
            text_is_final=self._is_final and self.phase == "waiting",
            end_of_turn=probability,
            echo_dbfs=echo_dbfs,
            usual_dbfs=self._usual_dbfs,
            floor_is_free=self._floor_is_free,
        )
        return [*self._carry_out(decision), *self._dismiss(silence_secs)]

    @property
    def _floor_is_free(self) -> bool:
        return self.reply == "none" or (self._all_said and self.policy.mode != "off")

    def _dismiss(self, silence_secs: float) -> list[Action]:
        """Forget a sound that is over and was no turn; its last words may come in late."""
        utterance = self._utterance
        assert utterance is not None
        if not utterance.overlap or utterance.forced or self._paused or self.phase != "waiting":
            return []
        if not self._is_final and silence_secs < self.settings.stalled_transcript_secs:
            return []
        backchannel = lexicon.is_backchannel(utterance.text)
        if self.policy.mode == "off" and not self._floor_is_free:
            if utterance.text and not backchannel:
                return []  # it waits until the bot has finished
        elif self._floor_is_free and not utterance.text and self.policy.has_heard_caller:
            return self._without_words()
        self._forget_utterance()
        note = utterance.text if backchannel else ""
        return [Discard(utterance.turn_id, note)]

    def _carry_out(self, decision: OverlapDecision) -> list[Action]:
        utterance = self._utterance
        assert utterance is not None
        match decision.kind:
            case "pause":
                self._paused = True
                self._paused_since_secs = self._at_secs
                return [Pause(self._reply_generation)]
            case "resume" if self._paused:
                self._paused = False
                self._owed_since_secs += self._at_secs - self._paused_since_secs
                return [Resume(self._reply_generation)]
            case "commit":
                utterance.overlap = False
                actions = self._end_reply("interrupted")
                actions.append(BeginTurn(utterance.turn_id, utterance.began_secs))
                if self._is_final and utterance.text and self.speculation:
                    actions += self._draft_reply(speculative=True)
                return actions
            case _:
                return []

    def _end_reply(self, reason: DropReason) -> list[Action]:
        if self.reply == "none":
            return []
        self._note_reply_end()
        return [Drop(self._reply_generation, reason)]

    def _note_reply_end(self) -> None:
        self.reply = "none"
        self._paused = False
        self._reply_ended_secs = self._at_secs

    # -- playout ----------------------------------------------------------------------

    def on_playout_started(self, generation: int) -> list[Action]:
        """The first sample of a reply went out."""
        if generation == self._reply_generation and self.reply == "owed":
            self.reply = "playing"
        return []

    def on_playout_progress(self, heard_text: str, upcoming_text: str, *, all_said: bool) -> None:
        """What has been heard of the reply, and what is about to be."""
        self.policy.note_bot_text(heard_text, upcoming_text)
        self._all_said = all_said and self.reply == "playing"

    def on_playout_finished(self, generation: int, status: ReplyStatus | None) -> list[Action]:
        """A reply is over; a failed one is apologised for."""
        if generation != self._reply_generation or self.reply == "none":
            return []
        self._note_reply_end()
        if status == "failed":
            # Whatever still writes or speaks it would only be in the apology's way.
            return [Drop(generation, "failed"), *self._apologise()]
        return []

    def _end_overlap(self) -> list[Action]:
        """Nothing is left to interrupt: what the caller is saying is an ordinary turn."""
        utterance = self._utterance
        if utterance is None or not utterance.overlap:
            return []
        utterance.overlap = False
        return [BeginTurn(utterance.turn_id, utterance.began_secs)]

    def _watch_owed(self) -> list[Action]:
        if self._at_secs - self._owed_since_secs < self.settings.reply_owed_secs:
            return []
        return [*self._end_reply("failed"), *self._apologise()]

    def _apologise(self) -> list[Action]:
        if self._apologising:
            self._apologising = False
            return [GiveUp(self._reply_generation)]
        actions = self._say("apology", self._reply_turn_id)
        self._apologising = True
        return actions

    def _say(self, line: Fallback, turn_id: str) -> list[Action]:
        self._generation += 1
        self._owe(self._generation, turn_id)
        return [Say(self._generation, turn_id, line)]

    # -- what the client asks for ------------------------------------------------------

    def force_end(self, last_voiced_sample: int) -> list[Action]:
        """Push-to-talk: the turn ends here."""
        if self._utterance is None:
            return []
        utterance = self._utterance
        utterance.forced = True
        actions: list[Action] = []
        if utterance.overlap:
            utterance.overlap = False
            actions += self._end_reply("interrupted")
            actions.append(BeginTurn(utterance.turn_id, utterance.began_secs))
        if self.phase == "waiting" and self._is_final:
            return [*actions, *self._finish_forced()]
        if self.phase == "speaking":
            actions += self._soft_end(last_voiced_sample)
        return actions

    def _finish_forced(self) -> list[Action]:
        utterance = self._utterance
        assert utterance is not None
        actions = self._drop_draft("replaced")
        self._forget_utterance()
        actions.append(TakeText(utterance.turn_id, utterance.text, utterance.language))
        if self.take_turns or self._respond_when_ready:
            self._respond_when_ready = False
            unheard = not utterance.text and self._spoke_long(utterance)
            if unheard and self.reply == "none":
                actions += self._say("unheard", utterance.turn_id)
            else:
                actions += self.respond()
        return actions

    def clear(self) -> list[Action]:
        """Forget the turn under way; a paused reply goes on."""
        actions = self._drop_draft("cancelled")
        if self._utterance is not None:
            actions.append(Discard(self._utterance.turn_id, ""))
            self._forget_utterance()
        if self._paused:
            self._paused = False
            actions.append(Resume(self._reply_generation))
        return actions

    def respond(self) -> list[Action]:
        """Answer the context as it stands, unless a reply runs or a turn is being finished."""
        if self._utterance is not None and self._utterance.forced:
            self._respond_when_ready = True
            return []
        if self.reply != "none":
            return []
        actions = self._drop_draft("replaced")
        self._generation += 1
        self._owe(self._generation, "")
        return [
            *actions,
            Draft(self._generation, "", "", "zh", speculative=False),
            Commit(self._generation, "", "", "zh"),
        ]

    def type_text(self) -> list[Action]:
        """A typed turn stops a running reply and replaces an unfinished spoken one's draft."""
        return [
            *self._drop_draft("replaced"),
            *self._end_reply("replaced"),
            *self._end_overlap(),
        ]

    def cancel_reply(self) -> list[Action]:
        """Stop the running reply at the client's wish."""
        return [*self._end_reply("cancelled"), *self._end_overlap()]
