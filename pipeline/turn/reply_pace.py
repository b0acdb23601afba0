"""How long a caller will still wait for the reply that is being drafted. Pure, stream time.

    draft ──────── usual ────────▶ first sound
      begun   now ├─ remaining ─┤

What the last drafts took, of this call and of others, is what the next one is expected to take:
it depends on the model and the machine, which they share, more than on the words. Scripted lines
come sooner and count as well, drafts dropped before they sound do not: in doubt a reply is expected
soon.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from statistics import median

# Few enough that a machine that has become busy, or idle, is noticed within a few turns.
REMEMBERED = 5


def recent_replies() -> deque[float]:
    """Seconds that the last drafts took; the calls of a process share one."""
    return deque(maxlen=REMEMBERED)


@dataclass
class ReplyPace:
    """Learns from every draft how long after its beginning its first sound is ready.

    Attributes:
        took_secs: As `recent_replies` gives it; without one a call begins knowing nothing.
    """

    took_secs: deque[float] = field(default_factory=recent_replies)
    _awaited: tuple[int, float] | None = None  # the newest draft, and when it was begun

    def begin(self, generation: int, at_secs: float) -> None:
        """A reply is being drafted; it takes the place of the one before."""
        self._awaited = (generation, at_secs)

    def voiced(self, generation: int, at_secs: float) -> None:
        """Its first sound is ready; only the first time, and only of the newest, counts."""
        if self._awaited is not None and self._awaited[0] == generation:
            self.took_secs.append(at_secs - self._awaited[1])
            self._awaited = None

    def remaining_secs(self, at_secs: float) -> float:
        """Until the awaited sound is to be expected; 0 if none is, or nothing is known yet."""
        if self._awaited is None or not self.took_secs:
            return 0.0
        return max(0.0, self._awaited[1] + median(self.took_secs) - at_secs)
