"""Records go at their age, also while nobody starts anything, and once nothing is kept any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agent.config import PrivacySettings, Settings
from agent.store import retention
from agent.store.kept import Consent
from agent.store.opening import open_store
from agent.store.retention import keep_purging
from agent.switchboard import Switchboard
from pipeline.assembly import Engines
from pipeline.errors import StoreError
from tests.fakes.engines import FakeLanguageModel, FakeRecogniser, FakeVoice, FakeVoiceActivity


class Purged:
    """Stands for a store of which only the purges matter; the second one fails."""

    def __init__(self) -> None:
        self.spared: list[frozenset[str]] = []

    def purge(self, keep_days: float, *, spared: frozenset[str]) -> int:
        self.spared.append(spared)
        if len(self.spared) == 2:
            raise StoreError("locked", retryable=True)
        return 0


@pytest.fixture
def engines() -> Iterator[Engines]:
    with ThreadPoolExecutor(1) as workers:
        model = FakeLanguageModel(prefill_secs=0.0, token_secs=0.0)
        yield Engines(FakeVoiceActivity(), FakeRecogniser(), model, FakeVoice(), workers)


def keep(settings: Settings, call_id: str, *, days_ago: int) -> None:
    """A call of that age, and nothing else open."""
    store = open_store(settings)
    store.begin(call_id, Consent())
    store.end(call_id)
    store._file._db.execute(
        "UPDATE calls SET began_at = strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now', ?)"
        " WHERE call_id = ?",
        (f"-{days_ago} days", call_id),
    )
    store.close()


def kept(settings: Settings) -> list[str]:
    store = open_store(settings)
    calls = [record.call_id for record in store.calls()]
    store.close()
    return calls


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 (seen from outside)
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("record", [True, False])
async def test_old_records_go_at_a_servers_start(tmp_path: Path, engines: Engines, record: bool):
    """Those of a time when calls were still kept, too."""
    settings = Settings(home=tmp_path, privacy=PrivacySettings(record=record))
    keep(settings, "call_old", days_ago=31)
    keep(settings, "call_young", days_ago=29)
    board = Switchboard(engines, settings)
    await board.warm_up()
    await until(lambda: kept(settings) == ["call_young"])
    await board.close()


async def test_purging_goes_on_while_a_server_runs(monkeypatch: pytest.MonkeyPatch):
    """After a purge that failed as well; calls under way are spared each time anew."""
    monkeypatch.setattr(retention, "PURGE_EVERY_SECS", 0.001)
    store, calls = Purged(), ["call_1"]
    purging = asyncio.create_task(keep_purging(store, 30.0, lambda: frozenset(calls)))
    await until(lambda: len(store.spared) >= 2)
    calls.clear()
    await until(lambda: store.spared[-1] == frozenset())
    assert store.spared[0] == {"call_1"}
    purging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await purging


async def test_nothing_is_opened_where_nothing_was_ever_kept(tmp_path: Path, engines: Engines):
    """A server that keeps nothing leaves no file."""
    board = Switchboard(engines, Settings(home=tmp_path))
    await board.warm_up()
    await board.close()
    assert not (tmp_path / "records").exists()


async def test_records_without_keys_do_not_keep_a_server_from_keeping_nothing(
    tmp_path: Path, engines: Engines
):
    """They are closed anyway; where calls are to be kept, it is said."""
    keep(Settings(home=tmp_path), "call_1", days_ago=1)
    (tmp_path / "records" / "records.key").unlink()
    board = Switchboard(engines, Settings(home=tmp_path))
    await board.close()
    with pytest.raises(StoreError, match="missing"):
        Switchboard(engines, Settings(home=tmp_path, privacy=PrivacySettings(record=True)))


def test_a_spared_call_outlives_its_age(tmp_path: Path):
    """Its row is not taken away under a call that goes on."""
    settings = Settings(home=tmp_path)
    keep(settings, "call_long", days_ago=2)
    store = open_store(settings)
    assert store.purge(1.0, spared={"call_long"}) == 0
    assert store.purge(1.0) == 1
    store.close()
