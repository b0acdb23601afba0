"""A running server with real engines, and callers made of real voices."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soxr
import websockets

from agent.caller import Caller, CallScript, ScriptedTurn
from agent.caller_clip import Clip, clip_of, load_clip, window_levels_dbfs
from agent.caller_report import CallReport
from agent.switchboard import Switchboard
from pipeline.assembly import CallProfile, Engines
from pipeline.audio import INPUT_RATE_HZ, OUTPUT_RATE_HZ, Int16Array, int16_to_float
from pipeline.events import CallOptions
from pipeline.llm.base import Conversation, LanguageModel, Message, Sampling, TextDelta
from pipeline.text import Language
from pipeline.tts.base import SpeechStyle
from web.metrics import Metrics
from web.server import REALTIME_PATH

DATA = Path(__file__).parents[1] / "data"
# A caller must not sound like the bot that hears itself.
# Short pauses: whether a pause ends a turn is the business of `qingting bench endpointing`.
CALLER_STYLE = SpeechStyle(rate=0.95, pitch=1.2, pause_scale=0.75)
CHUNK_SAMPLES = OUTPUT_RATE_HZ // 50
AUDIBLE_DBFS = -50.0
PATIENCE_SECS = 60.0


class PatientSwitchboard(Switchboard):
    """Gives the engines a minute: a busy test machine is no failed engine."""

    def profile(
        self, options: CallOptions, *, returning: bool = False, notified: bool = False
    ) -> CallProfile:
        profile = super().profile(options, returning=returning, notified=notified)
        turn = dataclasses.replace(
            profile.turn, reply_owed_secs=PATIENCE_SECS, stalled_transcript_secs=PATIENCE_SECS
        )
        return dataclasses.replace(profile, turn=turn)


class PromptRecorder:
    """The real language model, with every prompt it was asked written down."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self.name = model.name
        self.prompts: list[tuple[Message, ...]] = []

    def open(self) -> Conversation:
        return _Recorded(self._model.open(), self.prompts)

    def count_tokens(self, text: str) -> int:
        return self._model.count_tokens(text)

    async def close(self) -> None:
        await self._model.close()


class _Recorded:
    def __init__(self, inner: Conversation, prompts: list[tuple[Message, ...]]) -> None:
        self._inner = inner
        self._prompts = prompts

    async def prefill(self, messages: Sequence[Message], user_so_far: str) -> float:
        return await self._inner.prefill(messages, user_so_far)

    def reply(
        self, messages: Sequence[Message], sampling: Sampling
    ) -> AsyncGenerator[TextDelta, None]:
        self._prompts.append(tuple(messages))
        return self._inner.reply(messages, sampling)

    async def close(self) -> None:
        await self._inner.close()


@dataclasses.dataclass
class House:
    """The server, its figures, and ears and mouths of its own engines."""

    url: str
    board: Switchboard
    metrics: Metrics
    engines: Engines
    recorder: PromptRecorder

    @property
    def realtime_url(self) -> str:
        return self.url.replace("http", "ws", 1) + REALTIME_PATH

    @property
    def prompts(self) -> list[tuple[Message, ...]]:
        return self.recorder.prompts

    def says(self, text: str, style: SpeechStyle = CALLER_STYLE) -> Clip:
        """A clip of `text` in a voice that is not quite the bot's."""
        chunks = self.engines.voice.synthesise(text, style, lambda: False)
        return clip_of(np.concatenate([chunk.pcm for chunk in chunks]), OUTPUT_RATE_HZ, name=text)

    def clip(self, name: str) -> Clip:
        """A real recording from tests/data."""
        return load_clip(DATA / name, OUTPUT_RATE_HZ)

    async def call(
        self, *turns: Clip | ScriptedTurn, language: Language | None = None
    ) -> CallReport:
        """A scripted call over the socket; heard out to the end."""
        script = CallScript(
            tuple(t if isinstance(t, ScriptedTurn) else ScriptedTurn(t) for t in turns)
        )
        await self.empty()
        async with asyncio.timeout(PATIENCE_SECS * len(turns)):
            return await Caller(self.realtime_url, language=language).run(script)

    async def transcribe(self, samples: Int16Array, language: Language | None = None) -> str:
        """What the recogniser hears in 24 kHz audio, room before and after it cut away."""
        window = OUTPUT_RATE_HZ // 100
        loud = np.flatnonzero(window_levels_dbfs(samples, window) >= AUDIBLE_DBFS)
        if not len(loud):
            return ""
        part = samples[max(0, loud[0] - 20) * window : (loud[-1] + 20) * window]
        audio = soxr.resample(int16_to_float(part), OUTPUT_RATE_HZ, INPUT_RATE_HZ)
        return (await self.engines.recogniser.decode(audio, language=language)).text

    async def empty(self) -> None:
        """Wait until the calls of other tests have left their lines."""
        await self.settled(lambda: self.board.open_calls == 0, "all calls are closed")

    async def settled(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for what must become true soon."""
        for _ in range(round(PATIENCE_SECS / 0.05)):
            if condition():
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"never came true: {what}")


class CrashingClient:
    """A client that is gone from one moment to the next: no close frame, no goodbye."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def speak_and_crash(self, clip: Clip, after: Callable[[dict[str, Any]], bool]) -> None:
        """Say `clip` in real time and die at the first event for which `after` holds."""
        async with websockets.connect(self._url, compression=None) as socket:
            microphone = asyncio.create_task(self._speak(socket, clip), name="crashing-microphone")
            try:
                async for message in socket:
                    if after(json.loads(message)):
                        break
            finally:
                microphone.cancel()
                await asyncio.gather(microphone, return_exceptions=True)
                socket.transport.abort()

    async def _speak(self, socket: websockets.ClientConnection, clip: Clip) -> None:
        samples = np.concatenate([clip.samples, np.zeros(20 * OUTPUT_RATE_HZ, dtype=np.int16)])
        for start in range(0, len(samples), CHUNK_SAMPLES):
            audio = base64.b64encode(samples[start : start + CHUNK_SAMPLES].tobytes()).decode()
            event = {"type": "input_audio_buffer.append", "audio": audio}
            await socket.send(json.dumps(event))
            await asyncio.sleep(CHUNK_SAMPLES / OUTPUT_RATE_HZ)
