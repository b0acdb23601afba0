"""When a voice is too late, and how long it then rests. No clock, no threads.

text given                first sound                        deadline of the next piece
   ├──── first_audio_secs ────┤                                      │
   └──────────────────────────┴── all sound so far, played ──┴ stall_secs ┘
"""

from __future__ import annotations

from dataclasses import dataclass

_SHORT_SECS = 1.0  # of sound: a shorter clause is mostly the wait for its first piece
_SLOW_CLAUSES = 2  # in a row; one may be the machine's mood
_LONGEST_REST_SECS = 600.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a caller waits for a voice.

    Attributes:
        first_audio_secs: For a clause's first sound.
        stall_secs: Silence inside a clause, once all sound so far has been played.
        retry_secs: A failed voice's first rest; it doubles with every further failure.
        warm_up_secs: For the first sound of the very first clause, when nobody is calling yet.
    """

    first_audio_secs: float = 2.5
    stall_secs: float = 0.8
    retry_secs: float = 30.0
    warm_up_secs: float = 20.0


class Progress:
    """One clause on its way, as against the ear that waits for it.

    Args:
        patience: How long that ear waits.
        began_at: When the text was given to the voice.
        is_first: Whether no clause was ever asked for before.
    """

    def __init__(self, patience: Patience, began_at: float, *, is_first: bool = False) -> None:
        self._patience = patience
        self._began_at = began_at
        self._wait_secs = patience.warm_up_secs if is_first else patience.first_audio_secs
        self._first_at: float | None = None
        self._sound_secs = 0.0

    def received(self, sound_secs: float, at: float) -> None:
        """A piece of sound was made, `at` by the clock of `began_at`."""
        if self._first_at is None and sound_secs > 0:
            self._first_at = at
        self._sound_secs += sound_secs

    @property
    def deadline_at(self) -> float:
        """When the next piece has to be there."""
        if self._first_at is None:
            return self._began_at + self._wait_secs
        return self._first_at + self._sound_secs + self._patience.stall_secs

    def fell_behind(self, finished_at: float) -> bool:
        """Whether the clause took longer to make than it takes to hear.

        The wait for the first sound is part of it: the next clause is begun after this
        one, so what is lost here is heard as a gap there.
        """
        if self._sound_secs < _SHORT_SECS:
            return False
        return finished_at - self._began_at > self._sound_secs


class Health:
    """Whether a voice may speak; one for all calls. Not safe to share between threads.

    Args:
        patience: How long it rests.
    """

    def __init__(self, patience: Patience) -> None:
        self._retry_secs = patience.retry_secs
        self._failures = 0  # in a row
        self._slow = 0  # clauses in a row
        self._rests_until = float("-inf")

    def is_fit(self, at: float) -> bool:
        """Whether it may be asked at time `at`."""
        return at >= self._rests_until

    def failed(self, at: float) -> float:
        """It failed or came too late; returns the seconds it rests from `at`."""
        rest_secs = min(_LONGEST_REST_SECS, self._retry_secs * 2.0**self._failures)
        self._failures += 1
        self._slow = 0
        self._rests_until = at + rest_secs
        return rest_secs

    def spoke(self, at: float, *, behind: bool) -> float:
        """It spoke a clause to its end; returns the seconds it rests from `at`, mostly 0.0."""
        self._slow = self._slow + 1 if behind else 0
        if self._slow >= _SLOW_CLAUSES:
            return self.failed(at)
        if not behind:
            self._failures = 0
        return 0.0
