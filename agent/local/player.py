"""What the loudspeaker plays next: replies, pauses without a click, samples counted.

    audio ──▶ buffered ──▶ block by block to the device
    pause     ╲ 10 ms fade, then silence; the position stays
    resume    ╱ 10 ms fade, from an earlier border
    flush     ╲ 10 ms fade, the rest is thrown away

An acknowledgement (嗯) is played beside them and gives way to a reply that begins to sound.

Device thread and event loop share it, so every method takes the lock; none waits for
anything else.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np

from pipeline.audio import OUTPUT_RATE_HZ, FloatArray, Int16Array, int16_to_float

FADE_SECS = 0.01  # a step of full scale over 10 ms is below 50 Hz: no click
FADE_SAMPLES = round(FADE_SECS * OUTPUT_RATE_HZ)
# Speech is made faster than it plays; this much of a lead bridges one stall of the loop.
START_SAMPLES = round(0.04 * OUTPUT_RATE_HZ)


@dataclass(slots=True)
class _Reply:
    reply_id: str
    pieces: list[FloatArray] = field(default_factory=list)
    total: int = 0
    position: int = 0
    furthest: int = 0
    gain: float = 0.0  # of the last sample played
    started: bool = False
    paused: bool = False
    resume_at: int | None = None  # as soon as the fade of the pause has been played
    flushed: bool = False
    complete: bool = False  # no audio follows

    def take(self, count: int) -> FloatArray:
        """Up to `count` samples from the position on; moves it."""
        parts, start = [], 0
        end = self.position + count
        for piece in self.pieces:
            if start + len(piece) > self.position and start < end:
                parts.append(piece[max(0, self.position - start) : end - start])
            start += len(piece)
        taken = np.concatenate(parts) if parts else np.zeros(0, np.float32)
        self.position += len(taken)
        self.furthest = max(self.furthest, self.position)
        return taken


class Player:
    """Plays replies at 24 kHz, one after the other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._replies: list[_Reply] = []
        self._acknowledgement: FloatArray = np.zeros(0, dtype=np.float32)  # what is left of it

    def acknowledge(self, samples: Int16Array) -> None:
        """Play a whole acknowledgement at once; it is no reply and is not counted.

        Args:
            samples: int16, shape (n_samples,), 24 kHz.
        """
        with self._lock:
            self._acknowledgement = int16_to_float(samples)

    def receive(self, reply_id: str, samples: Int16Array) -> None:
        """The next samples of a reply; none of a flushed one are taken."""
        with self._lock:
            reply = self._find(reply_id) or self._open(reply_id)
            if not reply.flushed and len(samples):
                reply.pieces.append(int16_to_float(samples))
                reply.total += len(samples)

    def pause(self, reply_id: str) -> None:
        """Fade out and hold."""
        with self._lock:
            if reply := self._find(reply_id):
                reply.paused, reply.resume_at = True, None

    def resume(self, reply_id: str, from_sample: int) -> None:
        """Fade in from `from_sample` of the reply's audio."""
        with self._lock:
            if (reply := self._find(reply_id)) and reply.paused:
                reply.resume_at = min(max(0, from_sample), reply.total)

    def flush(self, reply_id: str) -> None:
        """Fade out and forget what was not played."""
        with self._lock:
            (self._find(reply_id) or self._open(reply_id)).flushed = True

    def finish(self, reply_id: str) -> None:
        """No audio follows."""
        with self._lock:
            if reply := self._find(reply_id):
                reply.complete = True

    def played(self, reply_id: str) -> int:
        """How far into a reply's audio the loudspeaker has come."""
        with self._lock:
            reply = self._find(reply_id)
            return reply.position if reply else 0

    def read(self, count: int) -> FloatArray:
        """The next block.

        Args:
            count: Samples, at least `FADE_SAMPLES`.

        Returns:
            float32, shape (count,), silence where there is nothing to play.
        """
        with self._lock:
            block = np.zeros(count, dtype=np.float32)
            reply = self._current()
            if reply is not None:
                played = self._play(reply, count)
                block[: len(played)] = played
                if len(played):
                    self._acknowledgement = _faded(self._acknowledgement)
            said = self._acknowledgement[:count]
            self._acknowledgement = self._acknowledgement[count:]
            block[: len(said)] += said
            return np.clip(block, -1.0, 1.0)

    def _play(self, reply: _Reply, count: int) -> FloatArray:
        if reply.resume_at is not None and not reply.gain:
            reply.position, reply.resume_at, reply.paused = reply.resume_at, None, False
        if reply.paused or reply.flushed:
            count = min(count, FADE_SAMPLES) if reply.gain else 0
            target = 0.0
        else:
            waiting = reply.total - reply.position
            if not reply.started and waiting < START_SAMPLES and not reply.complete:
                return np.zeros(0, dtype=np.float32)
            reply.started = True
            # What runs dry in the middle ends softly, too.
            target = 0.0 if waiting <= count else 1.0
        samples = reply.take(count)
        if len(samples):
            samples = samples * _gains(len(samples), reply.gain, target)
            reply.gain = target
        return samples

    def _current(self) -> _Reply | None:
        """The first reply that still has something to play; drops those that are over."""
        while self._replies:
            reply = self._replies[0]
            over = reply.complete and not reply.paused and reply.position >= reply.total
            if len(self._replies) > 1 and (over or (reply.flushed and not reply.gain)):
                self._replies.pop(0)
                continue
            return reply
        return None

    def _find(self, reply_id: str) -> _Reply | None:
        return next((reply for reply in self._replies if reply.reply_id == reply_id), None)

    def _open(self, reply_id: str) -> _Reply:
        reply = _Reply(reply_id)
        self._replies.append(reply)
        return reply


def _faded(samples: FloatArray) -> FloatArray:
    """The beginning of `samples`, fading out."""
    kept = samples[:FADE_SAMPLES]
    return kept * _gains(len(kept), 1.0, 0.0)


def _gains(count: int, start: float, end: float) -> FloatArray:
    """1.0, but for a fade at the beginning after silence and one at the end before it."""
    gains = np.ones(count, dtype=np.float32)
    fade = min(count, FADE_SAMPLES)
    if start == 0.0:
        gains[:fade] = np.linspace(0.0, 1.0, fade)
    if end == 0.0:
        gains[count - fade :] = np.minimum(gains[count - fade :], np.linspace(1.0, 0.0, fade))
    return gains
