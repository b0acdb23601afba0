"""The webhook to a person on duty."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from agent.config import PrivacySettings, SafetySettings, Settings
from agent.safety import handover
from agent.safety.handover import TRIES, Handover, duty_url, open_handover
from pipeline.errors import ConfigError
from pipeline.events import BackchannelNoted, CrisisNoted

URL = "http://desk.test/hook"


class Desk(httpx.AsyncBaseTransport):
    """A person's desk that fails so many times first."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.notices: list[dict[str, str]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.notices.append(json.loads(request.content))
        return httpx.Response(500 if len(self.notices) <= self.failures else 200)


async def test_a_rise_is_passed_on_without_words():
    """Call, tier, category and time; a concern and other events stay here."""
    desk = Desk()
    line = Handover("call_1", URL, desk)
    line.note(BackchannelNoted("嗯"))
    line.note(CrisisNoted("concern", "suicide", ()))
    line.note(CrisisNoted("imminent", "suicide", ()))
    await line.finished()
    (notice,) = desk.notices
    assert set(notice) == {"call_id", "tier", "category", "at"}
    assert notice["tier"] == "imminent"


@pytest.mark.parametrize("failures", [1, 99])
async def test_a_desk_that_fails_is_tried_again(failures: int, monkeypatch: pytest.MonkeyPatch):
    """A few times, and never so that the call would notice."""
    monkeypatch.setattr(handover, "_FIRST_WAIT_SECS", 0.0)
    desk = Desk(failures)
    line = Handover("call_1", URL, desk)
    line.note(CrisisNoted("elevated", "abuse", ()))
    await line.finished()
    assert len(desk.notices) == min(failures + 1, TRIES)


async def test_who_stops_waiting_loses_no_notice():
    """A second Ctrl-C, say: the posting itself goes on."""
    release = asyncio.Event()

    class Slow(Desk):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await release.wait()
            return await super().handle_async_request(request)

    desk = Slow()
    line = Handover("call_1", URL, desk)
    line.note(CrisisNoted("imminent", "suicide", ()))
    waiting = asyncio.create_task(line.finished())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    release.set()
    await line.finished()
    assert len(desk.notices) == 1


def test_offline_and_webhook_exclude_each_other():
    """Nothing is sent because a setting was overlooked."""
    safety = SafetySettings(webhook_url=URL)
    assert open_handover(Settings(), "call_1") is None
    allowed = PrivacySettings(offline=False)
    assert open_handover(Settings(safety=safety, privacy=allowed), "call_1") is not None
    for offline in (None, True):
        privacy = PrivacySettings(offline=offline)
        with pytest.raises(ConfigError, match=r"privacy\.offline=false"):
            open_handover(Settings(safety=safety, privacy=privacy), "call_1")


@pytest.mark.parametrize("url", ["http://", "https://:80/hook", "http://desk:port/hook"])
def test_what_is_no_address_is_refused_at_once(url: str):
    """Whoever set it learns of it before the first crisis."""
    settings = Settings(
        safety=SafetySettings(webhook_url=url), privacy=PrivacySettings(offline=False)
    )
    with pytest.raises(ConfigError, match=r"safety\.webhook_url"):
        duty_url(settings)
