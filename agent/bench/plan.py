"""In which order the systems are called: in blocks, so that drift of the machine hits all alike.

    group 1   ours ▸ sequential ▸ stock        the same calls, one system after the other
    group 2   sequential ▸ stock ▸ ours        the order rotates: nobody is always first

A baseline takes part with fewer turns of the same calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from agent.bench.scripts import Call, spread

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
        calls: In order.
        turns: For each system that takes part, at most how many turns, taken evenly from
            all calls; None takes all.
        at_once: Calls of a block.
    """
    shares = {system: {c.name: c for c in spread(calls, most)} for system, most in turns.items()}
    blocks = []
    for number, start in enumerate(range(0, len(calls), at_once)):
        names = [call.name for call in calls[start : start + at_once]]
        for system in _rotated(list(turns), number):
            share = tuple(shares[system][name] for name in names if name in shares[system])
            if share:
                blocks.append(Block(system, share))
    return blocks


def _rotated(systems: list[System], by: int) -> list[System]:
    by %= len(systems)
    return systems[by:] + systems[:by]
