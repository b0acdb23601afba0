"""What of the bot's words counts as asked, and what of the caller's came up."""

from __future__ import annotations

import itertools
from typing import get_args

import pytest

from agent.config import Locale
from agent.intake.extract import asked_about
from agent.intake.planner import ORDER
from agent.intake.questions import asked_in, questions_in, touched_in


@pytest.mark.parametrize(("locale", "field"), [*itertools.product(get_args(Locale), ORDER)])
def test_what_is_asked_is_known_again(locale: Locale, field: str):
    """By the rules that know the model's questions, and behind words of another language."""
    question = questions_in(locale)[field]
    assert field in asked_about(question)
    assert field in asked_in(f"好。{question}")
    assert field in asked_in(f"Okay. {question}")


@pytest.mark.parametrize(("locale", "field"), [*itertools.product(get_args(Locale), ORDER)])
def test_a_question_is_known_by_its_beginning(locale: Locale, field: str):
    """Half of it is enough, however the cut is marked."""
    question = questions_in(locale)[field]
    half = question[: len(question) * 2 // 3]
    for cut in ("", "—", "……"):
        assert field in asked_in(f"嗯。{half}{cut}")


def test_a_beginning_inside_other_words_is_nothing():
    """Only a sentence that breaks off may be a question that was cut off."""
    for heard in ("这样有点累。我听着。", "Maybe he will call, who knows.", "我想知道这是什么"):
        assert asked_in(heard) == ()
    assert asked_in("") == ()


def test_no_field_is_named_twice():
    """However many locales share a beginning."""
    assert asked_in("嗯。是什么") == ("strengths",)


@pytest.mark.parametrize(
    ("turn", "fields"),
    [("我考虑了很久", set()), ("我在考研", {"work"}), ("I'm a nurse", {"work"}), ("", set())],
)
def test_what_came_up_is_told_by_words(turn: str, fields: set[str]):
    """考虑 is no exam."""
    assert touched_in(turn) == fields
