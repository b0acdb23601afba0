import asyncio
import signal
import sys
from pathlib import Path

import httpx
import pytest
import websockets

from agent import engines
from agent.config import ModelSettings, PrivacySettings, SafetySettings, ServerSettings, Settings
from pipeline import events as call
from pipeline.errors import ConfigError
from tests.fakes.call import FakeFactory, tone
from tests.web.site import hear, running_site, say
from web import patience, server
from web.server import create_app, listening_socket, running, switchboard


async def get(url: str) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.get(url)


async def test_health_counts_the_calls(site):
    """200 and a number while calls are taken."""
    async with site.connect() as socket:
        await hear(socket, "session.created")
        answer = await get(f"{site.url}/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "calls": 1})


async def test_metrics_are_in_prometheus_format(site):
    """Loop lag, calls and latencies have their names."""
    async with site.connect() as socket:
        await hear(socket, "session.created")
        site.factory.calls[0].emit(
            call.TurnMeasured("turn_1", "reply_1", {"soft_end": 100.0, "odd": 1.0}, 380.0)
        )
        await say(socket, type="nonsense")
        await hear(socket, "error")
        text = (await get(f"{site.url}/metrics")).text
    assert "qingting_event_loop_lag_p99_seconds" in text
    assert "qingting_calls 1.0" in text
    assert 'qingting_client_errors_total{code="unknown_event"} 1.0' in text
    assert 'qingting_response_latency_seconds_bucket{le="0.4"} 1.0' in text
    assert 'mark="soft_end"' in text
    assert "odd" not in text


async def test_the_page_is_served_where_there_is_one(tmp_path):
    """`/` is the call page; without the folder there is none."""
    (tmp_path / "index.html").write_text("<p>hello</p>")
    for folder, status in ((tmp_path, 200), (tmp_path / "missing", 404)):
        app = create_app(FakeFactory(), page_dir=folder)
        async with running(app, ServerSettings(port=0)) as url:
            assert (await get(url)).status_code == status


@pytest.mark.parametrize(
    ("record", "audio", "told"),
    [(False, True, (False, False)), (True, False, (True, False)), (True, True, (True, True))],
)
async def test_a_caller_is_told_what_is_kept(record, audio, told):
    """Words and sound apart; without records there is no sound either."""
    settings = Settings(privacy=PrivacySettings(record=record, record_audio=audio))
    app = create_app(FakeFactory(), settings=settings)
    async with running(app, ServerSettings(port=0)) as url:
        answer = (await get(f"{url}/access")).json()
    assert (answer["recorded"], answer["audio"]) == told


@pytest.mark.parametrize(("offline", "local"), [(None, True), (True, True), (False, False)])
async def test_a_caller_is_told_whether_a_call_may_leave_the_machine(offline, local):
    """It stays unless the settings let it go."""
    app = create_app(FakeFactory(), settings=Settings(privacy=PrivacySettings(offline=offline)))
    async with running(app, ServerSettings(port=0)) as url:
        assert (await get(f"{url}/access")).json()["local"] is local


async def test_a_person_on_duty_who_cannot_be_told_is_named_at_the_start(monkeypatch):
    """Before any model is read; else every call would be refused."""
    monkeypatch.setattr(engines, "load_engines", lambda settings: pytest.fail("models were read"))
    settings = Settings(safety=SafetySettings(webhook_url="https://desk.test/hook"))
    with pytest.raises(ConfigError, match=r"privacy\.offline=false"):
        async with switchboard(settings):
            pass


async def test_a_voice_that_is_none_is_named_at_the_start(monkeypatch):
    """Before any model is read."""
    monkeypatch.setattr(engines, "load_engines", lambda settings: pytest.fail("models were read"))
    settings = Settings(models=ModelSettings(mandarin_voice="mandarin"))
    with pytest.raises(ConfigError, match="mean mandarin-voice"):
        async with switchboard(settings):
            pass


async def test_a_taken_port_is_named():
    """One sentence with the address."""
    with listening_socket(ServerSettings(port=0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(ConfigError, match=str(port)),
            listening_socket(ServerSettings(port=port)),
        ):
            pass


ABSENT = {"tls_certificate_file": "absent.pem", "tls_key_file": "absent.pem"}


def test_tls_files_that_cannot_be_used_are_named_before_the_models_load(monkeypatch):
    """One sentence, not a traceback after half a minute."""
    monkeypatch.setattr(engines, "load_engines", lambda settings: pytest.fail("models were read"))
    with pytest.raises(ConfigError, match=r"absent\.pem cannot be read"):
        server.serve(Settings(server=ServerSettings(port=0, **ABSENT)))


async def test_a_server_that_dies_at_its_start_leaves_nobody_waiting(monkeypatch):
    """Here of files that went away since they were looked at."""
    monkeypatch.setattr(server, "check_certificate", lambda settings: None)
    async with asyncio.timeout(30.0):  # a bound for the failing test, not a measure
        with pytest.raises(FileNotFoundError):
            async with running(create_app(FakeFactory()), ServerSettings(port=0, **ABSENT)):
                pass


async def test_a_stopping_server_lets_a_reply_finish_and_takes_no_more_calls():
    """The reply ends, then the call does, with 1001; a new client gets 503."""
    async with running_site(FakeFactory()) as site, site.connect() as socket:
        await say(socket, type="qingting.hello", version=1, reports_playout=True)
        await say(socket, type="response.create")
        response_id = (await hear(socket, "response.created"))["response"]["id"]
        draining = asyncio.create_task(site.app.state.calls.drain(within_secs=30.0))
        await asyncio.sleep(0)
        with pytest.raises(websockets.InvalidStatus) as refused:
            await site.connect()
        assert refused.value.response.status_code == 503
        assert not draining.done()
        report = {"type": "qingting.playout.report", "response_id": response_id}
        await say(socket, **report, samples=1 << 20)
        assert (await hear(socket, "response.done"))["response"]["status"] == "completed"
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await hear(socket, "never")
        assert closed.value.rcvd.code == 1001
        await draining


async def test_a_stopping_server_does_not_wait_for_ever():
    """The bound holds for a reply whose client plays nothing."""
    async with running_site(FakeFactory(), drain_secs=0.1) as site:
        socket = await site.connect()
        await say(socket, type="qingting.hello", version=1, reports_playout=True)
        await say(socket, type="response.create")
        await hear(socket, "response.created")
    assert site.factory.calls[0].closed_with == "drain"
    await socket.close()


ROOT = Path(__file__).parents[2]
SERVE = """
from contextlib import asynccontextmanager
from agent.config import Settings
from tests.fakes.call import FakeFactory
from web import server

@asynccontextmanager
async def fakes(settings):
    yield server.create_app(FakeFactory(), settings=settings)
    print("engines closed", flush=True)

server.application = fakes
server.serve(Settings(server={"port": 0}))
"""


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_the_call_then_the_engines_then_the_process(signum):
    """Exit code 0, nothing on stderr, and the client told with 1001."""
    pipes = {"stdout": asyncio.subprocess.PIPE, "stderr": asyncio.subprocess.PIPE}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", SERVE, cwd=ROOT, **pipes)
    try:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        url = line.split(" on ")[1].split()[0].replace("http", "ws", 1)
        async with websockets.connect(f"{url}/v1/realtime") as socket:
            await hear(socket, "session.created")
            process.send_signal(signum)
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await hear(socket, "never")
        rest, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert closed.value.rcvd.code == 1001
    assert (process.returncode, errors) == (0, b"")
    assert rest.decode().strip() == "engines closed"


OPEN_FILES = Path("/proc/self/fd")


def census() -> tuple[set[str], int]:
    """Names of the tasks and number of open files of this process."""
    return {task.get_name() for task in asyncio.all_tasks()}, sum(1 for _ in OPEN_FILES.iterdir())


@pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="open files are counted in /proc")
async def test_connecting_and_leaving_leaves_nothing_behind(site):
    """Fifty clients later there are as many tasks and open files as before."""

    async def visit(number: int) -> None:
        socket = await site.connect()
        if number % 3:
            await hear(socket, "session.created")
        if number % 2:
            socket.transport.abort()
        await socket.close()

    await visit(1)
    await settle(site)
    before = census()
    for number in range(50):
        await visit(number)
    await settle(site)
    assert census() == before


async def test_a_client_that_never_reads_again_is_cut_off(site, monkeypatch):
    """Its socket does not stay open with what it will never read."""
    monkeypatch.setattr(patience, "ABORT_SECS", 0.1)
    socket = await site.connect(max_queue=1)
    await hear(socket, "session.created")
    before = census()[1]
    socket.transport.pause_reading()
    one = site.factory.calls[0]
    one.emit(call.ReplyStarted("reply_1", None))
    for sequence in range(200):
        one.emit(call.ReplyAudio("reply_1", sequence, tone(2.0), sequence * 48_000, 0, 1))
    await asyncio.wait_for(one.closed.wait(), 5)
    await settle(site)
    assert census()[1] < before
    socket.transport.abort()


async def settle(site) -> None:
    """Until every call has closed and the loop has run its callbacks."""
    for one in site.factory.calls:
        await asyncio.wait_for(one.closed.wait(), 5)
    async with asyncio.timeout(10):
        while len(site.app.state.calls):  # noqa: ASYNC110 (seen from outside, as a monitor would)
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)  # the loop closes sockets in callbacks
