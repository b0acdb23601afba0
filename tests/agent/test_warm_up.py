"""What is used once before the first call."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.warm_up import SENTENCES
from pipeline.tts.english import EnglishVoice
from pipeline.tts.loudness import EvenVoice
from pipeline.tts.mandarin import MandarinVoice
from tests.pipeline.tts.speech import say


@pytest.mark.models
def test_the_sentences_measure_a_voice(mandarin_voice_dir: Path):
    """One is enough to know how loud a voice of its language is; acknowledgements come next."""
    for sentence, engine in zip(
        SENTENCES, (MandarinVoice(mandarin_voice_dir), EnglishVoice()), strict=True
    ):
        voice = EvenVoice(engine)
        say(voice, sentence)
        assert voice.is_settled
