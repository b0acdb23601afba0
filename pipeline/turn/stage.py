"""The shell around the turn machine: frames in, actions out."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from typing import Protocol

import numpy as np
from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import FrameDirection

from pipeline.audio import INPUT_RATE_HZ, WINDOW_SAMPLES, FloatArray, int16_to_float, level_dbfs
from pipeline.echo import SLOT_SECS, EchoFloor
from pipeline.events import (
    Acknowledged,
    BackchannelNoted,
    CallFailed,
    SpeechStarted,
    SpeechStopped,
    StateChanged,
    TranscriptCompleted,
    TranscriptUpdated,
)
from pipeline.frames import (
    AdaptFrame,
    CancelReplyFrame,
    ClearAudioFrame,
    CommitAudioFrame,
    CommitFrame,
    ConfigureFrame,
    DraftFrame,
    DropFrame,
    EndOfTurnFrame,
    LedgerFrame,
    PauseFrame,
    PlayoutFinishedFrame,
    PlayoutProgressFrame,
    PlayoutStartedFrame,
    ReplyCostFrame,
    RespondFrame,
    ResumeFrame,
    SayFrame,
    SoftEndFrame,
    TakeTextFrame,
    TranscriptFrame,
    UserTextFrame,
    UtteranceDiscardFrame,
    UtteranceStartFrame,
    WindowFrame,
)
from pipeline.speculation import SpeculationGovernor, SpeculationLedger
from pipeline.stage import Stage
from pipeline.turn.acknowledge import AUDIBLE_ECHO_DB, START_SECS
from pipeline.turn.actions import (
    Acknowledge,
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
from pipeline.turn.endpointing import audio_may_decide
from pipeline.turn.machine import TurnMachine
from pipeline.turn.words import Question, WordsInQuestion

logger = logging.getLogger(__name__)

# What smart-turn was trained on: up to 8 s before the decision.
SMART_TURN_WINDOWS = 8 * INPUT_RATE_HZ // WINDOW_SAMPLES
# The silence after which it tells best: on the labelled set of `agent/bench/endpointing`, the
# area under the curve is 0.96 for English after 0.1 s and 0.94 after 0.2 s.
SMART_TURN_SILENCE_SECS = 0.1
REACHED = (
    "without a word",
    "with words, before speech",
    "with speech, before it was played",
    "in the midst of playout",
)


class SmartTurn(Protocol):
    """An audio model of the end of a turn; blocking and thread-safe."""

    def probability(self, audio: FloatArray) -> float:
        """Probability that the turn in `audio` (float32, 16 kHz, up to 8 s) is over."""
        ...


class WordsJudge(Protocol):
    """Judges from the words whether a turn is over; blocking and thread-safe."""

    def probability(self, bot_text: str, words: str) -> float | None:
        """Probability that `words`, said after `bot_text`, are a whole turn; None if it fails."""
        ...


class TurnStage(Stage):
    """Feeds the machine and carries out what it asks for.

    pipecat's `UserTurnController` takes a turn when one of its strategies fires; it knows
    neither a draft that waits for its commit nor a reply that is paused until somebody
    has decided. Hence our own machine.

    Args:
        machine: The floor; owned by this stage.
        lines: What is said when an answer cannot be had, by kind.
        smart_turn: The audio model, or None to decide without it.
        workers: Threads for the audio model, shared by calls.
        words_judge: Judges the words in the language model's place, or None.
        judges: Threads for it, shared by calls; None asks it on the event loop.
    """

    def __init__(
        self,
        machine: TurnMachine,
        lines: Mapping[Fallback, str],
        smart_turn: SmartTurn | None = None,
        workers: Executor | None = None,
        words_judge: WordsJudge | None = None,
        judges: Executor | None = None,
    ) -> None:
        super().__init__(name="turn")
        self.machine = machine
        self._lines = lines
        self._smart_turn = smart_turn
        self._workers = workers
        self._words_judge = words_judge
        self._judges = judges
        self._words = WordsInQuestion()
        self._words_opinion_task: asyncio.Task[None] | None = None
        self._recent: deque[WindowFrame] = deque(maxlen=SMART_TURN_WINDOWS)
        self._speech_end_at = 0.0
        self._speech_end_secs = 0.0
        self._marks: dict[str, float] = {}
        self._begun_turn = ""
        self._soft_end_generation = 0
        self._audio_opinion_task: asyncio.Task[None] | None = None
        self._echo = EchoFloor()
        self._speculation = SpeculationLedger()
        self._governor = SpeculationGovernor()
        self._may_speculate = machine.settings.speculation
        self._reached = (0, 0)  # the newest reply's generation, and how far it came

    async def stopped(self) -> None:
        for task in (self._words_opinion_task, self._audio_opinion_task):
            if task is not None:
                await self.cancel_task(task)
        self._words_opinion_task = self._audio_opinion_task = None

    async def cleanup(self) -> None:
        await super().cleanup()
        logger.info("speculation in this call: %s", self._speculation.call.entries())

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        machine = self.machine
        match frame:
            case ConfigureFrame():
                machine.take_turns = frame.take_turns
                machine.policy.mode = frame.interruption
                machine.acknowledger.ready = frame.acknowledgements
                await self.push_frame(frame, direction)
            case AdaptFrame():
                self._may_speculate = frame.speculation
                self._govern()
                await self.push_frame(frame, direction)
            case WindowFrame():
                await self.push_frame(frame, direction)
                await self._window(frame)
            case TranscriptFrame():
                await self._transcript(frame)
            case EndOfTurnFrame():
                await self._do(machine.on_end_of_turn(frame.turn_text, frame.probability))
                self._ask_audio_model()
            case ReplyCostFrame():
                self._speculation.spend(
                    frame.generation,
                    self.now(),
                    tokens=frame.tokens,
                    audio_samples=frame.audio_samples,
                )
                self._note_reached(frame.generation, 2 if frame.audio_samples else 1)
                if frame.audio_samples:
                    machine.on_reply_voiced(frame.generation)
                self._answered(frame.generation)
            case PlayoutStartedFrame():
                self._words.note_reply(frame.generation)
                self._note_reached(frame.generation, 3)
                self._answered(frame.generation)
                await self._do(machine.on_playout_started(frame.generation))
                await self.emit(StateChanged("speaking"))
            case PlayoutProgressFrame():
                self._words.note_heard(frame.generation, frame.heard_text)
                machine.on_playout_progress(
                    frame.heard_text, frame.upcoming_text, all_said=frame.all_said
                )
                self._echo.note_voice(frame.at, frame.levels_dbfs)
            case PlayoutFinishedFrame():
                await self._playout_finished(frame)
            case CommitAudioFrame():
                last = self._recent[-1].vad.last_voiced_sample if self._recent else 0
                await self._do(machine.force_end(last))
            case ClearAudioFrame():
                await self._do(machine.clear())
            case UserTextFrame():
                await self._do(machine.type_text())
                await self.push_frame(TakeTextFrame("", frame.text))
            case RespondFrame():
                await self._do(machine.respond())
            case CancelReplyFrame(turn_id=""):
                await self._do(machine.cancel_reply())
            case CancelReplyFrame():
                await self._do(machine.hush_reply(frame.turn_id))
            case _:
                await self.push_frame(frame, direction)

    # -- evidence ---------------------------------------------------------------------

    async def _window(self, frame: WindowFrame) -> None:
        self._recent.append(frame)
        vad = frame.vad
        trailing_samples = frame.end_sample - vad.last_voiced_sample
        self._speech_end_at = frame.arrived_at - trailing_samples / INPUT_RATE_HZ
        self._speech_end_secs = vad.last_voiced_sample / INPUT_RATE_HZ
        level = level_dbfs(frame.samples)
        # A pause that was for nothing costs little, and a late one is heard.
        suspected = vad.suspected is not None and self.machine.reply != "none"
        coupling_db = self._echo.coupling_db
        self.machine.acknowledger.echoes = coupling_db is not None and coupling_db > AUDIBLE_ECHO_DB
        await self._do(
            self.machine.on_window(
                frame.end_sample / INPUT_RATE_HZ,
                speaking=vad.speaking or suspected,
                silence_secs=0.0 if suspected else vad.silence_secs,
                onset_sample=vad.suspected if suspected else vad.onset,
                last_voiced_sample=vad.last_voiced_sample,
                level_dbfs=level,
                echo_dbfs=self._echo.hear(frame.arrived_at, level),
            )
        )

    async def _transcript(self, frame: TranscriptFrame) -> None:
        if frame.generation == self._soft_end_generation:
            self._marks["transcript_final"] = self.now()
        if frame.turn_id == self._begun_turn:
            lead = len(frame.text) - len(self.machine.caller_words(frame.text))
            committed = frame.committed[lead:]
            unstable = frame.unstable[max(0, lead - len(frame.committed)) :]
            if committed or unstable:
                await self.emit(TranscriptUpdated(frame.turn_id, committed, unstable))
        await self._do(
            self.machine.on_transcript(frame.turn_id, frame.generation, frame.text, frame.language)
        )

    async def _playout_finished(self, frame: PlayoutFinishedFrame) -> None:
        self._words.note_heard(frame.generation, frame.heard_text)
        before = self.machine.reply
        await self._do(self.machine.on_playout_finished(frame.generation, frame.status))
        if frame.status is not None and before != "none" and self.machine.reply == "none":
            await self.emit(StateChanged("listening"))

    def _ask_words_judge(self) -> None:
        """Ask about the words so far, where it matters whether they are all."""
        if self._words_judge is None or not self._words.ask(self.machine.words_in_question):
            return
        if self._words_opinion_task is None or self._words_opinion_task.done():
            self._words_opinion_task = self.spawn(
                self._words_opinion(self._words_judge), "turn-words-opinion"
            )

    async def _words_opinion(self, judge: WordsJudge) -> None:
        while (question := self._words.take()) is not None:
            probability = await self._judged(judge, question)
            if probability is not None:
                await self._do(self.machine.on_end_of_turn(question.words, probability, "encoder"))
            self._ask_audio_model()

    async def _judged(self, judge: WordsJudge, question: Question) -> float | None:
        if self._judges is None:
            return judge.probability(question.bot_text, question.words)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._judges, judge.probability, question.bot_text, question.words
        )

    def _ask_audio_model(self) -> None:
        """Ask smart-turn about the silence under way, if the words leave it open.

        A run takes 45 ms of a core, just when the reply is drafted.
        """
        machine = self.machine
        if self._smart_turn is None or self._workers is None or machine.phase != "waiting":
            return
        evidence = machine.evidence()
        if evidence.smart_turn is not None or not audio_may_decide(evidence, machine.settings):
            return
        if self._audio_opinion_task is not None and not self._audio_opinion_task.done():
            return
        heard_until = round((self._speech_end_secs + SMART_TURN_SILENCE_SECS) * INPUT_RATE_HZ)
        heard = [window.samples for window in self._recent if window.end_sample <= heard_until]
        if not heard:
            return
        audio = int16_to_float(np.concatenate(heard))
        self._audio_opinion_task = self.spawn(
            self._audio_opinion(self._soft_end_generation, audio), "turn-audio-opinion"
        )

    async def _audio_opinion(self, generation: int, audio: FloatArray) -> None:
        assert self._smart_turn is not None
        loop = asyncio.get_running_loop()
        probability = await loop.run_in_executor(self._workers, self._smart_turn.probability, audio)
        await self._do(self.machine.on_smart_turn(generation, probability))

    # -- actions ----------------------------------------------------------------------

    async def _do(self, actions: Sequence[Action]) -> None:
        for action in actions:
            await self._carry_out(action)
        self._ask_words_judge()

    async def _carry_out(self, action: Action) -> None:
        match action:
            case BeginUtterance(turn_id, start_sample, overlap):
                await self.push_frame(UtteranceStartFrame(turn_id, start_sample, overlap))
            case BeginTurn(turn_id, at_secs):
                self._begun_turn = turn_id
                await self.emit(SpeechStarted(turn_id, at_secs))
                await self.emit(StateChanged("listening"))
            case SoftEnd(generation, turn_id, end_sample, closes):
                self._soft_end_generation = generation
                self._marks = {"speech_end": self._speech_end_at, "soft_end": self.now()}
                await self.push_frame(SoftEndFrame(generation, turn_id, end_sample, closes))
            case Draft(generation, turn_id, text, language, speculative):
                self._governor.begin(generation, self.now())
                if speculative:
                    self._speculation.begin(generation, self.now())
                await self.push_frame(DraftFrame(generation, turn_id, text, language, speculative))
            case Commit():
                await self._commit(action)
            case TakeText(turn_id, text, language):
                await self.push_frame(TakeTextFrame(turn_id, text))
                await self._end_turn(TranscriptCompleted(turn_id, text, language))
            case Drop(generation, reason):
                if reason == "failed":
                    self._report_failure(generation)
                self._speculation.drop(generation)
                self._governor.drop(generation, self.now())
                self._govern()
                await self.push_frame(DropFrame(generation, reason))
            case Discard(turn_id, text):
                await self.push_frame(UtteranceDiscardFrame(turn_id))
                if text:
                    await self.emit(BackchannelNoted(text))
                if turn_id == self._begun_turn:
                    await self._end_turn(TranscriptCompleted(turn_id, "", "zh"))
            case Pause(generation):
                await self.push_frame(PauseFrame(generation))
                await self.emit(StateChanged("paused"))
            case Resume(generation):
                await self.push_frame(ResumeFrame(generation))
                playing = self.machine.reply == "playing"
                await self.emit(StateChanged("speaking" if playing else "thinking"))
            case Say(generation, turn_id, line):
                self._note_reached(generation, 1)
                await self.push_frame(
                    SayFrame(generation, turn_id, self._lines[line], enters_context=False)
                )
                await self.push_frame(CommitFrame(generation, turn_id))
            case Acknowledge(said):
                self._echo.note_voice(self.now() + START_SECS, said.levels_dbfs(SLOT_SECS))
                await self.emit(Acknowledged(said.text, said.pcm))
            case GiveUp():
                await self.emit(CallFailed("reply_failed", "No reply could be spoken."))
                await self.emit(StateChanged("listening"))

    async def _commit(self, action: Commit) -> None:
        self._speculation.keep(action.generation, self.now())
        # Ahead of the commit, so that it is booked when the reply sounds.
        account = self._speculation.close_turn()
        await self.push_frame(LedgerFrame(action.generation, account.entries()))
        await self.push_frame(CommitFrame(action.generation, action.turn_id))
        if action.turn_id:
            for name, at in self._marks.items():
                await self.mark(action.generation, name, at)
            await self._end_turn(TranscriptCompleted(action.turn_id, action.text, action.language))
        await self.mark(action.generation, "turn_commit")
        await self.emit(StateChanged("thinking"))

    def _note_reached(self, generation: int, step: int) -> None:
        """How far a reply has come, a step of `REACHED`; it never goes back."""
        self._reached = max(self._reached, (generation, step))

    def _report_failure(self, generation: int) -> None:
        """Say how far a reply came that is given up; a stalled engine says nothing itself."""
        step = self._reached[1] if self._reached[0] == generation else 0
        logger.warning("reply %d was given up %s", generation, REACHED[step])

    def _answered(self, generation: int) -> None:
        self._governor.answered(generation, self.now())
        self._govern()

    def _govern(self) -> None:
        self.machine.speculation = self._may_speculate and self._governor.allows

    async def _end_turn(self, completed: TranscriptCompleted) -> None:
        self._begun_turn = ""
        await self.emit(SpeechStopped(completed.turn_id, self._speech_end_secs))
        await self.emit(completed)
