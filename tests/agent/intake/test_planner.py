"""One question at a time, and none where feelings or a refusal come first."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import get_args

from agent.config import Locale
from agent.intake.planner import ORDER, QuestionPlanner, next_question
from agent.intake.taker import IntakeTaker


def after(*turns, locale="zh-Hans"):
    """A taker after pairs of caller's and bot's words."""
    taker = IntakeTaker(locale)
    for caller, bot in turns:
        taker.caller_text(caller)
        taker.bot_text(bot)
    return taker


def test_the_first_turn_is_left_alone():
    """Nobody is greeted with a form."""
    assert next_question(after().record, "我失恋了") is None


def test_what_is_missing_is_asked_in_order():
    """Since when comes before how strongly."""
    taker = after(("我失恋了", "失恋很难受。"))
    assert next_question(taker.record, "我一直睡不好") == "since"


def test_what_this_turn_tells_is_not_asked():
    """The caller has just said it."""
    taker = after(("我失恋了", "失恋很难受。"))
    assert next_question(taker.record, "大概三个月了") == "intensity"


def test_feelings_refusals_and_risk_silence_it():
    """Then the bot only listens."""
    taker = after(("我失恋了", "失恋很难受。"))
    assert next_question(taker.record, "我快崩溃了") is None
    assert next_question(taker.record, "我不想说") is None
    taker.caller_text("我不想活了")
    assert next_question(taker.record, "我在家") is None


def test_two_questions_never_follow_each_other():
    """After one was asked, the next turn is free; and none is asked twice."""
    taker = after(("我失恋了", "失恋很难受。这样多久了？"))
    assert next_question(taker.record, "三个月了", taker.heard) is None
    taker.caller_text("三个月了")
    taker.bot_text("三个月，不短。")
    assert next_question(taker.record, "一直走不出来", taker.heard) == "intensity"


def test_small_talk_is_not_interviewed():
    """There is nothing yet to ask further about."""
    taker = after(("你好", "你好，我在听。"))
    assert next_question(taker.record, "今天天气不错") is None


def test_every_locale_has_a_hint_for_every_question():
    """And the planner hands out exactly that."""
    hints = tomllib.loads((resources.files("agent.intake") / "hints.toml").read_text("utf-8"))
    for locale in get_args(Locale):
        assert set(hints[locale]) == set(ORDER)
    taker = after(("I feel so alone", "That's hard."), locale="en")
    planner = QuestionPlanner(lambda: taker.record, "en", lambda: taker.heard)
    note = planner.note("nobody calls me")
    assert note is not None
    assert note.text == hints["en"]["since"]
