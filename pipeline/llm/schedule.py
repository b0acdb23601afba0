"""What the next decode step evaluates.

One step carries one token of every reply that is being written, and beside them at most
`budget` tokens of prompts, so that a long prompt delays the others by one batch at most:

    step      1        2        3        4
    reply A   a        a        a        a        one token each
    reply B   a        a        a        a
    prompt C  32 of 70 32       6                 shortest rest first
    prompt D                    26       32       speculative prompts behind awaited ones

Work in the background has the steps in which nothing else is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar


class Work(Protocol):
    """A request as the schedule sees it."""

    @property
    def pending(self) -> int:
        """Tokens it still has to evaluate, at least 1."""
        ...

    @property
    def writing(self) -> bool:
        """Whether its prompt is evaluated and it writes token by token."""
        ...

    @property
    def speculative(self) -> bool:
        """Whether nobody waits for a reply from it yet."""
        ...

    @property
    def background(self) -> bool:
        """Whether it yields to everything else."""
        ...


AnyWork = TypeVar("AnyWork", bound=Work)


def plan(
    works: Sequence[AnyWork], budget: int, *, turn: int | None = None
) -> list[tuple[AnyWork, int]]:
    """Share out one decode step.

    Args:
        works: Requests under way.
        budget: Most prompt tokens of the step, at least 1.
        turn: None serves every reply; a number, which the caller counts up, serves them
            in turn as long as no prompt makes the step long anyway.

    Returns:
        Requests and the number of tokens each evaluates, at least 1; never empty when
        `works` is not.
    """
    works = [work for work in works if not work.background] or works
    replies = [work for work in works if work.writing]
    prompts = [work for work in works if not work.writing]
    if turn is not None and replies and not prompts:
        replies = [replies[turn % len(replies)]]
    step = [(work, 1) for work in replies]
    for work in sorted(prompts, key=lambda work: (work.speculative, work.pending)):
        share = min(work.pending, budget)
        if share == 0:
            break
        step.append((work, share))
        budget -= share
    return step
