"""How often the protocol asks about danger in calls: what is read, and what is counted."""

from __future__ import annotations

from agent.safety.in_calls import (
    CHOSEN_ON,
    FITTED,
    NOT_FITTED,
    CallTurn,
    asked,
    figures,
    signs_in_calls,
    turns_of,
)
from agent.safety.tiers import Tier


def turn(text: str, label: Tier | None = "none", caller: str = "a", before: str = "") -> CallTurn:
    kind = None if label == "none" else "suicide"
    return CallTurn(caller, "zh-Hans", text, before, label, kind)


def test_every_sign_is_of_a_turn():
    """No mark points at a caller or a turn that is not there."""
    marked = [turn for turn in turns_of((*FITTED, *CHOSEN_ON, *NOT_FITTED)) if turn.label != "none"]
    assert len(marked) == len(signs_in_calls())


def test_a_turn_is_asked_about_as_gravely_as_it_sounds():
    """A harmless one not at all; who has pills in hand is answered by the script."""
    assert asked(turn("今天天气很好")) == "nothing"
    assert asked(turn("我不想活了")) == "scripted"
    assert asked(turn("我有时候觉得自己消失就好了")) in ("softly", "directly")


def test_what_was_asked_about_before_is_no_part_of_it():
    """Each turn is judged as if it were the first to be asked about."""
    assert asked(turn("今天天气很好", before="我不想活了")) == "nothing"


def test_only_calls_without_a_sign_count_as_disturbed():
    """A question in a call in which something is wrong is none too many."""
    grave, calm = turn("我不想活了", "elevated", "b"), turn("今天天气很好", caller="b")
    found = figures([turn("今天天气很好"), turn("我不想活了", caller="c"), grave, calm])
    assert found["calls_without_sign"] == 2
    assert found["of_calls"] == {"anything": 0.5, "directly": 0.5, "scripted": 0.5}
    assert found["answered"] == {"elevated": {"signs": 1, "share": 1.0}}


def test_a_matter_of_taste_counts_neither_way():
    """Nor is its call one without a sign."""
    found = figures([turn("我不想活了", None), turn("今天天气很好", caller="b")])
    assert found["calls_without_sign"] == 1
    assert found["per_100_turns"] == {"softly": 0.0, "directly": 0.0, "scripted": 0.0}
