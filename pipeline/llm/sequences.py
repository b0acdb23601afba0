"""Which sequence of the shared cache holds which tokens.

A sequence is one row of text in llama.cpp's key-value cache. Copying a row shares its
cells and takes microseconds, so a request starts from whatever row shares the longest
beginning with its prompt, and evaluates only the rest:

    trunk   system │ user: 我最近 压力很大            grows while the user speaks
    draft   └──────── shared ───────────┘ │ bot: 听起来…    dropped or kept, trunk intact
"""

from __future__ import annotations

from collections.abc import Sequence as Row
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

Purpose: TypeAlias = Literal["trunk", "draft"]

# Idle rows kept for each owner: the words so far and the last reply. Every further cell
# makes attention slower for all calls, since they share one cache.
KEPT_PER_OWNER = 2


class Memory(Protocol):
    """The cache behind the table."""

    def copy(self, source: int, target: int, length: int) -> None:
        """Let row `target` share the first `length` cells of row `source`."""
        ...

    def cut(self, row: int, length: int) -> bool:
        """Forget all cells of a row from position `length` on; False if it cannot."""
        ...


@dataclass(eq=False, slots=True)
class Sequence:
    """One row: `tokens` are those evaluated, in order, from position 0."""

    row: int
    tokens: list[int] = field(default_factory=list)
    owner: int | None = None
    purpose: Purpose = "trunk"
    busy: bool = False
    used_at: int = 0


class SequenceTable:
    """Hands out rows and remembers what is in them. Not thread-safe: one worker owns it."""

    def __init__(self, rows: int, memory: Memory, *, whole_rows_only: bool = False) -> None:
        """Args:
        rows: Number of rows of the cache.
        memory: The cache.
        whole_rows_only: For recurrent models, whose state cannot be rewound: a row serves
            only a prompt that begins with all of its tokens.
        """
        self._whole_rows_only = whole_rows_only
        self._sequences = [Sequence(row) for row in range(rows)]
        self._memory = memory
        self._uses = 0

    @property
    def free(self) -> int:
        """Rows that belong to nobody."""
        return sum(1 for sequence in self._sequences if sequence.owner is None)

    @property
    def cached_tokens(self) -> int:
        """Tokens in all rows; cells that rows share are counted once for each."""
        return sum(len(sequence.tokens) for sequence in self._sequences)

    def begin(self, owner: int, prompt: Row[int], purpose: Purpose) -> Sequence | None:
        """A busy row that holds as much of the beginning of `prompt` as any row does.

        At least the prompt's last token is left to evaluate, since its logits are wanted.
        A trunk goes on in the owner's idle trunk, if it shares at least half of it: a prompt with
        another opening leaves it as it is. A draft always gets a row of its own, and
        an idle draft is never cut to make a trunk of it, so that it survives a cough.

        Args:
            owner: Conversation the row will belong to. Rows of other conversations serve
                as source too: equal tokens have equal cells.
            prompt: All tokens of the prompt, at least one.
            purpose: What the row is for.

        Returns:
            The row, or None when every row is busy.
        """
        source, shared = self._best_source(owner, prompt)
        target = source
        if not (purpose == "trunk" and _goes_on(source, owner, shared)):
            target = self._free_row(but=source)
        if target is None:
            return None
        if target is not source:
            self._share(source, target, shared)
        elif not self._memory.cut(target.row, shared):
            self._clear(target)
        else:
            del target.tokens[shared:]
        target.owner, target.purpose, target.busy = owner, purpose, True
        self._touch(target)
        return target

    def release(self, sequence: Sequence) -> None:
        """The row is idle now; its owner's least recently used idle rows go."""
        sequence.busy = False
        self._touch(sequence)
        idle = [one for one in self._idle() if one.owner == sequence.owner]
        for surplus in sorted(idle, key=_by_use)[:-KEPT_PER_OWNER]:
            self.drop(surplus)

    def drop(self, sequence: Sequence) -> None:
        """Forget a row and give it back."""
        self._clear(sequence)
        sequence.owner, sequence.busy = None, False

    def drop_owner(self, owner: int) -> None:
        """Forget all rows of a conversation."""
        for sequence in self._sequences:
            if sequence.owner == owner:
                self.drop(sequence)

    def evict(self) -> bool:
        """Drop an idle row of the conversation that fills the most cells; False if none is idle.

        Of its idle rows the one that was not used for longest. So whoever has outgrown its
        share makes room itself, as a call does whose history has just been shortened and
        is there twice; a neighbour would have to evaluate all of its own again.
        """
        idle = self._idle()
        if idle:
            cells = {owner: self._cells(owner) for owner in {one.owner for one in idle}}
            self.drop(min(idle, key=lambda one: (-cells[one.owner], one.used_at)))
        return bool(idle)

    def _cells(self, owner: int | None) -> int:
        """Cells that the rows of a conversation fill; what two of them share counts once."""
        cells = 0
        rows: list[list[int]] = []
        for sequence in self._sequences:
            if sequence.owner == owner:
                shared = (_shared_length(sequence.tokens, row) for row in rows)
                cells += len(sequence.tokens) - max(shared, default=0)
                rows.append(sequence.tokens)
        return cells

    def _best_source(self, owner: int, prompt: Row[int]) -> tuple[Sequence | None, int]:
        """The row with the longest usable beginning, and its length.

        Of equals, the owner's idle trunk comes first, since it can be extended in place.
        """
        best: Sequence | None = None
        shared = 0
        preference = (-1, False)
        for sequence in self._sequences:
            if sequence.owner is None:
                continue
            length = min(_shared_length(sequence.tokens, prompt), len(prompt) - 1)
            if self._whole_rows_only and length < len(sequence.tokens):
                length = 0
            if (length, _is_idle_trunk_of(sequence, owner)) > preference:
                preference = (length, _is_idle_trunk_of(sequence, owner))
                best, shared = sequence, length
        return best, shared

    def _free_row(self, *, but: Sequence | None) -> Sequence | None:
        for sequence in self._sequences:
            if sequence.owner is None:
                return sequence
        idle = sorted((one for one in self._idle() if one is not but), key=_by_use)
        if idle:
            self.drop(idle[0])
            return idle[0]
        return but if but is not None and not but.busy else None

    def _share(self, source: Sequence | None, target: Sequence, length: int) -> None:
        if source is None or length == 0:
            return
        self._memory.copy(source.row, target.row, length)
        target.tokens = source.tokens[:length]

    def _idle(self) -> list[Sequence]:
        return [one for one in self._sequences if one.owner is not None and not one.busy]

    def _clear(self, sequence: Sequence) -> None:
        self._memory.cut(sequence.row, 0)
        sequence.tokens = []

    def _touch(self, sequence: Sequence) -> None:
        self._uses += 1
        sequence.used_at = self._uses


def _is_idle_trunk_of(sequence: Sequence | None, owner: int) -> bool:
    return (
        sequence is not None
        and sequence.owner == owner
        and sequence.purpose == "trunk"
        and not sequence.busy
    )


def _goes_on(source: Sequence | None, owner: int, shared: int) -> bool:
    """Whether an idle trunk of the owner goes on, rather than begins anew."""
    return (
        source is not None and _is_idle_trunk_of(source, owner) and 2 * shared >= len(source.tokens)
    )


def _by_use(sequence: Sequence) -> int:
    return sequence.used_at


def _shared_length(left: Row[int], right: Row[int]) -> int:
    """Number of leading tokens that two rows share."""
    length = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        length += 1
    return length
