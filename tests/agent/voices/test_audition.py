"""Hearing speakers side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from agent.voices.audition import audition, page, parse_seeds
from pipeline.audio import OUTPUT_RATE_HZ
from pipeline.errors import ConfigError
from pipeline.text import Language
from pipeline.tts.base import CharMark, SpeechChunk, SpeechStyle
from pipeline.tts.chattts.speaker_file import SpeakerEmbedding, load_speaker_file
from pipeline.tts.levels import TARGET_LUFS
from pipeline.tts.loudness import integrated_lufs


@dataclass
class Tone:
    """A voice that hums: ChatTTS's weights are not needed to try what is made of its sound."""

    level: float
    name: str = "tone"
    languages: frozenset[Language] = frozenset({"zh"})
    sample_rate_hz: int = OUTPUT_RATE_HZ

    def synthesise(
        self, text: str, style: SpeechStyle, cancelled: Callable[[], bool]
    ) -> Iterator[SpeechChunk]:
        secs = np.arange(len(text) * OUTPUT_RATE_HZ) / OUTPUT_RATE_HZ
        hum = np.sin(2 * np.pi * 300 * secs) * self.level * 32_767
        yield SpeechChunk(hum.astype(np.int16), (CharMark(len(text), len(hum)),))


def draw(seed: int) -> SpeakerEmbedding:
    return SpeakerEmbedding(np.full(4, seed + 1, np.float16), f"seed {seed}", seed)


def test_every_seed_gets_a_clip_and_a_speaker_as_loud_as_all_voices(tmp_path: Path):
    """The gain that makes it so is kept with the speaker."""
    samples = list(
        audition([3, 14], ["你好", "嗯"], tmp_path / "out", draw=draw, cast=lambda _: Tone(0.05))
    )
    assert [sample.seed for sample in samples] == [3, 14]
    for sample in samples:
        pcm, rate_hz = soundfile.read(sample.clip, dtype="int16")
        assert sample.secs == pytest.approx(len(pcm) / rate_hz)
        measured = integrated_lufs(pcm, rate_hz)
        assert measured == pytest.approx(TARGET_LUFS, abs=1.0)
        speaker = load_speaker_file(sample.speaker)
        assert speaker.seed == sample.seed
        assert speaker.gain_db > 3.0
    written = (tmp_path / "out/index.html").read_text("utf-8")
    assert all(sample.clip.name in written for sample in samples)


def test_texts_without_anything_to_say_are_refused(tmp_path: Path):
    """Instead of clips of nothing."""
    with pytest.raises(ConfigError, match="nothing"):
        list(audition([1], [""], tmp_path, draw=draw, cast=lambda _: Tone(0.5)))


def test_the_page_shows_texts_as_text():
    """A text of the user's own may look like markup."""
    assert "<script>" not in page([], ["<script>alert(1)</script>"])


@pytest.mark.parametrize(
    ("text", "seeds"), [("7", [7]), ("0-3", [0, 1, 2, 3]), ("2, 0-2,42", [2, 0, 1, 42])]
)
def test_seeds_are_numbers_and_ranges(text: str, seeds: list[int]):
    """In the order given, each once."""
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "a", "-1", "5-2", "1,,2", "0-100000", "0-99,200", "²"])
def test_other_seeds_are_refused(text: str):
    """With a sentence that says how to write them."""
    with pytest.raises(ConfigError):
        parse_seeds(text)
