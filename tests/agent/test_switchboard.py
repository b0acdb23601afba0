"""Calls on fake engines: who is told of a crisis, and who is promised that they are."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from agent.config import PersonaSettings, PrivacySettings, SafetySettings, ServerSettings, Settings
from agent.persona import load_persona
from agent.safety.script import script
from agent.switchboard import Switchboard
from pipeline.assembly import Engines
from pipeline.errors import ConfigError
from pipeline.events import CallOptions, ReplyFinished, ReplyText
from tests.fakes.desk import Desk, open_desk
from tests.fakes.engines import FakeLanguageModel, FakeRecogniser, FakeVoice, FakeVoiceActivity
from web.server import api_on, create_app, running

CRISIS = "我今晚就要自杀"
PROMISE = script("zh-Hans").stay.person


@pytest.fixture
def desk() -> Iterator[Desk]:
    with open_desk() as one:
        yield one


@pytest.fixture
def engines() -> Iterator[Engines]:
    with ThreadPoolExecutor(1) as workers:
        model = FakeLanguageModel(prefill_secs=0.0, token_secs=0.0)
        yield Engines(FakeVoiceActivity(), FakeRecogniser(), model, FakeVoice(), workers)


def told_at(desk: Desk, home: Path) -> Settings:
    """Settings under which the desk is told."""
    return Settings(
        home=home,
        persona=PersonaSettings(locale="zh-Hans"),
        privacy=PrivacySettings(offline=False),
        safety=SafetySettings(webhook_url=desk.url),
    )


async def said_in_crisis(board: Switchboard) -> str:
    """What a new call says, to the promise or to the end; the call stays open."""
    call = await board.open_call(CallOptions())
    call.send_text(CRISIS)
    call.respond()
    said = ""
    async for event in call.events():
        if isinstance(event, ReplyText):
            said += event.text
        if isinstance(event, ReplyFinished) or PROMISE in said:
            break
    return said


async def written_answer(board: Switchboard, settings: Settings, text: str) -> str:
    """What the chat API says to a first message."""
    app = create_app(board, settings=settings, openai_api=api_on(board, settings))
    chat = {"messages": [{"role": "user", "content": text}]}
    async with running(app, ServerSettings(port=0)) as url, httpx.AsyncClient() as client:
        answer = await client.post(f"{url}/v1/chat/completions", json=chat)
    said: str = answer.json()["choices"][0]["message"]["content"]
    return said


async def test_who_is_promised_a_person_gets_one(desk: Desk, engines: Engines, tmp_path: Path):
    """In a call, once the notice is on its way."""
    board = Switchboard(engines, told_at(desk, tmp_path))
    assert PROMISE in await said_in_crisis(board)
    await board.close()
    (notice,) = desk.notices
    assert notice["tier"] == "imminent"


async def test_a_notice_outlives_its_call(desk: Desk, engines: Engines, tmp_path: Path):
    """The process stays until the desk has answered."""
    desk.answers.clear()
    board = Switchboard(engines, told_at(desk, tmp_path))
    await said_in_crisis(board)
    assert await asyncio.to_thread(desk.arrived.wait, 5.0)
    closing = asyncio.create_task(board.close())
    while board.open_calls:  # noqa: ASYNC110 (the end of the calls is seen from outside)
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)  # all else that closing does
    assert not closing.done()
    desk.answers.set()
    await closing


async def test_over_http_nobody_is_promised(desk: Desk, engines: Engines, tmp_path: Path):
    """A chat is sent whole with every message and would be told of every time: it never is."""
    settings = told_at(desk, tmp_path)
    board = Switchboard(engines, settings)
    said = await written_answer(board, settings, CRISIS)
    assert said
    assert PROMISE not in said
    await board.close()
    assert desk.notices == []


async def test_over_http_no_secrecy_is_promised(engines: Engines, tmp_path: Path):
    """The words came through a program that had them first."""
    settings = Settings(home=tmp_path, persona=PersonaSettings(locale="zh-Hans"))
    board = Switchboard(engines, settings)
    said = await written_answer(board, settings, "你会告诉别人吗")
    assert said in load_persona("listener", "zh-Hans").by_heart("always")["secrecy"]
    await board.close()


async def test_a_call_that_may_not_tell_leaves_nothing_behind(engines: Engines, tmp_path: Path):
    """It is refused before its recorder starts."""
    privacy = PrivacySettings(record=True)
    safety = SafetySettings(webhook_url="http://desk.test")
    board = Switchboard(engines, Settings(home=tmp_path, privacy=privacy, safety=safety))
    before = set(threading.enumerate())
    with pytest.raises(ConfigError, match="offline"):
        await board.open_call(CallOptions())
    assert not [one for one in set(threading.enumerate()) - before if "recorder" in one.name]
    await board.close()
