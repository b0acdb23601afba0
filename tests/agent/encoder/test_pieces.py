"""Word pieces: the best cutting, of any text at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.encoder.pieces import Pieces
from tests.agent.encoder.tiny import BEGIN, END, PIECES, REPLACED, SCORES, UNKNOWN

TINY = Pieces(PIECES, SCORES, REPLACED, BEGIN, END, UNKNOWN)
ANY_TEXT = st.text(st.characters(exclude_categories=()))  # lone surrogates too
KNOWN_TEXT = st.text("睡不ab Å\t\u3000\a</s>", max_size=8)


def spelled(text: str) -> list[str]:
    return [PIECES[number] for number in TINY.numbers(text)]


def best_score(text: str) -> float:
    """The greatest sum of scores of all cuttings of a folded text."""
    if not text:
        return 0.0
    known = [(PIECES[n], SCORES[n]) for n in range(len(PIECES)) if SCORES[n] < 0]
    scores = [score + best_score(text[len(p) :]) for p, score in known if text.startswith(p)]
    return max([min(SCORES) - 10 + best_score(text[1:]), *scores])


@given(ANY_TEXT | KNOWN_TEXT)
def test_pieces_join_to_the_folded_text(text: str) -> None:
    """Every number is legal, an unknown one stands for one character, and nothing is lost."""
    left = TINY.folded(text)
    numbers = TINY.numbers(text)
    assert numbers
    for number in numbers:
        assert number not in (BEGIN, END)
        piece = left[0] if number == UNKNOWN else PIECES[number]
        assert left.startswith(piece)
        left = left[len(piece) :]
    assert left == ""


@given(KNOWN_TEXT)
def test_no_other_cutting_scores_more(text: str) -> None:
    """An unknown character costs ten more than the rarest piece."""
    of_unknown = min(SCORES) - 10
    numbers = TINY.numbers(text)
    score = sum(of_unknown if number == UNKNOWN else SCORES[number] for number in numbers)
    assert score == pytest.approx(best_score(TINY.folded(text)))


@given(ANY_TEXT)
def test_spaces_fold_to_one(text: str) -> None:
    """Those before the text, too; what a tab or a full-width space is makes no difference."""
    widened = text.replace(" ", "\t \u3000")
    assert TINY.numbers(f" {widened}") == TINY.numbers(text)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", ["▁"]),
        (" \t  ", ["▁"]),
        ("\a", ["▁"]),
        ("a", ["▁a"]),
        ("a ", ["▁a", "▁"]),
        ("睡不睡", ["▁", "睡不", "睡"]),
        ("Å", ["▁", "ab"]),
        ("\ud800", ["▁", "<unk>"]),
        ("\x00\x1f", ["▁", "<unk>", "<unk>"]),
        ("</s>", ["▁", *["<unk>"] * 4]),
    ],
)
def test_odd_texts_have_pieces(text: str, pieces: list[str]) -> None:
    """Nothing, spaces, control characters, half a surrogate pair, and the spelt end of a text."""
    assert spelled(text) == pieces


@pytest.mark.parametrize("text", ["睡" * 10_000, " " * 10_000, "睡不 a" * 2_500, "x" * 10_000])
def test_long_texts_are_cut(text: str) -> None:
    """At the same places as short ones."""
    numbers = TINY.numbers(text)
    assert 0 < len(numbers) <= len(text) + 1
    assert numbers[:40] == TINY.numbers(text[:100])[:40]
