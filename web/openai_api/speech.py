"""Texts spoken: clause by clause, encoded while the next one is made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import Executor
from dataclasses import replace

from pipeline.audio import Int16Array
from pipeline.clauses import ClauseCutter
from pipeline.text import language_of
from pipeline.tts.base import SpeechStyle, Voice
from web.openai_api.media import encoded
from web.openai_api.schema import SpeechRequest

_SLOWEST, _FASTEST = 0.5, 2.0  # what the voices can do; the protocol asks for 0.25 to 4


class SpeechMaker:
    """Speaks with the voice of the calls.

    Args:
        voice: Shared with the calls.
        style: Its usual way of speaking.
        workers: Where it computes, beside the calls' own clauses.
    """

    def __init__(self, voice: Voice, style: SpeechStyle, workers: Executor) -> None:
        self._voice = voice
        self._style = style
        self._workers = workers

    async def speak(self, request: SpeechRequest) -> AsyncGenerator[bytes, None]:
        """The file, piece by piece; closing it stops before the next piece.

        Raises:
            SynthesisError: The voice failed.
        """
        cancelled = False
        speed = min(_FASTEST, max(_SLOWEST, request.speed))
        style = replace(self._style, rate=self._style.rate * speed)

        def speech() -> Iterator[Int16Array]:
            cutter = ClauseCutter()
            language = language_of(request.input, default=style.language)
            for clause in [*cutter.feed(request.input), *cutter.finish()]:
                language = language_of(clause.text, default=language)
                in_language = replace(style, language=language)
                for chunk in self._voice.synthesise(clause.text, in_language, lambda: cancelled):
                    yield chunk.pcm

        pieces = encoded(speech(), request.response_format)
        loop = asyncio.get_running_loop()
        try:
            while (
                piece := await loop.run_in_executor(self._workers, next, pieces, None)
            ) is not None:
                if piece:
                    yield piece
        finally:
            cancelled = True
