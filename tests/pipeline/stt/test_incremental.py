"""The driver around the planner, with a recogniser that answers when told."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from pipeline.audio import WINDOW_SAMPLES
from pipeline.errors import OverloadedError, RecognitionError
from pipeline.stt.base import Hypothesis
from pipeline.stt.incremental import UtteranceTranscriber
from pipeline.stt.planner import TranscriptState


class ScriptedRecogniser:
    """Gives the answers it was told, in order, each after `open` is set."""

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = list(answers)
        self.priorities: list[str] = []
        self.cancelled = 0
        self.open = asyncio.Event()
        self.open.set()

    async def decode(self, audio, *, language=None, prompt="", timed=False, priority="final", **_):
        self.priorities.append(priority)
        answer = self.answers.pop(0)
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if isinstance(answer, Exception):
            raise answer
        return Hypothesis(answer, "zh", 0.9)

    async def close(self) -> None:
        """Nothing to stop."""


class Caller:
    """Pushes voice and silence into a transcriber."""

    def __init__(self, transcriber: UtteranceTranscriber) -> None:
        self.transcriber = transcriber
        self.end = self.voiced = 0

    async def push(self, n_windows: int, *, voice: bool) -> None:
        for _ in range(n_windows):
            self.end += WINDOW_SAMPLES
            self.voiced = self.end if voice else self.voiced
            self.transcriber.push(np.ones(WINDOW_SAMPLES, dtype=np.int16), self.voiced)
            await asyncio.sleep(0)
        await asyncio.sleep(0)


async def test_partials_are_reported_as_they_come():
    """Every change of the transcript reaches the listener."""
    seen: list[TranscriptState] = []
    recogniser = ScriptedRecogniser("我", "我最近")
    transcriber = UtteranceTranscriber(recogniser, on_update=seen.append)
    transcriber.begin(0)
    await Caller(transcriber).push(22, voice=True)
    assert [state.text for state in seen] == ["我", "我最近"]
    await transcriber.close()


async def test_final_waits_for_the_decode_that_the_silence_set_off():
    """The hint's decode is the final one: no other is started."""
    recogniser = ScriptedRecogniser("我最近很累")
    transcriber = UtteranceTranscriber(recogniser)
    transcriber.begin(0)
    caller = Caller(transcriber)
    await caller.push(5, voice=True)
    await caller.push(4, voice=False)
    state = await transcriber.final()
    assert (state.text, state.complete) == ("我最近很累", True)
    assert recogniser.priorities == ["final"]
    await transcriber.close()


async def test_a_final_overtakes_a_partial_under_way():
    """The partial's task is cancelled, so that a recogniser may skip it."""
    recogniser = ScriptedRecogniser("我", "我最近")
    recogniser.open.clear()
    transcriber = UtteranceTranscriber(recogniser)
    transcriber.begin(0)
    await Caller(transcriber).push(16, voice=True)
    final = asyncio.create_task(transcriber.final())
    await asyncio.sleep(0)
    recogniser.open.set()
    assert (await final).text == "我最近"
    assert recogniser.cancelled == 1
    await transcriber.close()


async def test_the_same_turn_goes_on_after_a_final():
    """A soft end is not the end: new voice is added to the same transcript."""
    recogniser = ScriptedRecogniser("我最近", "我最近很累")
    transcriber = UtteranceTranscriber(recogniser)
    transcriber.begin(0)
    caller = Caller(transcriber)
    await caller.push(5, voice=True)
    assert (await transcriber.final()).text == "我最近"
    await caller.push(5, voice=True)
    assert (await transcriber.final()).text == "我最近很累"
    await transcriber.close()


async def test_a_final_does_not_follow_a_caller_who_goes_on():
    """It is answered with what it was asked for; the rest waits for the next partial."""
    recogniser = ScriptedRecogniser("我最近", "我最近很累")
    recogniser.open.clear()
    transcriber = UtteranceTranscriber(recogniser)
    transcriber.begin(0)
    caller = Caller(transcriber)
    await caller.push(5, voice=True)
    await caller.push(4, voice=False)
    final = asyncio.create_task(transcriber.final(caller.voiced))
    await caller.push(5, voice=True)
    recogniser.open.set()
    state = await final
    assert (state.text, state.complete) == ("我最近", False)
    assert recogniser.priorities == ["final"]
    await caller.push(7, voice=True)
    assert recogniser.priorities == ["final", "partial"]
    await transcriber.close()


async def test_final_raises_what_the_recogniser_raises():
    """A failed final is told to who waits for it; asking again decodes again."""
    recogniser = ScriptedRecogniser(RecognitionError("broken"), "我")
    transcriber = UtteranceTranscriber(recogniser)
    transcriber.begin(0)
    await Caller(transcriber).push(5, voice=True)
    with pytest.raises(RecognitionError):
        await transcriber.final()
    assert (await transcriber.final()).text == "我"
    await transcriber.close()


async def test_failed_partials_are_reported_and_refused_ones_are_not():
    """Overload only skips a partial; the next one is due as usual."""
    errors: list[RecognitionError] = []
    recogniser = ScriptedRecogniser(OverloadedError("full"), RecognitionError("broken"), "我")
    transcriber = UtteranceTranscriber(recogniser, on_error=errors.append)
    transcriber.begin(0)
    await Caller(transcriber).push(16, voice=True)
    assert [error.code for error in errors] == ["recognition_error"]
    assert transcriber.state.text == "我"
    await transcriber.close()


async def test_ending_the_turn_cancels_its_decodes():
    """Nothing of a discarded turn runs on or is reported."""
    seen: list[TranscriptState] = []
    recogniser = ScriptedRecogniser("我")
    recogniser.open.clear()
    transcriber = UtteranceTranscriber(recogniser, on_update=seen.append)
    transcriber.begin(0)
    await Caller(transcriber).push(16, voice=True)
    transcriber.end()
    await transcriber.close()
    assert recogniser.cancelled == 1
    assert seen == []
    assert transcriber.state == TranscriptState()


async def test_final_without_a_turn_is_empty():
    """Asking between turns is legal."""
    transcriber = UtteranceTranscriber(ScriptedRecogniser())
    assert (await transcriber.final()).text == ""


async def test_final_gives_what_it_has_of_voice_that_is_not_there():
    """Sound is decoded once, not again and again in the hope of more."""
    recogniser = ScriptedRecogniser("我最近")
    transcriber = UtteranceTranscriber(recogniser)
    transcriber.begin(0)
    transcriber.push(np.ones(WINDOW_SAMPLES, dtype=np.int16), 100 * WINDOW_SAMPLES)
    state = await transcriber.final()
    assert (state.text, state.complete) == ("我最近", False)
    assert len(recogniser.priorities) == 1
    await transcriber.close()
