"""The order of blocks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.bench.plan import SYSTEMS, plan
from agent.bench.scripts import Call, CallerVoice, Turn
from pipeline.errors import ConfigError

VOICE = CallerVoice(rate=1.1, pitch=0.9, size=1.05)


def calls(sizes):
    return [
        Call(f"c{n}", tuple(Turn(f"c{n}/{t}", "short", "好", VOICE) for t in range(1, size + 1)))
        for n, size in enumerate(sizes)
    ]


SIZES = st.lists(st.integers(1, 4), min_size=1, max_size=6)


def held(blocks, system):
    return [
        turn.turn_id
        for block in blocks
        if block.system == system
        for call in block.calls
        for turn in call.turns
    ]


@given(SIZES, st.integers(1, 12))
def test_every_system_gets_its_turns_once(sizes, baseline_turns):
    """All of them for ours, a share for a baseline."""
    blocks = plan(calls(sizes), {"ours": None, "stock": baseline_turns})
    assert all(len(block.calls) == 1 for block in blocks)
    everything = [turn.turn_id for call in calls(sizes) for turn in call.turns]
    assert held(blocks, "ours") == everything
    assert len(held(blocks, "stock")) == min(baseline_turns, len(everything))
    assert set(held(blocks, "stock")) <= set(everything)


@given(SIZES, st.integers(16, 40), st.integers(1, 16))
def test_as_many_calls_as_are_wanted_are_held_at_once(sizes, most, at_once):
    """In every block, with as many turns for each; no turn is held twice."""
    blocks = plan(calls(sizes), {"ours": None, "stock": most}, at_once=at_once)
    for block in blocks:
        assert len(block.calls) == at_once
        assert len({len(call.turns) for call in block.calls}) == 1
    for system in ("ours", "stock"):
        assert len(set(held(blocks, system))) == len(held(blocks, system)) >= at_once
    assert len(held(blocks, "stock")) <= most
    assert set(held(blocks, "stock")) <= set(held(blocks, "ours"))


def test_a_repeated_call_begins_with_another_turn():
    """Two callers do not say the same words at the same time."""
    (block,) = plan(calls([3]), {"ours": None}, at_once=3)
    assert [call.name for call in block.calls] == ["c0", "c0~2", "c0~3"]
    assert [call.turns[0].turn_id for call in block.calls] == ["c0/1", "c0/2~2", "c0/3~3"]


def test_fewer_turns_than_calls_are_refused():
    """Some of the calls would have nothing to say."""
    with pytest.raises(ConfigError, match="3 turns are too few for 4 calls at once"):
        plan(calls([4, 4]), {"ours": 3}, at_once=4)


def test_systems_take_turns_at_being_first():
    """Blocks of one call lie side by side, and the order rotates."""
    blocks = plan(calls([1, 1, 1]), dict.fromkeys(SYSTEMS))
    assert [block.calls[0].name for block in blocks] == ["c0"] * 3 + ["c1"] * 3 + ["c2"] * 3
    assert [block.system for block in blocks[::3]] == list(SYSTEMS)
