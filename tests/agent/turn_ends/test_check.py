"""What the rule of calls makes of silences, told in one line."""

from __future__ import annotations

from agent.turn_ends.check import Silence, report
from agent.turn_ends.turns import Beginning


class KnowsQuestions:
    """In the judge's place: the line is about the rule, whatever the encoder holds."""

    def probability(self, bot_text: str, words: str) -> float:
        return 0.99 if words.endswith("吗") else 0.01


def test_ends_pauses_and_questions_are_counted_apart() -> None:
    """A question is taken at once, be it an end or a pause; what wants more is waited for."""
    call = [
        Silence(Beginning("", "我昨天去找他", complete=False), (0.5, 1.0)),
        Silence(Beginning("", "我昨天去找他他不在", complete=True)),
        Silence(Beginning("", "你听得到吗", complete=False), (0.5, 1.0)),
        Silence(Beginning("", "你听得到吗", complete=True)),
    ]
    line = report("one call", [call], KnowsQuestions())  # type: ignore[arg-type]
    assert "1 of 2 pauses cut" in line
    assert "50% of 2 turns taken within 0.5 s" in line
    assert line.endswith("of what asks 1 of 1 pauses and 100% of 1 turns")


def test_nobody_needs_to_ask() -> None:
    """A call without questions has none of them taken."""
    call = [
        Silence(Beginning("", "我不想", complete=False), (0.5,)),
        Silence(Beginning("", "我不想去了", complete=True)),
    ]
    line = report("one call", [call], KnowsQuestions())  # type: ignore[arg-type]
    assert line.endswith("of what asks 0 of 0 pauses and 0% of 0 turns")
