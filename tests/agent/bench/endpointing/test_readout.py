from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.bench.endpointing.features import load_features
from agent.bench.endpointing.readout import (
    as_heard,
    dialogues_folder,
    part_of,
    samples_of_dialogues,
)

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


def test_every_turn_is_whole_once_and_follows_what_was_said_before():
    """Parts come beside their wholes, each with the conversation so far."""
    samples = list(islice(samples_of_dialogues(dialogues_folder()), 200))
    assert sum(one.complete for one in samples) > sum(not one.complete for one in samples) > 0
    for one in samples:
        assert not one.history or one.history[-1].role == "assistant"


def test_every_item_has_been_judged_under_each_of_its_prompts():
    """`--train` leaves no item of the labelled set out."""
    for one in load_features():
        assert set(one.judged) == set(one.continuations)
        assert np.isfinite(list(one.judged.values())).all()
