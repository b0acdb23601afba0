"""The persona's 嗯, mm-hm and 呃, spoken once and kept: there is no time for it in a call."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from agent.caller_clip import clip_of
from pipeline.audio import OUTPUT_RATE_HZ, Int16Array
from pipeline.errors import SynthesisError
from pipeline.tts.base import SpeechStyle, Voice
from pipeline.tts.levels import amplitude
from pipeline.turn.acknowledge import Acknowledgement, AcknowledgementKind

logger = logging.getLogger(__name__)

# Below the replies: who says 嗯 into somebody's story does not raise their voice.
SOFTER_DB = -6.0
FADE_SAMPLES = OUTPUT_RATE_HZ // 200  # 5 ms


def speak_acknowledgements(
    voice: Voice, texts: Mapping[AcknowledgementKind, Sequence[str]], style: SpeechStyle
) -> tuple[Acknowledgement, ...]:
    """Speak each text in the manner of the replies, but softer.

    Args:
        voice: At 24 kHz; blocks for about a tenth of a second a text.
        texts: What to say, by what it tells the caller.
        style: Of the replies.

    Returns:
        In the order of `texts`, without the silence around them; without those that the
        voice cannot speak.
    """
    soft = replace(style, volume=style.volume * amplitude(SOFTER_DB))
    spoken = []
    for kind, text in ((kind, text) for kind, lines in texts.items() for text in lines):
        try:
            pieces = [chunk.pcm for chunk in voice.synthesise(text, soft, lambda: False)]
        except SynthesisError as error:
            logger.warning("an acknowledgement could not be spoken: %s", error.code)
            continue
        pcm = np.concatenate([np.zeros(0, np.int16), *pieces])
        if np.any(pcm):
            sound = _sounding(pcm).astype("<i2").tobytes()
            spoken.append(Acknowledgement(text, sound, kind))
    return tuple(spoken)


def _sounding(pcm: Int16Array) -> Int16Array:
    """What sounds of it, faded in and out so that the cut does not click."""
    clip = clip_of(pcm, OUTPUT_RATE_HZ)
    heard = pcm[clip.speech_start : clip.speech_end].astype(np.float32)
    n = min(FADE_SAMPLES, len(heard) // 2)
    ramp = np.linspace(0.0, 1.0, n, dtype=np.float32)
    heard[:n] *= ramp
    heard[len(heard) - n :] *= ramp[::-1]
    return np.rint(heard).astype(np.int16)
