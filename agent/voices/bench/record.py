"""What a run of the bench found, as data and as JSON."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

from agent.bench.machine import Machine
from agent.voices.bench.sound import Joins, Level
from pipeline.text import Language


@dataclass(frozen=True, slots=True)
class Timing:
    """How soon and how fast a voice speaks, over all sentences of a run.

    Attributes:
        threads: Compute threads it was given.
        sentences: How many were timed, after one that was not.
        first_audio_p50_ms, first_audio_p95_ms: From the call to the first samples.
        real_time_factor_p50, real_time_factor_p95: Time to speak a sentence over its length.
    """

    threads: int
    sentences: int
    first_audio_p50_ms: float
    first_audio_p95_ms: float
    real_time_factor_p50: float
    real_time_factor_p95: float


@dataclass(frozen=True, slots=True)
class Misheard:
    """A sentence that the recogniser did not get back whole."""

    text: str
    heard: str
    edits: int


@dataclass(frozen=True, slots=True)
class Heard:
    """What the recogniser made of a voice.

    Attributes:
        sentences: How many it heard.
        units: Text units of all sentences: characters in Mandarin, words in English.
        edits: Units it got wrong.
        error_rate: Edits over units: character or word error rate.
        misheard: Sentences with errors, the worst first.
    """

    sentences: int
    units: int
    edits: int
    error_rate: float
    misheard: tuple[Misheard, ...]


@dataclass(frozen=True, slots=True)
class Intonation:
    """Whether a question mark is heard.

    Attributes:
        pairs: Sentences compared, said as a statement and as a question.
        rise_semitones: How much higher the question ends, median; 2 and more are heard.
    """

    pairs: int
    rise_semitones: float


@dataclass(frozen=True, slots=True)
class VoiceResult:
    """One voice in one language."""

    voice: str
    language: Language
    sample_rate_hz: int
    timings: tuple[Timing, ...]
    heard: Heard
    level: Level
    joins: Joins
    intonation: Intonation | None
    failures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VoicesRecord:
    """A whole run.

    Attributes:
        recogniser: Which one listened.
        results: In the order of the voices.
        unavailable: Voices that could not be loaded, and why.
    """

    started_at: str
    machine: Machine
    recogniser: str
    results: tuple[VoiceResult, ...]
    unavailable: tuple[str, ...] = ()


def to_json(record: VoicesRecord) -> str:
    """One line."""
    return json.dumps(dataclasses.asdict(record), ensure_ascii=False)
