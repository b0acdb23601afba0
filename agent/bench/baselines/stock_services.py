"""Models of the stock baseline behind pipecat's interfaces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from pipecat.frames.frames import Frame, TTSAudioRawFrame
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.services.settings import TTSSettings
from pipecat.services.tts_service import TTSService

from pipeline.audio import OUTPUT_RATE_HZ
from pipeline.tts.base import SpeechChunk, SpeechStyle, Voice


class LocalLLMService(OpenAILLMService):
    """llama.cpp's chat templates know no developer role."""

    supports_developer_role = False


class VoiceService(TTSService):
    """Our voice behind pipecat's interface, sentence by sentence."""

    def __init__(self, voice: Voice, style: SpeechStyle) -> None:
        super().__init__(
            push_start_frame=True,
            push_stop_frames=True,
            settings=TTSSettings(model=voice.name, voice=voice.name, language=None),
        )
        self._voice = voice
        self._style = style

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        chunks = self._voice.synthesise(text, self._style, lambda: False)

        def following() -> SpeechChunk | None:
            return next(chunks, None)

        while (chunk := await asyncio.to_thread(following)) is not None:
            pcm = chunk.pcm.astype("<i2").tobytes()
            yield TTSAudioRawFrame(pcm, OUTPUT_RATE_HZ, 1, context_id=context_id)
