"""A field or a rule is believed where it seldom errs, and never on a handful of cases."""

from __future__ import annotations

import numpy as np
import pytest

from agent.intake.extract import Hit, Proposal, RuledClause
from agent.intake.reader import READ_FIELDS
from agent.intake.regression import Examples
from agent.intake.spans import Span
from agent.intake.trust import (
    STRICT,
    border,
    borders,
    borders_from,
    counts_without_each,
    sure_rules,
)


def test_a_border_keeps_the_mistakes_under_it():
    """As low as the share of right ones allows."""
    odds = np.arange(200, 0, -1, dtype=np.float32)
    told = np.ones(200)
    told[150:] = 0
    found = odds >= border(told, odds, STRICT.of_field)
    assert told[found].mean() >= STRICT.of_field
    assert told[found].sum() == 150


def test_a_field_seen_seldom_has_no_border():
    """A few right ones in a row prove little."""
    odds = np.arange(30, 0, -1, dtype=np.float32)
    told = (odds > 25).astype(float)
    assert border(told, odds, STRICT.of_field) == float("inf")


def test_a_matter_of_taste_moves_no_border():
    """It counts neither way."""
    odds = np.arange(200, 0, -1, dtype=np.float32)
    told = (odds > 100).astype(float)
    before = border(told, odds, STRICT.of_field)
    told[-20:] = np.nan
    assert border(told, odds, STRICT.of_field) == before


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


def test_an_author_counts_without_each_is_judged_by_the_borders_from_the_others():
    """Counts are of their clauses alone; what is a matter of taste counts neither way."""
    random = np.random.default_rng(3)
    odds = [random.normal(size=(300, len(READ_FIELDS))).astype(np.float32) for _ in range(3)]
    told = [(one + random.normal(0, 0.2, one.shape) > 0).astype(float) for one in odds]
    told[0][:100] = np.nan
    believed = odds[0] >= borders_from(np.concatenate(told[1:]), np.concatenate(odds[1:]))
    right, wrong, missed = counts_without_each(told, odds)[0]
    assert right == (believed & (told[0] == 1)).sum() > 0
    assert wrong == (believed & (told[0] == 0)).sum()
    assert right + missed == (told[0] == 1).sum()


def test_a_fields_border_is_drawn_halfway_to_that_of_all():
    """And a field without one of its own has that of all."""
    clauses = 400
    age, name = READ_FIELDS.index("age"), READ_FIELDS.index("name")
    odds = np.repeat(np.arange(clauses, 0, -1, dtype=np.float32)[:, None], len(READ_FIELDS), axis=1)
    told = np.full(odds.shape, np.nan)
    told[:, age] = odds[:, age] > 200
    told[:30, name] = odds[:30, name] > 395
    empty = np.empty((clauses, 0), np.float32)
    found = borders(Examples((), (), empty, told), odds)
    of_all = border(told.ravel(), odds.ravel(), STRICT.of_all)
    own = border(told[:, age], odds[:, age], STRICT.of_field)
    assert found[age] == pytest.approx((own + of_all) / 2)
    assert found[name] == of_all


def test_less_is_asked_of_what_brings_a_caller():
    """A page without it is worth less than one with a sentence too much."""
    random = np.random.default_rng(5)
    odds = np.repeat(random.normal(size=(4000, 1)), len(READ_FIELDS), axis=1).astype(np.float32)
    told = (odds + random.normal(0, 0.5, odds.shape[:1])[:, None] > 0).astype(float)
    found = dict(zip(READ_FIELDS, borders_from(told, odds), strict=True))
    assert all(found["concern"] < found[field] for field in READ_FIELDS if field != "concern")
