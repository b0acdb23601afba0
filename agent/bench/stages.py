"""Where the time of a turn goes: spans between its marks. Pure.

speech_end ─ listening ─▶ soft_end ─ recognition ─▶ transcript_final ─ first token ─▶ …
                             └──────── turn decision ────────▶ turn_commit ─┐
                                                  first_audio ──────────────┴▶ first_playout
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agent.bench.measure import TurnResult

# A stage lasts from the latest of its first marks to its last one.
STAGES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("first silence", ("speech_end",), "soft_end"),
    ("recognition", ("soft_end",), "transcript_final"),
    ("first token", ("transcript_final",), "first_token"),
    ("first clause", ("first_token",), "first_clause"),
    ("first audio", ("first_clause",), "first_audio"),
    ("turn decision", ("soft_end",), "turn_commit"),
    ("playout", ("first_audio", "turn_commit"), "first_playout"),
)
TO_CLIENT = "to the client"


@dataclass(frozen=True, slots=True)
class StageSpan:
    """Median begin and end of a stage, milliseconds after the last audible sample."""

    stage: str
    start_ms: float
    end_ms: float


def waterfall(turns: Sequence[TurnResult]) -> list[StageSpan]:
    """The stages of a typical turn, of those turns that have the marks of each.

    The server's marks count from its own estimate of the end of speech. The last span,
    from its first sample played to the first one heard, therefore also holds the error of
    that estimate; it is left out where it would be negative.
    """
    answered = [turn for turn in turns if turn.latency_ms is not None and not turn.premature]
    spans = []
    for stage, begins, end in STAGES:
        ends_ms, starts_ms = [], []
        for marks in (turn.server_marks_ms for turn in answered):
            if end in marks and all(begin in marks for begin in begins):
                starts_ms.append(max(marks[begin] for begin in begins))
                ends_ms.append(marks[end])
        spans += _median_span(stage, starts_ms, ends_ms)
    return spans + _median_span(
        TO_CLIENT,
        [t.server_marks_ms["first_playout"] for t in answered if _reaches_client(t)],
        [t.latency_ms for t in answered if t.latency_ms is not None and _reaches_client(t)],
    )


def _median_span(
    stage: str, starts_ms: Sequence[float], ends_ms: Sequence[float]
) -> list[StageSpan]:
    if not starts_ms:
        return []
    start, end = float(np.median(starts_ms)), float(np.median(ends_ms))
    return [StageSpan(stage, round(start, 1), round(end, 1))] if end >= start else []


def _reaches_client(turn: TurnResult) -> bool:
    return "first_playout" in turn.server_marks_ms
