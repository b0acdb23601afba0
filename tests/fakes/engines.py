"""Engines that take virtual time and no processor, for scenarios of the whole loop.

They fulfil the engines' protocols with exact, scripted behaviour: what is under test is
who speaks when, not how well a model hears.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, Callable, Container, Iterator, Sequence
from concurrent.futures import Executor, Future
from typing import Any

import numpy as np

from pipeline.audio import (
    INPUT_RATE_HZ,
    OUTPUT_RATE_HZ,
    FloatArray,
    Int16Array,
    float_to_int16,
    level_dbfs,
)
from pipeline.errors import GenerationError, RecognitionError, SynthesisError
from pipeline.llm.base import Message, Sampling, TextDelta
from pipeline.stt.base import Hypothesis, Priority
from pipeline.text import Language, language_of
from pipeline.tts.base import CharMark, SpeechChunk, SpeechStyle
from tests.fakes.speech import SYLLABLE_SECS, listen, speak


class InlineExecutor(Executor):
    """Runs work at once: virtual time cannot wait for threads."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


class StallingExecutor(InlineExecutor):
    """Never begins the jobs whose number (0, 1, 2, …) is in `stalled`."""

    def __init__(self, stalled: Container[int]) -> None:
        self._stalled = stalled
        self._numbers = itertools.count()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if next(self._numbers) in self._stalled:
            return Future()
        return super().submit(fn, *args, **kwargs)


class FakeVoiceActivity:
    """Loud is speech."""

    def open(self) -> FakeVoiceActivity:
        return self

    def probability(self, window: Int16Array) -> float:
        return 1.0 if level_dbfs(window) > -50 else 0.0


class FakeRecogniser:
    """Reads `tests.fakes.speech`, `decode_secs` a window.

    Args:
        fail: Asked before each decode; True raises RecognitionError.
    """

    def __init__(self, decode_secs: float = 0.05, fail: Callable[[], bool] = lambda: False) -> None:
        self.decode_secs = decode_secs
        self.fail = fail
        self.decodes = 0

    async def decode(
        self,
        audio: FloatArray,
        *,
        language: Language | None = None,
        expected: Language | None = None,
        prompt: str = "",
        timed: bool = False,
        priority: Priority = "final",
    ) -> Hypothesis:
        self.decodes += 1
        await asyncio.sleep(self.decode_secs)
        if self.fail():
            raise RecognitionError("The recogniser failed.")
        text = listen(_exact(audio), INPUT_RATE_HZ)
        return Hypothesis(text, language or language_of(text), 1.0)

    async def close(self) -> None:
        return None


def _exact(audio: FloatArray) -> Int16Array:
    # int16_to_float and back must give the same amplitudes.
    samples: Int16Array = np.rint(audio * np.float32(32_768)).astype(np.int16)
    return samples


class FakeLanguageModel:
    """Answers from a script, a character a token.

    Args:
        answer: Reply to a user text.
        end_of_turn: Probability that a user text is complete.
        fail: Asked before each reply; True raises GenerationError.
    """

    name = "fake"

    def __init__(
        self,
        answer: Callable[[str], str] = lambda text: "嗯，我在听。",
        end_of_turn: Callable[[str], float] = lambda text: 0.95,
        *,
        prefill_secs: float = 0.05,
        token_secs: float = 0.03,
        fail: Callable[[], bool] = lambda: False,
    ) -> None:
        self.answer = answer
        self.end_of_turn = end_of_turn
        self.prefill_secs = prefill_secs
        self.token_secs = token_secs
        self.fail = fail
        self.prompts: list[tuple[Message, ...]] = []
        self.samplings: list[Sampling] = []
        self.begun: list[tuple[Message, ...]] = []  # evaluated ahead of replies, or given up
        self.evaluated: list[tuple[Message, ...]] = []
        self.open_conversations = 0

    def open(self) -> FakeConversation:
        self.open_conversations += 1
        return FakeConversation(self)

    def count_tokens(self, text: str) -> int:
        return len(text)

    async def close(self) -> None:
        return None


class FakeConversation:
    """One call's share of `FakeLanguageModel`."""

    def __init__(self, model: FakeLanguageModel) -> None:
        self._model = model
        self._closed = False
        self._prefills = 0

    async def prefill(
        self, messages: Sequence[Message], user_so_far: str, *, background: bool = False
    ) -> float:
        self._prefills += 1
        this = self._prefills
        self._model.begun.append(tuple(messages))
        await asyncio.sleep(self._model.prefill_secs)
        if this != self._prefills:  # as the engine in process has it
            raise GenerationError("Newer words replaced these")
        self._model.evaluated.append(tuple(messages))
        return self._model.end_of_turn(user_so_far)

    async def reply(
        self, messages: Sequence[Message], sampling: Sampling
    ) -> AsyncGenerator[TextDelta, None]:
        model = self._model
        model.prompts.append(tuple(messages))
        model.samplings.append(sampling)
        if model.fail():
            raise GenerationError("The language model failed.")
        text = model.answer(messages[-1].content)
        for count in itertools.count(1):
            await asyncio.sleep(model.token_secs)
            last = count >= len(text)
            yield TextDelta(text[count - 1 : count], count, "stop" if last else None)
            if last:
                return

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._model.open_conversations -= 1


class FakeVoice:
    """Speaks `tests.fakes.speech`, one character a chunk, and marks each exactly.

    Args:
        fail: Asked before each clause; True raises SynthesisError.
    """

    name = "fake"
    languages: frozenset[Language] = frozenset({"zh", "en"})
    sample_rate_hz = OUTPUT_RATE_HZ

    def __init__(self, fail: Callable[[str], bool] = lambda text: False) -> None:
        self.fail = fail
        self.spoken: list[str] = []

    def synthesise(
        self, text: str, style: SpeechStyle, cancelled: Callable[[], bool]
    ) -> Iterator[SpeechChunk]:
        if self.fail(text):
            raise SynthesisError("The voice failed.")
        self.spoken.append(text)
        n = round(SYLLABLE_SECS * OUTPUT_RATE_HZ)
        for index, character in enumerate(text, start=1):
            if cancelled():
                return
            marks = (CharMark(index, index * n),)
            yield SpeechChunk(speak(character, OUTPUT_RATE_HZ), marks)


def silence(secs: float) -> Int16Array:
    """Digital silence at the input rate."""
    return float_to_int16(np.zeros(round(secs * INPUT_RATE_HZ), dtype=np.float32))
