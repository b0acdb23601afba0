"""Ridge logistic regression, by which the votes are weighed."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float64]

NEWTON_STEPS = 40
_SETTLED = 1e-9  # a step that changes no weight by more is the last


def logistic(columns: Array, labels: Array, counts: Array, ridge: float) -> Array:
    """Weights of the columns, by Newton's method; both labels count as equally many.

    Args:
        columns: float64, shape (n, m); the first is the constant, which no ridge holds.
        labels: float64, shape (n,), 0.0 or 1.0.
        counts: float64, shape (n,), how much each row counts.
        ridge: Strength with which the other weights are drawn to 0.

    Returns:
        float64, shape (m,).
    """
    counts = counts.copy()
    for label in (0.0, 1.0):
        counts[labels == label] *= counts.sum() / (2.0 * counts[labels == label].sum())
    ridges = np.full(columns.shape[1], ridge)
    ridges[0] = 0.0
    weights = np.zeros(columns.shape[1])
    for _ in range(NEWTON_STEPS):
        chance = 1.0 / (1.0 + np.exp(-columns @ weights))
        gradient = columns.T @ (counts * (labels - chance)) - ridges * weights
        curvature = (columns * (counts * chance * (1.0 - chance))[:, None]).T @ columns
        # Columns without a vote are all zero; the ridge keeps the system solvable.
        step = np.linalg.solve(curvature + np.diag(ridges + 1e-9), gradient)
        weights += step
        if np.abs(step).max() < _SETTLED:
            break
    return weights
