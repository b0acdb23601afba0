"""A learned judge of clauses: how likely each tells something about each field.

    named features ─▶ one weight a feature and field ──────────┬─▶ log-odds of each field
    joint meaning  ─▶ nearness to landmarks ─▶ weights a field ┘

The weights were fitted on dialogues labelled turn by turn (`fit`); the log-odds from which a field
is believed, and the rules that are believed by themselves, were chosen there as well.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from agent.intake.extract import RuledTurn
from agent.intake.features import JOINT_DIMENSIONS, Features, joint_meanings, named
from agent.intake.reader import READ_FIELDS
from agent.likeness.model import nearness
from agent.safety.meaning import Vectors

Weights: TypeAlias = npt.NDArray[np.float32]
Steps: TypeAlias = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Classifier:
    """Weights that are linear in named features and in nearness to landmarks.

    Attributes:
        names: Row of each known feature.
        weights: float32, shape (n_names, n_fields), fields as in READ_FIELDS.
        landmarks: float32, shape (n_landmarks, JOINT_DIMENSIONS): some clauses' joint meanings.
        near_weights: float32, shape (n_landmarks, n_fields).
        bias: float32, shape (n_fields,).
        borders: float32, shape (n_fields,): log-odds from which a field is believed; infinite
            where it never is.
        borders_in_context: The same for the sum with what `agent.intake.context` says.
        sure_rules: Names of the rules whose hits are entries whatever the log-odds.
    """

    names: dict[str, int]
    weights: Weights
    landmarks: Vectors
    near_weights: Weights
    bias: Weights
    borders: Weights
    borders_in_context: Weights
    sure_rules: frozenset[str]

    def log_odds(self, turn: RuledTurn, number: int) -> Weights:
        """Judge the clauses of a turn; takes a few milliseconds, a clause's meaning the most of it.

        Args:
            turn: As the rules see it.
            number: The caller's turns before it.

        Returns:
            float32, shape (n_clauses, n_fields).
        """
        return self.log_odds_of(named(turn, number), joint_meanings([turn]))

    def log_odds_of(self, features: Sequence[Features], meanings: Vectors) -> Weights:
        """The same of clauses whose features and meanings are known already."""
        scores = nearness(meanings, self.landmarks) @ self.near_weights + self.bias
        for score, own in zip(scores, features, strict=True):
            known = [(self.names[name], size) for name, size in own.items() if name in self.names]
            if known:
                rows, sizes = zip(*known, strict=True)
                score += np.array(sizes, np.float32) @ self.weights[list(rows)]
        return scores


@cache
def classifier() -> Classifier:
    """The weights in the package, read once."""
    return from_bytes(resources.files("agent.intake").joinpath("classifier.npz").read_bytes())


def to_bytes(one: Classifier) -> bytes:
    """The weights as a compressed archive: features and landmarks in steps of 1/127 of the most.

    Features of a field are stepped by the field's own most, and those without a step left out.
    """
    steps, units = _in_steps(one.weights, axis=0)
    landmarks, unit = _in_steps(one.landmarks, axis=None)
    kept = [(name, row) for name, row in sorted(one.names.items()) if steps[row].any()]
    file = io.BytesIO()
    np.savez_compressed(
        file,
        names=_text(name for name, _ in kept),
        weights=steps[[row for _, row in kept]],
        units=units,
        landmarks=landmarks,
        unit=unit,
        near_weights=one.near_weights,
        bias=one.bias,
        borders=one.borders,
        borders_in_context=one.borders_in_context,
        sure_rules=_text(sorted(one.sure_rules)),
    )
    return file.getvalue()


def from_bytes(archive: bytes) -> Classifier:
    """The classifier that `to_bytes` wrote, to the precision of its steps."""
    fields = len(READ_FIELDS)
    with np.load(io.BytesIO(archive), allow_pickle=False) as data:
        names = _lines(data["names"])
        return Classifier(
            {name: row for row, name in enumerate(names)},
            data["weights"].astype(np.float32).reshape(-1, fields) * data["units"],
            data["landmarks"].astype(np.float32).reshape(-1, JOINT_DIMENSIONS) * data["unit"],
            data["near_weights"],
            data["bias"],
            data["borders"],
            data["borders_in_context"],
            frozenset(_lines(data["sure_rules"])),
        )


def _in_steps(values: Weights, axis: int | None) -> tuple[Steps, Weights]:
    """Whole steps of at most 127, and the size of a step along `axis`, or of all."""
    most = np.abs(values).max(axis=axis, initial=1e-9)
    unit = np.asarray(most / 127, np.float32)
    return np.rint(values / unit).astype(np.int8), unit


def _text(lines: Iterable[str]) -> npt.NDArray[np.uint8]:
    return np.frombuffer("\n".join(lines).encode(), np.uint8)


def _lines(text: npt.NDArray[np.uint8]) -> list[str]:
    return text.tobytes().decode().split("\n") if text.size else []
