"""Pictures of a record: where the time goes, and how latencies are spread (PNG)."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from agent.bench.measure import SystemResult
from agent.bench.plan import System
from agent.bench.record import Record
from agent.bench.stages import TO_CLIENT, StageSpan, waterfall

_DPI = 130
_WIDTH_INCHES = 9.0
_SYSTEM_COLOURS: dict[System, str] = {
    "ours": "#2a7f62",
    "sequential": "#b0602a",
    "stock": "#4a5a8a",
}
_ASIDE_COLOUR = "#9a9a9a"
_LATENCY_TICKS_MS = (100, 200, 300, 450, 900, 2000, 4000, 8000)


def waterfall_picture(record: Record) -> bytes:
    """Median begin and end of every stage, a panel for each system, on one time scale."""
    panels = [(result, waterfall(result.turns)) for result in record.systems]
    panels = [(result, spans) for result, spans in panels if spans]
    rows = [len(spans) + 1 for _, spans in panels] or [1]
    figure = Figure(figsize=(_WIDTH_INCHES, 0.32 * sum(rows) + 0.8), layout="constrained")
    if not panels:
        figure.text(0.5, 0.5, "no turn has marks", ha="center", va="center")
        return _png(figure)
    axes = figure.subplots(len(panels), 1, squeeze=False, sharex=True, height_ratios=rows)[:, 0]
    for axis, (result, spans) in zip(axes, panels, strict=True):
        _draw_waterfall(axis, result.system, spans)
    axes[-1].set_xlabel("ms after the last audible sample of the caller (medians)")
    return _png(figure)


def distribution_picture(record: Record) -> bytes:
    """The share of turns that were answered within a time, a line or two for each system."""
    figure = Figure(figsize=(_WIDTH_INCHES, 3.6), layout="constrained")
    axis = figure.subplots()
    for result in record.systems:
        _draw_distribution(axis, result)
    axis.set_xscale("log")
    axis.set_xticks(_LATENCY_TICKS_MS, labels=[str(tick) for tick in _LATENCY_TICKS_MS])
    axis.minorticks_off()
    axis.set_xlim(_LATENCY_TICKS_MS[0], 2 * _LATENCY_TICKS_MS[-1])
    axis.set(xlabel="response latency, ms", ylabel="turns answered within, %", ylim=(0, 101))
    axis.grid(alpha=0.3)
    if axis.get_legend_handles_labels()[0]:
        figure.legend(loc="outside upper left", ncols=2)
    return _png(figure)


def _draw_waterfall(axis: Axes, system: System, spans: Sequence[StageSpan]) -> None:
    colour = _SYSTEM_COLOURS[system]
    for row, span in enumerate(spans):
        aside = span.stage in ("turn decision", TO_CLIENT)
        axis.barh(
            row,
            span.end_ms - span.start_ms,
            left=span.start_ms,
            color=_ASIDE_COLOUR if aside else colour,
            height=0.7,
        )
        axis.annotate(
            f"{span.end_ms - span.start_ms:.0f}",
            (span.end_ms, row),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
    axis.set_yticks(range(len(spans)), labels=[span.stage for span in spans], fontsize=8)
    axis.invert_yaxis()
    axis.set_title(system, loc="left", fontsize=10)
    axis.grid(axis="x", alpha=0.3)


def _draw_distribution(axis: Axes, result: SystemResult) -> None:
    """Of the replies, and dashed of the first sounds where some were acknowledgements."""
    replies = _known([turn.latency_ms for turn in result.turns])
    sounds = _known([turn.first_sound_ms for turn in result.turns])
    for latencies, name, line in ((replies, "", "-"), (sounds, ", first sound", "--")):
        if not latencies or (line == "--" and sounds == replies):
            continue
        # Turns without a reply count: their line never reaches 100 %.
        shares = 100.0 * np.arange(len(latencies) + 1) / len(result.turns)
        axis.step(
            [latencies[0], *latencies],
            shares,
            where="post",
            label=f"{result.system}{name} (p50 {np.median(latencies):.0f} ms)",
            color=_SYSTEM_COLOURS[result.system],
            linestyle=line,
        )


def _known(latencies_ms: Sequence[float | None]) -> list[float]:
    return sorted(value for value in latencies_ms if value is not None)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    return buffer.getvalue()
