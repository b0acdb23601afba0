"""The weights survive their file, and judge every clause of a turn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agent.intake.classifier import Classifier, classifier, from_bytes, nearness, to_bytes
from agent.intake.extract import ruled_turn
from agent.intake.features import JOINT_DIMENSIONS
from agent.intake.reader import READ_FIELDS

FIELDS = len(READ_FIELDS)


def some_classifier():
    numbers = np.random.default_rng(5)
    landmarks = numbers.normal(size=(3, JOINT_DIMENSIONS)).astype(np.float32)
    return Classifier(
        {":睡": 0, "!:first:since": 1, ":never": 2},
        np.vstack([numbers.normal(size=(2, FIELDS)), np.zeros((1, FIELDS))]).astype(np.float32),
        landmarks / np.linalg.norm(landmarks, axis=1, keepdims=True),
        numbers.normal(size=(3, FIELDS)).astype(np.float32),
        np.arange(FIELDS, dtype=np.float32),
        np.full(FIELDS, np.inf, np.float32),
        np.full(FIELDS, 2.5, np.float32),
        frozenset(("zh.name.00000000", "en.age.00000001")),
    )


def test_weights_survive_to_the_precision_of_their_steps():
    """What has no weight is not written; all else judges as before, to a hundredth."""
    one = some_classifier()
    again = from_bytes(to_bytes(one))
    assert set(again.names) == {":睡", "!:first:since"}
    assert again.sure_rules == one.sure_rules
    assert np.array_equal(again.borders, one.borders)
    assert np.array_equal(again.borders_in_context, one.borders_in_context)
    turn = ruled_turn("三个月睡不着，很累", "这样多久了？")
    assert again.log_odds(turn, 2) == pytest.approx(one.log_odds(turn, 2), abs=0.05)


def test_a_classifier_without_words_can_be_written():
    """Nothing known, nothing trusted."""
    one = some_classifier()
    bare = replace(one, names={}, weights=one.weights[:0], sure_rules=frozenset())
    again = from_bytes(to_bytes(bare))
    assert (again.names, again.sure_rules) == ({}, frozenset())
    assert again.log_odds(ruled_turn("三个月"), 0).shape == (1, FIELDS)


def test_nearness_is_one_at_the_landmark_and_less_elsewhere():
    """And symmetric."""
    landmarks = some_classifier().landmarks
    near = nearness(landmarks, landmarks)
    assert near.diagonal() == pytest.approx(1.0, abs=1e-5)
    assert near == pytest.approx(near.T)
    assert (near <= 1.0 + 1e-5).all()


def test_the_weights_of_the_package_judge_a_turn():
    """One row a clause, one finite log-odds a field, the same every time."""
    turn = ruled_turn("我叫小安，睡不着三个月了", "怎么称呼你？")
    odds = classifier().log_odds(turn, 1)
    assert odds.shape == (2, FIELDS)
    assert np.isfinite(odds).all()
    assert np.array_equal(odds, classifier().log_odds(turn, 1))
