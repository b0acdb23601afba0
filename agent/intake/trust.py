"""Chooses what of the classifier and of the rules is believed, by cross-validation.

Every clause is judged by a fit that left its whole dialogue out: clauses of one dialogue
resemble each other, callers nobody has heard do not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from agent.intake.classifier import Classifier, Weights
from agent.intake.extract import RuledClause
from agent.intake.fields import Field
from agent.intake.reader import READ_FIELDS
from agent.intake.regression import Examples, Floats, Rows

PARTS = 5

# Share of right proposals asked for at a border. Of the mistakes above it, most are a matter of
# which field; at 0.95 the labelled dialogues leave a recall of 0.03.
PRECISION = 0.9
SPARE_MISTAKES = 1  # that a border must bear on top, so that a field seen seldom is not trusted

SURE_PRECISION = 0.95  # of a rule
# How many hits the precision of all rules of the field counts for beside a rule's own.
FIELD_HITS = 5


def folds(data: Examples) -> Iterator[tuple[Rows, Rows]]:
    """Rows to fit on and rows left out; dialogues stay whole."""
    part = data.dialogues % PARTS
    for left_out in range(PARTS):
        yield np.flatnonzero(part != left_out), np.flatnonzero(part == left_out)


def trusting(model: Classifier, data: Examples, odds: Weights) -> Classifier:
    """The model with the borders and sure rules that `data` and its `odds` justify."""
    borders = [border(data.told[:, at], odds[:, at]) for at in range(len(READ_FIELDS))]
    sure = sure_rules(data.clauses, data.told)
    return replace(model, borders=np.array(borders, np.float32), sure_rules=sure)


def sure_rules(clauses: Sequence[RuledClause], told: Floats) -> frozenset[str]:
    """The rules that seldom err, judged by their hits and by those of their field's rules."""
    right: Counter[tuple[Field, str]] = Counter()
    wrong: Counter[tuple[Field, str]] = Counter()
    for clause, tells in zip(clauses, told, strict=True):
        for hit in clause.hits:
            field = hit.proposal.field
            value = tells[READ_FIELDS.index(field)]
            for key in ((field, hit.rule), (field, "")):
                right[key] += int(value == 1)
                wrong[key] += int(value == 0)

    def share(key: tuple[Field, str], prior: float, prior_hits: int) -> float:
        hits = right[key] + wrong[key] + prior_hits
        return (right[key] + prior * prior_hits) / hits if hits else 0.0

    return frozenset(
        rule
        for field, rule in right
        if rule and share((field, rule), share((field, ""), 0.0, 0), FIELD_HITS) >= SURE_PRECISION
    )


def border(told: Floats, odds: Weights) -> float:
    """The least log-odds from which on PRECISION holds; infinite where it never does."""
    counted = np.flatnonzero(~np.isnan(told))
    order = counted[np.argsort(-odds[counted], kind="stable")]
    right = np.cumsum(told[order])
    share = right / (np.arange(1, len(order) + 1) + SPARE_MISTAKES)
    good = np.flatnonzero(share >= PRECISION)
    return float(odds[order[good[-1]]]) if len(good) else float("inf")
