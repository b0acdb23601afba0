"""A store in which one caller is remembered from two calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.memory.desk import MemoryDesk
from agent.memory.summary import CallMemory, MemoryLine, Topic
from agent.store.kept import Consent
from agent.store.keys import KeyFile
from agent.store.records import RecordStore

CALLER = "darren-of-the-depot"


def remember(
    store: RecordStore, call_id: str, caller: str, *lines: tuple[Topic, str], text: bool = False
) -> None:
    """Keep an ended call that left these lines."""
    memory = CallMemory(
        locale="en",
        lines=tuple(
            MemoryLine(number=number, topic=topic, text=words)
            for number, (topic, words) in enumerate(lines, start=1)
        ),
    )
    store.begin(call_id, Consent(text=text, memory=True), caller)
    if text:
        store.add(call_id, "caller", b"the whole transcript")
    store.remember(call_id, memory.model_dump_json().encode())
    store.end(call_id)


@pytest.fixture
def store(tmp_path: Path) -> RecordStore:
    """Two calls of one caller, the first with its transcript, and one of another."""
    opened = RecordStore(tmp_path / "records.sqlite", KeyFile(tmp_path / "records.key"))
    remember(opened, "call_1", CALLER, ("name", "Darren"), ("concern", "drinking"), text=True)
    remember(opened, "call_2", CALLER, ("goals", "to sleep"))
    remember(opened, "call_3", "somebody-else", ("concern", "the exam"))
    return opened


@pytest.fixture
def desk(store: RecordStore) -> MemoryDesk:
    """The memories of `store`."""
    return MemoryDesk(store)
