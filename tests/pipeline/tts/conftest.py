"""The embedded voices, loaded once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.tts.english import EnglishVoice
from pipeline.tts.mandarin import MandarinVoice
from pipeline.tts.speaker import Speaker


@pytest.fixture(scope="session")
def mandarin(mandarin_voice_dir: Path) -> MandarinVoice:
    return MandarinVoice(mandarin_voice_dir)


@pytest.fixture(scope="session")
def english() -> EnglishVoice:
    return EnglishVoice()


@pytest.fixture
def speaker(mandarin: MandarinVoice, english: EnglishVoice) -> Speaker:
    """Fresh for each test: its cache is empty."""
    return Speaker({"zh": mandarin, "en": english})
