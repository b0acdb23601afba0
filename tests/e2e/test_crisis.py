"""The crisis protocol in a whole call: spoken words in, a held reply and a scripted answer out."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
import websockets

import agent.bench.barge_in
from agent.caller_clip import Clip
from agent.config import PersonaSettings, PrivacySettings, Settings
from agent.safety.protocol import CRISIS_RATE
from agent.safety.script import script
from agent.store.opening import open_store
from pipeline.audio import OUTPUT_RATE_HZ
from tests.e2e.conftest import SERVER
from tests.e2e.house import CALLER_STYLE, CHUNK_SAMPLES, PATIENCE_SECS, House, PatientSwitchboard
from web.server import REALTIME_PATH, create_app, running

pytestmark = [pytest.mark.models, pytest.mark.slow, pytest.mark.asyncio(loop_scope="session")]

CRISIS = "我今天晚上想要跳楼。"  # the recogniser understands this voice saying it
LATER = "今天的天气还不错。"
PCM = {"type": "audio/pcm", "rate": OUTPUT_RATE_HZ}


@dataclasses.dataclass(frozen=True)
class Desk:
    """A server that keeps records, on the engines of the house."""

    url: str
    settings: Settings
    board: PatientSwitchboard


@pytest_asyncio.fixture(loop_scope="session")
async def desk(house: House, tmp_path: Path) -> AsyncIterator[Desk]:
    settings = Settings(
        home=tmp_path,
        server=SERVER,
        privacy=PrivacySettings(record=True),
        # Its second line is half a minute long: there is time to interrupt it.
        persona=PersonaSettings(
            name="narrator", directory=Path(agent.bench.barge_in.__file__).parent
        ),
    )
    board = PatientSwitchboard(house.engines, settings)
    app = create_app(board, settings=settings)
    async with running(app, SERVER) as url:
        yield Desk(url.replace("http", "ws", 1) + REALTIME_PATH, settings, board)
    await board.close()


class Line:
    """A client that listens all the time and says a clip when told to."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self._socket = socket
        self._to_say = np.zeros(0, dtype=np.int16)
        self.events: list[dict[str, Any]] = []

    def say(self, clip: Clip) -> None:
        self._to_say = clip.samples

    async def speak(self) -> None:
        """The microphone: 20 ms at a time, late ones at once, silence where nothing is said."""
        began_at, sent_samples = time.monotonic(), 0
        while True:
            chunk = np.zeros(CHUNK_SAMPLES, dtype=np.int16)
            said, self._to_say = self._to_say[:CHUNK_SAMPLES], self._to_say[CHUNK_SAMPLES:]
            chunk[: len(said)] = said
            sent_samples += CHUNK_SAMPLES
            due_at = began_at + sent_samples / OUTPUT_RATE_HZ
            await asyncio.sleep(max(0.0, due_at - time.monotonic()))
            audio = base64.b64encode(chunk.tobytes()).decode()
            await self.send(type="input_audio_buffer.append", audio=audio)

    async def send(self, **event: Any) -> None:
        await self._socket.send(json.dumps(event))

    async def until(self, met: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Read on to the first event for which `met` holds."""
        async with asyncio.timeout(PATIENCE_SECS * 2):
            async for message in self._socket:
                self.events.append(json.loads(message))
                if met(self.events[-1]):
                    return self.events[-1]
        raise AssertionError("the server hung up")

    def first(self, kind: str) -> dict[str, Any]:
        """The first event of a type; without one, what was understood says why."""
        heard = [event["transcript"] for event in self.events if "transcript" in event]
        found = [event for event in self.events if event["type"] == kind]
        assert found, heard
        return found[0]

    async def spoken(self) -> str:
        """The text of the next reply that is over."""
        done = await self.until(lambda event: event["type"] == "response.done")
        self.last_status = done["response"]["status"]
        return "".join(
            event["delta"]
            for event in self.events
            if event["type"] == "response.output_audio_transcript.delta"
            and event["response_id"] == done["response"]["id"]
        )


async def test_a_crisis_holds_the_reply_and_keeps_the_protocol_in_force(house: House, desk: Desk):
    """The reply stops, the script answers, the page has numbers, and the record is marked."""
    words = script("zh-Hans")
    crisis_clip, later_clip = house.says(CRISIS), house.says(LATER)
    async with websockets.connect(desk.url, compression=None) as socket:
        line = Line(socket)
        await line.send(type="qingting.hello", version=1, reports_playout=False)
        heard = {"format": PCM, "transcription": {"language": "zh"}}
        await line.send(
            type="session.update", session={"type": "realtime", "audio": {"input": heard}}
        )
        microphone = asyncio.create_task(line.speak(), name="crisis-microphone")
        try:
            await line.send(type="response.create")
            await line.spoken()
            await line.send(type="response.create")
            await line.until(lambda event: event["type"] == "response.output_audio.delta")
            line.say(crisis_clip)
            await line.spoken()
            assert line.last_status == "cancelled"
            prompts = len(house.prompts)
            answer = await line.spoken()
            crisis = line.first("qingting.crisis")
            assert crisis["tier"] in ("elevated", "imminent")
            assert crisis["category"] == "suicide"
            assert crisis["lines"]
            assert answer.startswith(getattr(words.open["suicide"], crisis["tier"])[:8])
            line.say(later_clip)
            later = await line.spoken()
            assert later in (words.ask.intent, words.ask.company, *words.stay.lines)
            assert len(house.prompts) == prompts, "the model was asked in the protocol's place"
        finally:
            microphone.cancel()
            await asyncio.gather(microphone, return_exceptions=True)
    await house.settled(lambda: desk.board.open_calls == 0, "the call is closed")
    store = open_store(desk.settings)
    (record,) = store.calls()
    kept = store.items(record.call_id)
    store.close()
    marks = [json.loads(item.text) for item in kept if item.kind == "mark"]
    assert {"crisis": crisis["tier"], "category": "suicide"} in marks


async def test_the_slow_rate_is_heard(house: House):
    """The same words take longer, by about what the rate says."""
    line = script("zh-Hans").ask.company
    slowly = dataclasses.replace(CALLER_STYLE, rate=CALLER_STYLE.rate * CRISIS_RATE)
    assert len(house.says(line, slowly).samples) > 1.1 * len(house.says(line).samples)
