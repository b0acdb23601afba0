"""Pictures of a comparison (PNG): shares, faults, first clauses, latencies."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from agent.conversations.lint import FAULTS
from agent.conversations.measure import FIGURES
from agent.conversations.sides import SideResult

_DPI = 120
_WIDTH_INCHES = 9.0
_COLOURS = ("#2a7f62", "#b0602a", "#4a5a8a", "#8a4a7a")
_LONGEST_CLAUSE_UNITS = 16  # longer ones share the last bar


def shares_picture(sides: Sequence[SideResult]) -> bytes:
    """Every figure that is a share and was measured, a bar for each side."""
    names = [
        name
        for name, figure in FIGURES.items()
        if figure.is_share and any(side.figures[name] is not None for side in sides)
    ]
    labels = [FIGURES[name].text for name in names]
    values = {side.name: [100 * (side.figures[name] or 0.0) for name in names] for side in sides}
    return _bars(labels, values, "%")


def faults_picture(sides: Sequence[SideResult]) -> bytes:
    """Share of replies with each fault that any side has, a bar for each side."""
    names = [name for name in FAULTS if any(side.faults[name] for side in sides)]
    values = {side.name: [100 * side.faults[name] for name in names] for side in sides}
    return _bars(names, values, "replies with the fault, %")


def clauses_picture(sides: Sequence[SideResult]) -> bytes:
    """How long first clauses are, a panel for each language."""
    figure = Figure(figsize=(_WIDTH_INCHES, 3.0), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axis, english in zip(panels, (False, True), strict=True):
        for number, side in enumerate(sides):
            lengths = [
                min(turn.clause_units, _LONGEST_CLAUSE_UNITS)
                for call in side.calls
                for turn in call.turns
                if (call.call.locale == "en") is english and turn.turn.author == "model"
            ]
            _draw_lengths(axis, lengths, side.name, _COLOURS[number % len(_COLOURS)])
        axis.set_title("English: words" if english else "Mandarin: characters", fontsize=10)
        axis.set_xlabel("first clause")
        axis.grid(alpha=0.3)
    panels[0].set_ylabel("replies, %")
    if panels[0].get_legend_handles_labels()[0]:
        panels[0].legend(fontsize=8)
    return _png(figure)


def latency_picture(sides: Sequence[SideResult]) -> bytes | None:
    """The share of turns answered within a time; None for written calls."""
    figure = Figure(figsize=(_WIDTH_INCHES, 3.0), layout="constrained")
    axis = figure.subplots()
    drawn = False
    for number, side in enumerate(sides):
        turns = [turn.turn.latency_ms for call in side.calls for turn in call.turns]
        latencies = sorted(latency for latency in turns if latency is not None)
        if latencies:
            shares = 100.0 * np.arange(1, len(latencies) + 1) / len(latencies)
            colour = _COLOURS[number % len(_COLOURS)]
            axis.step(latencies, shares, where="post", color=colour, label=side.name)
            drawn = True
    if not drawn:
        return None
    axis.set(xlabel="response latency, ms", ylabel="turns answered within, %", ylim=(0, 101))
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    return _png(figure)


def _bars(labels: Sequence[str], values: Mapping[str, Sequence[float]], unit: str) -> bytes:
    height = 0.9 + 0.2 * max(1, len(labels)) * (len(values) + 0.6)
    figure = Figure(figsize=(_WIDTH_INCHES, height), layout="constrained")
    axis = figure.subplots()
    thickness = 0.8 / max(1, len(values))
    for number, (name, shares) in enumerate(values.items()):
        places = np.arange(len(labels)) + number * thickness
        colour = _COLOURS[number % len(_COLOURS)]
        bars = axis.barh(places, shares, thickness * 0.92, color=colour, label=name)
        axis.bar_label(bars, fmt="%.0f", padding=2, fontsize=7)
    axis.set_yticks(np.arange(len(labels)) + 0.4 - thickness / 2, labels=labels, fontsize=8)
    axis.invert_yaxis()
    axis.set_xlabel(unit)
    axis.grid(axis="x", alpha=0.3)
    axis.margins(x=0.08)
    axis.legend(fontsize=8)
    return _png(figure)


def _draw_lengths(axis: Axes, lengths: Sequence[int], name: str, colour: str) -> None:
    if not lengths:
        return
    counts = Counter(lengths)
    places = range(_LONGEST_CLAUSE_UNITS + 1)
    shares = [100 * counts[place] / len(lengths) for place in places]
    axis.step(places, shares, where="mid", color=colour, label=name)
    axis.fill_between(places, shares, step="mid", color=colour, alpha=0.15)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    return buffer.getvalue()
