"""The second opinion: what it is asked, what it may do, and how it is made."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.safety.detector import SECOND_OPINION, assess
from agent.safety.opinion import from_json, grams_of, model, to_json

pytest.importorskip("scipy", reason="only the fit needs scipy, which the train extra brings")
from agent.safety.opinion_fit import Example, fit

DANGER = 1  # the class of "suicide"


def test_an_indirect_wording_is_asked_about():
    """Where no rule matches, what resembles danger is a concern and no more."""
    found = assess("活著只是在拖時間")
    assert found.tier == "concern"
    assert [sign.rule_id for sign in found.signs] == [SECOND_OPINION]


@pytest.mark.parametrize("text", ["我不想死", "昨天看的電影，女主角最後跳樓自殺", "", "嗯"])
def test_what_the_rules_took_back_is_not_asked_again(text: str):
    """A denial, a film and silence stay what they are."""
    assert assess(text).tier == "none"


@given(st.text(max_size=80))
def test_any_text_has_an_opinion(text: str):
    """Unknown characters weigh nothing."""
    assert model().opinion(text).log_odds < 50


def test_grams_do_not_depend_on_spaces():
    """Mandarin is cut into characters, English into words."""
    assert grams_of("想走") == grams_of("想 走") >= {"^ 想", "想 走", "走 $", "^ _ 走"}


def test_a_fit_separates_what_it_was_given_and_survives_its_file():
    """Ten texts of each class are told apart, also after writing and reading."""
    data = [Example(f"想走 {end}", DANGER, 1.0) for end in "甲乙丙丁"]
    data += [Example(f"吃饭 {end}", 0, 1.0) for end in "甲乙丙丁"]
    fitted = fit(data)
    read = from_json(to_json(fitted))
    for one in (fitted, read):
        assert one.opinion("想走").log_odds > 0 > one.opinion("吃饭").log_odds
        assert one.opinion("想走").category == "suicide"
