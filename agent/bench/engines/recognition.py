"""Incremental recognition beside one decode of the whole turn: how soon, and how well.

Turns run in real time through voice activity detection and the transcriber, as in a call
but with nothing else on the machine; at every soft end the final transcript is asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import soxr

from agent.bench.measure import Percentiles, TextLanguage, percentiles, spoken_units, text_language
from agent.bench.voices import RATE_HZ, Take
from agent.config import Settings
from pipeline.audio import (
    INPUT_RATE_HZ,
    WINDOW_SAMPLES,
    FloatArray,
    Int16Array,
    float_to_int16,
    int16_to_float,
)
from pipeline.stt.base import Recogniser
from pipeline.stt.incremental import UtteranceTranscriber
from pipeline.text import edit_distance
from pipeline.vad.gate import SpeechGate
from pipeline.vad.silero import SileroModel

LONGEST_SECS = 15.0
_TAIL_SECS = 0.8  # of silence behind a turn: longer than a final takes


@dataclass(frozen=True, slots=True)
class TurnHeard:
    """One turn.

    Attributes:
        language: Of its words.
        secs: Its length.
        final_ms: From each soft end to the final transcript of what was said until then.
        units: Text units that were said.
        incremental_errors: Edits from them to the transcript that grew with the turn.
        one_shot_errors: Edits from them to that of one decode of the whole.
    """

    language: TextLanguage
    secs: float
    final_ms: tuple[float, ...]
    units: int
    incremental_errors: int
    one_shot_errors: int


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """Edits per unit."""

    units: int
    incremental: float
    one_shot: float


@dataclass(frozen=True, slots=True)
class Recognition:
    """All turns."""

    turns: int
    longest_secs: float
    final_ms: Percentiles
    error_rates: Mapping[TextLanguage, ErrorRates]


def summarise(turns: Sequence[TurnHeard]) -> Recognition:
    """At least one turn."""
    languages = sorted({turn.language for turn in turns})
    return Recognition(
        len(turns),
        max(turn.secs for turn in turns),
        percentiles([ms for turn in turns for ms in turn.final_ms]),
        {one: _rates([turn for turn in turns if turn.language == one]) for one in languages},
    )


def _rates(turns: Sequence[TurnHeard]) -> ErrorRates:
    said = sum(turn.units for turn in turns)
    return ErrorRates(
        said,
        sum(turn.incremental_errors for turn in turns) / said,
        sum(turn.one_shot_errors for turn in turns) / said,
    )


async def transcribe(settings: Settings, takes: Sequence[Take]) -> list[TurnHeard]:
    """Hear the turns of up to `LONGEST_SECS`, one after the other.

    Raises:
        ModelError: The recogniser is missing or damaged.
        RecognitionError: It failed.
    """
    from agent.engines import load_recogniser

    recogniser = await asyncio.to_thread(load_recogniser, settings)
    detector = SileroModel()
    try:
        short = [t for t in takes if len(t.clip.samples) <= LONGEST_SECS * RATE_HZ]
        return [await _hear(take, recogniser, detector) for take in short]
    finally:
        await recogniser.close()


async def _hear(take: Take, recogniser: Recogniser, detector: SileroModel) -> TurnHeard:
    whole: FloatArray = soxr.resample(
        int16_to_float(take.clip.samples), RATE_HZ, INPUT_RATE_HZ
    ).astype(np.float32)
    text, final_ms = await _incrementally(float_to_int16(whole), recogniser, detector)
    one_shot = await recogniser.decode(whole)
    said = spoken_units(take.turn.say)
    return TurnHeard(
        text_language(take.turn.say),
        len(whole) / INPUT_RATE_HZ,
        tuple(final_ms),
        len(said),
        edit_distance(said, spoken_units(text)),
        edit_distance(said, spoken_units(one_shot.text)),
    )


async def _incrementally(
    speech: Int16Array, recogniser: Recogniser, detector: SileroModel
) -> tuple[str, list[float]]:
    """The transcript at the last soft end, and how long each final took."""
    loop = asyncio.get_running_loop()
    stream, gate = detector.open(), SpeechGate()
    transcriber = UtteranceTranscriber(recogniser)
    tail = np.zeros(round(_TAIL_SECS * INPUT_RATE_HZ), np.int16)
    audio = np.concatenate((speech, tail))
    text, final_ms = "", list[float]()
    final: asyncio.Task[tuple[str, float]] | None = None
    began = loop.time()
    try:
        for start in range(0, len(audio) - WINDOW_SAMPLES, WINDOW_SAMPLES):
            end = start + WINDOW_SAMPLES
            await asyncio.sleep(began + end / INPUT_RATE_HZ - loop.time())
            window = audio[start:end]
            state = gate.feed(window, stream.probability(window))
            if state.onset is not None and not final_ms and final is None:
                transcriber.begin(state.onset)
            transcriber.push(window, state.last_voiced_sample)
            if state.offset is not None:
                final = asyncio.create_task(_final(transcriber), name="bench-final")
            elif state.onset is not None and final is not None and not final.done():
                final.cancel()
            if final is not None and final.done() and not final.cancelled():
                text, took_ms = final.result()
                final_ms.append(took_ms)
                final = None
    finally:
        if final is not None:
            final.cancel()
        await transcriber.close()
    return text, final_ms


async def _final(transcriber: UtteranceTranscriber) -> tuple[str, float]:
    loop = asyncio.get_running_loop()
    asked = loop.time()
    state = await transcriber.final()
    return state.text, (loop.time() - asked) * 1000
