"""The pauses that callers make inside a turn, as the bench makes them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# Equally likely in between, as in the stories with inner pauses of `qingting bench`.
SHORTEST_SECS, LONGEST_SECS = 0.3, 1.2


def share_cut(waits_secs: Array) -> Array:
    """Share of inner pauses that outlast each wait, 0.0 to 1.0.

    Args:
        waits_secs: float64, shape (n_items,).
    """
    return np.clip((LONGEST_SECS - waits_secs) / (LONGEST_SECS - SHORTEST_SECS), 0.0, 1.0)
