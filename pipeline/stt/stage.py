"""Recognition's stage: windows in, transcripts out, upstream to `turn` and down to `context`."""

from __future__ import annotations

import asyncio
import logging

from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import FrameDirection

from pipeline.errors import RecognitionError
from pipeline.events import CallFailed
from pipeline.frames import (
    AdaptFrame,
    CommitFrame,
    ConfigureFrame,
    SoftEndFrame,
    TakeTextFrame,
    TranscriptFrame,
    UtteranceDiscardFrame,
    UtteranceStartFrame,
    WindowFrame,
)
from pipeline.stage import Stage
from pipeline.stt.base import Recogniser
from pipeline.stt.incremental import UtteranceTranscriber
from pipeline.stt.planner import PlannerSettings, TranscriptState
from pipeline.text import Language, language_of

logger = logging.getLogger(__name__)


class SttStage(Stage):
    """Transcribes one utterance at a time while it is spoken.

    pipecat's Whisper service waits for the end of speech and decodes a padded half
    minute then; this one has most of the words by that time.

    Args:
        recogniser: Shared by calls.
        language: Spoken in this call, or None to detect it turn by turn.
        settings: See `PlannerSettings`.
        expected: What the first turn is likely to be in; later ones are likely to be in that
            of the turn before.
    """

    def __init__(
        self,
        recogniser: Recogniser,
        language: Language | None,
        settings: PlannerSettings | None = None,
        expected: Language | None = None,
    ) -> None:
        super().__init__(name="stt")
        self._turn_id = ""
        self._final_task: asyncio.Task[None] | None = None
        # One for the whole call: it counts the stream's samples from the first.
        self._transcriber = UtteranceTranscriber(
            recogniser,
            language=language,
            settings=settings,
            on_update=self._updated,
            on_error=lambda error: logger.warning("a partial failed: %s", error.code),
        )

        self._transcriber.expect_language(expected)

    async def stopped(self) -> None:
        await self._stop_final()
        await self._transcriber.close()

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        match frame:
            case WindowFrame():
                self._transcriber.push(frame.samples, frame.vad.last_voiced_sample)
            case UtteranceStartFrame():
                await self._stop_final()
                self._turn_id = frame.turn_id
                self._transcriber.begin(frame.start_sample, urgent=frame.overlap)
            case SoftEndFrame():
                await self._stop_final()
                if frame.closes:
                    self._transcriber.seal()
                self._final_task = self.spawn(self._finish(frame), "stt-final")
            case CommitFrame() | TakeTextFrame() | UtteranceDiscardFrame():
                if frame.turn_id and frame.turn_id == self._turn_id:
                    await self._stop_final()
                    heard = self._transcriber.state
                    if heard.text and not isinstance(frame, UtteranceDiscardFrame):
                        self._transcriber.expect_language(heard.language)
                    self._transcriber.end()
                    self._turn_id = ""
                if not isinstance(frame, UtteranceDiscardFrame):
                    await self.push_frame(frame, direction)
            case AdaptFrame():
                self._transcriber.use(frame.hearing)
            case ConfigureFrame():
                self._transcriber.use_language(frame.language)
                await self.push_frame(frame, direction)
            case _:
                await self.push_frame(frame, direction)

    async def _stop_final(self) -> None:
        if self._final_task is not None:
            task, self._final_task = self._final_task, None
            await self.cancel_task(task)

    async def _finish(self, soft_end: SoftEndFrame) -> None:
        """Answer a soft end; a failed recogniser answers with what it had."""
        turn_id = self._turn_id
        failed = False
        try:
            state = await self._transcriber.final(soft_end.end_sample)
        except RecognitionError as error:
            logger.warning("a final failed: %s", error.code)
            await self.emit(CallFailed(error.code, error.message))
            state, failed = self._transcriber.state, True
        if turn_id == self._turn_id:
            await self._tell(state, soft_end.generation, failed=failed)

    def _updated(self, state: TranscriptState) -> None:
        if self._turn_id:
            self.spawn(self._tell(state, None), "stt-partial")

    async def _tell(
        self, state: TranscriptState, generation: int | None, *, failed: bool = False
    ) -> None:
        language = state.language or language_of(state.text)
        frame = TranscriptFrame(
            self._turn_id,
            generation,
            state.committed,
            state.unstable,
            language,
            failed=failed,
            complete=state.complete,
        )
        await self.push_upstream(frame)
        if generation is None:
            await self.push_frame(frame)
