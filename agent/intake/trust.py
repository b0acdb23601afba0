"""Chooses what of the two judges and of the rules is believed: what seldom errs.

Borders are chosen on callers of an author whom nothing was fitted to: clauses of one author
resemble each other, callers nobody has heard do not. Rules are chosen on all labelled callers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from agent.intake.classifier import Weights
from agent.intake.extract import RuledClause
from agent.intake.fields import Field
from agent.intake.reader import READ_FIELDS
from agent.intake.regression import Examples, Floats

# Share of right proposals asked for at the border of a field, and at one for all fields. A field
# has few clauses, so its own border is drawn halfway to that of all.
PRECISION = 0.9
PRECISION_OF_ALL = 0.92
SPARE_MISTAKES = 1  # that a border must bear on top, so that a field seen seldom is not trusted

SURE_PRECISION = 0.95  # of a rule
# How many hits the precision of all rules of the field counts for beside a rule's own.
FIELD_HITS = 5


def borders(data: Examples, odds: Weights) -> Weights:
    """From which log-odds on each field is believed: float32, shape (n_fields,)."""
    of_all = border(data.told.ravel(), odds.ravel(), PRECISION_OF_ALL)
    own = [border(data.told[:, at], odds[:, at]) for at in range(len(READ_FIELDS))]
    drawn = [(one + of_all) / 2 if np.isfinite(one) else of_all for one in own]
    return np.array(drawn, np.float32)


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


def border(told: Floats, odds: Weights, precision: float = PRECISION) -> float:
    """The least log-odds from which on a precision holds; infinite where it never does."""
    counted = np.flatnonzero(~np.isnan(told))
    order = counted[np.argsort(-odds[counted], kind="stable")]
    right = np.cumsum(told[order])
    share = right / (np.arange(1, len(order) + 1) + SPARE_MISTAKES)
    good = np.flatnonzero(share >= precision)
    return float(odds[order[good[-1]]]) if len(good) else float("inf")
