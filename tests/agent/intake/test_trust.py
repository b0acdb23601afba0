"""A field or a rule is believed where it seldom errs, and never on a handful of cases."""

from __future__ import annotations

import numpy as np
import pytest

from agent.intake.extract import Hit, Proposal, RuledClause
from agent.intake.reader import READ_FIELDS
from agent.intake.regression import Examples
from agent.intake.spans import Span
from agent.intake.trust import PRECISION, PRECISION_OF_ALL, border, borders, sure_rules


def test_a_border_keeps_the_mistakes_under_it():
    """As low as the share of right ones allows."""
    odds = np.arange(200, 0, -1, dtype=np.float32)
    told = np.ones(200)
    told[150:] = 0
    found = odds >= border(told, odds)
    assert told[found].mean() >= PRECISION
    assert told[found].sum() == 150


def test_a_field_seen_seldom_has_no_border():
    """A few right ones in a row prove little."""
    odds = np.arange(30, 0, -1, dtype=np.float32)
    told = (odds > 25).astype(float)
    assert border(told, odds) == float("inf")


def test_a_matter_of_taste_moves_no_border():
    """It counts neither way."""
    odds = np.arange(200, 0, -1, dtype=np.float32)
    told = (odds > 100).astype(float)
    before = border(told, odds)
    told[-20:] = np.nan
    assert border(told, odds) == before


def hit(rule, field="name"):
    return Hit(rule, Proposal(field, Span(0, 1)))


def ruled(*rules):
    return RuledClause(Span(0, 1), "x", False, tuple(hit(rule) for rule in rules))


def test_a_rule_is_judged_by_its_own_hits_and_its_fields():
    """One that errs is dropped; one that hit seldom goes with the others."""
    at = READ_FIELDS.index("name")
    clauses = [ruled("good")] * 100 + [ruled("bad")] * 4 + [ruled("rare")]
    told = np.zeros((len(clauses), len(READ_FIELDS)))
    told[:100, at] = 1
    told[-1, at] = 1
    assert sure_rules(clauses, told) == {"good", "rare"}


def test_a_fields_border_is_drawn_halfway_to_that_of_all():
    """And a field without one of its own has that of all."""
    clauses = 400
    odds = np.repeat(np.arange(clauses, 0, -1, dtype=np.float32)[:, None], len(READ_FIELDS), axis=1)
    told = np.full(odds.shape, np.nan)
    told[:, 0] = odds[:, 0] > 200
    told[:30, 1] = odds[:30, 1] > 395
    empty = np.empty((clauses, 0), np.float32)
    found = borders(Examples((), (), empty, told), odds)
    of_all = border(told.ravel(), odds.ravel(), PRECISION_OF_ALL)
    assert found[0] == pytest.approx((border(told[:, 0], odds[:, 0]) + of_all) / 2)
    assert found[1] == found[2] == of_all
