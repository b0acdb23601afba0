"""The measure counts inventions and omissions, and refuses what it cannot read."""

from __future__ import annotations

import json

import pytest

from agent.intake.evaluation import evaluate, figures, read_callers
from agent.intake.extract import Proposal
from agent.intake.spans import Span
from pipeline.errors import DataError


def written(path, *turns):
    rows = [{"bot": "", "caller": turn} for turn in turns]
    path.write_text(json.dumps({"id": "one", "locale": "en", "turns": rows}), "utf-8")
    return read_callers(path)


def test_a_turn_knows_what_the_caller_said_before(tmp_path):
    """Without marks; nothing at first."""
    (caller,) = written(tmp_path / "one.jsonl", "[six months|since]", "so sad", "yes")
    assert [turn.before for turn in caller.turns] == ["", "six months", "so sad"]


async def test_right_made_up_and_missed_are_told_apart(tmp_path):
    """An optional answer counts neither way; one that nobody marked is an invention."""
    callers = written(tmp_path / "one.jsonl", "[six months|since] and [so sad|concern?] today")

    async def propose(turn):
        words = [("since", "six"), ("concern", "so sad"), ("age", "six")]
        return [
            Proposal(field, Span(at := turn.caller.index(quote), at + len(quote)))
            for field, quote in words
        ]

    total = (await evaluate(callers, propose)).total
    assert (total.right, total.wrong, total.found, total.missed) == (1, 1, 1, 0)


async def test_nothing_proposed_has_no_precision_and_no_recall(tmp_path):
    """What was told and not found is missed."""
    callers = written(tmp_path / "one.jsonl", "[six months|since]")

    async def nothing(turn):
        return []

    result = figures(await evaluate(callers, nothing))
    assert (result["precision"], result["recall"], result["missed"]) == (None, 0.0, 1)


@pytest.mark.parametrize(
    "line",
    [
        "no json",
        '{"id": "a", "locale": "fr", "turns": []}',
        '{"id": "a", "locale": "en", "turns": [{"bot": "", "caller": "[x|nonsense]"}]}',
        '{"id": "a", "locale": "en", "turns": [{"bot": "", "caller": "[x|since"}]}',
    ],
)
def test_a_broken_line_is_named(tmp_path, line):
    """The message says which one, and nothing of what it says."""
    file = tmp_path / "callers.jsonl"
    file.write_text(f"\n{line}\n", "utf-8")
    with pytest.raises(DataError, match="line 2"):
        read_callers(file)


def test_an_empty_file_and_a_missing_one_are_refused(tmp_path):
    """There is nothing to measure on."""
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    for file in (empty, tmp_path / "missing.jsonl"):
        with pytest.raises(DataError):
            read_callers(file)
