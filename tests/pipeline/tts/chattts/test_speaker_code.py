"""Speakers drawn from seeds, and shared as ChatTTS's users share them."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import ConfigError

pytestmark = pytest.mark.chattts


def test_a_seed_draws_the_speaker_that_chattts_draws():
    """And leaves torch's own state alone."""
    import torch
    from ChatTTS.config import Config
    from ChatTTS.model import Speaker

    from pipeline.tts.chattts.speaker_code import draw_speaker, to_code

    config = Config()
    torch.manual_seed(42)
    expected = Speaker(config.gpt.hidden_size, config.spk_stat).sample_random()
    state = torch.get_rng_state()
    drawn = draw_speaker(42)
    assert to_code(drawn) == expected
    assert torch.equal(torch.get_rng_state(), state)
    assert len(drawn.values) == 768
    assert not np.array_equal(draw_speaker(43).values, drawn.values)


def test_a_code_gives_the_speaker_back():
    """White space around it does not matter."""
    from pipeline.tts.chattts.speaker_code import draw_speaker, from_code, to_code

    speaker = draw_speaker(3)
    again = from_code(f"  {to_code(speaker)}\n", "友人")
    assert np.array_equal(again.values, speaker.values)
    assert again.name == "友人"


@pytest.mark.parametrize("text", ["", "hello", "蘁淰敥欀", "愐" * 400, "x" * 30_000])
def test_other_texts_are_no_speakers(text: str):
    """They come from web pages, so anything may be in them."""
    from pipeline.tts.chattts.speaker_code import from_code

    with pytest.raises(ConfigError):
        from_code(text)


def test_a_code_of_other_weights_is_refused():
    """It has other dimensions."""
    from agent.voices.chattts_random import small_config
    from pipeline.tts.chattts.speaker_code import draw_speaker, from_code, to_code

    with pytest.raises(ConfigError, match="64 dimensions"):
        from_code(to_code(draw_speaker(1, small_config())))
