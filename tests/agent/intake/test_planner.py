"""One question at a time, and none where feelings or a refusal come first."""

from __future__ import annotations

import itertools
from typing import get_args

import pytest

from agent.config import Locale
from agent.intake.extract import asked_about
from agent.intake.planner import ORDER, QuestionPlanner, next_question, questions_in
from agent.intake.taker import IntakeTaker

BEGINNING = (("我失恋了", "失恋很难受。"), ("嗯很难受", "难受，我在听。"))


def after(*turns, locale="zh-Hans"):
    """A taker after pairs of caller's and bot's words."""
    taker = IntakeTaker(locale)
    for caller, bot in turns:
        taker.caller_text(caller)
        taker.bot_text(bot)
    return taker


def due(taker: IntakeTaker, text: str):
    return next_question(taker.record, text, taker.turns, taker.heard)


@pytest.mark.parametrize("turns", [0, 1])
def test_the_first_turns_are_left_alone(turns: int):
    """Nobody is greeted with a form."""
    assert due(after(*BEGINNING[:turns]), "我失恋了") is None


def test_what_is_missing_is_asked_in_order():
    """Since when comes before who knows."""
    assert due(after(*BEGINNING), "心里空空的") == "since"


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("大概三个月了", "supports"),
        ("上个月的事 我朋友也知道", "intensity"),
        ("心里空空的", "since"),
    ],
)
def test_what_came_up_is_not_asked(text: str, asked: str):
    """Whether or not the record caught it: nobody is asked for what they have just said."""
    assert due(after(*BEGINNING), text) == asked


def test_what_came_up_long_ago_is_not_asked():
    """Every turn of the call counts."""
    taker = after(("三个月前我失恋了", "失恋很难受。"), *BEGINNING)
    assert due(taker, "心里空空的") == "supports"


def test_feelings_refusals_questions_and_risk_silence_it():
    """Then the bot only listens, or answers."""
    taker = after(*BEGINNING)
    for text in ("我快崩溃了", "我不想说", "你觉得我该怎么办"):
        assert due(taker, text) is None
    taker.caller_text("我不想活了")
    assert due(taker, "我在家") is None


def test_two_questions_never_follow_each_other():
    """After one was asked two turns are free, and none is asked twice."""
    taker = after(*BEGINNING, ("心里空空的", "空空的。这样有多久了？"))
    assert due(taker, "好一阵子了") is None
    taker.caller_text("好一阵子了")
    taker.bot_text("好一阵子，不短。")
    assert due(taker, "走不出来") is None
    taker.caller_text("走不出来")
    taker.bot_text("走不出来，我听着。")
    assert due(taker, "心里空空的") == "supports"


def test_what_the_model_asks_counts():
    """A question of its own is one of the intake's, too."""
    taker = after(*BEGINNING, ("心里空空的", "空空的。你试过什么办法？"))
    assert due(taker, "走不出来") is None


def test_small_talk_is_not_interviewed():
    """There is nothing yet to ask further about."""
    taker = after(("你好", "你好，我在听。"), ("在呢", "我也在。"))
    assert due(taker, "今天天气不错") is None


@pytest.mark.parametrize(("locale", "field"), [*itertools.product(get_args(Locale), ORDER)])
def test_what_is_asked_is_known_again(locale: Locale, field: str):
    """Heard by the caller, it counts as asked; it holds no word that a later one waits for."""
    assert field in asked_about(questions_in(locale).words[field])


def test_a_caller_is_asked_in_their_own_language():
    """A turn too short to tell goes on in the one before."""
    taker = after(("I feel so alone", "That's hard."), ("it's the flat", "The flat."), locale="en")
    planner = QuestionPlanner(lambda: taker.record, "en", lambda: taker.turns, lambda: taker.heard)
    for text, locale in (("it is so quiet", "en"), ("房子里太安静了", "zh-Hans"), ("嗯", "en")):
        note = planner.note(text)
        assert note is not None
        assert not note.text
        assert note.question == questions_in(locale).words["since"]
