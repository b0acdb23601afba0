"""Fits the weights of `agent.safety.opinion`: `python -m agent.safety.opinion_fit`.

    tests/data/safety/development.jsonl     labelled utterances
    train/data/counsellor                   callers' turns in ordinary calls, taken as none
    ─▶ n-grams seen three times ─▶ softmax regression with a ridge ─▶ agent/safety/opinion.json

Runs in a checkout with the `train` extra, in about a minute; the same data give the same file.
Nothing
of the sets that measure (`held_out`, `blind`, `unseen`) is fitted on.
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
from agent.safety.opinion import CLASSES, Model, grams_of, to_json
from agent.safety.tiers import Category

Place: TypeAlias = npt.NDArray[np.float64]

ROOT = Path(__file__).parents[2]
LABELLED = ROOT / "tests" / "data" / "safety" / "development.jsonl"
ORDINARY = ROOT / "train" / "data" / "counsellor"
RESULT = Path(__file__).with_name("opinion.json")

# Dialogues in which the caller may be in danger say nothing about ordinary talk.
NOT_ORDINARY = frozenset(("crisis", "after safety script", "after-safety", "minor", "prank"))
ORDINARY_WEIGHT = 0.5  # there are twice as many ordinary turns, and they are easier
FEWEST_TEXTS = 3  # rarer grams teach only their own sentences, and make the file large
RIDGE = 0.1  # of 0.1, 0.3 and 1.0 the best on `held_out.jsonl`
MOST_STEPS = 200


@dataclass(frozen=True, slots=True)
class Example:
    """One text, its class, and how much it counts."""

    text: str
    kind: int
    weight: float


def examples() -> list[Example]:
    """Everything to fit on."""
    return [*_labelled(), *_ordinary()]


def _labelled() -> Iterator[Example]:
    categories: tuple[Category, ...] = get_args(Category)
    for line in LABELLED.read_text("utf-8").splitlines():
        row = json.loads(line)
        kind = 0 if row["label"] == "none" else 1 + categories.index(row["kind"])
        yield Example(row["text"], kind, 1.0)


def _ordinary() -> Iterator[Example]:
    for path in sorted(ORDINARY.glob("*/*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            dialogue = json.loads(line)
            if NOT_ORDINARY.isdisjoint(dialogue["tags"]):
                for message in dialogue["messages"]:
                    if message["role"] == "user":
                        yield Example(message["content"], 0, ORDINARY_WEIGHT)


def fit(data: Sequence[Example]) -> Model:
    """Softmax regression on the whole set; deterministic."""
    features = [sorted(grams_of(without_benign(fold(one.text)))) for one in data]
    counts = Counter(gram for grams in features for gram in grams)
    common = sorted(gram for gram, count in counts.items() if count >= FEWEST_TEXTS)
    grams = {gram: row for row, gram in enumerate(common)}
    inputs = _matrix(features, grams)
    wanted = np.eye(CLASSES)[[one.kind for one in data]]
    shares = np.array([one.weight for one in data])[:, None]

    def loss(place: Place) -> tuple[float, Place]:
        both = place.reshape(-1, CLASSES)
        scores = inputs @ both[:-1] + both[-1]
        scores -= scores.max(axis=1, keepdims=True)
        chances = np.exp(scores)
        chances /= chances.sum(axis=1, keepdims=True)
        errors = (chances - wanted) * shares
        slope = np.vstack([inputs.T @ errors + RIDGE * both[:-1], errors.sum(axis=0)])
        surprise = -float((shares * wanted * np.log(chances + 1e-12)).sum())
        return surprise + RIDGE / 2 * float((both[:-1] ** 2).sum()), slope.ravel()

    found = minimize(
        loss,
        np.zeros((len(grams) + 1) * CLASSES),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": MOST_STEPS},
    )
    both = found.x.reshape(-1, CLASSES).astype(np.float32)
    return Model(grams, both[:-1], both[-1])


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
    RESULT.write_text(to_json(fit(examples())), "utf-8")
