"""Training, validation and test sets that share nothing.

What belongs together stays together: a spoken copy and its original, and conversations that
contain the same exchange word for word, however they were cut. Held-out rows are the
person's own: identity, behaviour and general rows are for training only, and a spoken copy
of a held-out conversation is left out.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from pipeline.errors import DataError
from pipeline.text import count_units
from train.mix.spoken import is_copy, original_id
from train.schema import Conversation, Record, dump, read, refuse_existing, replacing

Part: TypeAlias = Literal["train", "valid", "test"]
Order: TypeAlias = Literal["hash", "time"]
PARTS: tuple[Part, ...] = ("train", "valid", "test")
TRAINED_ONLY = frozenset({"identity", "behaviour", "general"})
_TELLING_UNITS = 8  # a shorter exchange ("在吗", "在") is nobody's in particular


@dataclass(frozen=True, slots=True)
class SplitOptions:
    """How to split.

    Attributes:
        valid: Share of validation rows, 0 to below 1.
        test: Share of test rows.
        order: `hash` by content, so that a row is in the same part after every re-import as
            long as the set hardly changes; `time` holds out the latest.
        seed: Another seed is another split by hash.
    """

    valid: float = 0.1
    test: float = 0.0
    order: Order = "hash"
    seed: int = 0


def split_file(
    path: Path, folder: Path, options: SplitOptions, *, force: bool = False
) -> Mapping[str, int]:
    """Write `train.jsonl`, `valid.jsonl` and, if asked for, `test.jsonl` into a folder.

    Returns:
        Rows by part, and `left out` for spoken copies of held-out rows.

    Raises:
        DataError: A share is none, a file exists and `force` is not set, an earlier split's
            test file would stay behind, or nothing is left to train on.
    """
    if min(options.valid, options.test) < 0 or options.valid + options.test >= 1:
        raise DataError(
            "The shares of validation and test must be 0 or more, and below 1 together."
        )
    wanted = [part for part in PARTS if part != "test" or options.test > 0]
    files = {part: folder / f"{part}.jsonl" for part in wanted}
    for file in files.values():
        refuse_existing(file, force=force)
    if "test" not in files and (stale := folder / "test.jsonl").exists():
        raise DataError(
            f"{stale} is of an earlier split, and its rows would now be trained on; delete it, or "
            "give --test a share."
        )
    parts = assign(read(path), options)
    counts: Counter[str] = Counter()
    for part, file in files.items():
        with replacing(file, force=force) as out:
            for record in read(path):
                its = part_of(record, parts)
                if its == part:
                    out.write(dump(record) + "\n")
                    counts[part] += 1
                elif its is None and part == "train":
                    counts["left out"] += 1
    if not counts["train"]:
        raise DataError(f"{path.name} leaves no row to train on.")
    return counts


def assign(records: Iterable[Record], options: SplitOptions) -> Mapping[str, Part]:
    """Part of every original record, by id; holds ids and hashes, not texts."""
    groups = _Groups()
    times: dict[str, float] = {}
    for record in records:
        if is_copy(record) or TRAINED_ONLY & set(record.tags):
            continue
        groups.add(record.id, _marks(record))
        if isinstance(record, Conversation) and record.messages[0].time is not None:
            times[record.id] = record.messages[0].time
    members: dict[str, list[str]] = {}
    for identity in groups.ids():
        members.setdefault(groups.root(identity), []).append(identity)
    if options.order == "time" and not times:
        raise DataError("These records carry no times; split them by hash.")

    def rank(root: str) -> tuple[float, str]:
        latest = -min(times.get(member, 0.0) for member in members[root])
        return (latest if options.order == "time" else 0.0, _hash(root, options.seed))

    total = sum(len(group) for group in members.values())
    quotas: list[tuple[Part, int]] = [
        ("valid", _quota(options.valid, total)),
        ("test", _quota(options.test, total)),
    ]
    parts: dict[str, Part] = {}
    for root in sorted(members, key=rank):
        part: Part = "train"
        for at, (name, left) in enumerate(quotas):
            # A group that is larger than what is still wanted would eat the training set.
            if len(members[root]) <= left:
                part = name
                quotas[at] = (name, left - len(members[root]))
                break
        for member in members[root]:
            parts[member] = part
    return parts


def part_of(record: Record, parts: Mapping[str, Part]) -> Part | None:
    """Part of any record; None for a copy of a held-out one."""
    part = parts.get(original_id(record), "train")
    return None if is_copy(record) and part != "train" else part


def _quota(share: float, total: int) -> int:
    """Rows of a held-out part: at least one, where there are two or more to share."""
    return max(round(share * total), 1) if share > 0 and total > 1 else 0


def _hash(text: str, seed: int) -> str:
    return hashlib.blake2b(f"{seed}:{text}".encode(), digest_size=8).hexdigest()


def _marks(record: Record) -> Iterator[int]:
    """Hashes of the exchanges that would give a record away in another part."""
    if not isinstance(record, Conversation):
        return
    turns = iter(record.messages)
    for user, assistant in zip(turns, turns, strict=True):
        exchange = f"{user.content}\0{assistant.content}"
        if count_units(exchange) >= _TELLING_UNITS:
            yield int(_hash(exchange, 0), 16)


class _Groups:
    """Union-find over record ids, joined by shared marks."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}
        self._first: dict[int, str] = {}

    def add(self, identity: str, marks: Iterable[int]) -> None:
        self._parent.setdefault(identity, identity)
        for mark in marks:
            other = self.root(self._first.setdefault(mark, identity))
            self._parent[self.root(identity)] = other

    def root(self, identity: str) -> str:
        while self._parent[identity] != identity:
            self._parent[identity] = self._parent[self._parent[identity]]
            identity = self._parent[identity]
        return identity

    def ids(self) -> list[str]:
        return list(self._parent)
