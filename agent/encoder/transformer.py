"""The encoder itself, run by CTranslate2 in eight bits, with a tuning added to its weights.

    four-bit file ─▶ weights + tuning ─▶ int8 ─▶ CTranslate2 ─▶ a vector a piece

A tuning is a file of low-rank sums, W + B·A (Hu et al. 2021), and of new biases and
normalisations. It is added once, when the encoder is loaded. In eight bits a turn of twenty
pieces takes 3 ms of one core; in numpy it took 17.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import ctranslate2
import numpy as np
import numpy.typing as npt
from ctranslate2.specs import common_spec
from ctranslate2.specs.transformer_spec import TransformerEncoderModelSpec, TransformerEncoderSpec

from agent.encoder.pieces import Pieces
from agent.encoder.weights import Matrix, Weights

Tuning: TypeAlias = Mapping[str, npt.NDArray[np.float16] | npt.NDArray[np.float32]]

# Matrices of a layer, by their names in the file: query, key, value, attention's output, and
# the two after it.
MATRICES = ("q", "k", "v", "ao", "fi", "fo")


class Encoder:
    """Tuned weights, 60 MB of them, shared by all threads.

    Args:
        weights: The file.
        tuning: Arrays named `l3.q.A` (rank, in), `l3.q.B` (out, rank), `l3.q.b` (out,),
            `l3.aln.w` and so on; what is not named stays as it is, and other names, such as
            those of a head, are left alone.

    Raises:
        ModelCorruptError: A tensor is missing in the file, or has another size.
    """

    def __init__(self, weights: Weights, tuning: Tuning) -> None:
        self.pieces: Pieces
        self.pieces, kept = weights.pieces.spoken_here()
        self._most = weights.positions
        spec = _spec(_Tuned(weights, tuning), kept)
        with TemporaryDirectory(prefix="qingting-encoder-") as folder:
            spec.save(folder)
            # A second thread waits more than it helps on matrices this small.
            self._model = ctranslate2.Encoder(
                str(Path(folder)), compute_type="int8", inter_threads=1, intra_threads=1
            )

    def states(self, numbers: Sequence[int]) -> Matrix:
        """What each piece means where it stands; 3 ms of one core for twenty pieces.

        Args:
            numbers: Pieces, with begin and end: at least one, at most `Weights.positions`.

        Returns:
            float32, shape (n_pieces, width).

        Raises:
            ValueError: They are none, or too many.
        """
        if not 0 < len(numbers) <= self._most:
            raise ValueError(f"a text has 1 to {self._most} pieces, not {len(numbers)}")
        found = self._model.forward_batch([list(numbers)])
        states: Matrix = np.array(found.last_hidden_state, np.float32)[0]
        return states


class _Tuned:
    """The file's tensors with the tuning added."""

    def __init__(self, weights: Weights, tuning: Tuning) -> None:
        self.of = weights
        self._tuning = tuning

    def vector(self, name: str, size: int) -> Matrix:
        found = self._tuning[name] if name in self._tuning else self.of.vector(name, size)
        return np.asarray(found, np.float32)

    def matrix(self, name: str, rows: int, columns: int) -> Matrix:
        found = self.of.matrix(f"{name}.w", rows, columns)
        if f"{name}.A" in self._tuning:
            low, high = (np.asarray(self._tuning[f"{name}.{part}"], np.float32) for part in "AB")
            found += high @ low
        return found


def _spec(tuned: _Tuned, kept: npt.NDArray[np.int64]) -> TransformerEncoderModelSpec:
    """The model as CTranslate2 wants it, its pieces those at `kept`."""
    of = tuned.of
    spec = TransformerEncoderModelSpec(
        TransformerEncoderSpec(
            of.layers,
            of.heads,
            pre_norm=False,
            activation=common_spec.Activation.GELU,
            layernorm_embedding=True,
        )
    )
    spec.config.layer_norm_epsilon = of.epsilon
    encoder = spec.encoder
    encoder.scale_embeddings = False
    encoder.embeddings[0].weight = of.embeddings(kept)
    positions = of.vector("emb.pos", of.positions * of.width).reshape(of.positions, of.width)
    kinds = of.vector("emb.type", of.kinds * of.width).reshape(of.kinds, of.width)
    encoder.position_encodings.encodings = positions + kinds[0]
    _fill_norm(tuned, encoder.layernorm_embedding, "emb.ln")
    for number, layer in enumerate(encoder.layer):
        _fill(tuned, layer, f"l{number}")
    spec.register_vocabulary([str(number) for number in range(len(kept))])
    spec.validate()
    spec.optimize(quantization="int8")
    return spec


def _fill(tuned: _Tuned, layer: Any, name: str) -> None:
    width, inner = tuned.of.width, tuned.of.inner
    attention, feed = layer.self_attention, layer.ffn
    parts = [f"{name}.{part}" for part in "qkv"]
    asked = attention.linear[0]
    asked.weight = np.concatenate([tuned.matrix(part, width, width) for part in parts])
    asked.bias = np.concatenate([tuned.vector(f"{part}.b", width) for part in parts])
    for linear, part, rows, columns in (
        (attention.linear[1], "ao", width, width),
        (feed.linear_0, "fi", inner, width),
        (feed.linear_1, "fo", width, inner),
    ):
        linear.weight = tuned.matrix(f"{name}.{part}", rows, columns)
        linear.bias = tuned.vector(f"{name}.{part}.b", rows)
    _fill_norm(tuned, attention.layer_norm, f"{name}.aln")
    _fill_norm(tuned, feed.layer_norm, f"{name}.oln")


def _fill_norm(tuned: _Tuned, norm: Any, name: str) -> None:
    norm.gamma = tuned.vector(f"{name}.w", tuned.of.width)
    norm.beta = tuned.vector(f"{name}.b", tuned.of.width)
