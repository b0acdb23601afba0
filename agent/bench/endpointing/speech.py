"""The labelled set as sound: the project's voices, each turn in a manner of its own.

Nothing of it is kept: the voices are deterministic and the manner follows from the turn's
identifier, so every run makes the same audio. A part before a pause is cut out of the
speech of the whole turn, so that its melody still promises more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import soxr

from agent.bench.endpointing.labelled import Item, Turn
from pipeline.audio import INPUT_RATE_HZ, FloatArray, int16_to_float
from pipeline.tts.base import CharMark, SpeechStyle, Voice

RATES = (0.85, 0.95, 1.05, 1.15, 1.25)
PITCHES = (0.85, 0.93, 1.08, 1.18)
ROOM_DBFS = -60.0  # a quiet room; digital silence is heard nowhere
FADE_SECS = 0.01  # keeps the cut from clicking


def style_of(turn: Turn) -> SpeechStyle:
    """Rate and pitch of one turn; never the bot's own of 1.0."""
    digest = hashlib.sha256(f"style {turn.id}".encode()).digest()
    return SpeechStyle(rate=RATES[digest[0] % len(RATES)], pitch=PITCHES[digest[1] % len(PITCHES)])


def speak(item: Item, voice: Voice, *, silence_secs: float) -> FloatArray:
    """The item's audio, ended by silence.

    Args:
        item: What to say.
        voice: Speaks the item's language.
        silence_secs: Length of the silence after the last sound.

    Returns:
        float32, shape (n_samples,), range [-1, 1], mono, 16 kHz.

    Raises:
        SynthesisError: The voice failed.
    """
    speech, (end,) = flow(item.turn.text, (len(item.text),), voice, style_of(item.turn))
    speech = faded(without_trailing_silence(speech[:end]), voice.sample_rate_hz)
    seed = int.from_bytes(hashlib.sha256(item.id.encode()).digest()[:4])
    return in_a_room(speech, voice.sample_rate_hz, silence_secs, ROOM_DBFS, seed)


def flow(
    text: str, ends: Sequence[int], voice: Voice, style: SpeechStyle
) -> tuple[FloatArray, tuple[int, ...]]:
    """A text said in one flow, and where its parts end.

    Args:
        text: All of it.
        ends: After how many characters each part ends.
        voice: Speaks it.
        style: How.

    Returns:
        float32, shape (n_samples,), range [-1, 1], mono, at the voice's rate; and after how many
        samples each part ends.

    Raises:
        SynthesisError: The voice failed.
    """
    pieces: list[FloatArray] = []
    marks: list[CharMark] = []
    for chunk in voice.synthesise(text, style, lambda: False):
        pieces.append(int16_to_float(chunk.pcm))
        marks += chunk.marks
    speech = np.concatenate(pieces)
    return speech, tuple(
        next((mark.samples for mark in marks if mark.chars >= end), len(speech)) for end in ends
    )


def in_a_room(
    speech: FloatArray, rate_hz: int, silence_secs: float, room_dbfs: float, seed: int
) -> FloatArray:
    """What a microphone hears of some speech and the silence behind it.

    Args:
        speech: float32, shape (n_samples,), range [-1, 1], mono.
        rate_hz: Of the speech.
        silence_secs: Length of the silence.
        room_dbfs: Level of the noise around.
        seed: Of the noise.

    Returns:
        float32, shape (n_samples,), range [-1, 1], mono, 16 kHz.
    """
    resampled = soxr.resample(speech, rate_hz, INPUT_RATE_HZ)
    padded = np.pad(resampled, (0, round(silence_secs * INPUT_RATE_HZ)))
    room = np.random.default_rng(seed).normal(0.0, 10 ** (room_dbfs / 20), len(padded))
    heard: FloatArray = np.clip(padded + room, -1.0, 1.0).astype(np.float32)
    return heard


def without_trailing_silence(speech: FloatArray) -> FloatArray:
    """Up to its last sample that a quiet room would not cover."""
    loud = np.flatnonzero(np.abs(speech) > 10 ** (ROOM_DBFS / 20) * 4)
    return speech[: loud[-1] + 1] if len(loud) else speech


def faded(speech: FloatArray, rate_hz: int) -> FloatArray:
    """With the last `FADE_SECS` falling to silence."""
    length = min(round(FADE_SECS * rate_hz), len(speech))
    faded = speech.copy()
    if length:
        faded[-length:] *= np.linspace(1.0, 0.0, length, dtype=np.float32)
    return faded
