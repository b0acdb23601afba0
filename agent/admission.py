"""What calls get when there are many, or the machine is slow: worse on purpose, before it gets
worse by itself.

level   0            1                       2                       3
gets    everything   no drafts               rarer partials, too     newcomers: a refusal
why                  a draft thrown away     captions matter less    one more would make
                     is a neighbour's time   than answers            every reply late

A slow machine still takes as many as `speculating_calls`, and one more: that the load is its
callers' doing is plausible only beyond.

The level is the higher of two: that of the number of calls, and that of the load measured. It
holds for calls under way as for new ones, and comes down again. Pure: times are monotonic seconds
and never fall.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from statistics import median, quantiles
from typing import Literal, TypeAlias

from agent.config import ServerSettings
from pipeline.assembly import CallProfile
from pipeline.errors import OverloadedError

Level: TypeAlias = Literal[0, 1, 2, 3]

COARSENING = 2.0  # captions of a crowded house come this much more rarely

# Computing between a turn's end and its answer's first sound, without any waiting: 0.3 to 0.45 s
# on two idle cores, 1.3 s with both taken by others.
SLOW_SECS, QUICK_SECS = 0.9, 0.6
TURNS_JUDGED = 3
TURNS_RECENT_SECS = 60.0
# How late the event loop wakes: under 10 ms on an idle machine. Above the first limit audio comes
# in fits and starts.
LATE_SECS, PUNCTUAL_SECS = 0.1, 0.03
LAGS_JUDGED = 20
LAG_INTERVAL_SECS = 0.25
# A step's effect must have been seen before the next; coming back too early would swing.
WORSE_AFTER_SECS, BETTER_AFTER_SECS = 5.0, 20.0


class LoadGauge:
    """The level that the measured load asks for; one step at a time.

    Attributes:
        level: At present.
    """

    def __init__(self) -> None:
        self.level: Level = 0
        self._changed_at = float("-inf")
        self._turns: deque[tuple[float, float]] = deque(maxlen=TURNS_JUDGED)
        self._lags_secs: deque[float] = deque(maxlen=LAGS_JUDGED)

    def note_turn(self, at: float, marks_ms: Mapping[str, float]) -> None:
        """The marks of an answered turn; only those that no patience is in are looked at."""
        try:
            hearing_ms = marks_ms["transcript_final"] - marks_ms["soft_end"]
            answering_ms = marks_ms["first_audio"] - marks_ms["first_token"]
        except KeyError:
            return  # scripted, typed, or answered at the client's wish
        self._turns.append((at, (max(0.0, hearing_ms) + max(0.0, answering_ms)) / 1000))

    def note_lag(self, at: float, lag_secs: float) -> bool:
        """The event loop woke so much too late.

        Call it every `LAG_INTERVAL_SECS`.

        Returns:
            Whether the level has changed.
        """
        self._lags_secs.append(lag_secs)
        while self._turns and self._turns[0][0] < at - TURNS_RECENT_SECS:
            self._turns.popleft()
        waited_secs = at - self._changed_at
        if self._is_heavy() and self.level < 3 and waited_secs >= WORSE_AFTER_SECS:
            self._step(at, 1)
        elif self._is_light() and self.level > 0 and waited_secs >= BETTER_AFTER_SECS:
            self._step(at, -1)
        return self._changed_at == at

    def _step(self, at: float, by: int) -> None:
        self.level = _as_level(self.level + by)
        self._changed_at = at
        self._turns.clear()  # they were measured on the level before
        self._lags_secs.clear()

    def _is_heavy(self) -> bool:
        slow = len(self._turns) == TURNS_JUDGED and self._busy_secs() >= SLOW_SECS
        return slow or (len(self._lags_secs) == LAGS_JUDGED and self._lag_secs() >= LATE_SECS)

    def _is_light(self) -> bool:
        quick = not self._turns or self._busy_secs() <= QUICK_SECS
        return quick and len(self._lags_secs) == LAGS_JUDGED and self._lag_secs() <= PUNCTUAL_SECS

    def _busy_secs(self) -> float:
        return median(secs for _, secs in self._turns)

    def _lag_secs(self) -> float:
        return quantiles(self._lags_secs, n=10)[-1]


def level_of(calls: int, measured: Level, settings: ServerSettings) -> Level:
    """The level with `calls` under way."""
    crowded = (calls > settings.speculating_calls) + (calls > settings.fine_captions_calls)
    return _as_level(max(crowded, measured))


def admit(calls: int, measured: Level, settings: ServerSettings) -> None:
    """Let one more in beside `calls` that are under way.

    Raises:
        OverloadedError: As many run as this machine may carry, or carries.
    """
    if calls >= settings.max_calls:
        raise OverloadedError(f"All {settings.max_calls} lines are in use; please try again soon.")
    if settings.refuse_when_slow and measured == 3 and calls > settings.speculating_calls:
        raise OverloadedError("This machine is busy with other calls; please try again soon.")


def degraded(profile: CallProfile, level: Level) -> CallProfile:
    """The profile of a call on `level`."""
    if level >= 1:
        profile = replace(profile, turn=replace(profile.turn, speculation=False))
    if level >= 2:
        hearing = profile.hearing
        rarer = replace(
            hearing,
            interval_secs=hearing.interval_secs * COARSENING,
            urgent_interval_secs=hearing.urgent_interval_secs * COARSENING,
        )
        profile = replace(profile, hearing=rarer)
    return profile


def _as_level(number: int) -> Level:
    levels: tuple[Level, ...] = (0, 1, 2, 3)
    return levels[max(0, min(3, number))]
