"""The classifier: linear in n-grams and in nearness to landmarks; pure, without state."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from agent.safety.meaning import DIMENSIONS, Vectors

Weights: TypeAlias = npt.NDArray[np.float32]
Scores: TypeAlias = npt.NDArray[np.float64]

# How fast nearness falls with distance; 0.7 and 3 were no better for the second opinion.
_SHARPNESS = 1.5
_TOKENS = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]|[a-z0-9']+|，")
_LONGEST_GRAM = 3


@dataclass(frozen=True, slots=True)
class Likeness:
    """Weights of a classifier of `n_kinds` kinds.

    Attributes:
        grams: Row of each known n-gram.
        weights: float32, shape (n_grams, n_kinds).
        landmarks: float32, shape (n_landmarks, DIMENSIONS): the meanings of some texts.
        near_weights: float32, shape (n_landmarks, n_kinds).
        bias: float32, shape (n_kinds,).
    """

    grams: dict[str, int]
    weights: Weights
    landmarks: Vectors
    near_weights: Weights
    bias: Weights

    def scores(self, words: str, vector: Vectors) -> Scores:
        """How much a text is like each kind; a softmax makes chances of it.

        Args:
            words: As `agent.safety.fold.fold` leaves them, for their n-grams; unknown ones
                weigh nothing, and no words are legal.
            vector: What the text means, float32, shape (DIMENSIONS,), of length 1.

        Returns:
            float64, shape (n_kinds,).
        """
        scores = self.bias.astype(np.float64)
        rows = [self.grams[gram] for gram in sorted(grams_of(words)) if gram in self.grams]
        if rows:
            scores = scores + self.weights[rows].sum(axis=0) / np.sqrt(len(rows))
        near: Scores = nearness(vector[None], self.landmarks)[0] @ self.near_weights
        return scores + near


def grams_of(words: str) -> set[str]:
    """One to three tokens in a row, and pairs with any token between; ^ and $ are the ends."""
    tokens = ["^", *_TOKENS.findall(words), "$"]
    grams = {
        " ".join(tokens[start : start + length])
        for length in range(1, _LONGEST_GRAM + 1)
        for start in range(len(tokens) - length + 1)
    }
    return grams | {f"{left} _ {right}" for left, right in zip(tokens, tokens[2:], strict=False)}


def nearness(some: Vectors, landmarks: Vectors) -> Weights:
    """A Gaussian of the distances, in (0, 1]: float32, shape (n_some, n_landmarks)."""
    near: Weights = np.exp(-2 * _SHARPNESS * (1 - some @ landmarks.T))
    return near


def to_bytes(one: Likeness) -> bytes:
    """The weights as a compressed archive: n-grams and landmarks in steps of 1/127 of the most."""
    steps, scale = _in_steps(one.weights)
    landmarks, unit = _in_steps(one.landmarks)
    kept = [(gram, row) for gram, row in sorted(one.grams.items()) if steps[row].any()]
    file = io.BytesIO()
    np.savez_compressed(
        file,
        grams=np.frombuffer("\n".join(gram for gram, _ in kept).encode(), np.uint8),
        weights=steps[[row for _, row in kept]],
        landmarks=landmarks,
        near_weights=one.near_weights,
        bias=one.bias,
        units=np.array([scale, unit], np.float32),
    )
    return file.getvalue()


def from_bytes(archive: bytes) -> Likeness:
    """The classifier that `to_bytes` wrote, to the precision of its steps."""
    with np.load(io.BytesIO(archive), allow_pickle=False) as data:
        scale, unit = data["units"]
        names = data["grams"].tobytes().decode().split("\n")
        return Likeness(
            {gram: row for row, gram in enumerate(names)},
            data["weights"].astype(np.float32).reshape(-1, data["bias"].size) * scale,
            data["landmarks"].astype(np.float32).reshape(-1, DIMENSIONS) * unit,
            data["near_weights"],
            data["bias"],
        )


def _in_steps(values: Weights) -> tuple[npt.NDArray[np.int8], float]:
    unit = float(np.abs(values).max()) / 127
    return np.rint(values / unit).astype(np.int8), unit
