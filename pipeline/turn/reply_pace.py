"""How long a caller will still wait for the reply that is being drafted. Pure, stream time.

    draft ──────── usual ────────▶ first sound
      begun   now ├─ remaining ─┤

What the last drafts of the call took is what the next one is expected to take, at its beginning
those of the calls before: it depends on the model and the machine, which stay the same, more than
on the words. Scripted lines come sooner and count as well, but for the calls after this one; drafts
dropped before they sound do not: in doubt a reply is expected soon.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from statistics import median

# Few enough that a machine that has become busy, or idle, is noticed within a few turns.
REMEMBERED = 5

# No model writes sooner; what is ready sooner is a scripted line, and tells the next call nothing.
SCRIPTED_SECS = 0.2


def recent_replies() -> deque[float]:
    """Seconds that the last drafts took, of whatever call."""
    return deque(maxlen=REMEMBERED)


@dataclass
class ReplyPace:
    """Learns from every draft how long after its beginning its first sound is ready.

    Attributes:
        recent: What a call begins with, and adds to; shared by the calls of a process, on one
            thread.
    """

    recent: deque[float] = field(default_factory=recent_replies)
    _took_secs: deque[float] = field(init=False)
    _awaited: tuple[int, float] | None = None  # the newest draft, and when it was begun

    def __post_init__(self) -> None:
        self._took_secs = self.recent.copy()

    def begin(self, generation: int, at_secs: float) -> None:
        """A reply is being drafted; it takes the place of the one before."""
        self._awaited = (generation, at_secs)

    def voiced(self, generation: int, at_secs: float) -> None:
        """Its first sound is ready; only the first time, and only of the newest, counts."""
        if self._awaited is not None and self._awaited[0] == generation:
            took_secs = at_secs - self._awaited[1]
            self._took_secs.append(took_secs)
            if took_secs > SCRIPTED_SECS:
                self.recent.append(took_secs)
            self._awaited = None

    def dropped(self, generation: int) -> None:
        """It will not be heard; a first sound that still comes was not made for anybody."""
        if self._awaited is not None and self._awaited[0] == generation:
            self._awaited = None

    def remaining_secs(self, at_secs: float) -> float:
        """Until the awaited sound is to be expected; 0 if none is, or nothing is known yet."""
        if self._awaited is None or not self._took_secs:
            return 0.0
        return max(0.0, self._awaited[1] + median(self._took_secs) - at_secs)
