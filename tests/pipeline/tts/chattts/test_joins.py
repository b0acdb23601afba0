"""Windows and their joins, on a decoder that can be reckoned with."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.audio import FloatArray
from pipeline.tts.chattts.joins import (
    FADE_SAMPLES,
    REACH_TOKENS,
    TOKEN_SAMPLES,
    Batches,
    Joiner,
    audio_samples,
)

BATCHES = st.builds(Batches, st.integers(1, 40), st.integers(1, 40), st.integers(1, 60))


def decode(values: FloatArray, reach_tokens: int = REACH_TOKENS) -> FloatArray:
    """A sample is the mean of the tokens within `reach_tokens`: as far as ChatTTS sees.

    In the place of the networks, so that the joins can be checked without them;
    test_voice.py has the real ones.
    """
    padded = np.pad(values, reach_tokens)
    kernel = np.ones(2 * reach_tokens + 1, np.float32) / (2 * reach_tokens + 1)
    blurred = np.convolve(padded, kernel, "valid").astype(np.float32)
    return np.repeat(blurred, TOKEN_SAMPLES)[: audio_samples(len(values))]


def spoken(values: FloatArray, batches: Batches) -> list[FloatArray]:
    """The pieces of a clause whose tokens arrive one by one."""
    joiner = Joiner(batches)
    pieces = []
    for tokens in range(1, len(values) + 1):
        window = joiner.window(tokens, finished=False)
        if window is not None:
            pieces.append(joiner.join(window, decode(values[window.start : window.stop])))
    window = joiner.window(len(values), finished=True)
    if window is not None:
        pieces.append(joiner.join(window, decode(values[window.start : window.stop])))
    return pieces


def noise(tokens: int) -> FloatArray:
    """Tokens that have nothing to do with their neighbours."""
    return np.random.default_rng(tokens).normal(size=tokens).astype(np.float32)


@given(tokens=st.integers(0, 200), batches=BATCHES)
def test_every_sample_is_given_out_once(tokens: int, batches: Batches):
    """Whatever the batches: the length is that of the whole clause."""
    assert sum(map(len, spoken(noise(tokens), batches))) == audio_samples(tokens)


@given(tokens=st.integers(1, 200), first=st.integers(1, 40), batch=st.integers(1, 40))
def test_with_full_lookahead_the_joined_audio_is_the_whole(tokens: int, first: int, batch: int):
    """A window that sees as far as the networks gives their very samples."""
    values = noise(tokens)
    whole = decode(values)
    joined = np.concatenate(spoken(values, Batches(first, batch, REACH_TOKENS + 1)))
    np.testing.assert_allclose(joined, whole, atol=1e-6)


def test_a_short_lookahead_makes_no_step_at_the_join():
    """Over the join the estimate turns into the next window's samples little by little."""
    tokens = np.full(100, 1.0, np.float32)
    batches = Batches(first_tokens=12, batch_tokens=24, lookahead_tokens=4)
    pieces = spoken(tokens, batches)
    joined = np.concatenate(pieces)
    join = len(pieces[0])
    cut = abs(_fresh(tokens, batches)[0] - joined[join - 1])
    largest = np.abs(np.diff(joined[join - 1 : join + FADE_SAMPLES])).max()
    assert cut > 0.1
    assert largest < cut / 50


def _fresh(tokens: FloatArray, batches: Batches) -> FloatArray:
    """The second piece as its window has it, without the cross-fade."""
    start = batches.first_tokens * TOKEN_SAMPLES
    stop = batches.first_tokens + batches.batch_tokens + batches.lookahead_tokens
    return decode(tokens[:stop])[start:]


def test_the_first_piece_waits_for_its_tokens_and_its_lookahead():
    """Not one token longer."""
    joiner = Joiner(Batches(first_tokens=12, batch_tokens=24, lookahead_tokens=16))
    assert joiner.window(27, finished=False) is None
    window = joiner.window(28, finished=False)
    assert window is not None
    assert (window.start, window.stop, window.until_samples) == (0, 28, 12 * TOKEN_SAMPLES)


def test_a_window_reaches_back_no_further_than_the_networks_see():
    """A long clause costs no more per piece than a short one."""
    joiner = Joiner(Batches(first_tokens=60, batch_tokens=24, lookahead_tokens=16))
    window = joiner.window(76, finished=False)
    assert window is not None
    joiner.join(window, np.zeros(audio_samples(76), np.float32))
    following = joiner.window(100, finished=False)
    assert following is not None
    assert following.start == 60 - REACH_TOKENS


def test_batches_without_tokens_are_refused():
    """A piece needs a token, a join needs a lookahead."""
    with pytest.raises(ValueError, match="at least 1"):
        Batches(lookahead_tokens=0)
