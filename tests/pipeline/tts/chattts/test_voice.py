"""ChatTTS behind the protocol of all voices, on its own classes with random weights."""

from __future__ import annotations

import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from pipeline.audio import FloatArray
from pipeline.errors import ConfigError, SynthesisError
from pipeline.tts.base import SpeechStyle
from pipeline.tts.chattts.joins import (
    FADE_SAMPLES,
    REACH_TOKENS,
    TOKEN_SAMPLES,
    Batches,
    Joiner,
    audio_samples,
)
from tests.pipeline.tts.speech import check_contract, marks, say, sound

if TYPE_CHECKING:
    import torch

    from pipeline.tts.chattts.model import ChatTtsModel
    from pipeline.tts.chattts.voice import ChatTtsVoice

pytestmark = pytest.mark.chattts

SENTENCES = [
    "我最近工作压力很大，晚上总是睡不好。",
    "I have been feeling really tired lately, and I cannot sleep.",
    "今天的meeting在10:30，对吗？",
    "哈哈！[laugh]🙂 好的……",
]


@pytest.mark.parametrize("text", SENTENCES)
def test_speaking_keeps_the_contract(voice: ChatTtsVoice, text: str):
    """Chunks and marks are as `SpeechChunk` says."""
    chunks = say(voice, text)
    check_contract(chunks, text)
    assert len(sound(chunks)) > 0


@pytest.mark.parametrize("text", ["", "  ", "[委屈]", "😀😀", "……", "한국어"])
def test_nothing_to_say_is_one_empty_chunk(voice: ChatTtsVoice, text: str):
    """Its mark counts the whole text as heard."""
    (chunk,) = say(voice, text)
    assert len(chunk.pcm) == 0
    assert chunk.marks[-1].chars == len(text)


def test_a_long_text_is_spoken_or_cut_at_its_limit(voice: ChatTtsVoice):
    """Marks go on rising to its end."""
    text = "我在听你说，慢慢来，不着急。" * 8
    chunks = say(voice, text)
    check_contract(chunks, text)
    assert len(marks(chunks)) > 4


def test_the_same_text_gives_the_same_samples_beside_others_too(voice: ChatTtsVoice):
    """Texts that are spoken in turns do not disturb each other's draws."""
    alone = [sound(say(voice, text)) for text in SENTENCES]
    with ThreadPoolExecutor(len(SENTENCES)) as pool:
        together = list(pool.map(lambda text: sound(say(voice, text)), SENTENCES))
    for expected, got in zip(alone, together, strict=True):
        assert np.array_equal(got, expected)


def test_cancelling_ends_the_generation_within_one_decoder_step(
    voice: ChatTtsVoice, model: ChatTtsModel, monkeypatch: pytest.MonkeyPatch
):
    """The real generation is only counted: after the cancel at most one step is taken."""
    steps, cancelled_after = 0, 0
    closed = threading.Event()
    generate = model.generate

    def counted(*args: Any, **kwargs: Any) -> Generator[torch.Tensor, None, None]:
        nonlocal steps
        try:
            for hidden in generate(*args, **kwargs):
                steps += 1
                yield hidden
        finally:
            closed.set()

    def cancelled() -> bool:
        nonlocal cancelled_after
        if steps >= 3 and not cancelled_after:
            cancelled_after = steps
        return cancelled_after > 0

    monkeypatch.setattr(model, "generate", counted)
    assert list(voice.synthesise(SENTENCES[1], SpeechStyle(), cancelled)) == []
    assert closed.wait(30)
    assert steps <= cancelled_after + 1


def test_volume_is_exact_and_never_clips(voice: ChatTtsVoice):
    """Half the volume is half of every sample; the loudest has no flat tops."""
    plain, soft, loud = (
        sound(say(voice, SENTENCES[0], SpeechStyle(volume=volume))) for volume in (1.0, 0.5, 1.5)
    )
    assert np.abs(plain / 2 - soft).max() <= 1
    top = np.abs(loud.astype(np.int32)) >= 32_767
    assert not np.any(top[1:] & top[:-1])


def test_the_rate_changes_the_speed_token_and_so_the_speech(voice: ChatTtsVoice):
    """What the token does to the speed is up to the weights."""
    plain, slow = (sound(say(voice, SENTENCES[0], SpeechStyle(rate=rate))) for rate in (1.0, 0.6))
    assert len(plain) != len(slow) or not np.array_equal(plain, slow)


def hidden_tokens(model: ChatTtsModel, tokens: int) -> torch.Tensor:
    """Hidden states as random as the weights."""
    import torch

    generator = torch.Generator().manual_seed(3)
    return torch.randn(tokens, model.speaker_dimensions, generator=generator)


def joined(
    model: ChatTtsModel, hidden: torch.Tensor, batches: Batches
) -> tuple[list[FloatArray], list[FloatArray]]:
    """A clause whose tokens arrive one by one, by the real networks.

    Returns:
        Its pieces, and what each window decodes the whole clause's samples to, NaN outside.
    """
    joiner = Joiner(batches)
    pieces, decoded = [], []
    for tokens in range(1, len(hidden) + 1):
        finished = tokens == len(hidden)
        while (window := joiner.window(tokens, finished=finished)) is not None:
            audio = model.decode(hidden[window.start : window.stop])
            placed = np.full(audio_samples(len(hidden)), np.nan, np.float32)
            placed[window.start * TOKEN_SAMPLES :][: len(audio)] = audio
            decoded.append(placed)
            pieces.append(joiner.join(window, audio))
    return pieces, decoded


def test_with_full_lookahead_the_pieces_are_the_whole(model: ChatTtsModel):
    """Streaming then changes nothing that can be heard: the difference is rounding."""
    hidden = hidden_tokens(model, 150)
    whole = model.decode(hidden)
    pieces, _ = joined(model, hidden, Batches(12, 24, REACH_TOKENS + 1))
    streamed = np.concatenate(pieces)
    assert len(streamed) == len(whole)
    assert np.abs(streamed - whole).max() < 1e-4 * np.abs(whole).max()


@pytest.mark.parametrize("lookahead_tokens", [4, 16])
def test_joins_do_not_click(model: ChatTtsModel, lookahead_tokens: int):
    """A join goes on with the last window's samples and ends with the next one's.

    Where the short lookahead makes the two differ, a cut would step from one to the other.
    """
    hidden = hidden_tokens(model, 150)
    whole = model.decode(hidden)
    pieces, decoded = joined(model, hidden, Batches(12, 24, lookahead_tokens))
    streamed = np.concatenate(pieces)
    assert len(streamed) == len(whole)
    ends = np.cumsum([len(piece) for piece in pieces])[:-1]
    assert len(ends) >= 4
    for end, old, new in zip(ends, decoded[:-1], decoded[1:], strict=True):
        fade = slice(end, end + FADE_SAMPLES)
        differ = float(np.abs(new[fade] - old[fade]).max())
        assert differ > 1e-6
        assert streamed[end] == pytest.approx(old[end], abs=1e-3 * differ)
        assert streamed[fade][-1] == pytest.approx(new[fade][-1], abs=1e-3 * differ)
    across = np.abs(np.diff(streamed))[ends - 1]
    assert across.max() <= np.percentile(np.abs(np.diff(whole)), 99.9)


def test_a_speaker_of_other_weights_is_refused(model: ChatTtsModel):
    """Before a thread is started."""
    from pipeline.tts.chattts.speaker_code import draw_speaker
    from pipeline.tts.chattts.voice import ChatTtsVoice

    with pytest.raises(ConfigError, match="768 dimensions"):
        ChatTtsVoice(model, draw_speaker(7))


def test_a_closed_voice_says_so(model: ChatTtsModel):
    """Instead of waiting for a thread that is gone."""
    from agent.voices.chattts_random import small_config
    from pipeline.tts.chattts.speaker_code import draw_speaker
    from pipeline.tts.chattts.voice import ChatTtsVoice

    voice = ChatTtsVoice(model, draw_speaker(1, small_config()))
    voice.close()
    with pytest.raises(SynthesisError, match="closed"):
        say(voice, "你好")
