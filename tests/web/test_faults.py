"""Load and nonsense: nothing crashes, nothing hangs, nothing stays behind."""

import asyncio
import gc
import json
import random
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from tests.fakes.call import FakeFactory
from tests.web.site import LIMITS, hear, running_site, say
from web.realtime.client_events import ClientEvent
from web.realtime.connection import RealtimeConnection
from web.realtime.event_log import EventLog
from web.realtime.ongoing import OngoingCall
from web.realtime.outbox import Outbox

OPEN_FILES = Path("/proc/self/fd")
VALID = [
    {"type": "session.update", "session": {"instructions": "be brief", "temperature": 0.5}},
    {"type": "input_audio_buffer.append", "audio": "AAAA"},
    {"type": "input_audio_buffer.commit"},
    {"type": "input_audio_buffer.clear"},
    {
        "type": "conversation.item.create",
        "item": {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "你好"}],
        },
    },
    {
        "type": "conversation.item.truncate",
        "item_id": "item_reply_1",
        "content_index": 0,
        "audio_end_ms": 5,
    },
    {"type": "response.create", "response": {"conversation": "auto"}},
    {"type": "response.cancel", "response_id": "resp_reply_1"},
    {"type": "qingting.hello", "version": 1, "reports_playout": True, "resumable": True},
    {"type": "qingting.playout.report", "response_id": "resp_reply_1", "samples": 3},
    {"type": "qingting.ping", "token": "t"},
]
ODD = [
    None,
    True,
    -1,
    0,
    1 << 70,
    1e308,
    "",
    "x" * 5_000,
    "\u0000",
    "\ud800",
    "💥",
    [],
    {},
    [[]] * 50,
    {"a": {"b": {"c": []}}},
]


def test_the_fuzzer_knows_every_event():
    """One valid example for each type in the schema."""
    schema = TypeAdapter(ClientEvent).json_schema()
    types = {
        model["properties"]["type"]["const"]
        for name, model in schema["$defs"].items()
        if "." in model.get("properties", {}).get("type", {}).get("const", "")
    }
    assert {event["type"] for event in VALID} == types


def malformed(dice: random.Random) -> str | bytes:
    """One message: a valid event with something wrong somewhere in it."""
    event = json.loads(json.dumps(dice.choice(VALID)))
    place, name = event, dice.choice(list(event))
    while isinstance(place[name], dict | list) and place[name] and dice.random() < 0.7:
        place = place[name]
        name = dice.choice(list(place)) if isinstance(place, dict) else dice.randrange(len(place))
    match dice.randrange(6):
        case 0:
            place[name] = dice.choice(ODD)
        case 1:
            del place[name]
        case 2 if isinstance(place, dict):
            place["unknown"] = dice.choice(ODD)
        case 3:
            text = json.dumps(event)
            return text[: dice.randrange(len(text))]
        case 4:
            text = json.dumps(event)
            at = dice.randrange(len(text))
            return text[:at] + dice.choice(["{", "]", '"', "\\", "\u2028", "0"]) + text[at + 1 :]
        case _:
            return dice.choice(['{"type":' * 200, "[" * 5_000, "NaN", '""', "\ufeff{}"])
    return json.dumps(event)


async def test_ten_thousand_malformed_messages_do_no_harm():
    """Every one is answered or has its harmless effect; the call goes on behind them."""
    dice = random.Random(5)
    limits = replace(LIMITS, message_burst=20_000, outbox_bytes=64 << 20)
    async with (
        running_site(FakeFactory(answer_secs=0.05), limits) as site,
        site.connect() as socket,
    ):
        heard: list[str] = []

        async def listen() -> None:
            async for text in socket:
                event = json.loads(text)
                heard.append(event["type"])
                if event["type"] == "qingting.pong" and event["token"] == "the last":
                    return

        listening = asyncio.create_task(listen())
        for _ in range(10_000):
            await socket.send(malformed(dice))
        await say(socket, type="qingting.hello", version=1)
        await say(socket, type="qingting.ping", token="the last")
        await asyncio.wait_for(listening, 60)
        assert heard.count("error") > 5_000
        await say(socket, type="session.update", session={"instructions": "go on"})
        assert (await hear(socket, "session.updated"))["session"]["instructions"] == "go on"
    assert len(site.factory.calls) == 1


async def test_a_flood_ends_with_4029():
    """Messages faster than anybody speaks; the error says so."""
    limits = replace(LIMITS, messages_per_sec=1.0, message_burst=50)
    async with running_site(FakeFactory(), limits) as site, site.connect() as socket:
        for _ in range(100):
            await say(socket, type="qingting.ping")
        with pytest.raises(Exception, match="4029"):
            await hear(socket, "never")


def census() -> dict[str, object]:
    """What a call must not leave behind."""
    gc.collect()
    kinds = (OngoingCall, RealtimeConnection, EventLog, Outbox)
    return {
        "tasks": len(asyncio.all_tasks()),
        "threads": threading.active_count(),
        "files": sum(1 for _ in OPEN_FILES.iterdir()),
        "objects": sum(isinstance(one, kinds) for one in gc.get_objects()),
    }


async def visit(site, dice: random.Random) -> None:
    """Come, do something, and go in one of the ways in which clients go."""
    socket = await site.connect()
    token = None
    if dice.random() < 0.8:
        await hear(socket, "session.created")
    if dice.random() < 0.6:
        hello = {"reports_playout": True, "resumable": dice.random() < 0.7}
        await say(socket, type="qingting.hello", version=1, **hello)
        token = (await hear(socket, "qingting.hello"))["resume_token"]
    if dice.random() < 0.5:
        await say(socket, type="response.create")
        if dice.random() < 0.5:
            await hear(socket, dice.choice(["response.created", "response.output_audio.delta"]))
    if dice.random() < 0.6:
        socket.transport.abort()
        if token and dice.random() < 0.7:
            again = await site.connect(
                subprotocols=["realtime", f"qingting-resume.{token}.{dice.randrange(5)}"]
            )
            await again.recv()
            await again.close(dice.choice([1000, 1000, 1001]))
    await socket.close()


@pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="open files are counted in /proc")
async def test_two_hundred_visits_leave_nothing_behind():
    """Tasks, threads, open files and objects are as many as before."""
    dice = random.Random(5)
    limits = replace(LIMITS, resume_secs=0.2)
    async with running_site(FakeFactory(max_calls=1000), limits) as site:
        await visit(site, dice)
        await empty(site)
        before = census()
        for _ in range(40):
            await asyncio.gather(*(visit(site, dice) for _ in range(5)))
        await empty(site)
        assert census() == before


async def empty(site) -> None:
    async with asyncio.timeout(20):
        while len(site.app.state.calls):  # noqa: ASYNC110 (seen from outside)
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.3)  # the loop closes sockets in callbacks
