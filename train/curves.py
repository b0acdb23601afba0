"""Loss curves: smoothed, drawn, and judged.

The smoothing is LLaMA-Factory's, so curves can be laid side by side. The limits of the
verdicts are proposals of our own, tried on synthetic curves.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

VerdictName: TypeAlias = Literal["good", "oscillating", "flat", "over-fit", "too short"]

_FEWEST_POINTS = 6
_OSCILLATING = 0.15  # standard deviation around the smooth line, as a share of the loss
_FLAT_PER_STEP = 0.005 / 100  # share of the loss that falls in a step, in the first third
_RISEN = 1.05  # last evaluation over the best one
_EARLY = 0.6  # share of the run before which a best evaluation is early
_PATIENCE = 3  # evaluations without gain after which it is early, too; the recipe's default
_BY_HEART = (0.3, 1.5)  # training loss below, evaluation loss above


@dataclass(frozen=True, slots=True)
class Curve:
    """Losses over steps, both of one length."""

    steps: tuple[int, ...]
    losses: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a curve says, and what to do about it.

    Attributes:
        name: The finding.
        advice: One sentence.
        best_step: Step of the lowest evaluation loss, or None.
    """

    name: VerdictName
    advice: str
    best_step: int | None = None


def curve(lines: Sequence[Mapping[str, Any]], key: str) -> Curve:
    """One value of the log over its steps.

    Args:
        lines: Of `trainer_log.jsonl`.
        key: `loss` or `eval_loss`; of several values at one step the first counts: older runs
            measured the checkpoint that was kept once more, and logged it at their last step.
    """
    points: dict[int, float] = {}
    for line in lines:
        if key in line:
            points.setdefault(int(line["current_steps"]), float(line[key]))
    return Curve(tuple(sorted(points)), tuple(points[step] for step in sorted(points)))


def smoothed(losses: Sequence[float]) -> list[float]:
    """Exponential moving average, heavier the longer the curve."""
    weight = 1.8 * (1 / (1 + math.exp(-0.05 * len(losses))) - 0.5)
    smooth: list[float] = []
    last = losses[0] if losses else 0.0
    for loss in losses:
        last = last * weight + (1 - weight) * loss
        smooth.append(last)
    return smooth


def judge(training: Curve, evaluation: Curve) -> Verdict:
    """The plainest fault of a run, if any.

    Args:
        training: Training losses.
        evaluation: Evaluation losses; may be empty.
    """
    best = _best_step(evaluation)
    if len(training.losses) < _FEWEST_POINTS:
        return Verdict("too short", "Too few steps to judge; train longer.", best)
    if _over_fits(training, evaluation):
        advice = f"Keep the checkpoint of step {best}; fewer epochs, or more and other data."
        return Verdict("over-fit", advice, best)
    smooth = smoothed(training.losses)
    half = len(smooth) // 2
    residuals = [loss - line for loss, line in zip(training.losses, smooth, strict=True)][half:]
    if statistics.pstdev(residuals) / statistics.mean(smooth[half:]) > _OSCILLATING:
        advice = "Take a third of the learning rate, or more accumulation."
        return Verdict("oscillating", advice, best)
    third = max(2, len(smooth) // 3)
    steps = training.steps[third - 1] - training.steps[0]
    fallen = (smooth[0] - smooth[third - 1]) / max(smooth[0], 1e-9)
    if fallen / max(1, steps) < _FLAT_PER_STEP:
        advice = "Take three times the learning rate, and see how many tokens are learned."
        return Verdict("flat", advice, best)
    return Verdict("good", "The loss falls steadily.", best)


def draw(path: Path, line: Curve, title: str, verdict: Verdict | None = None) -> None:
    """Draw a curve as PNG: the values, the smooth line, and the best step.

    Args:
        path: File to write.
        line: At least one point.
        title: What it shows.
        verdict: Written below the title.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.plot(line.steps, line.losses, color="tab:blue", alpha=0.35, label="as logged")
    axes.plot(line.steps, smoothed(line.losses), color="tab:blue", label="smoothed")
    if verdict is not None:
        if verdict.best_step is not None:
            axes.axvline(verdict.best_step, color="tab:green", linestyle="--", label="kept")
        axes.set_title(f"{title}\n{verdict.name}: {verdict.advice}", fontsize=10)
    else:
        axes.set_title(title, fontsize=10)
    axes.set_xlabel("step")
    axes.set_ylabel("loss")
    axes.legend()
    axes.grid(alpha=0.25)
    figure.savefig(path)


def _best_step(evaluation: Curve) -> int | None:
    if not evaluation.losses:
        return None
    return evaluation.steps[evaluation.losses.index(min(evaluation.losses))]


def _over_fits(training: Curve, evaluation: Curve) -> bool:
    if len(evaluation.losses) < 2:
        return False
    best = min(evaluation.losses)
    at = evaluation.losses.index(best)
    waited = len(evaluation.losses) - 1 - at
    early = evaluation.steps[at] < _EARLY * evaluation.steps[-1] or waited >= _PATIENCE
    risen = evaluation.losses[-1] > _RISEN * best
    low, high = _BY_HEART
    by_heart = smoothed(training.losses)[-1] < low and evaluation.losses[-1] > high
    return (early and risen) or by_heart
