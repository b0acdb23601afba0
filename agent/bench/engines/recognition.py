"""Incremental recognition beside one decode of the whole turn: how soon, and how well.

How soon: turns run in real time through voice activity detection and the transcriber, as in
a call but with nothing else on the machine; at every soft end the final transcript is asked
for. How well: the same turns on stream time, each decode answered after a fixed part of it,
so that the words do not depend on how busy the machine is.
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
from pipeline.stt.base import Hypothesis, Recogniser
from pipeline.stt.incremental import UtteranceTranscriber
from pipeline.stt.planner import DecodePlanner, DecodeRequest
from pipeline.text import edit_distance
from pipeline.vad.gate import SpeechGate
from pipeline.vad.silero import SileroModel
from pipeline.vad.stage import VoiceActivity

LONGEST_SECS = 15.0
_TAIL_SECS = 0.8  # of silence behind a turn: longer than a final takes
_ANSWER_SAMPLES = round(0.1 * INPUT_RATE_HZ)  # a decode on stream time; the median on two cores


@dataclass(frozen=True, slots=True)
class TurnHeard:
    """One turn.

    Attributes:
        language: Of its words.
        secs: Its length.
        final_ms: From each soft end to the final transcript of what was said until then.
        units: Text units that were said.
        incremental_errors: Edits from them to the transcript that grew with the turn, on
            stream time.
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


async def _hear(take: Take, recogniser: Recogniser, detector: VoiceActivity) -> TurnHeard:
    whole: FloatArray = soxr.resample(
        int16_to_float(take.clip.samples), RATE_HZ, INPUT_RATE_HZ
    ).astype(np.float32)
    speech = float_to_int16(whole)
    final_ms = await _in_real_time(speech, recogniser, detector)
    text = await hear_on_stream_time(speech, recogniser, detector)
    one_shot = await recogniser.decode(whole)
    said = spoken_units(take.turn.text)
    return TurnHeard(
        text_language(take.turn.text),
        len(whole) / INPUT_RATE_HZ,
        tuple(final_ms),
        len(said),
        edit_distance(said, spoken_units(text)),
        edit_distance(said, spoken_units(one_shot.text)),
    )


async def hear_on_stream_time(
    speech: Int16Array, recogniser: Recogniser, detector: VoiceActivity
) -> str:
    """The transcript at the last soft end, the same at any speed of the machine.

    Args:
        speech: int16, shape (n_samples,), mono, 16 kHz: one turn.
        recogniser: Its decodes may take what time they want.
        detector: Voice activity.

    Raises:
        RecognitionError: A decode failed.
    """
    stream, gate, planner = detector.open(), SpeechGate(), DecodePlanner()
    waiting: list[tuple[int, DecodeRequest, Hypothesis]] = []
    text, asked = "", False
    audio = _with_tail(speech)
    for end in range(WINDOW_SAMPLES, len(audio) + 1, WINDOW_SAMPLES):
        while waiting and waiting[0][0] <= end:
            _, answered, hypothesis = waiting.pop(0)
            planner.apply(answered, hypothesis)
        window = audio[end - WINDOW_SAMPLES : end]
        state = gate.feed(window, stream.probability(window))
        if state.onset is not None and not planner.active:
            planner.begin(state.onset)
        planner.push(window, state.last_voiced_sample)
        asked = state.onset is None and (asked or state.offset is not None)
        request = planner.plan()
        if request is None and asked:
            request = planner.final_request(planner.last_voiced_sample)
        if request:
            if request.priority == "final":  # overtakes what is under way, as in a call
                for _, overtaken, _ in waiting:
                    planner.drop(overtaken)
                waiting.clear()
            hypothesis = await recogniser.decode(
                request.audio,
                language=request.language,
                expected=request.expected,
                prompt=request.prompt,
                timed=request.timed,
                priority=request.priority,
            )
            waiting.append((end + _ANSWER_SAMPLES, request, hypothesis))
        if asked and planner.state.complete:
            text, asked = planner.state.text, False
    return text


async def _in_real_time(
    speech: Int16Array, recogniser: Recogniser, detector: VoiceActivity
) -> list[float]:
    """How long each final took, in milliseconds."""
    loop = asyncio.get_running_loop()
    stream, gate = detector.open(), SpeechGate()
    transcriber = UtteranceTranscriber(recogniser)
    audio = _with_tail(speech)
    final_ms = list[float]()
    final: asyncio.Task[float] | None = None
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
                final_ms.append(final.result())
                final = None
    finally:
        if final is not None:
            final.cancel()
        await transcriber.close()
    return final_ms


async def _final(transcriber: UtteranceTranscriber) -> float:
    loop = asyncio.get_running_loop()
    asked = loop.time()
    await transcriber.final()
    return (loop.time() - asked) * 1000


def _with_tail(speech: Int16Array) -> Int16Array:
    return np.pad(speech, (0, round(_TAIL_SECS * INPUT_RATE_HZ)))
