"""Fits the weights of `agent.safety.opinion`: `python -m agent.safety.opinion_fit`.

    tests/data/safety/{development,wordings}.jsonl   labelled utterances
    train/data/counsellor                            callers' turns in ordinary calls, as none
    ─▶ n-grams seen twice, nearness to landmarks ─▶ softmax regression with a ridge ─▶ opinion.npz

Runs in a checkout with the `train` extra, in about a minute. Nothing of the sets that measure
(`held_out`, `blind`, `unseen`, `fresh`, `first_sight`) is fitted on; `opinion_check`
cross-validates.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, get_args

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from agent.safety.detector import without_benign
from agent.safety.fold import fold
from agent.safety.meaning import Vectors, vectors
from agent.safety.opinion import CLASSES, Model, grams_of, nearness, to_bytes
from agent.safety.tiers import Category, Tier

Floats: TypeAlias = npt.NDArray[np.float64]

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data" / "safety"
DEVELOPMENT = DATA / "development.jsonl"
LABELLED = (DEVELOPMENT, DATA / "wordings.jsonl")
ORDINARY = ROOT / "train" / "data" / "counsellor"
RESULT = Path(__file__).with_name("opinion.npz")

# Dialogues in which the caller may be in danger say nothing about ordinary talk.
NOT_ORDINARY = frozenset(("crisis", "after safety script", "after-safety", "minor", "prank"))
NEIGHBOURS = 12  # lines of a labelled file that are kept together when it is divided
FEWEST_TEXTS = 2  # rarer grams teach only their own sentences
MOST_LANDMARKS = 1024  # every n-th labelled text; half a megabyte
RIDGE = 0.1  # 0.2 and 0.3 were worse by cross-validation
MOST_STEPS = 80
_LEAST_SPREAD = 1e-6  # of the landmarks in a direction, under which it is rounding


@dataclass(frozen=True, slots=True)
class Example:
    """One text to fit on.

    Attributes:
        kind: Its class, as `opinion.CLASSES` counts them.
        label: Its tier; "none" if ordinary.
        family: Texts of one family are alike: a grave wording and the harmless ones written
            beside it, or the turns of one caller. None of them may judge another.
        is_ordinary: It was said in an ordinary call, not labelled by hand.
    """

    text: str
    kind: int
    label: Tier = "none"
    family: str = ""
    is_ordinary: bool = False


def labelled() -> Iterator[Example]:
    """The utterances that were labelled by hand."""
    categories: tuple[Category, ...] = get_args(Category)
    for path in LABELLED:
        for number, line in enumerate(path.read_text("utf-8").splitlines()):
            row = json.loads(line)
            kind = 0 if row["label"] == "none" else 1 + categories.index(row["kind"])
            family = f"{path.stem} {number // NEIGHBOURS}"
            yield Example(row["text"], kind, row["label"], family)


def ordinary() -> Iterator[Example]:
    """What callers say in calls without danger."""
    for number, caller in enumerate(ordinary_callers()):
        family = f"caller {number}"
        for turn in caller:
            yield Example(turn, 0, family=family, is_ordinary=True)


def ordinary_callers() -> Iterator[list[str]]:
    """The turns of each caller in a call without danger."""
    for path in sorted(ORDINARY.glob("*/*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            dialogue = json.loads(line)
            if NOT_ORDINARY.isdisjoint(dialogue["tags"]):
                turns = [one["content"] for one in dialogue["messages"] if one["role"] == "user"]
                if turns:
                    yield turns


def fit(data: Sequence[Example], meanings: Vectors | None = None) -> Model:
    """Softmax regression on the whole set; deterministic.

    Args:
        data: Texts of at least two classes.
        meanings: Of the texts, shape (n_texts, DIMENSIONS), where they are known already.
    """
    folded = [fold(one.text) for one in data]
    meanings = vectors(folded) if meanings is None else meanings
    features = [sorted(grams_of(without_benign(text))) for text in folded]
    counts = Counter(gram for names in features for gram in names)
    common = sorted(gram for gram, count in counts.items() if count >= FEWEST_TEXTS)
    grams = {gram: row for row, gram in enumerate(common)}
    words = _matrix(features, grams)
    landmarks = _landmarks(data, meanings)
    spread = _spread(landmarks)
    near = nearness(meanings, landmarks) @ spread
    both = _regress(words, near, data)
    split = len(grams)
    return Model(
        grams,
        both[:split].astype(np.float32),
        landmarks,
        (spread @ both[split:-1]).astype(np.float32),
        both[-1].astype(np.float32),
    )


def _landmarks(data: Sequence[Example], meanings: Vectors) -> Vectors:
    marked = [row for row, one in enumerate(data) if not one.is_ordinary]
    return meanings[marked[:: 1 + (len(marked) - 1) // MOST_LANDMARKS]]


def _spread(landmarks: Vectors) -> Floats:
    """Makes nearness to landmarks a Nyström feature: the inverse root of their own nearness."""
    sizes, directions = np.linalg.eigh(nearness(landmarks, landmarks).astype(np.float64))
    roots = np.sqrt(np.maximum(sizes, _LEAST_SPREAD))
    return np.asarray((directions / roots) @ directions.T)


def _regress(words: csr_matrix, near: Floats, data: Sequence[Example]) -> Floats:
    """Weights of n-grams, of landmarks, and the bias last: shape (n_features + 1, CLASSES)."""
    wanted = np.eye(CLASSES)[[one.kind for one in data]]
    split, size = words.shape[1], words.shape[1] + near.shape[1] + 1
    turned = words.T.tocsr()

    def loss(flat: Floats) -> tuple[float, Floats]:
        place = flat.reshape(size, CLASSES)
        scores = words @ place[:split] + near @ place[split:-1] + place[-1]
        scores -= scores.max(axis=1, keepdims=True)
        chances = np.exp(scores)
        chances /= chances.sum(axis=1, keepdims=True)
        errors = chances - wanted
        slope = np.vstack([turned @ errors, near.T @ errors, errors.sum(axis=0)])
        slope[:-1] += RIDGE * place[:-1]
        surprise = -float((wanted * np.log(chances + 1e-12)).sum())
        return surprise + RIDGE / 2 * float((place[:-1] ** 2).sum()), slope.ravel()

    start = np.zeros(size * CLASSES)
    options = {"maxiter": MOST_STEPS}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options=options)
    return np.asarray(found.x.reshape(size, CLASSES))


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


if __name__ == "__main__":
    RESULT.write_bytes(to_bytes(fit([*labelled(), *ordinary()])))
