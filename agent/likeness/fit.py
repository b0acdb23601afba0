"""Fits a `Likeness` to labelled texts: softmax regression with a ridge; deterministic.

    words    ─▶ n-grams seen twice ──────────┐
    meanings ─▶ nearness to some of them ────┴─▶ softmax regression ─▶ Likeness

Needs the `train` extra (scipy).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from agent.likeness.model import Likeness, grams_of, nearness
from agent.safety.meaning import Vectors

Floats: TypeAlias = npt.NDArray[np.float64]

FEWEST_TEXTS = 2  # rarer grams teach only their own sentences
MOST_LANDMARKS = 1024  # every n-th of those that may be one; half a megabyte
RIDGE = 0.1  # 0.2 and 0.3 were worse by cross-validation of the second opinion
MOST_STEPS = 80
_LEAST_SPREAD = 1e-6  # of the landmarks in a direction, under which it is rounding


def fit(
    words: Sequence[str],
    meanings: Vectors,
    kinds: Sequence[int],
    marked: Sequence[int],
    *,
    n_kinds: int,
    counts_for: Sequence[float] | None = None,
) -> Likeness:
    """Fit on all texts.

    Args:
        words: The texts for their n-grams, as `Likeness.scores` will be given them.
        meanings: Of the texts, shape (n_texts, DIMENSIONS).
        kinds: Of the texts, from 0.
        marked: Rows of the texts that may become landmarks, at least one.
        n_kinds: How many kinds there are, with those that no text has.
        counts_for: How many texts each text counts for, positive; 1 if left out.
    """
    features = [sorted(grams_of(text)) for text in words]
    counts = Counter(gram for names in features for gram in names)
    common = sorted(gram for gram, count in counts.items() if count >= FEWEST_TEXTS)
    grams = {gram: row for row, gram in enumerate(common)}
    landmarks = meanings[list(marked[:: 1 + (len(marked) - 1) // MOST_LANDMARKS])]
    spread = inverse_root(landmarks)
    near = nearness(meanings, landmarks) @ spread
    weight = np.ones(len(words)) if counts_for is None else np.asarray(counts_for)
    both = _regress(_matrix(features, grams), near, np.eye(n_kinds)[list(kinds)], weight)
    split = len(grams)
    return Likeness(
        grams,
        both[:split].astype(np.float32),
        landmarks,
        (spread @ both[split:-1]).astype(np.float32),
        both[-1].astype(np.float32),
    )


def inverse_root(landmarks: Vectors) -> Floats:
    """Makes nearness to landmarks a Nyström feature: the inverse root of their own nearness."""
    sizes, directions = np.linalg.eigh(nearness(landmarks, landmarks).astype(np.float64))
    roots = np.sqrt(np.maximum(sizes, _LEAST_SPREAD))
    return np.asarray((directions / roots) @ directions.T)


def _regress(words: csr_matrix, near: Floats, wanted: Floats, weight: Floats) -> Floats:
    """Weights of n-grams, of landmarks, and the bias last: shape (n_features + 1, n_kinds)."""
    split, size = words.shape[1], words.shape[1] + near.shape[1] + 1
    turned = words.T.tocsr()

    def loss(flat: Floats) -> tuple[float, Floats]:
        place = flat.reshape(size, -1)
        scores = words @ place[:split] + near @ place[split:-1] + place[-1]
        scores -= scores.max(axis=1, keepdims=True)
        chances = np.exp(scores)
        chances /= chances.sum(axis=1, keepdims=True)
        errors = weight[:, None] * (chances - wanted)
        slope = np.vstack([turned @ errors, near.T @ errors, errors.sum(axis=0)])
        slope[:-1] += RIDGE * place[:-1]
        surprise = -float(weight @ (wanted * np.log(chances + 1e-12)).sum(axis=1))
        return surprise + RIDGE / 2 * float((place[:-1] ** 2).sum()), slope.ravel()

    start = np.zeros(size * wanted.shape[1])
    options = {"maxiter": MOST_STEPS}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options=options)
    return np.asarray(found.x.reshape(size, -1))


def _matrix(features: Sequence[list[str]], grams: dict[str, int]) -> csr_matrix:
    """One row a text, of length 1 whatever the text's."""
    values: list[float] = []
    columns: list[int] = []
    ends = [0]
    for names in features:
        known = [grams[name] for name in names if name in grams]
        columns += known
        values += [1 / np.sqrt(len(known))] * len(known)
        ends.append(len(columns))
    return csr_matrix((values, columns, ends), shape=(len(features), len(grams)))
