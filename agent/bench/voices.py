"""Makes what the callers say: the project's own voices, but not the bot's own sound.

    passage ─▶ voice at another rate and pitch ─▶ another size of throat ─▶ trimmed ─┐
    pause ─▶ silence ────────────────────────────────────────────────────────────────┴─▶ take

A take is the same in every run and kept in the user's cache folder.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import platformdirs
import soxr

from agent import engines
from agent.bench import noise
from agent.bench.scripts import Call, CallerVoice, Turn
from agent.caller_clip import Clip, clip_of, load_clip
from agent.config import Settings
from pipeline.audio import FloatArray, Int16Array, float_to_int16, int16_to_float
from pipeline.clauses import ClauseCutter
from pipeline.errors import ConfigError
from pipeline.tts.base import SpeechStyle, Voice

RATE_HZ: Final = 24_000  # the callers' microphones; the default of the wire
# Part of the key of a cached take: another number makes all of them anew.
MAKER_VERSION = 1
# Left around the audible part of a passage, so that it is not clipped; counts as pause.
_LEAD_SECS, _TAIL_SECS = 0.02, 0.08
_RECORDINGS = Path(__file__).parents[2] / "tests" / "data"

# Neighbours in a café, one line for each voice.
_BABBLE = (
    ("今天的咖啡比上次好喝，你要不要再来一杯？", CallerVoice(rate=1.1, pitch=0.8, size=1.1)),
    ("我昨天去看了那部电影，后面有一点长。", CallerVoice(rate=1.0, pitch=1.2, size=0.92)),
    ("他说明天要下雨，我们还是坐地铁去吧。", CallerVoice(rate=0.9, pitch=0.9, size=1.0)),
    ("Could we get the bill, please? We are in a hurry.", CallerVoice(rate=1, pitch=1, size=1.12)),
    ("孩子的作业太多了，每天都写到十点。", CallerVoice(rate=1.2, pitch=1.1, size=1.05)),
)


@dataclass(frozen=True, slots=True)
class Take:
    """One turn, ready to be said.

    Attributes:
        clip: At `RATE_HZ`, without the room.
        pauses: Silences inside the turn, as half-open spans of samples, in order.
        digest: Of the samples; two takes with the same one are the same test.
    """

    turn: Turn
    clip: Clip
    pauses: tuple[tuple[int, int], ...]
    digest: str


class Studio:
    """Records turns and rooms.

    Args:
        settings: Which voices.
        cache_dir: Where takes are kept; None takes the user's cache folder.

    The voices are loaded when the first take is not in the cache.
    """

    def __init__(self, settings: Settings, cache_dir: Path | None = None) -> None:
        self._settings = settings
        self._cache_dir = cache_dir or Path(
            platformdirs.user_cache_dir("qingting", appauthor=False), "bench"
        )

    def record(self, turn: Turn) -> Take:
        """The take of a turn.

        Raises:
            ConfigError: A recording is not there.
            ModelError: A voice is missing or damaged.
        """
        if turn.recording is not None:
            path = _RECORDINGS / turn.recording
            if not path.is_file():
                raise ConfigError(
                    f"{turn.turn_id} plays {turn.recording}, which only a checkout of the "
                    "repository has (tests/data); choose other calls with --only"
                )
            return _take(turn, load_clip(path, RATE_HZ), ())
        spoken = [self._say(passage.text, turn.voice) for passage in turn.passages]
        pieces: list[Int16Array] = []
        pauses = []
        at = 0
        for passage, sound in zip(turn.passages, spoken, strict=True):
            silence = max(0.0, passage.pause_secs - _LEAD_SECS - _TAIL_SECS)
            pieces += [sound, np.zeros(round(silence * RATE_HZ), np.int16)]
            end = at + len(sound) - round(_TAIL_SECS * RATE_HZ)
            at += len(sound) + len(pieces[-1])
            if passage.pause_secs:
                pauses.append((end, at + round(_LEAD_SECS * RATE_HZ)))
        clip = clip_of(np.concatenate(pieces), RATE_HZ, name=turn.turn_id)
        return _take(turn, clip, tuple(pauses))

    def room(self, call: Call, takes: Sequence[Take]) -> Int16Array:
        """What the microphone hears all through a call: int16, shape (n_samples,)."""
        if call.snr_db is None:
            return noise.white(RATE_HZ, noise.QUIET_ROOM_DBFS)
        level_dbfs = noise.speech_level_dbfs([take.clip for take in takes]) - call.snr_db
        if call.noise == "white":
            return noise.white(RATE_HZ, level_dbfs)
        neighbours = [self._say(text, voice) for text, voice in _BABBLE]
        return noise.babble(neighbours, RATE_HZ, level_dbfs)

    def _say(self, text: str, voice: CallerVoice) -> Int16Array:
        """A passage, trimmed to its audible part; from the cache if it was ever said."""
        path = self._cache_dir / f"{_key(text, voice, self._settings.models.mandarin_voice)}.npy"
        if path.is_file():
            cached: Int16Array = np.load(path)
            return cached
        sound = _trimmed(self._perform(text, voice))
        self._cache_dir.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"{path.stem}.{os.getpid()}.npy")
        np.save(unfinished, sound)
        unfinished.replace(path)  # another bench may be making the same one
        return sound

    def _perform(self, text: str, voice: CallerVoice) -> Int16Array:
        # Stretching by `size` lowers everything and slows it down; the rate makes up for it.
        style = SpeechStyle(rate=voice.rate * voice.size, pitch=voice.pitch * voice.size)
        cutter = ClauseCutter()
        sound = [
            chunk.pcm
            for clause in [*cutter.feed(text), *cutter.finish()]
            for chunk in self._speaker.synthesise(clause.text, style, lambda: False)
        ]
        spoken = int16_to_float(np.concatenate([np.zeros(0, np.int16), *sound]))
        stretched: FloatArray = soxr.resample(spoken, RATE_HZ, RATE_HZ * voice.size)
        return float_to_int16(stretched)

    @cached_property
    def _speaker(self) -> Voice:
        return engines.load_speaker(self._settings)


def _trimmed(sound: Int16Array) -> Int16Array:
    """The audible part, with its lead and tail; silence fills up what is missing of them."""
    lead, tail = round(_LEAD_SECS * RATE_HZ), round(_TAIL_SECS * RATE_HZ)
    clip = clip_of(sound, RATE_HZ)
    padded = np.pad(sound, (lead, tail))
    return padded[clip.speech_start : clip.speech_end + lead + tail]


def _key(text: str, voice: CallerVoice, mandarin_voice: str) -> str:
    made_of = [
        MAKER_VERSION,
        text,
        voice.model_dump(),
        mandarin_voice,
        importlib.metadata.version("hibari-tts"),
    ]
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:32]


def _take(turn: Turn, clip: Clip, pauses: tuple[tuple[int, int], ...]) -> Take:
    digest = hashlib.sha256(clip.samples.astype("<i2").tobytes()).hexdigest()[:12]
    return Take(turn, clip, pauses, digest)
