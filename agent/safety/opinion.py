"""A second opinion beside the rules: how much a text resembles what callers in danger say.

    folded text ─┬▶ n-grams ─▶ one weight a gram and class ──────────────┬─▶ softmax ─▶ category
                 └▶ meaning ─▶ nearness to landmarks ─▶ weights a class ─┘

A rule knows the words of its kind; an unseen indirect wording passes it by, and an idiom may
hold one of its words. The weights were fitted on the labelled utterances and on ordinary turns
of counselling calls (`opinion_fit`). Where no rule holds, the opinion may raise a text to a
concern: one direct question is asked, and the caller's own answer decides. Where it is sure of
danger the text is elevated; where it is sure that nothing is meant, it makes a question of what
a rule found, or nothing.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from agent.safety.meaning import DIMENSIONS, Vectors, vectors
from agent.safety.tiers import Category, Tier, rank

Weights: TypeAlias = npt.NDArray[np.float32]

# Class 0 is "none", the others are the categories in their order.
CLASSES = 1 + len(get_args(Category))

# Log-odds of danger, chosen by cross-validation (`opinion_check`). From RAISE on it is asked
# about: seven in eight of such hard texts are a sign. From SURE on four in five are elevated or
# imminent, as with the rules. Below DOUBT lie nearly half of the harmless turns in which a rule
# matched, and one in twenty of its true finds; below DISMISS a third, and one find in seventy.
RAISE_LOG_ODDS = 0.5
SURE_LOG_ODDS = 3.0
DOUBT_LOG_ODDS = -2.0
DISMISS_LOG_ODDS = -3.0

# For two turns in a row: of 372 grave utterances that were cut in two, 6 % more are asked about
# than by their halves alone, and of 782 ordinary turns one more.
TOGETHER_LOG_ODDS = 1.5

# How fast nearness falls with distance; 0.7 and 3 were no better.
_SHARPNESS = 1.5
_TOKENS = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]|[a-z0-9']+|，")
_LONGEST_GRAM = 3


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a text resembles.

    Attributes:
        log_odds: Of any danger against none.
        category: The likeliest danger.
    """

    log_odds: float
    category: Category

    @property
    def alone(self) -> Tier:
        """The tier where no rule holds."""
        if self.log_odds >= SURE_LOG_ODDS:
            return "elevated"
        return "concern" if self.log_odds >= RAISE_LOG_ODDS else "none"

    def on(self, tier: Tier) -> Tier:
        """What is left of the tier a rule found: nobody's whole call is scripted on a doubt."""
        if self.log_odds < DISMISS_LOG_ODDS:
            return "none"
        grave = rank(tier) > rank("concern")
        return "concern" if grave and self.log_odds < DOUBT_LOG_ODDS else tier


@dataclass(frozen=True, slots=True)
class Model:
    """Weights of a classifier that is linear in n-grams and in nearness to landmarks.

    Attributes:
        grams: Row of each known n-gram.
        weights: float32, shape (n_grams, CLASSES).
        landmarks: float32, shape (n_landmarks, DIMENSIONS): the meanings of some utterances.
        near_weights: float32, shape (n_landmarks, CLASSES).
        bias: float32, shape (CLASSES,).
    """

    grams: dict[str, int]
    weights: Weights
    landmarks: Vectors
    near_weights: Weights
    bias: Weights

    def opinion(self, folded: str, words: str) -> Opinion:
        """Judge a text; takes a few milliseconds.

        Args:
            folded: As `fold` leaves it, for its meaning.
            words: The same without benign phrases, for its n-grams.
        """
        return self.opinion_of(words, vectors([folded])[0])

    def opinion_of(self, words: str, vector: Vectors) -> Opinion:
        """Judge a text whose meaning, shape (DIMENSIONS,), is known already."""
        scores = self.bias.astype(np.float64)
        rows = [self.grams[gram] for gram in sorted(grams_of(words)) if gram in self.grams]
        if rows:
            scores = scores + self.weights[rows].sum(axis=0) / np.sqrt(len(rows))
        scores = scores + nearness(vector[None], self.landmarks)[0] @ self.near_weights
        categories: tuple[Category, ...] = get_args(Category)
        danger = scores[1:]
        log_odds = float(np.logaddexp.reduce(danger) - scores[0])
        return Opinion(log_odds, categories[int(danger.argmax())])


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


@cache
def model() -> Model:
    """The weights in the package, read once."""
    return from_bytes(resources.files("agent.safety").joinpath("opinion.npz").read_bytes())


def to_bytes(one: Model) -> bytes:
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


def from_bytes(archive: bytes) -> Model:
    """The model that `to_bytes` wrote, to the precision of its steps."""
    with np.load(io.BytesIO(archive), allow_pickle=False) as data:
        scale, unit = data["units"]
        names = data["grams"].tobytes().decode().split("\n")
        return Model(
            {gram: row for row, gram in enumerate(names)},
            data["weights"].astype(np.float32).reshape(-1, CLASSES) * scale,
            data["landmarks"].astype(np.float32).reshape(-1, DIMENSIONS) * unit,
            data["near_weights"],
            data["bias"],
        )


def _in_steps(values: Weights) -> tuple[npt.NDArray[np.int8], float]:
    unit = float(np.abs(values).max()) / 127
    return np.rint(values / unit).astype(np.int8), unit
