"""Audio from hidden states piece by piece, so that the pieces join without a click.

ChatTTS's own streaming decodes everything from the start again for every piece, and drops
near-silent samples wherever they are in the last one. Here a piece is decoded from a window:

    tokens   ──────|====== context =======|####### new #######|≈≈ lookahead ≈≈|
    decoded        |-------------------------------------------------------->|
    given out                             |------------------>|
                                          ↑ 11 ms cross-fade with the last window's
                                            version of the same samples

The networks are convolutions: a sample depends on tokens up to `REACH_TOKENS` away on
either side. The context is that long, so a window's left edge is exact. The lookahead is
what the listener waits for; a shorter one makes the last samples of a piece an estimate,
and the cross-fade leads from the estimate into the next window without a step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.audio import OUTPUT_RATE_HZ, FloatArray

HOP_SAMPLES = 256  # of ChatTTS's spectrogram
TOKEN_SAMPLES = 2 * HOP_SAMPLES  # its decoder makes two frames of each token
TOKENS_PER_SEC = OUTPUT_RATE_HZ / TOKEN_SAMPLES  # 46.9

# Half the width of decoder and vocoder together, in frames: two convolutions of width 3 and
# twelve of width 7 with dilation 2 (2 + 72), an output of width 3 (1); width 7 and eight
# blocks of width 7 (27); the inverse transform's window of four frames (2).
_REACH_FRAMES = 2 + 72 + 1 + 27 + 2
REACH_TOKENS = _REACH_FRAMES // 2  # 52

FADE_SAMPLES = HOP_SAMPLES  # 10.7 ms: longer than a period of any voice, shorter than a sound


@dataclass(frozen=True, slots=True)
class Batches:
    """When audio is decoded, in tokens of 21.3 ms.

    ChatTTS's own names: `batch_tokens` is `stream_batch` (24), `lookahead_tokens` is
    `pass_first_n_batches` times it (48).

    Attributes:
        first_tokens: Length of the first piece.
        batch_tokens: Length of the others. Shorter ones decode their context more often.
        lookahead_tokens: Generated beyond a piece before it is given out; at least 1.
    """

    first_tokens: int = 12
    batch_tokens: int = 24
    lookahead_tokens: int = 16

    def __post_init__(self) -> None:
        if min(self.first_tokens, self.batch_tokens, self.lookahead_tokens) < 1:
            raise ValueError("first_tokens, batch_tokens and lookahead_tokens must be at least 1")


@dataclass(frozen=True, slots=True)
class Window:
    """Tokens to decode next.

    Attributes:
        start, stop: The tokens, `stop` not included.
        until_samples: How far the clause's audio is given out after this window.
    """

    start: int
    stop: int
    until_samples: int


class Joiner:
    """Plans the windows of one clause and joins their audio.

    Each token's samples are given out once and in order, whatever the windows are.
    """

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self._given_tokens = 0
        self._given_samples = 0
        self._estimate: FloatArray = np.zeros(0, np.float32)  # the last window's next samples

    @property
    def given_samples(self) -> int:
        """Samples given out so far."""
        return self._given_samples

    def window(self, tokens: int, *, finished: bool) -> Window | None:
        """What to decode when `tokens` tokens are generated; None to wait for more.

        Args:
            tokens: Generated so far.
            finished: Whether these are all.
        """
        batches = self._batches
        start = max(0, self._given_tokens - REACH_TOKENS)
        if finished:
            until = audio_samples(tokens)
            return Window(start, tokens, until) if until > self._given_samples else None
        length = batches.batch_tokens if self._given_tokens else batches.first_tokens
        stop = self._given_tokens + length + batches.lookahead_tokens
        if tokens < stop:
            return None
        return Window(start, stop, (stop - batches.lookahead_tokens) * TOKEN_SAMPLES)

    def join(self, window: Window, audio: FloatArray) -> FloatArray:
        """The next samples.

        Args:
            window: As planned last.
            audio: What its tokens decode to, float32, `audio_samples(stop - start)` samples.

        Returns:
            float32, shape (until_samples - given_samples,).
        """
        offset = window.start * TOKEN_SAMPLES
        begin, end = self._given_samples - offset, window.until_samples - offset
        piece = audio[begin:end].copy()
        fade = min(len(piece), len(self._estimate))
        if fade:
            rise = _RISE[:fade] if fade == FADE_SAMPLES else _rise(fade)
            piece[:fade] = self._estimate[:fade] * (1 - rise) + piece[:fade] * rise
        self._estimate = audio[end : end + FADE_SAMPLES].copy()
        self._given_samples = window.until_samples
        self._given_tokens = window.until_samples // TOKEN_SAMPLES
        return piece


def audio_samples(tokens: int) -> int:
    """Samples that so many tokens decode to; the last frame has no second half."""
    return max(0, tokens * TOKEN_SAMPLES - HOP_SAMPLES)


def _rise(samples: int) -> FloatArray:
    """Raised cosine from 0 to 1; with its complement it adds up to 1 everywhere."""
    phase = np.pi * (np.arange(samples) + 0.5) / samples
    rise: FloatArray = (0.5 * (1.0 - np.cos(phase))).astype(np.float32)
    return rise


_RISE = _rise(FADE_SAMPLES)
