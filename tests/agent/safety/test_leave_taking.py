"""The end of an ordinary call is told from a farewell to life."""

from __future__ import annotations

import pytest

from agent.safety.detector import SECOND_OPINION, Assessment, Sign
from agent.safety.leave_taking import MOST_UNITS, leniently

DOUBT = Assessment("concern", "suicide", (Sign(SECOND_OPINION, "suicide", "concern"),))
SURE = Assessment("elevated", "suicide", (Sign(SECOND_OPINION, "suicide", "elevated"),))
RULE = Assessment("elevated", "suicide", (Sign("zh-wish", "suicide", "elevated"),))


@pytest.mark.parametrize(
    "text",
    [
        "i should go now thanks for that",
        "Okay, thank you so much for listening. I have to go. Bye!",
        "alright I have to get back to work",
        "talk to you next week then",
        "我差不多該走了 謝謝",
        "謝謝你聽我講這麼多 我要去接小孩了",
        "谢谢你陪我这么久 我先走了",
        "好 那先這樣 拜拜",
        "嗯 我先掛了",
    ],
)
def test_who_ends_a_call_is_asked_nothing(text: str):
    """They say that it is the call, or thank for it."""
    assert leniently(DOUBT, text).tier == "none"


@pytest.mark.parametrize(
    "text",
    [
        "I will go now. Goodbye.",
        "i must go",
        "我差不多该走了 再见",
        "时间不早了 好 我先走了",
        "再见",
        "晚安",
    ],
)
def test_what_may_be_either_is_asked_about_softly(text: str):
    """Nothing in it says what is left."""
    found = leniently(SURE, text)
    assert (found.tier, found.category, found.faint) == ("concern", "suicide", True)


def test_the_surest_opinion_is_worth_a_question():
    """Whatever the words."""
    assert leniently(SURE, "thanks, I have to go now").faint


@pytest.mark.parametrize(
    "text",
    [
        "goodbye, forgive me",
        "I feel better now. Goodbye.",
        "thanks for everything goodbye",
        "sorry, bye",
        "我走了你们保重",
        "再见了 不用找我",
        "谢谢你们 下辈子再见",
        "我先掛了 掛了就去跳",
        "先这样吧 我把东西都送人了",
        "謝謝",
        "",
    ],
)
def test_anything_else_in_it_is_heard(text: str):
    """Leave-taking from end to end, or none."""
    assert leniently(DOUBT, text) == DOUBT
    assert leniently(SURE, text) == SURE


def test_a_rule_is_never_taken_back():
    """It knows its words."""
    assert leniently(RULE, "好 那先這樣 拜拜") == RULE


def test_with_the_turn_before_it_is_asked_about_softly():
    """What was told there is not taken back by thanks."""
    assert leniently(DOUBT, "okay thanks, I have to go", alone=False).faint


def test_a_long_leave_taking_is_a_story():
    """It is not looked through."""
    text = "好 我先掛了 謝謝 " * MOST_UNITS
    assert leniently(DOUBT, text) == DOUBT
