"""Speakers drawn from a seed, and the text form in which ChatTTS's users share them.

Needs ChatTTS, but none of its weights: the distribution of speakers is part of its code.
"""

from __future__ import annotations

import lzma

import numpy as np
import torch
from ChatTTS.config import Config
from ChatTTS.model import Speaker

from pipeline.errors import ConfigError
from pipeline.tts.chattts.speaker_file import SpeakerEmbedding

_MAX_CODE_CHARS = 20_000  # a speaker's code has about 900


def draw_speaker(seed: int, config: Config | None = None) -> SpeakerEmbedding:
    """The speaker of a seed: the same on every machine, and the one that ChatTTS draws.

    As `torch.manual_seed(seed); chat.sample_random_speaker()` on a CPU, without touching
    torch's own state.

    Args:
        seed: 0 to 2**63 - 1.
        config: Of other weights than ChatTTS's own.
    """
    known = config or Config()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        code = Speaker(known.gpt.hidden_size, known.spk_stat).sample_random()
    return SpeakerEmbedding(Speaker._decode(code), name=f"seed {seed}", seed=seed)


def to_code(speaker: SpeakerEmbedding) -> str:
    """The speaker as ChatTTS's `spk_emb` text."""
    code: str = Speaker._encode(torch.from_numpy(speaker.values))
    return code


def from_code(code: str, name: str = "", config: Config | None = None) -> SpeakerEmbedding:
    """A speaker from ChatTTS's `spk_emb` text.

    Raises:
        ConfigError: The text is no speaker of these weights.
    """
    dimensions = (config or Config()).gpt.hidden_size
    stripped = code.strip()
    if len(stripped) > _MAX_CODE_CHARS:
        raise ConfigError("this text is too long to be a speaker's code")
    try:
        values = Speaker._decode(stripped)
    except (lzma.LZMAError, ValueError, EOFError) as error:
        raise ConfigError("this text is not a speaker's code") from error
    if len(values) != dimensions:
        raise ConfigError(f"this speaker has {len(values)} dimensions, the model {dimensions}")
    return SpeakerEmbedding(np.asarray(values, np.float16), name)
