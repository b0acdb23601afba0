"""Answers by heart: variants, languages, and what stays with the model."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.asked.answers import AnswersByHeart
from agent.asked.kinds import About
from pipeline.text import Language

SAYS: dict[Language, dict[About, tuple[str, ...]]] = {
    "zh": {"human": ("一", "二", "三"), "goodbye": ("慢走",)},
    "en": {"human": ("one", "two")},
}


def test_variants_are_said_in_turn() -> None:
    """Nobody hears the same twice in a row; the count goes on across languages."""
    guardian = AnswersByHeart(SAYS)
    said = []
    for text in ("你是真人吗", "你是机器人吗", "are you human", "你是AI吗", "我累了", "你是真人吗"):
        said.append(guardian.answer(text))
        guardian.taken(text)
    assert said == ["一", "二", "one", "一", None, "二"]


def test_a_draft_leaves_no_trace() -> None:
    """Only a turn that is taken moves on."""
    guardian = AnswersByHeart(SAYS)
    assert [guardian.answer("你是真人吗") for _ in range(3)] == ["一"] * 3


def test_what_has_no_words_is_left_to_the_model() -> None:
    """A persona without the table answers as before."""
    guardian = AnswersByHeart({"zh": {}})
    assert guardian.answer("你是真人吗") is None
    assert not guardian.hushes("你是真人吗")


def test_a_short_farewell_is_answered_in_the_language_of_the_call() -> None:
    """Bye bye belongs to all languages."""
    assert AnswersByHeart(SAYS).answer("bye bye") == "慢走"


@given(st.sampled_from(["", " ", "。", "嗯"]))
def test_silence_is_answered_by_nobody(text: str) -> None:
    """Empty text belongs to check-ins and greetings."""
    guardian = AnswersByHeart(SAYS)
    assert guardian.answer(text) is None
    assert not guardian.holds(text)
    assert guardian.rate(text) == 1.0
    assert guardian.taken(text) is None
