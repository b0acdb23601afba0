"""Our frames, grouped by the edge they travel.

Microphone audio enters as pipecat's `InputAudioRawFrame`; start, end and cancel are
pipecat's own. What pipecat has no frame for is here: a reply that exists before it may
be heard. Such a reply is a *generation*: a number that `turn` hands out to every draft
and that all its frames, jobs and marks carry; soft ends are numbered in the same row, so
that later is always larger. Dropping a generation is what an interruption is here, too;
pipecat's `InterruptionFrame` would also empty the queues of the stages before the
language model and lose a transcript on its way.

All are `SystemFrame`s: they keep their order among each other, and none is lost when a
stage is busy, since no stage works inside `process_frame`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pipecat.frames.frames import SystemFrame

from pipeline.audio import Int16Array
from pipeline.clauses import Clause
from pipeline.context.manner import Manner
from pipeline.context.notes import NoteSource
from pipeline.events import CallEvent, ReplyStatus
from pipeline.interruption import InterruptionMode
from pipeline.llm.base import Message, Sampling
from pipeline.llm.trim import ending
from pipeline.stt.planner import PlannerSettings
from pipeline.text import Language, join
from pipeline.tts.base import CharMark
from pipeline.turn.acknowledge import Acknowledgements
from pipeline.vad.gate import VadState

DropReason: TypeAlias = Literal["resumed", "interrupted", "cancelled", "replaced", "failed"]

# call → everybody --------------------------------------------------------------------


@dataclass
class ConfigureFrame(SystemFrame):
    """New choices of the client; they hold from the next turn and the next reply on.

    Attributes:
        manners: How to speak with callers of each language.
        sampling: How replies are drawn.
        language: Language to recognise, None to detect it.
        take_turns: False leaves the end of a turn to the client.
        interruption: "polite", "instant" or "off".
        holds_on_pause: The client holds its buffer when told to pause.
        acknowledgements: What may be said into a silence of a turn that is not taken yet.
        note_sources: What the model is told beside the conversation, or asks.
    """

    manners: Mapping[Language, Manner]
    sampling: Sampling
    language: Language | None
    take_turns: bool
    interruption: InterruptionMode
    holds_on_pause: bool
    acknowledgements: Acknowledgements = field(default_factory=dict)
    note_sources: tuple[NoteSource, ...] = ()


@dataclass
class AdaptFrame(SystemFrame):
    """The load of the machine has changed, and with it what the call may take of it.

    Attributes:
        speculation: Draft at the soft end rather than at the commit.
        hearing: When to decode; holds for the utterance under way, too.
    """

    speculation: bool
    hearing: PlannerSettings


# vad → turn, stt ---------------------------------------------------------------------


@dataclass
class WindowFrame(SystemFrame):
    """One VAD window.

    Attributes:
        samples: int16, shape (512,), 16 kHz.
        end_sample: Stream position after its last sample.
        arrived_at: Monotonic seconds at which its last sample had arrived.
        vad: What the speech gate says after this window.
    """

    samples: Int16Array
    end_sample: int
    arrived_at: float
    vad: VadState


# client → turn -----------------------------------------------------------------------


@dataclass
class CommitAudioFrame(SystemFrame):
    """Push-to-talk: the turn ends here."""


@dataclass
class ClearAudioFrame(SystemFrame):
    """Forget the turn under way."""


@dataclass
class UserTextFrame(SystemFrame):
    """A typed turn."""

    text: str


@dataclass
class RespondFrame(SystemFrame):
    """Answer the context as it stands; greet if nothing was said yet."""


@dataclass
class CancelReplyFrame(SystemFrame):
    """Stop the reply now.

    `turn_id` names the speech over the reply that asks for it, if its words are the caller's;
    empty is the client's wish.
    """

    turn_id: str = ""


@dataclass
class PlayedFrame(SystemFrame):
    """The client's playout position; upstream of nobody but playout.

    `final` says that the client stopped there for good (truncate).
    """

    reply_id: str
    samples: int
    final: bool = False


# turn → stt, context, llm, tts, playout ----------------------------------------------


@dataclass
class UtteranceStartFrame(SystemFrame):
    """Speech began at `start_sample`; over the bot, its first words are needed soon."""

    turn_id: str
    start_sample: int
    overlap: bool = False


@dataclass
class UtteranceDiscardFrame(SystemFrame):
    """It was noise, a backchannel or an echo: forget what was recognised."""

    turn_id: str


@dataclass
class SoftEndFrame(SystemFrame):
    """First short silence after `end_sample`: finish the transcript of all said so far.

    `closes` says that the client ended the turn: what is heard from now on is no part of it.
    """

    generation: int
    turn_id: str
    end_sample: int
    closes: bool = False


@dataclass
class DraftFrame(SystemFrame):
    """Begin to answer `text` under `generation`; it may be heard only after its commit."""

    generation: int
    turn_id: str
    text: str
    language: Language
    speculative: bool


@dataclass
class TakeTextFrame(SystemFrame):
    """The caller said or typed `text`; it waits in the context until somebody answers."""

    turn_id: str
    text: str


@dataclass
class SayFrame(SystemFrame):
    """Speak `text` as the reply of `generation`, without the language model.

    `enters_context` is False for apologies.
    """

    generation: int
    turn_id: str
    text: str
    enters_context: bool = True


@dataclass
class CommitFrame(SystemFrame):
    """The turn is the bot's: the draft of `generation` may be heard."""

    generation: int
    turn_id: str


@dataclass
class DropFrame(SystemFrame):
    """Stop all work of `generation`; unheard drafts leave no trace."""

    generation: int
    reason: DropReason


@dataclass
class PauseFrame(SystemFrame):
    """Hold the reply's voice: somebody may be interrupting."""

    generation: int


@dataclass
class ResumeFrame(SystemFrame):
    """Go on with the held reply."""

    generation: int


# stt → turn (upstream), context (downstream) -----------------------------------------


@dataclass
class TranscriptFrame(SystemFrame):
    """What was recognised of the turn so far.

    Attributes:
        generation: Soft end it answers, or None for a partial.
        committed: Agreed text; it only ever grows within a turn.
        unstable: Follows it; may change if the caller goes on, after a final too.
        failed: The recogniser failed and this is all there will be.
        complete: It covers all that was voiced so far: a soft end may be near.
    """

    turn_id: str
    generation: int | None
    committed: str
    unstable: str
    language: Language
    failed: bool = False
    complete: bool = False

    @property
    def text(self) -> str:
        return self.committed + self.unstable


# context → llm -----------------------------------------------------------------------


@dataclass
class PrefillFrame(SystemFrame):
    """Evaluate the prompt up to the words heard so far, while the user still speaks.

    Attributes:
        messages: What the words follow.
        turn_so_far: Words of the turn under way.
        waiting_text: Words of earlier turns that nobody answered; they come first.
        draft_near: The caller may be silent: a draft may follow at once, and reads these words
            with what comes after them in one step.
        afterwards: Another prompt that may be wanted next, to be evaluated as long as nothing
            else is asked for.
    """

    messages: tuple[Message, ...]
    turn_so_far: str
    waiting_text: str = ""
    draft_near: bool = False
    afterwards: tuple[Message, ...] = ()

    @property
    def user_so_far(self) -> str:
        """The last message of the prompt, as far as it is known."""
        return ending(join(self.waiting_text, self.turn_so_far))


@dataclass
class ReplyRequestFrame(SystemFrame):
    """Answer a turn, and what was said before it and waits for an answer.

    Attributes:
        messages: What the words follow.
        turn_text: Words of the turn.
        waiting_text: Words of earlier turns that nobody answered; they come first.
        question: Said after the answer's first sentence, unless that asks already; "" is none.
        language: What the answer has to turn to; None leaves it in the history's.
    """

    generation: int
    messages: tuple[Message, ...]
    turn_text: str
    waiting_text: str = ""
    question: str = ""
    language: Language | None = None

    @property
    def user_text(self) -> str:
        """The last message of the prompt."""
        return ending(join(self.waiting_text, self.turn_text))


# llm → turn (upstream) ---------------------------------------------------------------


@dataclass
class EndOfTurnFrame(SystemFrame):
    """The language model's opinion whether the user's turn is over.

    `turn_text` are the turn's own words that were evaluated; they may be older than the
    transcript now.
    """

    turn_text: str
    probability: float


# llm, playout → turn (upstream) ------------------------------------------------------


@dataclass
class ReplyCostFrame(SystemFrame):
    """What an uncommitted reply has come to so far, and the first token of every reply.

    Attributes:
        tokens: Written since its start; 0 from playout.
        audio_samples: Synthesised since its start, 24 kHz; 0 from the language model.
    """

    generation: int
    tokens: int = 0
    audio_samples: int = 0


# context → tts -----------------------------------------------------------------------


@dataclass
class SpeechRateFrame(SystemFrame):
    """Speak `generation` at `rate` times the call's usual rate; comes before its text."""

    generation: int
    rate: float


# llm → clauses → tts → playout -------------------------------------------------------


@dataclass
class ReplyTextFrame(SystemFrame):
    """The reply grows by `text`; `last` with the end of it, `failed` if it broke off."""

    generation: int
    text: str
    last: bool = False
    failed: bool = False
    tokens: int = 0


@dataclass
class ClauseFrame(SystemFrame):
    """A clause to be spoken."""

    generation: int
    clause: Clause


@dataclass
class ReplyTextEndFrame(SystemFrame):
    """No clause follows in this generation."""

    generation: int
    failed: bool = False


@dataclass
class SpeechFrame(SystemFrame):
    """A piece of a clause's voice.

    Attributes:
        pcm: int16, shape (n_samples,), 24 kHz.
        marks: Character marks counted from the start of the reply's text and from the
            start of this clause's audio.
        last: The clause's voice ends with this frame.
        failed: No voice could be had for the rest of the clause.
    """

    generation: int
    clause_index: int
    pcm: Int16Array
    marks: tuple[CharMark, ...]
    last: bool = False
    failed: bool = False


@dataclass
class SpeechEndFrame(SystemFrame):
    """No voice follows in this generation."""

    generation: int
    failed: bool = False


# playout → turn, context (upstream) --------------------------------------------------


@dataclass
class PlayoutProgressFrame(SystemFrame):
    """Where the voice is: the text heard so far and what is about to be heard.

    Attributes:
        all_said: The reply has no words that were not heard.
        at: Monotonic seconds for which this holds.
        levels_dbfs: Level of the voice from then on, one for each `pipeline.echo.SLOT_SECS`.
    """

    generation: int
    heard_text: str
    upcoming_text: str
    all_said: bool
    at: float
    levels_dbfs: tuple[float, ...]


@dataclass
class PlayoutStartedFrame(SystemFrame):
    """The first sample of a committed reply went out."""

    generation: int


@dataclass
class PlayoutFinishedFrame(SystemFrame):
    """A reply is over.

    It comes a second time when a client reports late where it stopped; the later holds.
    `status` is None for a draft that was dropped before it was committed.
    """

    generation: int
    status: ReplyStatus | None
    text: str
    heard_text: str


# anywhere → output -------------------------------------------------------------------


@dataclass
class EventFrame(SystemFrame):
    """Something the client should know."""

    event: CallEvent


@dataclass
class MarkFrame(SystemFrame):
    """A mark of a turn (design section 4) at `at` monotonic seconds."""

    generation: int
    mark: str
    at: float


@dataclass
class MeasureFrame(SystemFrame):
    """All marks of `generation` are booked: its reply has begun to sound."""

    generation: int
    turn_id: str
    reply_id: str


@dataclass
class LedgerFrame(SystemFrame):
    """What speculation cost and saved up to the commit of `generation`, since the one before."""

    generation: int
    entries: dict[str, float] = field(default_factory=dict)
