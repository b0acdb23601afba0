"""Two calls over a real socket: with the caller's consent the second knows of the first."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import websockets

from agent.config import PrivacySettings, ServerSettings, Settings
from agent.switchboard import Switchboard
from pipeline.assembly import Engines
from pipeline.audio import SAMPLE_BYTES
from tests.fakes.engines import FakeLanguageModel, FakeRecogniser, FakeVoice, FakeVoiceActivity
from tests.web.site import say
from web.server import REALTIME_PATH, create_app, running

TAG = "mine-" + "x" * 27
AGAIN = "我還記得一些"
TOLD = "我失戀了三個月了"


@dataclass
class Line:
    """A server that remembers, and what its model was told."""

    url: str
    board: Switchboard
    model: FakeLanguageModel

    async def call(self, *turns: str, tag: str | None = TAG) -> str:
        """Greeting, typed turns, hang-up; the greeting's text."""
        protocols = ["realtime", *([] if tag is None else [f"qingting-memory.{tag}"])]
        address = self.url.replace("http", "ws", 1) + REALTIME_PATH + "?locale=zh-Hant"
        async with websockets.connect(address, subprotocols=protocols, max_queue=None) as socket:
            await say(socket, type="qingting.hello", version=1, reports_playout=True)
            await say(socket, type="response.create")
            greeting = await self._listen(socket)
            for text in turns:
                content = [{"type": "input_text", "text": text}]
                item = {"type": "message", "role": "user", "content": content}
                await say(socket, type="conversation.item.create", item=item)
                await say(socket, type="response.create")
                await self._listen(socket)
        while self.board.open_calls:  # noqa: ASYNC110 (the hang-up is seen from outside)
            await asyncio.sleep(0.02)
        return greeting

    async def _listen(self, socket: websockets.ClientConnection) -> str:
        """Read to the end of a reply, "playing" it as fast as it comes; its text."""
        text, samples = "", 0
        async for message in socket:
            event = json.loads(message)
            match event["type"]:
                case "response.output_audio.delta":
                    samples += len(base64.b64decode(event["delta"])) // SAMPLE_BYTES
                    played = {"response_id": event["response_id"], "samples": samples}
                    await say(socket, type="qingting.playout.report", **played)
                case "response.output_audio_transcript.done":
                    text = event["transcript"]
                case "response.done":
                    return text
        raise AssertionError("the server hung up")

    async def remembered(self, at_least: int = 0) -> list[str]:
        """What the caller's page shows; waits for the disk until there is as much."""
        while True:
            async with httpx.AsyncClient(base_url=self.url) as client:
                answer = await client.get("/memory", headers={"qingting-caller": TAG})
            texts = [line["text"] for line in answer.json()["lines"]]
            if len(texts) >= at_least:
                return texts
            await asyncio.sleep(0.02)

    def told(self) -> str:
        """All system messages of all prompts."""
        return "\n".join(
            message.content
            for prompt in self.model.prompts
            for message in prompt
            if message.role == "system"
        )


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    """Fake engines: what is told to a model can be read off one, and tells the same."""
    settings = Settings(home=tmp_path, memory={"offer": True})
    model = FakeLanguageModel(prefill_secs=0.0, token_secs=0.0)
    with ThreadPoolExecutor(1) as workers:
        engines = Engines(FakeVoiceActivity(), FakeRecogniser(), model, FakeVoice(), workers)
        board = Switchboard(engines, settings)
        app = create_app(board, settings=settings, memory=board.memory_desk)
        async with running(app, ServerSettings(port=0)) as url:
            yield Line(url, board, model)
        await board.close()


async def test_the_second_call_knows_what_the_first_was_about(line: Line):
    """The greeting says so, and the model has the caller's words before the first turn."""
    assert AGAIN not in await line.call(TOLD)
    assert TOLD not in line.told()
    assert await line.remembered(at_least=1) == [TOLD]
    assert AGAIN in await line.call("今天想說說別的")
    assert f"「{TOLD}」" in line.told()


async def test_without_consent_nothing_is_remembered(line: Line):
    """Neither by a call without a tag, nor of one under another tag."""
    await line.call(TOLD, tag=None)
    assert AGAIN not in await line.call("今天想說說別的")
    await line.call(TOLD)
    await line.remembered(at_least=1)
    line.model.prompts.clear()
    assert AGAIN not in await line.call("今天想說說別的", tag="theirs-" + "y" * 25)
    assert AGAIN not in await line.call("今天想說說別的", tag=None)
    assert TOLD not in line.told()


async def test_a_correction_and_a_withdrawal_hold_for_the_next_call(line: Line):
    """It hears the caller's new words, and after that nothing."""
    await line.call(TOLD)
    await line.remembered(at_least=1)
    mine = {"qingting-caller": TAG}
    async with httpx.AsyncClient(base_url=line.url, headers=mine) as client:
        (known,) = (await client.get("/memory")).json()["lines"]
        await client.put(f"/memory/{known['line_id']}", json={"text": "我們分開了"})
        await line.call("今天想說說別的")
        assert "「我們分開了」" in line.told()
        assert TOLD not in line.told()
        await client.delete("/memory")
    line.model.prompts.clear()
    assert AGAIN not in await line.call("今天想說說別的")
    assert "我們分開了" not in line.told()


async def test_a_tag_that_can_be_guessed_opens_no_call(line: Line):
    """Refused before the socket opens."""
    with pytest.raises(websockets.InvalidStatus) as refused:
        await line.call(tag="Ann")
    assert refused.value.response.status_code == 400


async def test_a_server_that_does_not_offer_it_remembers_nobody(tmp_path: Path):
    """Whatever a client asks for; /access says so before the consent."""
    settings = Settings(home=tmp_path, privacy=PrivacySettings(record=True))
    with ThreadPoolExecutor(1) as workers:
        model = FakeLanguageModel(prefill_secs=0.0, token_secs=0.0)
        engines = Engines(FakeVoiceActivity(), FakeRecogniser(), model, FakeVoice(), workers)
        board = Switchboard(engines, settings)
        app = create_app(board, settings=settings, memory=board.memory_desk)
        async with running(app, ServerSettings(port=0)) as url:
            one = Line(url, board, model)
            await one.call(TOLD)
            assert AGAIN not in await one.call("今天想說說別的")
            assert TOLD not in one.told()
            async with httpx.AsyncClient(base_url=url) as client:
                assert (await client.get("/access")).json()["memory"] is False
                assert (await client.get("/memory")).status_code == 404
        await board.close()
