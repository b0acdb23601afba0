"""A sound device that exists only as a schedule. Pure: every method takes the time.

Audio that arrives while some is still playing follows it without a gap. Audio that arrives
at a silent device waits for the jitter buffer:

    arrival of 250 ms  ▼                       played at once, it is longer than the buffer
    arrival of 20 ms   ▼────80 ms────▶         played when the buffer's time is over

Times are seconds on one clock (monotonic in a real call); samples are 24 kHz, mono.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from agent.caller_clip import LEVEL_WINDOW_SECS, window_levels_dbfs
from pipeline.audio import OUTPUT_RATE_HZ, Int16Array

JITTER_SECS = 0.08
AUDIBLE_DBFS = -50.0  # level of a 10 ms window that a listener notices in a quiet room


@dataclass(slots=True)
class PlayedSpan:
    """Samples of one reply that sound without a break from `start_at` on."""

    reply_id: str
    start_at: float
    start_sample: int
    samples: Int16Array

    @property
    def end_at(self) -> float:
        return self.start_at + len(self.samples) / OUTPUT_RATE_HZ

    def audible_at(self) -> float | None:
        """When its first 10 ms above -50 dBFS begin to sound; None if none do."""
        window = round(LEVEL_WINDOW_SECS * OUTPUT_RATE_HZ)
        loud = np.flatnonzero(window_levels_dbfs(self.samples, window) >= AUDIBLE_DBFS)
        return self.start_at + int(loud[0]) * window / OUTPUT_RATE_HZ if len(loud) else None


@dataclass(slots=True)
class _Track:
    """All audio received of one reply."""

    pieces: list[Int16Array] = field(default_factory=list)
    total: int = 0
    gaps_secs: list[float] = field(default_factory=list)
    flushed: bool = False


class SimulatedSpeaker:
    """Plays replies one after the other, as a client's audio worklet would."""

    def __init__(self, jitter_secs: float = JITTER_SECS) -> None:
        self._jitter_secs = jitter_secs
        self._tracks: dict[str, _Track] = {}
        self._spans: list[PlayedSpan] = []
        self._acknowledgements: list[PlayedSpan] = []
        self._busy_until = float("-inf")
        self._paused_reply: str | None = None

    @property
    def spans(self) -> list[PlayedSpan]:
        """Everything played or still to be played, in order of time."""
        return self._spans

    def receive(self, reply_id: str, samples: Int16Array, now: float) -> None:
        """The next samples of a reply; none of a flushed one are taken."""
        track = self._tracks.setdefault(reply_id, _Track())
        if track.flushed or not len(samples):
            return
        start_sample = track.total
        track.pieces.append(samples)
        track.total += len(samples)
        if self._paused_reply == reply_id:
            return
        if self._busy_until <= now:
            start_at = now + self._buffering_secs(samples)
            if start_sample:
                track.gaps_secs.append(start_at - self._busy_until)
        else:
            start_at = self._busy_until
        self._schedule(PlayedSpan(reply_id, start_at, start_sample, samples))

    def acknowledge(self, samples: Int16Array, now: float) -> None:
        """Play an acknowledgement beside the replies; it is none of them, and is rendered only."""
        self._acknowledgements.append(PlayedSpan("", now, 0, samples))

    def pause(self, reply_id: str, now: float) -> None:
        """Fall silent at once and keep what was not played."""
        self._cut(now)
        self._paused_reply = reply_id

    def resume(self, reply_id: str, from_sample: int, now: float) -> None:
        """Play a paused reply on, from `from_sample` of its audio."""
        if self._paused_reply != reply_id:
            return
        self._paused_reply = None
        rest = self.audio(reply_id)[from_sample:]
        if len(rest):
            self._schedule(PlayedSpan(reply_id, now, from_sample, rest))

    def flush(self, reply_id: str, now: float) -> None:
        """Fall silent and forget what was not played of this reply."""
        if self._paused_reply == reply_id:
            self._paused_reply = None
        self._tracks.setdefault(reply_id, _Track()).flushed = True
        if self._spans and self._spans[-1].reply_id == reply_id:
            self._cut(now)

    def silent(self, now: float) -> bool:
        """Whether nothing is playing, waiting or paused."""
        return self._paused_reply is None and self._busy_until <= now

    def played_samples(self, reply_id: str, now: float) -> int:
        """How far into a reply's audio the device has come."""
        position = 0
        for span in self._spans:
            if span.reply_id == reply_id and span.start_at <= now:
                elapsed = round((now - span.start_at) * OUTPUT_RATE_HZ)
                position = span.start_sample + min(len(span.samples), elapsed)
        return position

    def audio(self, reply_id: str) -> Int16Array:
        """All audio received of a reply."""
        track = self._tracks.get(reply_id)
        if track is None or not track.pieces:
            return np.zeros(0, dtype=np.int16)
        return np.concatenate(track.pieces)

    def gaps_secs(self, reply_id: str) -> tuple[float, ...]:
        """How long each silence was that a reply fell into by running dry."""
        track = self._tracks.get(reply_id)
        return tuple(track.gaps_secs) if track else ()

    def first_audible_at(self, reply_id: str) -> float | None:
        """When the reply became audible; None if it never did."""
        mine = (span.audible_at() for span in self._spans if span.reply_id == reply_id)
        return next((at for at in mine if at is not None), None)

    def first_acknowledged_at(self, after: float, before: float | None) -> float | None:
        """When the first acknowledgement between two instants became audible, if one did."""
        audible = (span.audible_at() for span in self._acknowledgements if span.start_at > after)
        first = next((at for at in audible if at is not None), None)
        return first if first is not None and before is not None and first < before else None

    def last_played_at(self, reply_id: str) -> float | None:
        """When the reply's last sample sounded; None if none did."""
        ends = [span.end_at for span in self._spans if span.reply_id == reply_id]
        return max(ends) if ends else None

    def render(self, start_at: float, total_samples: int) -> Int16Array:
        """What the device played from `start_at` on: int16, shape (total_samples,).

        Where a reply sounds, an acknowledgement does not.
        """
        line = np.zeros(total_samples, dtype=np.int16)
        for span in [*self._acknowledgements, *self._spans]:
            first = round((span.start_at - start_at) * OUTPUT_RATE_HZ)
            skipped = max(0, -first)
            heard = span.samples[skipped : max(skipped, total_samples - first)]
            line[first + skipped : first + skipped + len(heard)] = heard
        return line

    def _buffering_secs(self, samples: Int16Array) -> float:
        enough = len(samples) / OUTPUT_RATE_HZ >= self._jitter_secs
        return 0.0 if enough else self._jitter_secs

    def _schedule(self, span: PlayedSpan) -> None:
        self._spans.append(span)
        self._busy_until = span.end_at

    def _cut(self, now: float) -> None:
        """Nothing sounds after `now`."""
        kept = []
        for span in self._spans:
            samples = span.samples
            if span.end_at > now:
                samples = samples[: max(0, round((now - span.start_at) * OUTPUT_RATE_HZ))]
            if len(samples):
                kept.append(PlayedSpan(span.reply_id, span.start_at, span.start_sample, samples))
        self._spans = kept
        self._busy_until = min(self._busy_until, now)
