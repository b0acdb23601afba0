"""Tells a change from noise: paired bootstrap over turns. Pure.

The same words said by the same voice are a pair. Turns, not milliseconds, are drawn again
and again (with replacement), so that what makes one turn slower than another (its length,
its pauses) counts for both runs alike. What remains is the noise of the machine: a
difference whose 95 % interval holds zero is no change. (Efron and Tibshirani, An
Introduction to the Bootstrap, 1993, chapters 8 and 13.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from agent.bench.measure import TurnResult
from pipeline.errors import ConfigError

DRAWS = 4000  # the interval's ends then move by about 2 % of its width from seed to seed
CONFIDENCE = 0.95
# With fewer pairs not even all of them changing the same way is beyond chance: 2 * 0.5^6 = 3 %.
MIN_PAIRS = 6
_SEED = 7

Verdict: TypeAlias = Literal["better", "worse", "no change", "too few turns"]
Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A value, and between what it lies with `CONFIDENCE`."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Change:
    """One figure, before and after; less is better for all of them.

    Attributes:
        old, new: On the turns that both runs have.
        difference: New minus old.
    """

    figure: str
    old: float
    new: float
    difference: Interval
    verdict: Verdict


# What a turn contributes, NaN if nothing; and what becomes of drawn contributions, of shape
# (n_draws, n_turns) to (n_draws,).
_Figure: TypeAlias = tuple[Callable[[TurnResult], float], Callable[[Floats], Floats]]


def _percentile(percent: float) -> Callable[[Floats], Floats]:
    return lambda drawn: np.percentile(drawn, percent, axis=1)


def _percent_of_turns(drawn: Floats) -> Floats:
    percent: Floats = 100.0 * drawn.mean(axis=1)
    return percent


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


FIGURES: Mapping[str, _Figure] = {
    "p50_ms": (lambda turn: _or_nan(turn.latency_ms), _percentile(50)),
    "p95_ms": (lambda turn: _or_nan(turn.latency_ms), _percentile(95)),
    "first_sound_p50_ms": (lambda turn: _or_nan(turn.first_sound_ms), _percentile(50)),
    "first_sound_p95_ms": (lambda turn: _or_nan(turn.first_sound_ms), _percentile(95)),
    "premature_percent": (lambda turn: float(turn.premature), _percent_of_turns),
    "missed_percent": (lambda turn: float(turn.missed), _percent_of_turns),
    "error_percent": (lambda turn: turn.edits / turn.reference_units, _percent_of_turns),
    "gap_percent": (lambda turn: float(bool(turn.gaps_ms)), _percent_of_turns),
}


def compare(old: Sequence[TurnResult], new: Sequence[TurnResult]) -> list[Change]:
    """Every figure of two runs of one system; without common answers those of latency are absent.

    Raises:
        ConfigError: The runs have no turn in common.
    """
    before, after = _by_audio(old), _by_audio(new)
    check_comparable(old, after)
    pairs = [(before[key], after[key]) for key in sorted(before.keys() & after.keys())]
    return [change for name in FIGURES if (change := _change(name, pairs)) is not None]


def check_comparable(old: Iterable[TurnResult], planned: Iterable[tuple[str, str]]) -> None:
    """Refuse, before it is held, a run that would have nothing to compare.

    Args:
        old: Turns of the earlier run.
        planned: Id of each turn to come, and digest of its sound.

    Raises:
        ConfigError: None of them is a turn of the earlier run.
    """
    if _by_audio(old).keys().isdisjoint(planned):
        raise ConfigError(
            "the earlier record has no turn in common with this run: "
            "the same call scripts, voices and --calls are needed"
        )


def latency_interval(latencies_ms: Iterable[float | None], percent: float) -> Interval | None:
    """A percentile of one run's latencies with its interval; None if nothing was answered."""
    latencies = np.array([value for value in latencies_ms if value is not None], dtype=float)
    if not len(latencies):
        return None
    drawn = np.percentile(latencies[_drawn_indices(len(latencies))], percent, axis=1)
    return _interval(float(np.percentile(latencies, percent)), drawn)


def _change(name: str, pairs: Sequence[tuple[TurnResult, TurnResult]]) -> Change | None:
    contribution, figure = FIGURES[name]
    columns = np.array([[contribution(old), contribution(new)] for old, new in pairs])
    # A turn that only one run answered tells no difference of latency.
    before, after = columns[~np.isnan(columns).any(axis=1)].T
    if not len(before):
        return None
    drawn = _drawn_indices(len(before))
    was, now = float(figure(before[None, :])[0]), float(figure(after[None, :])[0])
    difference = _interval(now - was, figure(after[drawn]) - figure(before[drawn]))
    verdict = _judge(difference) if len(before) >= MIN_PAIRS else "too few turns"
    return Change(name, round(was, 2), round(now, 2), difference, verdict)


def _judge(difference: Interval) -> Verdict:
    if difference.low > 0:
        return "worse"
    return "better" if difference.high < 0 else "no change"


def _interval(value: float, drawn: Floats) -> Interval:
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(drawn, (tail, 100 - tail))
    return Interval(round(value, 2), round(float(low), 2), round(float(high), 2))


def _drawn_indices(count: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng(_SEED).integers(0, count, size=(DRAWS, count))


def _by_audio(turns: Iterable[TurnResult]) -> dict[tuple[str, str], TurnResult]:
    return {(turn.turn_id, turn.audio): turn for turn in turns if turn.reference_units}
