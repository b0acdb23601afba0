"""The floor: who speaks, who is to answer, and the moves that keep this consistent.

The machine, the overlap and the client's requests all play on one floor. Each move
changes it and returns what is to be done about that, in order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pipeline.frames import DropReason
from pipeline.text import same_words
from pipeline.turn.actions import (
    Action,
    BeginTurn,
    Discard,
    Draft,
    Drop,
    Fallback,
    GiveUp,
    Say,
    SoftEnd,
)
from pipeline.turn.endpointing import TurnSettings
from pipeline.turn.reply import Reply
from pipeline.turn.reply_pace import ReplyPace
from pipeline.turn.utterance import Utterance

Phase: TypeAlias = Literal["idle", "speaking", "waiting"]

# Share of a turn's level in the caller's usual level: a few turns decide.
USUAL_LEVEL_SHARE = 0.3


@dataclass
class Floor:
    """The state of a call's turn taking.

    Attributes:
        settings: Times and pacing.
        speculation: Draft at the soft end rather than at the commit.
        at_secs: Stream time.
        silence_secs: Silence since the last voiced sample.
        utterance: Speech under way, None while nobody speaks.
        draft: Answer to it that is being made, unheard; never beside a reply.
        reply: What the bot owes or says.
        pace: How long drafts take to sound.
        usual_dbfs: The caller's usual level, None before their first turn.
        asked_to_repeat: The last wordless speech was answered; the next is not.
        ignored: The gate is open over what is no turn: the bot's echo, another room's voice,
            or the last silence of a turn that the client ended.
        respond_when_ready: An answer was asked for before the turn's words were known.
    """

    settings: TurnSettings
    speculation: bool
    at_secs: float = 0.0
    silence_secs: float = 0.0
    utterance: Utterance | None = None
    draft: Draft | None = None
    reply: Reply = field(default_factory=Reply)
    pace: ReplyPace = field(default_factory=ReplyPace)
    usual_dbfs: float | None = None
    asked_to_repeat: bool = False
    ignored: bool = False
    respond_when_ready: bool = False
    _generation: int = 0
    _turn_count: int = 0

    @property
    def phase(self) -> Phase:
        """What the caller does."""
        return "idle" if self.utterance is None else self.utterance.phase

    def next_generation(self) -> int:
        """A number larger than all before: what was once dropped stays dropped everywhere."""
        self._generation += 1
        return self._generation

    # -- the caller -------------------------------------------------------------------

    def begin_utterance(self) -> Utterance:
        """Somebody speaks; over the bot or its echo it is no turn yet."""
        self._turn_count += 1
        overlap = self.reply.may_be_heard(self.at_secs)
        self.utterance = Utterance(f"turn_{self._turn_count}", self.at_secs, overlap)
        return self.utterance

    def begin_turn(self, utterance: Utterance) -> BeginTurn:
        """The utterance is a turn, whatever it began as."""
        utterance.overlap = False
        return BeginTurn(utterance.turn_id, utterance.began_secs)

    def soft_end(self, utterance: Utterance, last_voiced_sample: int) -> SoftEnd:
        """A short silence, or the client's word: it may be over, or is."""
        generation = self.next_generation()
        utterance.note_soft_end(generation)
        return SoftEnd(generation, utterance.turn_id, last_voiced_sample, utterance.forced)

    def note_turn(self, utterance: Utterance) -> None:
        """A turn was taken: learn how loud the caller usually is."""
        self.asked_to_repeat = False
        level = utterance.level_dbfs
        if level is not None:
            usual = level if self.usual_dbfs is None else self.usual_dbfs
            self.usual_dbfs = usual + USUAL_LEVEL_SHARE * (level - usual)

    def discard(self, utterance: Utterance, note: str = "") -> Discard:
        """The utterance is forgotten; `note` is a backchannel worth telling."""
        self.utterance = None
        return Discard(utterance.turn_id, note)

    def discard_wordless(self, utterance: Utterance) -> list[Action]:
        """Forget what has no words, and ask once for them if it was long."""
        actions: list[Action] = [*self.drop_draft("resumed"), self.discard(utterance)]
        if self.is_unheard(utterance) and not self.asked_to_repeat:
            self.asked_to_repeat = True
            actions.append(self.say("unheard", utterance.turn_id))
        return actions

    def is_unheard(self, utterance: Utterance) -> bool:
        """No word of it was recognised, but silence in return would be rude."""
        long = utterance.voiced_secs >= self.settings.unheard_speech_secs
        return long and not utterance.text and self.reply.phase == "none"

    # -- the draft --------------------------------------------------------------------

    def draft_reply(self, utterance: Utterance, *, speculative: bool) -> list[Action]:
        """Answer the words so far, unless the draft under way already does."""
        if self.draft is not None and same_words(self.draft.text, utterance.text):
            return []
        dropped = self.drop_draft("resumed")
        self.draft = Draft(
            self.next_generation(),
            utterance.turn_id,
            utterance.text,
            utterance.language,
            speculative,
        )
        self.pace.begin(self.draft.generation, self.at_secs)
        return [*dropped, self.draft]

    def reply_in_secs(self, utterance: Utterance) -> float:
        """Until the draft that answers the utterance's words sounds; 0 if there is none."""
        if self.draft is None or not same_words(self.draft.text, utterance.text):
            return 0.0
        return self.pace.remaining_secs(self.at_secs)

    def drop_draft(self, reason: DropReason) -> list[Action]:
        """Stop what nobody has heard; harmless without a draft."""
        if self.draft is None:
            return []
        generation, self.draft = self.draft.generation, None
        self.pace.dropped(generation)
        return [Drop(generation, reason)]

    # -- the bot ----------------------------------------------------------------------

    def owe(self, generation: int, turn_id: str, *, is_apology: bool = False) -> None:
        """From now on the reply of `generation` is waited for."""
        self.reply = Reply(generation, turn_id, "owed", self.at_secs, is_apology)

    def end_reply(self, reason: DropReason) -> list[Action]:
        """Stop the reply that is owed or sounds; harmless without one."""
        if self.reply.phase == "none":
            return []
        self.reply.end(self.at_secs)
        self.pace.dropped(self.reply.generation)
        return [Drop(self.reply.generation, reason)]

    def say(self, line: Fallback, turn_id: str) -> Say:
        """Speak a scripted line instead of an answer that cannot be had."""
        generation = self.next_generation()
        self.owe(generation, turn_id, is_apology=line == "apology")
        return Say(generation, turn_id, line)

    def apologise(self) -> Action:
        """The reply failed: say so, but do not apologise for an apology."""
        if self.reply.is_apology:
            return GiveUp(self.reply.generation)
        return self.say("apology", self.reply.turn_id)
