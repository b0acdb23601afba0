"""The order of blocks."""

from hypothesis import given
from hypothesis import strategies as st

from agent.bench.plan import SYSTEMS, plan
from agent.bench.scripts import Call, CallerVoice, Turn

VOICE = CallerVoice(rate=1.1, pitch=0.9, size=1.05)


def calls(sizes):
    return [
        Call(f"c{n}", tuple(Turn(f"c{n}/{t}", "short", "好", VOICE) for t in range(1, size + 1)))
        for n, size in enumerate(sizes)
    ]


SIZES = st.lists(st.integers(1, 4), min_size=1, max_size=6)


@given(SIZES, st.integers(1, 12), st.integers(1, 4))
def test_every_system_gets_its_turns_once(sizes, baseline_turns, at_once):
    """All of them for ours, a share for a baseline, never more calls at a time than asked."""
    blocks = plan(calls(sizes), {"ours": None, "stock": baseline_turns}, at_once=at_once)
    held = {"ours": [], "stock": []}
    for block in blocks:
        assert 1 <= len(block.calls) <= at_once
        held[block.system] += [turn.turn_id for call in block.calls for turn in call.turns]
    everything = [turn.turn_id for call in calls(sizes) for turn in call.turns]
    assert held["ours"] == everything
    assert len(held["stock"]) == min(baseline_turns, len(everything))
    assert set(held["stock"]) <= set(everything)


def test_systems_take_turns_at_being_first():
    """Blocks of one call lie side by side, and the order rotates."""
    blocks = plan(calls([1, 1, 1]), dict.fromkeys(SYSTEMS))
    assert [block.calls[0].name for block in blocks] == ["c0"] * 3 + ["c1"] * 3 + ["c2"] * 3
    assert [block.system for block in blocks[::3]] == list(SYSTEMS)
