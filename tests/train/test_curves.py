"""Synthetic curves get the verdicts a person would give."""

from __future__ import annotations

import math
import random

import pytest

from train.curves import Curve, curve, draw, judge, smoothed

STEPS = tuple(range(1, 61))
NO_EVALUATION = Curve((), ())


def falling(noise: float = 0.0) -> Curve:
    drawn = random.Random(1)
    losses = tuple(
        (1 + 2 * math.exp(-step / 20)) * (1 + noise * drawn.uniform(-1, 1)) for step in STEPS
    )
    return Curve(STEPS, losses)


@pytest.mark.parametrize(
    ("training", "evaluation", "verdict"),
    [
        (falling(), NO_EVALUATION, "good"),
        (falling(0.6), NO_EVALUATION, "oscillating"),
        (Curve(STEPS, (2.0,) * 60), NO_EVALUATION, "flat"),
        (falling(), Curve((10, 20, 40, 60), (1.5, 1.2, 1.6, 2.0)), "over-fit"),
        (falling(), Curve((10, 20, 40, 60), (1.5, 1.4, 1.3, 1.25)), "good"),
        (falling(), Curve((10, 20, 30, 40, 50, 60), (1.9, 1.6, 1.4, 1.3, 1.4, 1.5)), "good"),
        (
            falling(),
            Curve(tuple(range(5, 45, 5)), (2, 1.8, 1.6, 1.5, 1.4, 1.5, 1.6, 1.7)),
            "over-fit",
        ),
        (Curve((1, 2, 3), (3.0, 2.0, 1.0)), NO_EVALUATION, "too short"),
    ],
)
def test_each_fault_has_its_verdict(training, evaluation, verdict):
    """Oscillation, flatness, over-fitting and health are told apart."""
    assert judge(training, evaluation).name == verdict


def test_the_best_step_is_that_of_the_lowest_evaluation():
    """It is the checkpoint to keep."""
    assert judge(falling(), Curve((10, 20, 40, 60), (1.5, 1.2, 1.6, 2.0))).best_step == 20


def test_smoothing_begins_at_the_first_loss_and_stays_between_the_extremes():
    """An average is never beyond what it averages."""
    losses = falling(0.5).losses
    smooth = smoothed(losses)
    assert smooth[0] == pytest.approx(losses[0])
    assert min(losses) <= min(smooth) <= max(smooth) <= max(losses)


def test_the_log_gives_curves():
    """Each key has its own steps; the first value at a step counts."""
    lines = [
        {"current_steps": 1, "loss": 3.0},
        {"current_steps": 2, "loss": 2.0},
        {"current_steps": 2, "eval_loss": 2.5},
        {"current_steps": 2, "eval_loss": 2.4},
    ]
    assert curve(lines, "loss") == Curve((1, 2), (3.0, 2.0))
    assert curve(lines, "eval_loss") == Curve((2,), (2.5,))


def test_the_kept_checkpoint_measured_again_does_not_hide_over_fitting():
    """Older runs logged its loss once more at their last step."""
    losses = (2.0, 1.5, 1.7, 1.9, 2.1, 1.5)
    lines = [
        {"current_steps": step, "eval_loss": loss}
        for step, loss in zip((5, 10, 15, 20, 25, 25), losses, strict=True)
    ]
    assert judge(falling(), curve(lines, "eval_loss")).name == "over-fit"


def test_a_curve_is_drawn(tmp_path):
    """The file is a PNG."""
    path = tmp_path / "loss.png"
    draw(path, falling(), "loss", judge(falling(), NO_EVALUATION))
    assert path.read_bytes().startswith(b"\x89PNG")
