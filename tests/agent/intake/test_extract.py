"""The rules propose what a turn tells about the caller, and only that."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.intake.evaluation import by_rules, evaluate, read_callers
from agent.intake.extract import asked_about, extract, feels, refuses

CALLERS = Path(__file__).parents[2] / "data" / "intake"


def told(text, bot_text=""):
    return {(one.field, one.span.of(text)) for one in extract(text, bot_text)}


@given(st.text(max_size=60), st.text(max_size=20))
def test_every_proposal_is_a_piece_of_the_turn(text, bot_text):
    """Nothing is proposed that was not said, whatever was said."""
    for one in extract(text, bot_text):
        assert 0 <= one.span.start < one.span.end <= len(text)
        assert one.span.of(text).strip()


@pytest.mark.parametrize(
    ("text", "bot_text", "entry"),
    [
        ("大概三個月了", "這樣多久了？", ("since", "大概三個月了")),
        ("七分吧", "零到十，有幾分？", ("intensity", "七分吧")),
        ("我阿姨", "身邊有誰可以說說嗎？", ("supports", "我阿姨")),
        ("我在吃抗憂鬱的藥", "", ("medication", "我在吃抗憂鬱的藥")),
        ("I take sertraline", "Are you taking anything?", ("medication", "I take sertraline")),
        ("about two years", "How long has it been?", ("since", "about two years")),
    ],
)
def test_an_answer_belongs_to_what_was_asked(text, bot_text, entry):
    """In both languages and scripts."""
    assert entry in told(text, bot_text)


@pytest.mark.parametrize(
    "text",
    [
        "我朋友得了抑郁症 三年了 一直在吃药",
        "她今年三十歲 在吃百憂解",
        "my friend takes lithium and she's been depressed for years",
    ],
)
def test_what_is_said_of_others_is_not_the_callers(text):
    """Neither illness, nor medication, nor age, nor duration."""
    fields = {field for field, _ in told(text)}
    assert not fields & {"health", "medication", "age", "since", "concern"}


@pytest.mark.parametrize(
    "text", ["你是真人吗", "听得到吗", "不知道怎么说", "can you hear me", "嗯"]
)
def test_small_talk_brings_nobody(text):
    """The first words of a call are often about the call."""
    assert not told(text)


def test_a_concern_needs_a_sign_of_distress():
    """First words alone are not taken for one: too many are about something else."""
    assert ("concern", "我们班同学不跟我玩") in told("我们班同学不跟我玩")
    assert ("concern", "i miss home") in told("hello i'm a student and i miss home")
    assert "concern" not in {field for field, _ in told("我在餐廳當學徒")}
    assert "concern" not in {field for field, _ in told("I don't want any statistics")}


def test_how_long_something_else_lasts_is_no_since():
    """半年 answers the question that was asked."""
    assert not told("半年吧", "家里的钱还能撑多久？")


def test_questions_are_told_by_the_last_one_asked():
    """What the bot only mentions is not asked."""
    assert asked_about("失眠很累。這樣多久了？") == ("since",)
    assert asked_about("三個月了，不短。") == ()


def test_refusals_and_feelings_are_heard():
    """Both keep the next question away."""
    assert refuses("我不想說")
    assert refuses("I'd rather not say")
    assert feels("我真的快崩潰了")
    assert not feels("我在銀行上班")


@pytest.mark.parametrize(
    ("name", "precision", "recall"),
    [
        ("dev", 0.95, 0.95),
        ("held_out", 0.95, 0.90),
        ("others", 0.95, 0.85),
        ("unseen", 0.95, 0.64),
        ("fresh", 0.95, 0.80),
        ("drawn", 0.95, 0.20),
    ],
)
async def test_scripted_callers_are_taken_down_rightly(name, precision, recall):
    """Figures of the labelled sets do not fall; their README says what each is worth."""
    total = (await evaluate(read_callers(CALLERS / f"{name}.jsonl"), by_rules)).total
    assert total.precision >= precision
    assert total.recall >= recall
