"""The baseline that does one thing after the other, as a first attempt does.

    silence of 0.8 s ─▶ whole recognition ─▶ whole reply ─▶ whole speech ─▶ playing

Speech over reply or speech stops them. What was recognised by then stays in the context.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np
from faster_whisper import WhisperModel

from agent import engines
from agent.bench.baselines.port import BaselineCall, BaselineFactory, profile_of
from agent.config import Settings
from agent.models.store import ModelStore
from pipeline.assembly import CallProfile
from pipeline.audio import (
    OUTPUT_RATE_HZ,
    SAMPLE_BYTES,
    WINDOW_SAMPLES,
    WINDOW_SECS,
    Int16Array,
    int16_to_float,
    pcm_to_int16,
)
from pipeline.events import (
    CallFactory,
    PlayoutFlushed,
    ReplyAudio,
    ReplyFinished,
    ReplyStarted,
    ReplyStatus,
    ReplyText,
    SpeechStarted,
    SpeechStopped,
    TranscriptCompleted,
    TurnMeasured,
)
from pipeline.latency import TurnMarks
from pipeline.llm.base import LanguageModel, Message
from pipeline.text import language_of
from pipeline.tts.base import Voice
from pipeline.vad.silero import SileroModel

END_SILENCE_SECS = 0.8
SPEECH_PROBABILITY = 0.5  # Silero's own suggestion
PRE_ROLL_SECS = 0.3  # kept before the first window that counts as speech
_CHUNK_SAMPLES = OUTPUT_RATE_HZ // 2


@dataclass(frozen=True, slots=True)
class _Engines:
    voice_activity: SileroModel
    recogniser: WhisperModel
    language_model: LanguageModel
    voice: Voice


@asynccontextmanager
async def sequential_factory(settings: Settings) -> AsyncIterator[CallFactory]:
    """The models, loaded for as long as the block lasts; blocks the event loop to do so.

    Raises:
        ModelError: A model is missing or damaged.
    """
    whisper_dir = ModelStore(settings.models_dir).locate(settings.models.stt)
    loaded = _Engines(
        SileroModel(),
        WhisperModel(str(whisper_dir), device="cpu"),
        engines.load_language_model(settings),
        engines.load_speaker(settings),
    )
    profile = profile_of(settings)
    # Keeps the persona evaluated between calls, as every system here does.
    warm = loaded.language_model.open()
    try:
        await warm.prefill(_opening(profile), "")
        yield BaselineFactory(lambda: SequentialCall(loaded, profile))
    finally:
        await warm.close()
        await loaded.language_model.close()


def _opening(profile: CallProfile) -> list[Message]:
    """What every call's context begins with."""
    return list(profile.usual_manner.opening())


@dataclass
class _Utterance:
    """What was said between two silences."""

    turn_id: str
    pcm: Int16Array
    ended_at: float
    committed_at: float


class SequentialCall(BaselineCall):
    """One call of the sequential baseline."""

    def __init__(self, loaded: _Engines, profile: CallProfile) -> None:
        super().__init__()
        self._engines = loaded
        self._profile = profile
        self._messages = _opening(profile)
        self._conversation = loaded.language_model.open()  # keeps what was evaluated before
        self._work: asyncio.TaskGroup
        self._answering: asyncio.Task[None] | None = None
        self._reply: ReplyStarted | None = None
        self._reply_text = ""
        self._turns = self._replies = 0

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as self._work:  # a task that dies ends the call
                async for utterance in self._utterances():
                    self._work.create_task(
                        self._understand(utterance), name=f"{self.call_id}-{utterance.turn_id}"
                    )
        finally:
            self._stop("cancelled")
            await self._conversation.close()

    def cancel_reply(self) -> None:
        self._stop("cancelled")

    async def _utterances(self) -> AsyncGenerator[_Utterance, None]:
        """What lies between two silences of `END_SILENCE_SECS`."""
        activity = self._engines.voice_activity.open()
        heard: deque[Int16Array] = deque(maxlen=round(PRE_ROLL_SECS / WINDOW_SECS))
        said: list[Int16Array] = []
        silence_secs = 0.0
        position_secs = 0.0
        async for window in self._windows():
            position_secs += WINDOW_SECS
            speech = activity.probability(window) >= SPEECH_PROBABILITY
            silence_secs = 0.0 if speech else silence_secs + WINDOW_SECS
            if not said:
                heard.append(window)
                if speech:
                    self._stop("interrupted")
                    self._turns += 1
                    said = list(heard)
                    self.emit(SpeechStarted(f"turn_{self._turns}", position_secs))
                continue
            said.append(window)
            if silence_secs >= END_SILENCE_SECS:
                turn_id = f"turn_{self._turns}"
                self.emit(SpeechStopped(turn_id, position_secs - silence_secs))
                now = time.monotonic()
                yield _Utterance(turn_id, np.concatenate(said), now - silence_secs, now)
                heard.clear()
                said = []

    async def _windows(self) -> AsyncGenerator[Int16Array, None]:
        waiting = b""
        window_bytes = WINDOW_SAMPLES * SAMPLE_BYTES
        async for pcm in self.microphone():
            waiting += pcm
            while len(waiting) >= window_bytes:
                yield pcm_to_int16(waiting[:window_bytes])
                waiting = waiting[window_bytes:]

    async def _understand(self, utterance: _Utterance) -> None:
        """Recognise an utterance; answer it, unless the caller has spoken on since."""
        marks = TurnMarks()
        marks.note("speech_end", utterance.ended_at)
        marks.note("soft_end", utterance.committed_at)
        marks.note("turn_commit", utterance.committed_at)
        text = await asyncio.to_thread(self._recognise, utterance.pcm)
        if not text:
            return
        marks.note("transcript_final", time.monotonic())
        self.emit(TranscriptCompleted(utterance.turn_id, text, language_of(text)))
        self._messages.append(Message("user", text))
        if utterance.turn_id == f"turn_{self._turns}":
            self._answering = self._work.create_task(
                self._answer(utterance.turn_id, marks), name=f"{self.call_id}-answer"
            )

    async def _answer(self, turn_id: str, marks: TurnMarks) -> None:
        """Think, then speak."""
        reply = await self._write(marks)
        self._messages.append(Message("assistant", reply))
        audio = await asyncio.to_thread(self._speak, reply)
        marks.note("first_audio", time.monotonic())
        await self._play(turn_id, reply, audio, marks)

    def _recognise(self, pcm: Int16Array) -> str:
        segments, _ = self._engines.recogniser.transcribe(int16_to_float(pcm))
        return "".join(segment.text for segment in segments).strip()

    async def _write(self, marks: TurnMarks) -> str:
        text = ""
        async for delta in self._conversation.reply(self._messages, self._profile.sampling):
            if delta.text:
                marks.note("first_token", time.monotonic())
            text += delta.text
        marks.note("first_clause", time.monotonic())  # it waits for all of them
        return text.strip()

    def _speak(self, text: str) -> Int16Array:
        chunks = self._engines.voice.synthesise(text, self._profile.style, lambda: False)
        return np.concatenate([np.zeros(0, np.int16), *(chunk.pcm for chunk in chunks)])

    async def _play(self, turn_id: str, text: str, audio: Int16Array, marks: TurnMarks) -> None:
        self._replies += 1
        reply_id = f"reply_{self._replies}"
        self._reply, self._reply_text = ReplyStarted(reply_id, turn_id), text
        self.emit(self._reply, ReplyText(reply_id, text, 0))
        marks.note("first_playout", time.monotonic())
        for sequence, start in enumerate(range(0, len(audio), _CHUNK_SAMPLES)):
            pcm = audio[start : start + _CHUNK_SAMPLES].astype("<i2").tobytes()
            self.emit(ReplyAudio(reply_id, sequence, pcm, start, 0, len(text)))
        measured = marks.relative_ms()
        self.emit(TurnMeasured(turn_id, reply_id, measured, measured["first_playout"]))
        await asyncio.sleep(len(audio) / OUTPUT_RATE_HZ)
        self._finish("completed")

    def _stop(self, status: ReplyStatus) -> None:
        """End what is being thought or said; harmless when nothing is."""
        if self._answering is not None:
            self._answering.cancel()
            self._answering = None
        if self._reply is not None:
            self.emit(PlayoutFlushed(self._reply.reply_id))
            self._finish(status)

    def _finish(self, status: ReplyStatus) -> None:
        if self._reply is not None:
            # What was heard of a cut reply it does not know: it claims all of it.
            text = self._reply_text
            self.emit(ReplyFinished(self._reply.reply_id, status, text, text, True, 0.0))
            self._reply = None
