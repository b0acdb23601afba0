"""One call's pipeline, in reading order.

input ▸ vad ▸ turn ▸ stt ▸ context ▸ llm ▸ clauses ▸ tts ▸ playout ▸ output
         └─ interruption: turn pauses, resumes or drops everything after it
             context ◂ heard so far ◂ playout ◂ samples played
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field

from pipecat.pipeline.pipeline import Pipeline

from pipeline.clause_stage import ClauseStage
from pipeline.clauses import ClauseCutter
from pipeline.context.manner import Manner
from pipeline.context.notes import NoteSource
from pipeline.context.stage import ContextStage
from pipeline.events import CallEvent
from pipeline.guard import Guardian
from pipeline.input import InputStage
from pipeline.interruption import InterruptionPolicy
from pipeline.llm.base import LanguageModel, Sampling
from pipeline.llm.reply_limit import ReplyLimit
from pipeline.llm.stage import LlmStage
from pipeline.output import OutputStage
from pipeline.playout.stage import PlayoutStage
from pipeline.stt.base import Recogniser
from pipeline.stt.planner import PlannerSettings
from pipeline.stt.stage import SttStage
from pipeline.text import Language
from pipeline.tts.base import SpeechStyle, Voice
from pipeline.tts.speakable import speakable
from pipeline.tts.stage import TtsStage
from pipeline.turn.acknowledge import Acknowledgements, Acknowledger
from pipeline.turn.actions import Fallback
from pipeline.turn.endpointing import TurnSettings
from pipeline.turn.machine import TurnMachine
from pipeline.turn.reply_pace import ReplyPace, recent_replies
from pipeline.turn.stage import SmartTurn, TurnStage, WordsJudge
from pipeline.vad.gate import GateSettings, SpeechGate
from pipeline.vad.stage import VadStage, VoiceActivity


@dataclass(frozen=True)
class Engines:
    """Everything loaded once per process and shared by its calls.

    `workers` runs the blocking engines that have no worker thread of their own (voice,
    smart-turn); its size bounds how many of them compute at once. `words_judge` tells the end of
    a turn in the language model's place. `guards` are the threads in which it and guardians read,
    so that no voice keeps a crisis waiting; None reads on the event loop. `recent_replies` is what
    the last replies took, of whatever call.
    """

    voice_activity: VoiceActivity
    recogniser: Recogniser
    language_model: LanguageModel
    voice: Voice
    workers: Executor
    smart_turn: SmartTurn | None = None
    words_judge: WordsJudge | None = None
    guards: Executor | None = None
    recent_replies: deque[float] = field(default_factory=recent_replies)


@dataclass(frozen=True)
class CallProfile:
    """What makes one call different from another.

    Attributes:
        manners: How to speak with callers of each language, the usual one first.
        cut_mark: Appended to what was heard of a cut reply, for the model to see.
        fallbacks: Spoken when an answer cannot be had.
        language: Language to recognise, None to detect it.
        hearing: When and how much to decode.
        reply_limit: Where a reply is long enough.
        rewrite_reply: Brings replies into the script that the caller reads.
        take_turns: False leaves the end of a turn to the client (push-to-talk).
        holds_on_pause: The client holds its buffer when told to pause.
        guardian: May answer in the model's place; belongs to one call alone.
        note_sources: What the model is told beside the conversation, or asks, turn by turn.
        acknowledgements: What may be said into a silence of a turn that is not taken yet.
    """

    manners: Mapping[Language, Manner]
    fallbacks: Mapping[Fallback, str]
    cut_mark: str = "……"
    language: Language | None = None
    hearing: PlannerSettings = field(default_factory=PlannerSettings)
    turn: TurnSettings = field(default_factory=TurnSettings)
    interruption: InterruptionPolicy = field(default_factory=InterruptionPolicy)
    sampling: Sampling = field(default_factory=Sampling)
    reply_limit: ReplyLimit = field(default_factory=ReplyLimit)
    rewrite_reply: Callable[[str], str] = str
    style: SpeechStyle = field(default_factory=SpeechStyle)
    take_turns: bool = True
    holds_on_pause: bool = False
    guardian: Guardian | None = None
    note_sources: tuple[NoteSource, ...] = ()
    acknowledgements: Acknowledgements = field(default_factory=dict)

    @property
    def usual_language(self) -> Language:
        """What a caller is likely to speak."""
        return next(iter(self.manners))

    @property
    def usual_manner(self) -> Manner:
        """How to speak until a caller is heard to speak another language."""
        return next(iter(self.manners.values()))


def assemble(
    engines: Engines, profile: CallProfile, deliver: Callable[[CallEvent], None]
) -> Pipeline:
    """The stages of one call, joined; `deliver` receives every event and must not block.

    Raises:
        OverloadedError: The language model has no place for one more conversation.
    """
    guardian = profile.guardian
    model_judges = engines.words_judge is None
    machine = TurnMachine(
        profile.turn,
        profile.interruption,
        take_turns=profile.take_turns,
        acknowledger=Acknowledger(
            profile.turn,
            profile.acknowledgements,
            hushed=lambda text, kind: (
                guardian is not None and guardian.hushes(text, asks=kind == "thinking")
            ),
        ),
        pace=ReplyPace(engines.recent_replies),
    )
    return Pipeline(
        [
            InputStage(),
            VadStage(
                engines.voice_activity.open(),
                SpeechGate(GateSettings(stop_secs=profile.turn.soft_end_secs)),
            ),
            TurnStage(
                machine,
                profile.fallbacks,
                engines.smart_turn,
                engines.workers,
                engines.words_judge,
                engines.guards,
            ),
            SttStage(engines.recogniser, profile.language, profile.hearing, profile.usual_language),
            ContextStage(
                profile.manners,
                profile.cut_mark,
                guardian,
                profile.note_sources,
                engines.guards,
                model_judges=model_judges,
                heard=profile.language,
            ),
            LlmStage(
                engines.language_model.open(),
                profile.sampling,
                profile.reply_limit,
                profile.rewrite_reply,
                judges=model_judges,
            ),
            ClauseStage(lambda: ClauseCutter(speakable=speakable)),
            TtsStage(engines.voice, profile.style, engines.workers),
            PlayoutStage(
                holds_on_pause=profile.holds_on_pause, patience_secs=profile.turn.reply_owed_secs
            ),
            OutputStage(deliver),
        ]
    )
