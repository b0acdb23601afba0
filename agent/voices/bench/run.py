"""The run: every voice in each of its languages, then the recogniser on all they said."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import soxr

from agent import engines
from agent.bench.machine import describe_machine, load_average
from agent.bench.measure import spoken_units
from agent.config import Settings
from agent.voices.bench.record import (
    Heard,
    Intonation,
    Misheard,
    Timing,
    VoiceResult,
    VoicesRecord,
)
from agent.voices.bench.sentences import intonation_pairs, sentences
from agent.voices.bench.sound import ending_semitones, measure_joins, measure_level, together
from agent.voices.bench.speak import Spoken, speak, timing
from agent.voices.installed import VoiceEngine
from pipeline.audio import INPUT_RATE_HZ, FloatArray, int16_to_float
from pipeline.errors import VoiceError
from pipeline.stt.base import Recogniser
from pipeline.text import Language, edit_distance
from pipeline.tts.base import Voice

THREADS = (2, 1)  # the last pass is the one that is heard: the setting that calls use


@dataclass(frozen=True, slots=True)
class Amount:
    """How much is said.

    Attributes:
        heard: Sentences of each language, spoken on one thread and judged.
        timed: Sentences spoken on two threads, for their speed only.
        pairs: Statements and questions.
    """

    heard: int
    timed: int
    pairs: int


FULL = Amount(heard=100, timed=30, pairs=6)
QUICK = Amount(heard=6, timed=3, pairs=2)


@dataclass(frozen=True, slots=True)
class Clip:
    """A sentence to listen to, and what the recogniser heard."""

    spoken: Spoken
    heard: str
    edits: int


@dataclass(frozen=True, slots=True)
class Bench:
    """The record, and the sound of every voice and language in it."""

    record: VoicesRecord
    clips: dict[tuple[str, Language], tuple[Clip, ...]]


@dataclass(frozen=True, slots=True)
class _Said:
    """One voice in one language, before anybody listened."""

    voice: str
    language: Language
    rate_hz: int
    timings: tuple[Timing, ...]
    spoken: tuple[Spoken, ...]
    intonation: Intonation | None
    failures: tuple[str, ...]


def run_bench(
    settings: Settings,
    voices: Sequence[VoiceEngine],
    amount: Amount,
    report: Callable[[str], None],
) -> Bench:
    """Measure `voices`, one after the other; one of several that cannot be loaded is left out.

    Args:
        settings: Which recogniser listens, and where models are.
        voices: Which to measure.
        amount: How much each says.
        report: Takes a line on every step.

    Raises:
        VoiceError: The recogniser, or the only voice, cannot be loaded.
    """
    machine = describe_machine(settings)
    began = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    said: list[_Said] = []
    unavailable = []
    for engine in voices:
        try:
            said += _let_speak(settings, engine, amount, report)
        except VoiceError as error:
            if len(voices) == 1:
                raise
            unavailable.append(f"{engine.name}: {error.message}")
            report(f"left out, {unavailable[-1]}")
    report("listening")
    results, clips = asyncio.run(_listen(engines.load_recogniser(settings), said))
    record = VoicesRecord(
        began,
        replace(machine, load_at_end=load_average()),
        settings.models.stt,
        tuple(results),
        tuple(unavailable),
    )
    return Bench(record, clips)


def _let_speak(
    settings: Settings, engine: VoiceEngine, amount: Amount, report: Callable[[str], None]
) -> list[_Said]:
    """All that one engine says, language by language."""
    timings: dict[Language, list[Timing]] = {language: [] for language in engine.languages}
    failures: dict[Language, list[str]] = {language: [] for language in engine.languages}
    spoken: dict[Language, list[Spoken]] = {}
    intonation: dict[Language, Intonation | None] = {}
    rate_hz = 0
    for threads in THREADS:
        voice = engine.load(settings, threads)
        rate_hz = voice.sample_rate_hz
        count = amount.heard if threads == THREADS[-1] else amount.timed
        for language in engine.languages:
            report(f"{engine.name}, {language}: {count} sentences, threads: {threads}")
            texts = sentences(language)
            _speak_all(voice, texts[-1:], [])  # what the first sentence alone waits for
            spoken[language] = _speak_all(voice, texts[:count], failures[language])
            if spoken[language]:
                timings[language].append(timing(spoken[language], threads, rate_hz))
            if threads == THREADS[-1]:
                pairs = intonation_pairs(language)[: amount.pairs]
                intonation[language] = _intonation(voice, pairs)
    return [
        _Said(
            engine.name,
            language,
            rate_hz,
            tuple(timings[language]),
            tuple(spoken[language]),
            intonation[language],
            tuple(failures[language]),
        )
        for language in engine.languages
    ]


def _speak_all(voice: Voice, texts: Sequence[str], failures: list[str]) -> list[Spoken]:
    spoken = []
    for text in texts:
        try:
            spoken.append(speak(voice, text))
        except VoiceError as error:
            failures.append(f"{text}: {error.message}")
    return spoken


def _intonation(voice: Voice, pairs: Sequence[tuple[str, str]]) -> Intonation | None:
    rises = []
    for pair in pairs:
        spoken = _speak_all(voice, pair, [])
        endings = [ending_semitones(one.pcm, voice.sample_rate_hz) for one in spoken]
        match endings:
            case [float(told), float(asked)]:
                rises.append(asked - told)
    return Intonation(len(rises), round(float(np.median(rises)), 2)) if rises else None


async def _listen(
    recogniser: Recogniser, said: Sequence[_Said]
) -> tuple[list[VoiceResult], dict[tuple[str, Language], tuple[Clip, ...]]]:
    results, clips = [], {}
    try:
        for one in said:
            heard = [await _hear(recogniser, one, spoken) for spoken in one.spoken]
            clips[one.voice, one.language] = tuple(heard)
            results.append(_result(one, heard))
    finally:
        await recogniser.close()
    return results, clips


async def _hear(recogniser: Recogniser, said: _Said, spoken: Spoken) -> Clip:
    sound: FloatArray = soxr.resample(int16_to_float(spoken.pcm), said.rate_hz, INPUT_RATE_HZ)
    heard = await recogniser.decode(sound, language=said.language)
    edits = edit_distance(spoken_units(heard.text), spoken_units(spoken.text))
    return Clip(spoken, heard.text, edits)


def _result(said: _Said, clips: Sequence[Clip]) -> VoiceResult:
    joins = [measure_joins(one.pcm, one.joins, said.rate_hz) for one in said.spoken]
    return VoiceResult(
        said.voice,
        said.language,
        said.rate_hz,
        said.timings,
        _heard(clips),
        measure_level([one.pcm for one in said.spoken], said.rate_hz),
        together(joins),
        said.intonation,
        said.failures,
    )


def _heard(clips: Sequence[Clip]) -> Heard:
    units = sum(len(spoken_units(clip.spoken.text)) for clip in clips)
    edits = sum(clip.edits for clip in clips)
    wrong = sorted((clip for clip in clips if clip.edits), key=lambda clip: -clip.edits)
    misheard = tuple(Misheard(clip.spoken.text, clip.heard, clip.edits) for clip in wrong)
    rate = round(edits / units, 4) if units else 0.0
    return Heard(len(clips), units, edits, rate, misheard)
