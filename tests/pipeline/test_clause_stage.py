"""The clause stage: tokens in, clauses out."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.clause_stage import ClauseStage
from pipeline.clauses import ClauseCutter
from pipeline.frames import (
    ClauseFrame,
    DropFrame,
    ReplyTextEndFrame,
    ReplyTextFrame,
    SayFrame,
)
from tests.fakes.driver import Passed, Step, drive

REPLY = "听起来，你真的很辛苦。愿意说说吗？"


def run(*steps: Step) -> Passed:
    return drive(ClauseStage(ClauseCutter), *steps)


def texts(passed: Passed, generation: int) -> list[str]:
    frames = passed.all(ClauseFrame)
    return [frame.clause.text for frame in frames if frame.generation == generation]


@settings(max_examples=20, deadline=None)
@given(st.sets(st.integers(1, len(REPLY) - 1)))
def test_any_cutting_of_the_reply_gives_the_same_clauses(borders: set[int]):
    """Tokens may be as long as they like."""
    edges = [0, *sorted(borders), len(REPLY)]
    pieces = [REPLY[a:b] for a, b in pairwise(edges)]
    frames = [ReplyTextFrame(1, piece, last=piece is pieces[-1]) for piece in pieces]
    passed = run(*frames)
    assert texts(passed, 1) == ["听起来，", "你真的很辛苦。", "愿意说说吗？"]
    assert passed.kinds()[-1] is ReplyTextEndFrame
    assert passed.marks == ["first_clause"]


def test_a_scripted_line_is_a_whole_reply():
    """It is cut like any other, and ends."""
    passed = run(SayFrame(3, "turn_1", "抱歉，我没听清。"))
    assert texts(passed, 3) == ["抱歉，", "我没听清。"]
    assert [frame.generation for frame in passed.all(ReplyTextEndFrame)] == [3]


def test_a_newer_generation_replaces_the_one_under_way():
    """Tokens that come late for the older one are ignored."""
    passed = run(
        ReplyTextFrame(1, "听起"),
        ReplyTextFrame(2, "好。", last=True),
        ReplyTextFrame(1, "来。", last=True),
    )
    assert texts(passed, 1) == []
    assert texts(passed, 2) == ["好。"]


def test_a_dropped_generation_is_cut_no_more():
    """The drop itself goes on."""
    passed = run(
        ReplyTextFrame(1, "听起来，"),
        DropFrame(1, "resumed"),
        ReplyTextFrame(1, "很累。", last=True),
    )
    assert texts(passed, 1) == ["听起来，"]
    assert passed.kinds()[-1] is DropFrame


def test_a_reply_that_broke_off_speaks_what_it_has():
    """The failure travels with its end."""
    passed = run(ReplyTextFrame(1, "听起来"), ReplyTextFrame(1, "", last=True, failed=True))
    assert texts(passed, 1) == ["听起来"]
    assert [frame.failed for frame in passed.all(ReplyTextEndFrame)] == [True]
