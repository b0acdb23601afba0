"""The second opinion: what it is asked, what it may do, and how it is made."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.likeness.model import from_bytes, grams_of, to_bytes
from agent.safety.detector import SECOND_OPINION, assess
from agent.safety.meaning import DIMENSIONS, vectors
from agent.safety.opinion import Opinion, opinion_of, opinion_on
from agent.safety.tiers import TIERS, Tier, rank

pytest.importorskip("scipy", reason="only the fit needs scipy, which the train extra brings")
from agent.safety.opinion_check import PARTS, parts
from agent.safety.opinion_fit import Example, fit, in_one_breath

DANGER = 1  # the class of "suicide"


@pytest.mark.parametrize(
    ("text", "tier"),
    [("這個時間橋上沒有人 我站了很久", "concern"), ("今晚之後你們就不用再擔心我了", "elevated")],
)
def test_an_indirect_wording_is_asked_about(text: str, tier: Tier):
    """Where no rule matches, what resembles danger is a concern, more only if it is plain."""
    found = assess(text)
    assert found.tier == tier
    assert [sign.rule_id for sign in found.signs] == [SECOND_OPINION]


@pytest.mark.parametrize("text", ["我不想死", "昨天看的電影，女主角最後跳樓自殺", "", "嗯"])
def test_what_the_rules_took_back_is_not_asked_again(text: str):
    """A denial, a film and silence stay what they are."""
    assert assess(text).tier == "none"


@given(st.text(max_size=80))
def test_any_text_has_an_opinion(text: str):
    """Unknown characters weigh nothing."""
    assert abs(opinion_on(text, text).log_odds) < 50


@pytest.mark.parametrize("text", ["我有去看過醫生 開了安眠藥", "I take a sleeping pill at night"])
def test_medicine_as_prescribed_is_no_sign(text: str):
    """Who tells of pills against sleeplessness is not asked about death."""
    assert assess(text).tier == "none"


def test_grams_do_not_depend_on_spaces():
    """Mandarin is cut into characters, English into words."""
    assert grams_of("想走") == grams_of("想 走") >= {"^ 想", "想 走", "走 $", "^ _ 走"}


def test_meaning_crosses_languages():
    """A wish to die lies nearer to its translation than to a meal."""
    wish, same, meal = vectors(["我想死", "I want to die", "我想吃饭"])
    assert wish @ same > wish @ meal


def test_meaning_of_nothing_is_no_vector():
    """An empty list is legal."""
    assert vectors([]).shape == (0, DIMENSIONS)


@pytest.mark.parametrize(
    ("log_odds", "found", "left"),
    [
        (1.5, "imminent", ("imminent", False)),
        (-0.5, "imminent", ("concern", False)),
        (-2.0, "imminent", ("concern", True)),
        (-2.0, "concern", ("concern", True)),
        (-4.0, "elevated", ("none", False)),
    ],
)
def test_a_doubt_makes_a_question_of_what_a_rule_found(
    log_odds: float, found: Tier, left: tuple[Tier, bool]
):
    """The surer it is of nothing, the less is left, and the softer it is asked about."""
    assert Opinion(log_odds, "suicide").on(found, plain=False) == left


@given(st.floats(-6, 6), st.sampled_from(TIERS))
def test_plain_words_are_never_doubted_more(log_odds: float, found: Tier):
    """Of what is seldom said of anything else at least as much is left."""
    opinion = Opinion(log_odds, "suicide")
    (plain, softly), (left, more_softly) = (opinion.on(found, plain=way) for way in (True, False))
    assert rank(plain) >= rank(left)
    assert softly <= more_softly


def test_a_fit_separates_what_it_was_given_and_survives_its_file():
    """Four texts of each class are told apart, also after writing and reading."""
    data = [Example(f"想走 {end}", DANGER) for end in "甲乙丙丁"]
    data += [Example(f"吃饭 {end}", 0) for end in "甲乙丙丁"]
    fitted = fit(data)
    read = from_bytes(to_bytes(fitted))
    assert np.allclose(read.landmarks, fitted.landmarks, atol=0.01)
    for one in (fitted, read):
        danger, none = (opinion_of(one, text, vectors([text])[0]) for text in ("想走", "吃饭"))
        assert danger.log_odds > 0 > none.log_odds
        assert danger.category == "suicide"


def test_families_stay_together_when_they_are_divided():
    """No text is judged by a fit on what was written beside it."""
    data = [Example(str(number), 0, family=str(number // 4)) for number in range(200)]
    found = parts(data)
    assert set(found.tolist()) == set(range(PARTS))
    assert all(len(set(found[at : at + 4].tolist())) == 1 for at in range(0, 200, 4))


def test_what_is_grave_stays_grave_in_one_breath_with_an_ordinary_turn():
    """Of its own language, before or behind; what is ordinary or faint is not joined."""
    grave = [Example("我想死", 1, "elevated"), Example("i want to die", 1, "imminent")]
    calm = [
        Example("我今天去买菜", 0, is_ordinary=True),
        Example("i fed the cat", 0, is_ordinary=True),
    ]
    faint = Example("活着没意思", 1, "concern")
    made = list(in_one_breath([*grave, faint, *calm], one_in=1))
    assert [(one.label, one.kind) for one in made] == [("elevated", 1), ("imminent", 1)]
    for one, own, other in zip(made, grave, calm, strict=True):
        assert sorted(one.text.split("，")) == sorted([own.text, other.text])
