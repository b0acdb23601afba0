"""Where the client's loudspeaker stands in a reply: reported by it, or estimated."""

from __future__ import annotations

from pipeline.audio import OUTPUT_RATE_HZ

# From our send to the first sample in the air at a client that does not report: the
# page's and the scripted caller's jitter buffers both aim at this.
ASSUMED_CLIENT_DELAY_SECS = 0.08


class PlayoutClock:
    """Position of playout in samples; all `now` are monotonic seconds and never go back.

    Between reports the position runs on at 24 kHz, but never past what was sent; a report
    corrects it either way. A client that never reports is assumed to start
    `ASSUMED_CLIENT_DELAY_SECS` after the first send and to play through a pause what it
    already has.
    """

    def __init__(self, *, holds_on_pause: bool) -> None:
        self._holds_on_pause = holds_on_pause
        self._sent = 0
        self._position = 0.0
        self._at: float | None = None
        self._paused = False
        self._rewound_from = 0
        self.confirmed: int | None = None  # furthest report, None before any

    @property
    def furthest(self) -> int:
        """Furthest sample played so far; a resume further back does not lower it."""
        return max(self._rewound_from, self.confirmed or 0, int(self._position))

    def sent(self, total_samples: int, now: float) -> None:
        """`total_samples` of the reply have been sent by now."""
        if self._at is None:
            self._at = now + ASSUMED_CLIENT_DELAY_SECS
        else:
            self._advance(now)
        self._sent = total_samples

    def report(self, samples: int, now: float) -> None:
        """The client says that it has played `samples` samples."""
        self._position = float(min(max(samples, 0), self._sent))
        self._at = now
        self.confirmed = max(self.confirmed or 0, int(self._position))

    def stop(self, samples: int, now: float) -> None:
        """The client stopped after `samples` samples; that counts more than our estimate."""
        self.report(samples, now)
        self.confirmed = int(self._position)
        self._rewound_from = 0

    def pause(self, now: float) -> None:
        self._advance(now)
        self._paused = True

    def resume(self, from_sample: int, now: float) -> None:
        self._advance(now)
        self._paused = False
        if self._holds_on_pause:
            self._rewound_from = self.furthest
            self._position = float(min(from_sample, self._sent))
            self._at = now

    def position(self, now: float) -> int:
        """Samples played by now."""
        self._advance(now)
        return int(self._position)

    def _advance(self, now: float) -> None:
        if self._at is None or now <= self._at:
            return
        if not (self._paused and self._holds_on_pause):
            elapsed_samples = (now - self._at) * OUTPUT_RATE_HZ
            self._position = min(self._position + elapsed_samples, float(self._sent))
        self._at = now
