"""What is learnt of callers' turns: where they pause, and where they have finished."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.turn_ends.turns import (
    CALLS,
    DIALOGUES,
    MEASURE,
    Beginning,
    as_heard,
    calls_in,
    heard_beginnings_of,
    heard_in,
    of_calls,
    of_dialogues,
    part_of,
)
from pipeline.errors import ConfigError

CHANCE = st.binary(min_size=8, max_size=8)


@given(st.text("我你他很累了想走 ", min_size=1).map(str.strip), CHANCE)
def test_a_part_is_a_true_beginning(words, chance):
    """It begins like the turn and lacks something of it; the same chance gives the same part."""
    part = part_of(words, chance)
    assert part == part_of(words, chance)
    if part:
        assert words.startswith(part)
        assert len(part.strip()) < len(words)


def test_english_is_broken_off_between_words():
    """Never inside of one."""
    words = "i have been so tired lately"
    parts = {part_of(words, bytes([0, 0, chance, 0, 0])) for chance in range(20)}
    assert parts == {"i", "i have", "i have been", "i have been so", "i have been so tired"}


@pytest.mark.parametrize(
    ("words", "chance", "heard"),
    [
        ("快两个月了吧 每天要翻来翻去", 0, "快两个月了吧每天要翻来翻去"),
        ("快两个月了吧 每天要翻来翻去", 1, "快两个月了吧，每天要翻来翻去"),
        ("i lie awake", 1, "i lie awake"),
        ("我有 deadline 要赶", 1, "我有 deadline 要赶"),
    ],
)
def test_turns_look_as_a_recogniser_writes_them(words, chance, heard):
    """Between Chinese clauses stands a comma or nothing; other words keep their spaces."""
    assert as_heard(words, bytes([0, 0, 0, chance])) == heard


def test_a_call_yields_each_turn_up_to_its_pauses_and_whole(tmp_path: Path):
    """Behind what the bot said; Chinese with a comma or nothing where the pause was."""
    turns = [
        {"bot": "你好。", "say": "我儿子上初中 / 以前他什么都说"},
        {"bot": "Hi.", "say": "i moved here / last year"},
    ]
    file = tmp_path / "calls.jsonl"
    file.write_text(json.dumps({"locale": "zh-Hans", "turns": turns}), "utf-8")
    assert [(one.bot_text, one.words, one.complete) for one in of_calls(file)] == [
        ("你好。", "我儿子上初中", False),
        ("你好。", "我儿子上初中，以前他什么都说", True),
        ("Hi.", "i moved here", False),
        ("Hi.", "i moved here last year", True),
    ]


@pytest.mark.parametrize("name", ["callers", "measure"])
def test_the_calls_of_the_repository_can_be_read(name: str):
    """Ends and pauses in like numbers, and a bot's word before each turn."""
    found = of_calls(CALLS / f"{name}.jsonl")
    assert all(one.bot_text and one.words for one in found)
    assert 0.4 < sum(one.complete for one in found) / len(found) < 0.6


def test_every_turn_of_the_dialogues_is_whole_once():
    """Parts come beside their wholes, each behind the bot's last words."""
    found = of_dialogues()
    said = [
        message["role"]
        for file in DIALOGUES.glob("*/*.jsonl")
        for row in calls_in(file)
        for message in row["messages"]
    ]
    assert sum(one.complete for one in found) == said.count("user")
    assert 0 < sum(not one.complete for one in found) < said.count("user")
    assert any(one.bot_text for one in found)


def test_what_lies_in_the_checkout_alone_is_asked_for_there(tmp_path: Path):
    """Elsewhere a sentence says so."""
    with pytest.raises(ConfigError, match="checkout"):
        of_calls(tmp_path / "callers.jsonl")
    with pytest.raises(ConfigError, match="checkout"):
        of_dialogues(tmp_path)


def test_what_was_not_heard_is_not_judged():
    """The rest of the turn is."""
    turn = {"bot": "你好。", "say": "我 / 很累"}
    assert list(heard_beginnings_of(turn, ["", "我很累"])) == [
        Beginning("你好。", "我很累", complete=True)
    ]


def test_all_measuring_calls_were_heard():
    """Turn for turn and pause for pause, and of hardly any nothing."""
    parts = [[turn["say"].count("/") + 1 for turn in call["turns"]] for call in calls_in(MEASURE)]
    heard = list(heard_in(MEASURE))
    assert [[len(turn) for turn in call] for call in heard] == parts
    words = [one for call in heard for turn in call for one in turn]
    assert sum(map(bool, words)) > 0.95 * len(words)
