"""Coming and going on the embedded models: what a day of visitors leaves in the memory."""

import asyncio
import gc
import random
import threading
from pathlib import Path

import pytest

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
