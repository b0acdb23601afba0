"""Models of the stock baseline behind pipecat's interfaces."""

from __future__ import annotations

import asyncio
import socket
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from pipecat.frames.frames import Frame, TTSAudioRawFrame
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.services.settings import TTSSettings
from pipecat.services.tts_service import TTSService

from agent.config import Settings
from agent.models.store import ModelStore
from pipeline.assembly import CallProfile
from pipeline.audio import OUTPUT_RATE_HZ
from pipeline.errors import ModelError
from pipeline.tts.base import SpeechChunk, SpeechStyle, Voice

LLM_START_TIMEOUT_SECS = 60.0
_RETRY_SECS = 0.2


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


@asynccontextmanager
async def language_model_server(settings: Settings, profile: CallProfile) -> AsyncIterator[str]:
    """llama-cpp-python's own server with our model, for as long as the block lasts.

    Yields:
        Its address, ending in /v1.

    Raises:
        ModelError: The model is missing or damaged, or the server does not start.
    """
    model = ModelStore(settings.models_dir).fastest(settings.models.llm)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    llm = settings.llm
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "llama_cpp.server", "--model", str(model)),
        *("--host", "127.0.0.1", "--port", str(port), "--verbose", "False"),
        *("--n_ctx", str(llm.context_tokens)),
        *("--n_threads", str(llm.threads), "--n_threads_batch", str(llm.threads)),
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}/v1"
        await _warm_up(url, profile)
        yield url
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _warm_up(url: str, profile: CallProfile) -> None:
    """Wait for the server, and let it read the persona once, as ours does."""
    system = {"role": "system", "content": profile.usual_manner.system_prompt}
    messages = [system, *examples(profile)]
    request = {"model": "local", "messages": messages, "max_tokens": 1}
    async with httpx.AsyncClient(timeout=LLM_START_TIMEOUT_SECS) as client:
        for _ in range(round(LLM_START_TIMEOUT_SECS / _RETRY_SECS)):
            try:
                (await client.post(f"{url}/chat/completions", json=request)).raise_for_status()
                return
            except httpx.ConnectError:
                await asyncio.sleep(_RETRY_SECS)
    raise ModelError("the language model's server of the baseline did not start")


def examples(profile: CallProfile) -> list[Any]:
    """The persona's example turns as chat messages."""
    return [{"role": one.role, "content": one.content} for one in profile.usual_manner.examples]
