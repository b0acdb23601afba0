"""The voice's stage: clauses in, speech out, clause by clause in a worker thread."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace

import numpy as np
from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import FrameDirection

from pipeline.clauses import Clause
from pipeline.errors import SynthesisError
from pipeline.events import CallFailed
from pipeline.frames import (
    ClauseFrame,
    DropFrame,
    ReplyTextEndFrame,
    SpeechEndFrame,
    SpeechFrame,
    SpeechRateFrame,
)
from pipeline.stage import Stage
from pipeline.text import language_of
from pipeline.tts.base import CharMark, SpeechChunk, SpeechStyle, Voice

logger = logging.getLogger(__name__)

# A reply has a handful of clauses; a model that outruns the voice by this many waits.
MAX_WAITING_CLAUSES = 64
SLOWEST_RATE = 0.5  # as slow as the settings allow; slower is not understood better


class TtsStage(Stage):
    """Speaks the clauses of one generation in order.

    pipecat's `TTSService` opens an audio context per reply and cannot hold a reply that
    may never be heard, nor say which characters a chunk carries; hence a plain stage.

    Args:
        voice: Shared by all calls.
        style: This call's way of speaking; its language holds until a clause has words.
        workers: Shared thread pool; its size bounds how many clauses are spoken at once.
    """

    def __init__(self, voice: Voice, style: SpeechStyle, workers: Executor) -> None:
        super().__init__(name="tts")
        self._voice = voice
        self._style = style
        self._workers = workers
        self._waiting: asyncio.Queue[ClauseFrame | ReplyTextEndFrame] = asyncio.Queue(
            MAX_WAITING_CLAUSES
        )
        self._dropped_up_to = 0
        self._cancelled = threading.Event()
        self._chunks: asyncio.Queue[SpeechChunk | None] = asyncio.Queue()
        self._speaking: int | None = None
        self._marked_first_audio = 0
        self._failed: set[int] = set()
        self._rates: dict[int, float] = {}
        self._language = style.language  # of the last clause that had words
        self._speak_task: asyncio.Task[None] | None = None

    async def started(self) -> None:
        self._speak_task = self.spawn(self._speak_all(), "tts-speak")

    async def stopped(self) -> None:
        self._cancelled.set()
        if self._speak_task is not None:
            task, self._speak_task = self._speak_task, None
            await self.cancel_task(task)

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        match frame:
            case ClauseFrame():
                await self.push_frame(frame, direction)
                await self._waiting.put(frame)
            case ReplyTextEndFrame():
                await self._waiting.put(frame)
            case SpeechRateFrame():
                self._rates[frame.generation] = frame.rate
            case DropFrame():
                self._dropped_up_to = max(self._dropped_up_to, frame.generation)
                if self._speaking is not None and self._speaking <= self._dropped_up_to:
                    self._cancelled.set()
                    # A voice that hangs must not keep the next reply from being spoken.
                    self._chunks.put_nowait(None)
                await self.push_frame(frame, direction)
            case _:
                await self.push_frame(frame, direction)

    async def _speak_all(self) -> None:
        while True:
            frame = await self._waiting.get()
            if frame.generation <= self._dropped_up_to:
                continue
            if isinstance(frame, ReplyTextEndFrame):
                failed = frame.failed or frame.generation in self._failed
                self._failed.discard(frame.generation)
                await self.push_frame(SpeechEndFrame(frame.generation, failed=failed))
            elif frame.generation not in self._failed:
                await self._speak(frame.generation, frame.clause)

    async def _speak(self, generation: int, clause: Clause) -> None:
        """Speak one clause; a failure ends the reply's voice."""
        self._cancelled = cancelled = threading.Event()
        self._speaking = generation
        self._language = language_of(clause.text, default=self._language)
        loop = asyncio.get_running_loop()
        chunks: asyncio.Queue[SpeechChunk | None] = asyncio.Queue()
        self._chunks = chunks
        job = loop.run_in_executor(
            self._workers,
            _synthesise,
            self._voice,
            clause.text,
            self._style_of(generation),
            cancelled.is_set,
            lambda chunk: loop.call_soon_threadsafe(chunks.put_nowait, chunk),
        )
        job.add_done_callback(_forget_error)  # of a job that nobody awaits any more
        try:
            while (chunk := await chunks.get()) is not None:
                if generation <= self._dropped_up_to:
                    return
                await self._push_chunk(generation, clause, chunk)
            if generation <= self._dropped_up_to:
                return
            await job
            silence = np.zeros(0, dtype=np.int16)
            await self.push_frame(SpeechFrame(generation, clause.index, silence, (), last=True))
        except SynthesisError as error:
            logger.warning("voice failed: %s", error.code)
            self._failed.add(generation)
            await self.emit(CallFailed(error.code, error.message))
        finally:
            cancelled.set()
            self._speaking = None

    def _style_of(self, generation: int) -> SpeechStyle:
        """The call's way of speaking, at this reply's rate, in the language under way."""
        self._rates = {later: rate for later, rate in self._rates.items() if later >= generation}
        rate = self._style.rate * self._rates.get(generation, 1.0)
        return replace(self._style, rate=max(rate, SLOWEST_RATE), language=self._language)

    async def _push_chunk(self, generation: int, clause: Clause, chunk: SpeechChunk) -> None:
        if generation > self._marked_first_audio and len(chunk.pcm):
            self._marked_first_audio = generation
            await self.mark(generation, "first_audio")
        marks = tuple(CharMark(clause.start + mark.chars, mark.samples) for mark in chunk.marks)
        await self.push_frame(SpeechFrame(generation, clause.index, chunk.pcm, marks))


def _forget_error(job: asyncio.Future[None]) -> None:
    if not job.cancelled():
        job.exception()


def _synthesise(
    voice: Voice,
    text: str,
    style: SpeechStyle,
    cancelled: Callable[[], bool],
    deliver: Callable[[SpeechChunk | None], object],
) -> None:
    """Run in a worker thread: deliver every chunk, then None, whatever happens."""
    try:
        for chunk in voice.synthesise(text, style, cancelled):
            deliver(chunk)
    except SynthesisError:
        raise
    except Exception as error:
        raise SynthesisError("The voice failed while speaking.") from error
    finally:
        # The loop may be gone when the process is shutting down.
        try:
            deliver(None)
        except RuntimeError:
            logger.debug("voice finished after its call")
