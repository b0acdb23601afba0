"""The baseline that pipecat gives its users: its own processors with their defaults.

    transport ▸ Whisper (segmented) ▸ user aggregator (Silero, smart-turn) ▸ OpenAI client
              ▸ sentence aggregation and our voice ▸ transport ▸ assistant aggregator

The language model is the same GGUF behind llama-cpp-python's own server, in a process of
its own. `stock_transport` carries the audio; nothing else is ours.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import (
    BotStoppedSpeakingFrame,
    Frame,
    InterruptionFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSStartedFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.observers.base_observer import BaseObserver, FramePushed
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
    UserTurnStoppedMessage,
)
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.services.whisper.stt import WhisperSTTService
from pipecat.workers.runner import WorkerRunner

from agent import engines
from agent.bench.baselines.port import BaselineCall, BaselineFactory, profile_of
from agent.bench.baselines.stock_server import examples, language_model_server
from agent.bench.baselines.stock_services import LocalLLMService, VoiceService
from agent.bench.baselines.stock_transport import PortInput, PortOutput
from agent.config import Settings
from agent.models.store import ModelStore
from pipeline.assembly import CallProfile
from pipeline.audio import INPUT_RATE_HZ, OUTPUT_RATE_HZ
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
from pipeline.text import language_of
from pipeline.tts.base import Voice


@dataclass(frozen=True, slots=True)
class _Parts:
    """What every call shares."""

    whisper_dir: str
    llm_url: str
    voice: Voice
    profile: CallProfile


@asynccontextmanager
async def stock_factory(settings: Settings) -> AsyncIterator[CallFactory]:
    """The voice and the language model's server, for as long as the block lasts.

    Raises:
        ModelError: A model is missing or damaged, or the server does not start.
    """
    store = ModelStore(settings.models_dir)
    whisper_dir = str(store.locate(settings.models.stt))
    voice = engines.load_speaker(settings)
    profile = profile_of(settings)
    async with language_model_server(settings, profile) as llm_url:
        parts = _Parts(whisper_dir, llm_url, voice, profile)
        yield BaselineFactory(lambda: StockCall(parts))


class StockCall(BaselineCall):
    """One call through pipecat's own pipeline."""

    def __init__(self, parts: _Parts) -> None:
        super().__init__()
        self._parts = parts
        self._worker: PipelineWorker | None = None
        self._instants: dict[str, float] = {}
        self._turns = self._replies = 0
        self._reply_id: str | None = None
        self._text = ""  # of the reply under way or about to begin
        self._text_sent = self._sequence = self._samples = 0

    async def run(self) -> None:
        transport_in, transport_out = PortInput(), PortOutput(self._play)
        self._worker = PipelineWorker(
            self._pipeline(transport_in, transport_out),
            params=PipelineParams(
                audio_in_sample_rate=INPUT_RATE_HZ, audio_out_sample_rate=OUTPUT_RATE_HZ
            ),
            observers=[_Watcher(self)],
            idle_timeout_secs=None,
        )
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(self._worker)
        running = asyncio.create_task(runner.run(), name=f"{self.call_id}-pipecat")
        try:
            async for pcm in self.microphone():
                await transport_in.hear(pcm)
        finally:
            await self._worker.cancel()
            await asyncio.gather(running, return_exceptions=True)

    def cancel_reply(self) -> None:
        if self._worker is not None:
            task = asyncio.create_task(self._worker.queue_frame(InterruptionFrame()))
            task.add_done_callback(lambda _: None)

    def _pipeline(self, transport_in: PortInput, transport_out: PortOutput) -> Pipeline:
        profile = self._parts.profile
        sampling = profile.sampling
        llm = LocalLLMService(
            base_url=self._parts.llm_url,
            api_key="none",
            settings=OpenAILLMService.Settings(
                model="local",
                system_instruction=profile.usual_manner.system_prompt,
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                max_tokens=sampling.max_tokens,
                extra={
                    "extra_body": {
                        "top_k": sampling.top_k,
                        "min_p": sampling.min_p,
                        "repeat_penalty": sampling.repeat_penalty,
                    }
                },
            ),
        )
        recogniser = WhisperSTTService(
            device="cpu",
            compute_type="int8",
            settings=WhisperSTTService.Settings(model=self._parts.whisper_dir, language=None),
        )
        user, assistant = LLMContextAggregatorPair(
            LLMContext(examples(profile)),
            user_params=LLMUserAggregatorParams(vad_analyzer=SileroVADAnalyzer()),
        )

        async def on_user_turn_stopped(
            aggregator: object, strategy: object, message: UserTurnStoppedMessage
        ) -> None:
            self._end_turn(message.content or "")

        user.add_event_handler("on_user_turn_stopped", on_user_turn_stopped)
        voice = VoiceService(self._parts.voice, profile.style)
        return Pipeline([transport_in, recogniser, user, llm, voice, transport_out, assistant])

    # ---- what happens in the pipeline ----

    def note(self, frame: Frame) -> None:
        """Take the marks of the turn under way from the frames as they pass."""
        now = time.monotonic()
        match frame:
            case UserStartedSpeakingFrame():
                self._turns += 1
                self.emit(SpeechStarted(f"turn_{self._turns}", 0.0))
            case VADUserStoppedSpeakingFrame():
                # What an earlier pause set going does not belong to this end.
                self._instants = {"speech_end": now - frame.stop_secs, "soft_end": now}
            case TranscriptionFrame():
                self._instants["transcript_final"] = now
            case UserStoppedSpeakingFrame():
                self._instants["turn_commit"] = now
            case LLMFullResponseStartFrame():
                self._text, self._text_sent = "", 0
            case LLMTextFrame():
                self._instants.setdefault("first_token", now)
                self._text += frame.text
                self._send_text()
            case TTSStartedFrame():
                self._instants.setdefault("first_clause", now)
            case TTSAudioRawFrame():
                self._instants.setdefault("first_audio", now)
            case InterruptionFrame():
                self._finish("interrupted")
            case BotStoppedSpeakingFrame():
                self._finish("completed")

    def _end_turn(self, text: str) -> None:
        turn_id = f"turn_{self._turns}"
        self.emit(
            SpeechStopped(turn_id, 0.0), TranscriptCompleted(turn_id, text, language_of(text))
        )

    def _play(self, pcm: bytes) -> None:
        """The transport writes a piece of the reply."""
        if self._reply_id is None:
            self._begin()
        assert self._reply_id is not None
        shown = len(self._text)
        self.emit(ReplyAudio(self._reply_id, self._sequence, pcm, self._samples, 0, shown))
        self._sequence += 1
        self._samples += len(pcm) // 2

    def _begin(self) -> None:
        self._replies += 1
        self._reply_id = f"reply_{self._replies}"
        self._sequence = self._samples = self._text_sent = 0
        turn_id = f"turn_{self._turns}"
        self.emit(ReplyStarted(self._reply_id, turn_id))
        self._send_text()
        self._instants.setdefault("first_playout", time.monotonic())
        marks = TurnMarks(self._instants).relative_ms()
        self.emit(TurnMeasured(turn_id, self._reply_id, marks, marks.get("first_playout")))

    def _send_text(self) -> None:
        if self._reply_id is not None and self._text_sent < len(self._text):
            self.emit(ReplyText(self._reply_id, self._text[self._text_sent :], self._text_sent))
            self._text_sent = len(self._text)

    def _finish(self, status: ReplyStatus) -> None:
        if self._reply_id is None:
            return
        if status != "completed":
            self.emit(PlayoutFlushed(self._reply_id))
        secs = self._samples / OUTPUT_RATE_HZ
        self.emit(ReplyFinished(self._reply_id, status, self._text, self._text, True, secs))
        self._reply_id = None


class _Watcher(BaseObserver):
    """Shows every frame to the call once, in whichever direction it first travels."""

    def __init__(self, call: StockCall) -> None:
        super().__init__(observe_every_push=False)
        self._call = call

    async def on_push_frame(self, data: FramePushed) -> None:
        self._call.note(data.frame)
