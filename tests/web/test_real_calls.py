"""Coming and going on the embedded models: what a day of visitors leaves in the memory."""

import asyncio
import base64
import gc
import random
import threading
from pathlib import Path

import pytest
from openai import AsyncOpenAI

from agent.config import ServerSettings, Settings
from tests.web.site import hear, say
from web.server import REALTIME_PATH, create_app, running, switchboard

STATUS = Path("/proc/self/status")
OPEN_FILES = Path("/proc/self/fd")
VISITS = 200
SETTLING_VISITS = 60  # pools of threads, arenas and caches fill up once
GROWTH_BYTES = 24 << 20  # over 140 visits; one leaked call holds about 2 MB


def resident_bytes() -> int:
    line = next(one for one in STATUS.read_text().splitlines() if one.startswith("VmRSS"))
    return int(line.split()[1]) << 10


def census() -> tuple[int, int, int]:
    gc.collect()
    files = sum(1 for _ in OPEN_FILES.iterdir())
    return len(asyncio.all_tasks()), threading.active_count(), files


@pytest.mark.models
@pytest.mark.slow
async def test_the_official_client_cuts_a_reply_that_is_spoken_and_one_that_is_over():
    """What it truncates to is what was heard, to the character, whenever it says so."""
    settings = Settings(server=ServerSettings(port=0))
    async with switchboard(settings) as board:
        app = create_app(board, settings=settings)
        async with (
            running(app, settings.server) as url,
            AsyncOpenAI(api_key="any", base_url=f"{url}/v1") as client,
            client.realtime.connect(model="gpt-realtime") as connection,
        ):
            # Only to be told what the server believes; the rest is any client's code.
            await connection.send({"type": "qingting.hello", "version": 1})
            heard: list[str] = []
            ends_by_chars: dict[int, int] = {}  # characters to the last ms of their audio
            sent_ms = 0
            cut_ms = 0
            await connection.response.create()
            async for event in connection:
                match event.type:
                    case "error":
                        raise AssertionError(event.error.message)
                    case "qingting.audio_span":
                        end_char = event.end_char
                    case "response.output_audio.delta":
                        sent_ms += len(base64.b64decode(event.delta)) // 2 // 24
                        ends_by_chars.setdefault(end_char, sent_ms)
                        if sent_ms >= 1_500 and not cut_ms:
                            cut_ms = 1_000
                            await connection.conversation.item.truncate(
                                item_id=event.item_id, content_index=0, audio_end_ms=cut_ms
                            )
                    case "qingting.reply.heard":
                        heard.append(event.heard_text)
                        text = event.text
                        if len(heard) == 2:
                            break
                    case "response.done":
                        assert event.response.status == "cancelled"
                        await connection.conversation.item.truncate(
                            item_id=event.response.output[0].id, content_index=0, audio_end_ms=500
                        )
    for cut, audio_end_ms in zip(heard, (1_000, 500), strict=True):
        assert text.startswith(cut)
        fewest = max((n for n, end in ends_by_chars.items() if end <= audio_end_ms), default=0)
        most = min(n for n, end in ends_by_chars.items() if end >= audio_end_ms + 40)
        assert fewest <= len(cut) <= most
    assert 0 < len(heard[1]) < len(heard[0]) < len(text)


@pytest.mark.models
@pytest.mark.slow
@pytest.mark.skipif(not STATUS.is_file(), reason="memory is read from /proc")
async def test_two_hundred_calls_leave_memory_where_it_was():
    """Half of them vanish without a word, at any moment of a greeting."""
    import websockets

    dice = random.Random(3)
    settings = Settings(server=ServerSettings(port=0, resume_secs=0.2))
    async with switchboard(settings) as board:
        app = create_app(board, settings=settings)
        async with running(app, settings.server) as url:
            address = url.replace("http", "ws", 1) + REALTIME_PATH

            async def visit() -> None:
                async with websockets.connect(address, max_queue=None) as socket:
                    hello = {"reports_playout": True, "resumable": dice.random() < 0.5}
                    await say(socket, type="qingting.hello", version=1, **hello)
                    await say(socket, type="input_audio_buffer.append", audio="AAAA" * 400)
                    await say(socket, type="response.create")
                    moment = ["qingting.hello", "response.created", "response.output_audio.delta"]
                    await hear(socket, dice.choice(moment))
                    if dice.random() < 0.5:
                        socket.transport.abort()
                async with asyncio.timeout(30):
                    while len(app.state.calls):  # noqa: ASYNC110 (seen from outside)
                        await asyncio.sleep(0.02)

            for _ in range(SETTLING_VISITS):
                await visit()
            await asyncio.sleep(0.5)
            before, memory = census(), resident_bytes()
            for _ in range(VISITS - SETTLING_VISITS):
                await visit()
            await asyncio.sleep(0.5)
            assert census() == before
            assert resident_bytes() - memory < GROWTH_BYTES
