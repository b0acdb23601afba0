"""What answers to the protocol's questions mean: rules and encoder, weighed."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.safety import answers
from agent.safety.answer_check import UNSEEN, counted
from agent.safety.answer_judge import MEANINGS, JudgedMeaning, Question, judged
from agent.safety.answers import TAKEN_FROM, decided, meaning_of, weighed
from agent.safety.yes_or_no import Meaning, yes_or_no

QUESTIONS: tuple[Question, ...] = get_args(Question)
DIRECT = tuple(one for one in QUESTIONS if one != "softly")


def shares(**known: float) -> dict[JudgedMeaning, float]:
    """Shares of the meanings named; what is left is `other`."""
    return {one: known.get(one, 0.0) for one in MEANINGS} | {"other": 1.0 - sum(known.values())}


@st.composite
def any_shares(draw: st.DrawFn) -> dict[JudgedMeaning, float]:
    """Shares of all meanings, together 1."""
    parts = [draw(st.floats(0.001, 1.0)) for _ in MEANINGS]
    return {one: part / sum(parts) for one, part in zip(MEANINGS, parts, strict=True)}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_sure_answer_is_taken(question: Question):
    """As it is meant, whatever was asked."""
    meanings: tuple[Meaning, ...] = get_args(Meaning)
    for meaning in meanings:
        assert decided(question, shares(**{meaning: 0.9})) == meaning
    assert decided(question, shares(other=0.9)) is None


@pytest.mark.parametrize("question", DIRECT)
def test_a_direct_question_wants_a_surer_yes_than_a_soft_one(question: Question):
    """What is not sure enough has not been answered; a script stays for the call."""
    likely = shares(yes=0.55, no=0.45)
    assert decided("softly", likely) == "yes"
    assert decided(question, likely) == "unsure"


@given(any_shares(), st.sampled_from(QUESTIONS))
def test_what_may_be_danger_is_no_no(found: dict[JudgedMeaning, float], question: Question):
    """Nobody is taken to have denied what is still likely."""
    danger = found["yes"] + found["thoughts"]
    meaning = decided(question, found)
    if danger >= TAKEN_FROM[question]:
        assert meaning in ("yes", "thoughts")
    elif danger >= answers.NOT_RULED_OUT_FROM:
        assert meaning == "unsure"


@given(any_shares(), st.sampled_from([*get_args(Meaning), None]))
def test_a_rule_makes_its_meaning_likelier(found: dict[JudgedMeaning, float], rule: Meaning | None):
    """And all others less so, in the same proportions; together they stay 1."""
    raised = weighed(found, rule, 2.0)
    assert sum(raised.values()) == pytest.approx(1.0)
    if rule is None:
        assert raised == pytest.approx(found)
    else:
        assert raised[rule] >= found[rule]
        assert all(raised[one] <= found[one] for one in MEANINGS if one != rule)


def test_without_the_encoder_the_rules_decide(monkeypatch: pytest.MonkeyPatch):
    """On machines without its package."""
    monkeypatch.setattr(answers, "judged", lambda question, text: None)
    for text in ("有", "没有", "不知道", "昨天下雨了"):
        assert meaning_of("suicide", text) == yes_or_no(text)


@pytest.mark.parametrize("question", QUESTIONS)
def test_silence_means_nothing(question: Question):
    """Nobody has answered."""
    assert meaning_of(question, " ") is None


@pytest.mark.parametrize(
    ("question", "text", "meaning"),
    [
        ("suicide", "那瓶药我已经数过好几遍了", "yes"),
        ("suicide", "I've already written the letters", "yes"),
        ("suicide", "不會啦，我還有兩個小孩要養", "no"),
        ("suicide", "God no, I just meant I'm fed up with the job", "no"),
        ("suicide", "你會告訴我媽嗎", None),
        ("suicide", "我真的没想过", "no"),
        ("suicide", "I haven't", "no"),
        ("intent", "绳子就在我手边", "yes"),
        ("softly", "每天早上都希望不要醒來", "yes"),
        ("self_harm", "I don't really want to go into that", "refused"),
    ],
)
def test_answers_without_a_yes_or_a_no_are_understood(
    question: Question, text: str, meaning: Meaning | None
):
    """Few people say just yes."""
    assert judged(question, text) is not None
    assert meaning_of(question, text) == meaning


def test_figures_of_the_sets_that_measure_do_not_fall():
    """Some points under those of tests/data/safety/README.md."""
    for path in UNSEEN:
        found = counted(path)
        danger = found["yes"] + found["thoughts"]
        assert danger["let be"] <= 0.15 * danger.total()
        assert found["no"]["graver"] <= 0.16 * found["no"].total()
