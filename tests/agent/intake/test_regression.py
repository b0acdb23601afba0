"""A fit learns what it is shown, leaves out matters of taste, and does so the same every time."""

from __future__ import annotations

import json

import numpy as np
import pytest

from agent.intake.classifier import to_bytes
from agent.intake.evaluation import read_callers
from agent.intake.reader import READ_FIELDS
from agent.intake.regression import examples, fit

pytest.importorskip("scipy")

HEALTH = READ_FIELDS.index("health")
TURNS = [
    ("", "你好 [我睡不着|health]"),
    ("", "[晚上睡不着|health] 天气很好"),
    ("", "[总是睡不着|health,concern?]"),
    ("", "[昨天睡不着|health]"),
    ("", "今天天气很好"),
    ("", "昨天天气很好"),
    ("", "我在听歌 天气不错"),
    ("", "[吃不下饭|health?]"),
]


@pytest.fixture
def data(tmp_path):
    rows = [{"bot": bot, "caller": caller} for bot, caller in TURNS]
    file = tmp_path / "callers.jsonl"
    file.write_text(json.dumps({"id": "one", "locale": "zh-Hans", "turns": rows}), "utf-8")
    return examples(read_callers(file))


def test_clauses_carry_their_labels(data):
    """Told, not told, or a matter of taste."""
    told = {clause.words: value for clause, value in zip(data.clauses, data.told, strict=True)}
    assert told["我睡不着"][HEALTH] == 1
    assert told["你好"][HEALTH] == 0
    assert np.isnan(told["吃不下饭"][HEALTH])
    assert np.isnan(told["总是睡不着"][READ_FIELDS.index("concern")])


def test_a_fit_tells_apart_what_it_was_shown(data):
    """Every clause that tells lies over every one that does not; nothing is believed yet."""
    model = fit(data)
    odds = model.log_odds_of(data.features, data.meanings)[:, HEALTH]
    told = data.told[:, HEALTH]
    assert odds[told == 1].min() > odds[told == 0].max()
    assert np.isinf(model.borders).all()


def test_the_same_examples_give_the_same_weights(data):
    """To the byte."""
    assert to_bytes(fit(data)) == to_bytes(fit(data))
