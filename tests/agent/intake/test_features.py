"""Clauses are described by their words, place, neighbours and question, whatever the script."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.intake.extract import ruled_turn
from agent.intake.features import JOINT_DIMENSIONS, joint_meanings, named


def names(text, bot_text="", number=0, clause=0):
    return set(named(ruled_turn(text, bot_text), number)[clause])


@given(st.text(max_size=40), st.text(max_size=20), st.integers(0, 500))
def test_every_clause_has_features_of_bounded_size(text, bot_text, number):
    """One set a clause, none of it larger than the clause's own words may be."""
    turn = ruled_turn(text, bot_text)
    features = named(turn, number)
    assert len(features) == len(turn.clauses)
    assert all(0 < size <= 1 for one in features for size in one.values())


def test_script_and_width_make_no_difference():
    """A recogniser writes as it likes."""
    assert names("我晚上睡不著，很累") == names("我晚上睡不着，很累")


def test_numbers_are_alike():
    """Three months and five months tell the same."""
    assert names("三个月了") == names("五个月了")
    assert names("about 3 weeks") == names("about 12 weeks")


def test_what_was_asked_goes_with_the_words():
    """The same words answer another question differently."""
    assert "=:since 月" in names("三个月", "这样多久了？")
    assert "=:since 月" not in names("三个月", "你喜欢做什么？")


def test_neighbours_are_seen_apart_from_the_clause_itself():
    """What comes before and after is not what is said."""
    middle = names("吃不下，睡不着，很累", clause=1)
    assert {":睡", "<:吃", ">:累"} <= middle
    assert not {":吃", ":累"} & middle


def test_a_rule_that_hits_is_a_feature():
    """By its own name, and by its field's."""
    found = names("我在吃舍曲林")
    assert "!ruled:medication" in found
    assert any(name.startswith("!rule:zh.medication.") for name in found)


def test_a_meaning_is_that_of_clause_turn_and_question():
    """As long as 1 with a question, shorter without; the same turn is the same to itself."""
    asked = joint_meanings([ruled_turn("三个月了 睡不着", "这样多久了？")])
    alone = joint_meanings([ruled_turn("三个月了 睡不着")])
    assert asked.shape == (2, JOINT_DIMENSIONS)
    assert np.linalg.norm(asked, axis=1) == pytest.approx(1.0, abs=1e-3)
    assert (np.linalg.norm(alone, axis=1) < 0.9).all()


def test_nothing_said_has_no_meaning():
    """No clause, no row."""
    assert joint_meanings([]).shape == (0, JOINT_DIMENSIONS)
    assert joint_meanings([ruled_turn("……")]).shape == (0, JOINT_DIMENSIONS)
