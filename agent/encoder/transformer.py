"""The encoder's forward pass in numpy, with a tuning added to its weights.

A tuning is a file of low-rank sums, W + B·A (Hu et al. 2021), and of new biases and
normalisations. It is added once, when the encoder is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

from agent.encoder.weights import Matrix, Weights

Tuning: TypeAlias = Mapping[str, npt.NDArray[np.float16] | npt.NDArray[np.float32]]

# Matrices of a layer, by their names in the file: query, key, value, attention's output, and
# the two after it.
MATRICES = ("q", "k", "v", "ao", "fi", "fo")


@dataclass(frozen=True, slots=True)
class _Linear:
    weight: Matrix  # (in, out)
    bias: Matrix

    def __call__(self, rows: Matrix) -> Matrix:
        out: Matrix = rows @ self.weight
        out += self.bias
        return out


@dataclass(frozen=True, slots=True)
class _Norm:
    scale: Matrix
    bias: Matrix
    epsilon: float

    def __call__(self, rows: Matrix) -> Matrix:
        rows = rows - rows.mean(axis=1, keepdims=True)
        spread = np.sqrt(np.einsum("ij,ij->i", rows, rows) / rows.shape[1] + self.epsilon)
        rows *= self.scale / spread[:, None]
        rows += self.bias
        return rows


@dataclass(frozen=True, slots=True)
class _Layer:
    linear: Mapping[str, _Linear]
    after_attention: _Norm
    after_inner: _Norm


class Encoder:
    """Tuned weights, 85 MB of them, shared by all threads; one text at a time.

    Args:
        weights: The file.
        tuning: Arrays named `l3.q.A` (rank, in), `l3.q.B` (out, rank), `l3.q.b` (out,),
            `l3.aln.w` and so on; what is not named stays as it is, and other names, such as
            those of a head, are left alone.

    Raises:
        ModelCorruptError: A tensor is missing in the file, or has another size.
    """

    def __init__(self, weights: Weights, tuning: Tuning) -> None:
        self.pieces = weights.pieces
        self._weights = weights
        self._heads = weights.heads
        self._first = _norm(weights, tuning, "emb.ln")
        width, most = weights.width, weights.positions
        self._positions = weights.vector("emb.pos", most * width).reshape(most, width)
        self._positions += weights.vector("emb.type", weights.kinds * width)[:width]
        self._layers = [_layer(weights, tuning, number) for number in range(weights.layers)]
        self._threads = ThreadpoolController()
        self._alone = Lock()

    def states(self, numbers: Sequence[int]) -> Matrix:
        """What each piece means where it stands; takes about a millisecond a piece, on one core.

        Args:
            numbers: Pieces, with begin and end: at least one, at most `Weights.positions`.

        Returns:
            float32, shape (n_pieces, width).

        Raises:
            ValueError: They are none, or too many.
        """
        if not 0 < len(numbers) <= len(self._positions):
            raise ValueError(f"a text has 1 to {len(self._positions)} pieces, not {len(numbers)}")
        # A second thread waits more than it helps on matrices this small. The limit is the whole
        # process's: of two that set it at once, the later to leave would make it last.
        with self._alone, self._threads.limit(limits=1, user_api="blas"):
            known = self._weights.embeddings(np.asarray(numbers, np.int64))
            rows = self._first(known + self._positions[: len(numbers)])
            for layer in self._layers:
                rows = layer.after_attention(rows + self._attended(layer, rows))
                inner = _gelu(layer.linear["fi"](rows))
                rows = layer.after_inner(rows + layer.linear["fo"](inner))
            return rows

    def _attended(self, layer: _Layer, rows: Matrix) -> Matrix:
        def parted(name: str) -> Matrix:
            return layer.linear[name](rows).reshape(len(rows), self._heads, -1).swapaxes(0, 1)

        queries, keys, values = parted("q"), parted("k"), parted("v")
        scores: Matrix = queries @ keys.swapaxes(1, 2)
        scores *= np.float32(queries.shape[2] ** -0.5)
        scores -= scores.max(axis=2, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=2, keepdims=True)
        return layer.linear["ao"]((scores @ values).swapaxes(0, 1).reshape(len(rows), -1))


def _layer(weights: Weights, tuning: Tuning, number: int) -> _Layer:
    def linear(name: str) -> _Linear:
        key = f"l{number}.{name}"
        rows = weights.inner if name == "fi" else weights.width
        columns = weights.inner if name == "fo" else weights.width
        matrix = weights.matrix(f"{key}.w", rows, columns)
        if f"{key}.A" in tuning:
            low, high = (np.asarray(tuning[f"{key}.{part}"], np.float32) for part in "AB")
            matrix += high @ low
        bias = _tuned(weights, tuning, f"{key}.b", rows)
        return _Linear(np.ascontiguousarray(matrix.T), bias)

    return _Layer(
        {name: linear(name) for name in MATRICES},
        _norm(weights, tuning, f"l{number}.aln"),
        _norm(weights, tuning, f"l{number}.oln"),
    )


def _norm(weights: Weights, tuning: Tuning, key: str) -> _Norm:
    scale, bias = (_tuned(weights, tuning, f"{key}.{part}", weights.width) for part in "wb")
    return _Norm(scale, bias, weights.epsilon)


def _tuned(weights: Weights, tuning: Tuning, name: str, size: int) -> Matrix:
    found = tuning[name] if name in tuning else weights.vector(name, size)
    return np.asarray(found, np.float32)


def _gelu(rows: Matrix) -> Matrix:
    """Its usual approximation by tanh; off by at most 0.0005."""
    out: Matrix = rows * rows
    out *= rows
    out *= np.float32(0.044715)
    out += rows
    out *= np.float32(np.sqrt(2 / np.pi))
    np.tanh(out, out=out)
    out += 1
    out *= rows
    out *= np.float32(0.5)
    return out
