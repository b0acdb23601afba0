"""A call with an intake record, kept in a real store."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.intake.desk import IntakeDesk
from agent.intake.taker import IntakeTaker
from agent.store.kept import Consent
from agent.store.keys import KeyFile
from agent.store.records import RecordStore

CALL = "call_0123456789abcdef"


@pytest.fixture
def store(tmp_path: Path) -> RecordStore:
    """An empty store."""
    return RecordStore(tmp_path / "records.sqlite", KeyFile(tmp_path / "records.key"))


@pytest.fixture
def desk(store: RecordStore) -> IntakeDesk:
    """One ended call, whose caller told a name, a concern and a medication."""
    taker = IntakeTaker("zh-Hant")
    taker.caller_text("叫我小安 我失戀了")
    taker.bot_text("失戀很難受。有在吃藥嗎？")
    taker.caller_text("我在吃舍曲林 <b>每天</b>都哭")
    store.begin(CALL, Consent(text=True))
    store.add(CALL, "caller", "叫我小安 我失戀了".encode())
    store.replace(CALL, "intake", taker.record.model_dump_json().encode())
    store.end(CALL)
    return IntakeDesk(store, review_secs=3600.0)
