"""From labelled dialogues to the weights of `agent.intake.classifier`; for `agent.intake.fit`.

labelled turns ─▶ clauses, what each tells
               ─▶ named features seen twice, nearness to landmarks
               ─▶ one logistic regression a field, with a ridge

Needs the `train` extra (scipy).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from agent.intake.classifier import Classifier, Weights
from agent.intake.evaluation import Answer, ScriptedCaller
from agent.intake.extract import RuledClause, ruled_turn
from agent.intake.features import Features, joint_meanings, named
from agent.intake.reader import READ_FIELDS
from agent.likeness.fit import inverse_root
from agent.likeness.model import nearness
from agent.safety.meaning import Vectors

Floats: TypeAlias = npt.NDArray[np.float64]

FEWEST_CLAUSES = 3  # rarer features teach only their own sentences
MOST_LANDMARKS = 320  # of 1.5 KB each
RIDGE = 0.1  # of 0.03, 0.1 and 0.3 by dialogues left out; they differ little
MOST_STEPS = 100


@dataclass(frozen=True, slots=True)
class Examples:
    """Labelled clauses.

    Attributes:
        clauses: As the rules see them.
        features: Of each clause.
        meanings: float32, shape (n_clauses, JOINT_DIMENSIONS).
        told: float64, shape (n_clauses, n_fields): 1 where the clause tells the field, 0 where
            it does not, NaN where that is a matter of taste.
    """

    clauses: tuple[RuledClause, ...]
    features: tuple[Features, ...]
    meanings: Vectors
    told: Floats


def examples(callers: Sequence[ScriptedCaller]) -> Examples:
    """The clauses of labelled dialogues."""
    turns = [
        (number, turn, ruled_turn(turn.caller, turn.bot))
        for caller in callers
        for number, turn in enumerate(caller.turns)
    ]
    clauses = [(turn, one) for _, turn, ruled in turns for one in ruled.clauses]
    return Examples(
        tuple(clause for _, clause in clauses),
        tuple(one for number, _, ruled in turns for one in named(ruled, number)),
        joint_meanings([ruled for _, _, ruled in turns]),
        np.array([told(clause, turn.answers) for turn, clause in clauses]),
    )


def told(clause: RuledClause, answers: Iterable[Answer]) -> list[float]:
    """Whether a clause tells each field: 1, 0, or NaN where that is a matter of taste."""
    marks = [answer for answer in answers if answer.span.overlaps(clause.span)]
    surely = {answer.field for answer in marks if not answer.optional}
    perhaps = {answer.field for answer in marks}
    return [1.0 if f in surely else np.nan if f in perhaps else 0.0 for f in READ_FIELDS]


def fit(data: Examples) -> Classifier:
    """Logistic regression of each field; deterministic. Its borders believe no field yet."""
    counts = Counter(name for features in data.features for name in features)
    common = sorted(name for name, count in counts.items() if count >= FEWEST_CLAUSES)
    names = {name: row for row, name in enumerate(common)}
    landmarks = _landmarks(data)
    spread = inverse_root(landmarks)
    near = nearness(data.meanings, landmarks) @ spread.astype(np.float32)
    both = _regress(_matrix(data.features, names), near, data.told)
    split = len(names)
    return Classifier(
        names,
        both[:split].astype(np.float32),
        landmarks,
        (spread @ both[split:-1]).astype(np.float32),
        both[-1].astype(np.float32),
        np.full(len(READ_FIELDS), np.inf, np.float32),
        np.full(len(READ_FIELDS), np.inf, np.float32),
        frozenset(),
    )


def _landmarks(data: Examples) -> Vectors:
    """Every n-th clause that tells something."""
    telling = np.flatnonzero((data.told == 1).any(axis=1))
    return data.meanings[telling[:: 1 + (len(telling) - 1) // MOST_LANDMARKS]]


def _regress(words: csr_matrix, near: Weights, told: Floats) -> Floats:
    """Weights of features, of landmarks, and the bias last: shape (n_weights + 1, n_fields)."""
    counts = (~np.isnan(told)).astype(np.float32)
    wanted = np.nan_to_num(told).astype(np.float32)
    split, size = words.shape[1], words.shape[1] + near.shape[1] + 1
    turned = words.T.tocsr()

    def loss(flat: Floats) -> tuple[float, Floats]:
        place = flat.astype(np.float32).reshape(size, -1)  # half the time of double precision
        scores = words @ place[:split] + near @ place[split:-1] + place[-1]
        errors = (1 / (1 + np.exp(-scores)) - wanted) * counts
        slope = np.vstack([turned @ errors, near.T @ errors, errors.sum(axis=0, keepdims=True)])
        slope[:-1] += RIDGE * place[:-1]
        surprise = float(((np.logaddexp(0.0, scores) - wanted * scores) * counts).sum())
        return surprise + RIDGE / 2 * float((place[:-1] ** 2).sum()), slope.ravel().astype(float)

    start = np.zeros(size * told.shape[1])
    options = {"maxiter": MOST_STEPS}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options=options)
    return np.asarray(found.x.reshape(size, -1))


def _matrix(features: Sequence[Features], names: dict[str, int]) -> csr_matrix:
    """One row a clause, one column a feature that is known."""
    values: list[float] = []
    columns: list[int] = []
    ends = [0]
    for own in features:
        known = [(names[name], size) for name, size in own.items() if name in names]
        columns += [column for column, _ in known]
        values += [size for _, size in known]
        ends.append(len(columns))
    shape = len(features), len(names)
    return csr_matrix((np.array(values, np.float32), columns, ends), shape=shape)
