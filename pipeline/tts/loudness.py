"""Brings voices of unknown loudness to that of the others, by EBU R 128.

The embedded voices have a gain measured once (`levels`). A server's voice, or a speaker
drawn from a seed, is as loud as it happens to be; it is measured while it speaks:

    clause ─▶ voice ─▶ gain of this clause ─▶ caller
                └─▶ the last seconds of speech ─▶ libloudness ─▶ gain of the next clause

The gain never changes inside a clause, so there is nothing to hear but a level. libloudness
(package loudness) measures 15 s in 15 ms; pyloudnorm 0.2 takes 26 times as long, and scipy.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import loudness
import numpy as np

from pipeline.audio import Int16Array, int16_to_float
from pipeline.text import Language
from pipeline.tts.base import SpeechChunk, SpeechStyle, Voice
from pipeline.tts.levels import TARGET_LUFS, amplitude, shape

_SHORTEST_SECS = 0.4  # one gating block of ITU-R BS.1770
_MEMORY_SECS = 15.0  # of speech: a few sentences, so that a short 嗯 hardly counts
_CERTAIN_SECS = 2.0  # with less to go by, the gain moves in steps as later on
# A change of level between two clauses that passes for the speaker's own.
_STEP_DB = 3.0
# Beyond it something else is wrong, and noise would be raised to speech.
_MOST_DB = 18.0


def integrated_lufs(pcm: Int16Array, rate_hz: int) -> float | None:
    """Integrated loudness of int16 samples, shape (n_samples,), mono.

    Returns:
        LUFS; None for silence and for what is too short to have a loudness.
    """
    if len(pcm) < _SHORTEST_SECS * rate_hz:
        return None
    measured = float(loudness.integrated_loudness(int16_to_float(pcm), rate_hz))
    return measured if np.isfinite(measured) else None


class GainKeeper:
    """The gain a voice needs, from what it has said lately. Pure.

    Args:
        rate_hz: Of the voice.
        target_lufs: Where it is brought.
    """

    def __init__(self, rate_hz: int, target_lufs: float = TARGET_LUFS) -> None:
        self._rate_hz = rate_hz
        self._target_lufs = target_lufs
        self._lately = np.zeros(0, np.int16)
        self._gain_db = 0.0
        self._settled = False

    @property
    def gain_db(self) -> float:
        """For the next clause."""
        return self._gain_db

    @property
    def is_settled(self) -> bool:
        """Whether the gain was measured on enough speech: from then on it moves in steps."""
        return self._settled

    def heard(self, pcm: Int16Array) -> None:
        """Take what the voice said, int16, without any gain."""
        memory = round(_MEMORY_SECS * self._rate_hz)
        self._lately = np.concatenate((self._lately, pcm))[-memory:]
        measured = integrated_lufs(self._lately, self._rate_hz)
        if measured is None:
            return
        wanted = min(max(self._target_lufs - measured, -_MOST_DB), _MOST_DB)
        if self._settled or len(self._lately) < _CERTAIN_SECS * self._rate_hz:
            wanted = min(max(wanted, self._gain_db - _STEP_DB), self._gain_db + _STEP_DB)
        else:
            self._settled = True
        self._gain_db = wanted


class EvenVoice:
    """A voice at the loudness of the others; itself a `Voice`.

    Several threads may speak at the same time, as far as the voice allows it.

    Args:
        voice: Of any loudness.
    """

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self._gain = GainKeeper(voice.sample_rate_hz)
        self._lock = threading.Lock()
        self.name = voice.name
        self.languages: frozenset[Language] = voice.languages
        self.sample_rate_hz = voice.sample_rate_hz

    @property
    def is_settled(self) -> bool:
        """Whether clauses from now on are as loud as later ones: two seconds were measured."""
        with self._lock:
            return self._gain.is_settled

    def synthesise(
        self, text: str, style: SpeechStyle, cancelled: Callable[[], bool]
    ) -> Iterator[SpeechChunk]:
        """Speak one clause; see `Voice.synthesise`. `style.volume` comes on top of the gain."""
        with self._lock:
            gain = amplitude(self._gain.gain_db) * style.volume
        said: list[Int16Array] = []
        plain = replace(style, volume=1.0)
        try:
            for chunk in self._voice.synthesise(text, plain, cancelled):
                said.append(chunk.pcm)
                yield SpeechChunk(shape(int16_to_float(chunk.pcm), gain), chunk.marks)
        finally:  # cut off or failed, it was still this loud
            if said:
                with self._lock:
                    self._gain.heard(np.concatenate(said))
