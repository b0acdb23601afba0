"""In which order the systems are called: in blocks, so that drift of the machine hits all alike.

    group 1   ours ▸ sequential ▸ stock        the same calls, one system after the other
    group 2   sequential ▸ stock ▸ ours        the order rotates: nobody is always first

A baseline takes part with fewer turns of the same calls. Every block holds as many calls as are
wanted at the same time, each with as many turns: calls are repeated to fill up the last block,
and a repeated call begins with another of its turns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from agent.bench.scripts import Call, spread
from pipeline.errors import ConfigError

System: TypeAlias = Literal["ours", "sequential", "stock"]
SYSTEMS: tuple[System, ...] = ("ours", "sequential", "stock")


@dataclass(frozen=True, slots=True)
class Block:
    """Calls held at the same time with one system."""

    system: System
    calls: tuple[Call, ...]


def plan(
    calls: Sequence[Call], turns: Mapping[System, int | None], *, at_once: int = 1
) -> list[Block]:
    """The blocks of a run.

    Args:
        calls: In order; at least one.
        turns: For each system that takes part, at most how many turns, taken evenly from
            all calls; None takes all.
        at_once: Calls of every block.

    Raises:
        ConfigError: A system's turns are fewer than the calls of a block.
    """
    groups = _groups(calls, at_once)
    lengths = {system: _lengths(groups, most) for system, most in turns.items()}
    return [
        Block(system, tuple(replace(call, turns=call.turns[:length]) for call in group))
        for number, group in enumerate(groups)
        for system in _rotated(list(turns), number)
        if (length := lengths[system].get(group[0].name, 0))
    ]


def _groups(calls: Sequence[Call], at_once: int) -> list[tuple[Call, ...]]:
    """All calls, `at_once` at a time, each group with the same number of turns in every call."""
    filled = -(-len(calls) // at_once) * at_once
    callers = [_again(calls[at % len(calls)], at // len(calls)) for at in range(filled)]
    groups = [callers[start : start + at_once] for start in range(0, filled, at_once)]
    return [
        tuple(
            replace(call, turns=call.turns[: min(len(one.turns) for one in group)])
            for call in group
        )
        for group in groups
    ]


def _again(call: Call, times: int) -> Call:
    """A call as it is held after so many times: with names of its own and another turn first."""
    if not times:
        return call
    first = times % len(call.turns)
    return replace(
        call,
        name=f"{call.name}~{times + 1}",
        turns=tuple(
            replace(turn, turn_id=f"{turn.turn_id}~{times + 1}")
            for turn in (*call.turns[first:], *call.turns[:first])
        ),
    )


def _lengths(groups: Sequence[tuple[Call, ...]], most: int | None) -> dict[str, int]:
    """How many turns each call of a group has, by the group's first call; 0 leaves it out."""
    at_once = len(groups[0])
    if most is not None and most < at_once:
        raise ConfigError(f"{most} turns are too few for {at_once} calls at once: a turn for each")
    rows = None if most is None else most // at_once
    return {call.name: len(call.turns) for call in spread([group[0] for group in groups], rows)}


def _rotated(systems: list[System], by: int) -> list[System]:
    by %= len(systems)
    return systems[by:] + systems[:by]
