"""Hearing speakers side by side before one is chosen.

OUT/seed-0042.wav            the texts, as loud as every other voice
OUT/seed-0042.speaker.json   the speaker, with the gain that makes it so
OUT/index.html               players for all of them
"""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.clips import write_clip
from pipeline.audio import Int16Array, int16_to_float
from pipeline.errors import ConfigError
from pipeline.tts.base import SpeechStyle, Voice
from pipeline.tts.chattts.speaker_file import MAX_GAIN_DB, SpeakerEmbedding, save_speaker
from pipeline.tts.levels import TARGET_LUFS, amplitude, shape
from pipeline.tts.loudness import integrated_lufs

# What a counsellor says, in both languages: a greeting, a question, a reflection.
TEXTS = (
    "你好，我在这里听你说。",
    "最近是什么让你睡不好呢？",
    "Take your time, there is no hurry.",
    "That sounds really hard. What happened then?",
)
MAX_SPEAKERS = 100
_GAP_SECS = 0.6  # between two texts


@dataclass(frozen=True, slots=True)
class Sample:
    """One speaker's audition.

    Attributes:
        seed: It was drawn from.
        clip, speaker: Written files.
        secs: Length of the clip.
    """

    seed: int
    clip: Path
    speaker: Path
    secs: float


def parse_seeds(text: str) -> list[int]:
    """`0-3,42` as [0, 1, 2, 3, 42].

    Raises:
        ConfigError: Not numbers and ranges, or more than 100 of them.
    """
    seeds: dict[int, None] = {}
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not (first.isdecimal() and (last.isdecimal() if dash else True)):
            raise ConfigError(f"'{part.strip()}' is neither a seed nor a range of seeds like 0-7")
        begin, end = int(first), int(last or first)
        if end < begin or end >= 1 << 63 or end - begin >= MAX_SPEAKERS:
            raise ConfigError(f"the range {part.strip()} is empty or too long")
        seeds.update(dict.fromkeys(range(begin, end + 1)))
    if len(seeds) > MAX_SPEAKERS:
        raise ConfigError(f"at most {MAX_SPEAKERS} speakers fit into an audition")
    return list(seeds)


def audition(
    seeds: Sequence[int],
    texts: Sequence[str],
    out: Path,
    *,
    draw: Callable[[int], SpeakerEmbedding],
    cast: Callable[[SpeakerEmbedding], Voice],
) -> Iterator[Sample]:
    """Let every seed's speaker say the texts; the page is written after the last one.

    Args:
        seeds: Of the speakers.
        texts: Clauses; one without anything to say is left out.
        out: Folder for all files; made where it is missing.
        draw: The speaker of a seed.
        cast: A voice of that speaker.

    Yields:
        Each sample when its files are written.

    Raises:
        ConfigError: The folder cannot be written, or a speaker says nothing.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{out} cannot be written: {error.strerror}") from error
    samples = []
    for seed in seeds:
        speaker = draw(seed)
        voice = cast(speaker)
        spoken = _say(voice, texts)
        if not len(spoken):
            raise ConfigError("the texts hold nothing that can be spoken")
        gain_db = _gain_db(spoken, voice.sample_rate_hz)
        clip, file = out / f"seed-{seed:04d}.wav", out / f"seed-{seed:04d}.speaker.json"
        levelled = shape(int16_to_float(spoken), amplitude(gain_db))
        write_clip(clip, levelled, voice.sample_rate_hz)
        save_speaker(file, dataclasses.replace(speaker, gain_db=speaker.gain_db + gain_db))
        samples.append(Sample(seed, clip, file, len(spoken) / voice.sample_rate_hz))
        yield samples[-1]
    (out / "index.html").write_text(page(samples, texts), "utf-8")


def page(samples: Sequence[Sample], texts: Sequence[str]) -> str:
    """Players for all samples, as a page that needs nothing but its folder."""
    lines = "".join(f"<li>{html.escape(text)}</li>" for text in texts)
    players = "".join(
        f'<section><h2>{sample.seed}</h2><audio controls preload="none" src="{sample.clip.name}">'
        f'</audio><p><a href="{sample.speaker.name}" download>{sample.speaker.name}</a></p>'
        "</section>"
        for sample in samples
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Audition</title>'
        "<style>body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}"
        "main{display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(20rem,1fr))}"
        "audio{width:100%}</style>"
        f"<h1>Audition</h1><ol>{lines}</ol><main>{players}</main></html>\n"
    )


def _say(voice: Voice, texts: Sequence[str]) -> Int16Array:
    gap = np.zeros(round(_GAP_SECS * voice.sample_rate_hz), np.int16)
    parts: list[Int16Array] = []
    for text in texts:
        chunks = [chunk.pcm for chunk in voice.synthesise(text, SpeechStyle(), lambda: False)]
        spoken = np.concatenate([np.zeros(0, np.int16), *chunks])
        if len(spoken):
            parts += [gap, spoken] if parts else [spoken]
    return np.concatenate([np.zeros(0, np.int16), *parts])


def _gain_db(spoken: Int16Array, rate_hz: int) -> float:
    """What brings the speaker to the loudness of all voices."""
    measured = integrated_lufs(spoken, rate_hz)
    if measured is None:
        return 0.0
    return float(np.clip(TARGET_LUFS - measured, -MAX_GAIN_DB, MAX_GAIN_DB))
