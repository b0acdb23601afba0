"""One run of the bench as one JSON object, written and read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from agent.bench.machine import Machine
from agent.bench.measure import SystemResult, paired_ratio
from agent.bench.plan import System
from pipeline.errors import ConfigError

FIGURES = (
    "p50_ms",
    "p95_ms",
    "first_sound_p50_ms",
    "first_sound_p95_ms",
    "premature_percent",
    "cut_pauses_percent",
    "missed_percent",
    "zh_error_percent",
    "en_error_percent",
    "mixed_error_percent",
    "gaps",
    "longest_gap_ms",
    "ratio_sequential",
    "ratio_stock",
)


@dataclass(frozen=True, slots=True)
class Record:
    """Everything a run measured.

    Attributes:
        version: Of this form.
        started_at: ISO 8601, UTC.
        pacing: Setting the latencies hold for.
        at_once: Calls of each block, begun at the same time.
        ratios: Our median latency over each baseline's, on the turns both answered.
        speculation: The server's counters of it, from /metrics.
        all_under_way_percent: Of the time in which calls were held with a system, how much of
            it as many as `at_once` were; absent from earlier records.
    """

    started_at: str
    duration_secs: float
    pacing: str
    at_once: int
    machine: Machine
    systems: tuple[SystemResult, ...]
    ratios: Mapping[System, float]
    speculation: Mapping[str, float]
    version: Literal[1] = 1
    all_under_way_percent: Mapping[System, float] = field(default_factory=dict)

    def system(self, name: System) -> SystemResult | None:
        """The results of one system, None if it took no part."""
        return next((result for result in self.systems if result.system == name), None)

    def figures(self) -> dict[str, float]:
        """Our own figures, by the names of `FIGURES`; what was not measured is absent."""
        ours = self.system("ours")
        if ours is None:
            return {}
        summary = ours.summary
        found: dict[str, float | None] = {
            "premature_percent": _percent(summary.premature, summary.turns),
            "cut_pauses_percent": _percent(summary.cut_pauses, summary.pauses),
            "missed_percent": _percent(summary.missed, summary.turns),
            "gaps": float(summary.gaps),
            "longest_gap_ms": summary.longest_gap_ms,
        }
        if summary.latency_ms is not None:
            found |= {"p50_ms": summary.latency_ms.p50, "p95_ms": summary.latency_ms.p95}
        if summary.first_sound_ms is not None:
            found["first_sound_p50_ms"] = summary.first_sound_ms.p50
            found["first_sound_p95_ms"] = summary.first_sound_ms.p95
        found |= {f"{lang}_error_percent": 100 * r for lang, r in summary.error_rates.items()}
        found |= {f"ratio_{system}": ratio for system, ratio in self.ratios.items()}
        return {name: round(value, 3) for name, value in found.items() if value is not None}


def ratios(systems: tuple[SystemResult, ...]) -> dict[System, float]:
    """Our median latency over each baseline's."""
    by_name = {result.system: result.turns for result in systems}
    found = {
        name: paired_ratio(by_name.get("ours", ()), turns)
        for name, turns in by_name.items()
        if name != "ours"
    }
    return {name: ratio for name, ratio in found.items() if ratio is not None}


def to_json(record: Record) -> str:
    """The record on one line."""
    return _adapter().dump_json(record).decode()


def read_record(path: Path) -> Record:
    """A record written by an earlier run.

    Raises:
        ConfigError: There is no such file, or it is not a record.
    """
    try:
        return _adapter().validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise ConfigError(f"{path} is not a record of the bench") from error


@cache
def _adapter() -> TypeAdapter[Record]:
    return TypeAdapter(Record)


def _percent(part: int, whole: int) -> float | None:
    return 100.0 * part / whole if whole else None
