from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.llm.turn_end import Continuations, TurnEnd, without_trailing_punctuation

PIECES = ["<end>", "。", "？", "，", "吗", " and", "我", " the", "?!", ", ", "\n"]
SHARE = st.floats(0.0, 0.3)


class FewTokens:
    """A vocabulary small enough to reckon with; the real one is in test_model."""

    size = len(PIECES)

    def prompt_tokens(self, prompt: str) -> list[int]:
        return [0, 10]

    def ends_generation(self, token: int) -> bool:
        return token == 0

    def piece(self, token: int) -> bytes:
        return PIECES[token].encode()


@pytest.fixture
def turn_end() -> TurnEnd:
    return TurnEnd(FewTokens(), "<end>\n")  # type: ignore[arg-type]


def test_tokens_are_sorted_by_what_they_promise(turn_end):
    """Marks end, commas pause, particles and conjunctions join, words are nothing of it."""
    probabilities = np.array([0.1, 0.2, 0.1, 0.05, 0.03, 0.02, 0.2, 0.1, 0.1, 0.05, 0.05])
    found = turn_end.continuations(np.log(probabilities).astype(np.float32))
    assert found.end == pytest.approx(0.2 + 0.1 + 0.1 + 0.3 * 0.1, abs=1e-5)
    assert found.pause == pytest.approx(0.1, abs=1e-5)
    assert found.join == pytest.approx(0.05, abs=1e-5)


def test_logits_need_not_be_normalised(turn_end):
    """A constant added to all of them changes nothing."""
    logits = np.linspace(-3.0, 2.0, len(PIECES), dtype=np.float32)
    assert turn_end.probability(logits) == pytest.approx(
        turn_end.probability(logits + 40), rel=1e-4
    )


@given(SHARE, SHARE, SHARE, SHARE)
def test_an_end_speaks_for_the_end_and_a_comma_against_it(end, more, pause, join):
    """The probability rises with a likelier end and falls with a likelier comma."""
    base = Continuations(end, pause, join).probability()
    assert 0.0 < base < 1.0
    assert Continuations(end + more, pause, join).probability() >= base
    assert Continuations(end, pause + more, join).probability() <= base


@pytest.mark.parametrize(
    ("text", "bare"),
    [("我很累。", "我很累"), ("well, ", "well"), ("好…", "好"), ("", ""), ("?", "")],
)
def test_marks_at_the_end_are_left_out(text, bare):
    """The recogniser's own punctuation must not tell the model the answer."""
    assert without_trailing_punctuation(text) == bare
