"""Chooses what of the two judges and of the rules is believed: what seldom errs.

Borders are chosen on callers of authors whom nothing was fitted to: clauses of one author
resemble each other, callers nobody has heard do not. Rules are chosen on all labelled callers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from agent.intake.classifier import Weights
from agent.intake.extract import RuledClause
from agent.intake.fields import Field
from agent.intake.reader import READ_FIELDS
from agent.intake.regression import Examples, Floats


class Asked(NamedTuple):
    """Shares of right proposals.

    Attributes:
        of_field: Asked for at the field's own border. A field has few clauses, so its border is
            drawn halfway to that of all.
        of_all: Asked for at one border for all fields.
    """

    of_field: float
    of_all: float


# Of fourteen authors, three of them as one, each left out of the choice in turn, the borders give
# a precision of 0.944 and find 0.33 of what is told (`agent.intake.fit` prints it). Chosen on
# seven, 0.90 and 0.92 gave 0.908 and 0.50 instead of 0.944 and 0.39.
STRICT = Asked(0.95, 0.96)
# What brings a caller is told in the most different words. A page without it is worth less than one
# on which it stands beside a sentence too much: of those seven, 0.87 and 0.19 of what is told
# instead of 0.93 and 0.11.
ASKED: Mapping[Field, Asked] = dict.fromkeys(READ_FIELDS, STRICT) | {"concern": Asked(0.90, 0.92)}
SPARE_MISTAKES = 1  # that a border must bear on top, so that a field seen seldom is not trusted

SURE_PRECISION = 0.95  # of a rule
# How many hits the precision of all rules of the field counts for beside a rule's own.
FIELD_HITS = 5


def borders(data: Examples, odds: Weights) -> Weights:
    """From which log-odds on each field is believed: float32, shape (n_fields,)."""
    return borders_from(data.told, odds)


def borders_from(told: Floats, odds: Weights) -> Weights:
    """From which log-odds on each field is believed.

    Args:
        told: What each clause tells, shape (n_clauses, n_fields): 1 told, 0 not, NaN as one likes.
        odds: The judges' log-odds, alike.

    Returns:
        float32, shape (n_fields,).
    """
    drawn = []
    for at, field in enumerate(READ_FIELDS):
        asked = ASKED[field]
        of_all = border(told.ravel(), odds.ravel(), asked.of_all)
        own = border(told[:, at], odds[:, at], asked.of_field)
        drawn.append((own + of_all) / 2 if np.isfinite(own) else of_all)
    return np.array(drawn, np.float32)


def counts_without_each(
    told: Sequence[Floats], odds: Sequence[Weights]
) -> list[tuple[int, int, int]]:
    """Counts for each author, by borders that were chosen on all the others.

    Args:
        told: Of each author, shape (n_clauses, n_fields): 1 told, 0 not, NaN as one likes.
        odds: The judges' log-odds, alike.

    Returns:
        By author: how many clauses are taken down rightly, how many wrongly, how many missed.
    """
    counts = []
    for at, (own, own_odds) in enumerate(zip(told, odds, strict=True)):
        believed = own_odds >= borders_from(
            np.concatenate([*told[:at], *told[at + 1 :]]),
            np.concatenate([*odds[:at], *odds[at + 1 :]]),
        )
        right, wrong = (int((believed & (own == value)).sum()) for value in (1, 0))
        counts.append((right, wrong, int((~believed & (own == 1)).sum())))
    return counts


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


def border(told: Floats, odds: Weights, precision: float) -> float:
    """The least log-odds from which on a precision holds; infinite where it never does."""
    counted = np.flatnonzero(~np.isnan(told))
    order = counted[np.argsort(-odds[counted], kind="stable")]
    right = np.cumsum(told[order])
    share = right / (np.arange(1, len(order) + 1) + SPARE_MISTAKES)
    good = np.flatnonzero(share >= precision)
    return float(odds[order[good[-1]]]) if len(good) else float("inf")
