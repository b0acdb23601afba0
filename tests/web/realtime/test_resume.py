"""A lost socket, at every kind of moment: the call goes on as if nothing had been."""

import asyncio
import base64
import json
from dataclasses import replace

import pytest
import websockets

from pipeline import events as call
from tests.fakes.call import ANSWER, HEARD, FakeFactory, tone
from tests.web.site import LIMITS, hear, hear_until, running_site, say
from web.patience import PatientWebSocket
from web.realtime import open_calls


async def greet(socket) -> str:
    """Say hello as the page does; returns the token."""
    await say(socket, type="qingting.hello", version=1, reports_playout=True, resumable=True)
    return (await hear(socket, "qingting.hello"))["resume_token"]


def back_to(site, token, after=0):
    return site.connect(subprotocols=["realtime", f"qingting-resume.{token}.{after}"])


def number(event) -> int:
    return int(event["event_id"].removeprefix("event_"))


async def speak(socket) -> None:
    pcm = tone(0.4) + bytes(24_000)
    for start in range(0, len(pcm), 960):
        audio = base64.b64encode(pcm[start : start + 960]).decode()
        await say(socket, type="input_audio_buffer.append", audio=audio)


async def lose(site, socket) -> None:
    """Cut the socket and wait until the server has noticed."""
    socket.transport.abort()
    await waiting(site)


async def waiting(site) -> None:
    """Return when the only call waits for its client."""
    (ongoing,) = site.app.state.calls._calls.values()
    async with asyncio.timeout(5):
        while ongoing.waiting_since is None:  # noqa: ASYNC110 (seen from outside)
            await asyncio.sleep(0.01)


CUTS = [
    "qingting.hello",
    "input_audio_buffer.speech_started",
    "qingting.transcript",
    "input_audio_buffer.speech_stopped",
    "conversation.item.input_audio_transcription.completed",
    "response.created",
    "response.output_audio_transcript.delta",
    "qingting.audio_span",
    "response.output_audio.delta",
]


@pytest.mark.parametrize("moment", CUTS)
async def test_a_socket_cut_at_any_moment_loses_nothing(site, moment):
    """Both sockets together saw every event that one would have seen, each once."""
    first: list[dict] = []
    async with site.connect() as socket:
        await say(socket, type="qingting.hello", version=1, reports_playout=True, resumable=True)
        first = await hear_until(socket, "qingting.hello")
        token = first[-1]["resume_token"]
        if moment != "qingting.hello":
            await speak(socket)
            first += await hear_until(socket, moment)
        await lose(site, socket)
    async with back_to(site, token, number(first[-1])) as socket:
        resumed = json.loads(await socket.recv())
        assert (resumed["type"], resumed["complete"]) == ("qingting.resumed", True)
        if moment == "qingting.hello":
            await speak(socket)
        second = await hear_until(socket, "qingting.turn.measured")
        response_id = "resp_reply_1"
        report = {"type": "qingting.playout.report", "response_id": response_id}
        await say(socket, **report, samples=1 << 20)
        second += await hear_until(socket, "response.done")
    everything = first + second
    numbers = [number(event) for event in everything]
    assert numbers == sorted(set(numbers))
    audio = b"".join(
        base64.b64decode(event["delta"])
        for event in everything
        if event["type"] == "response.output_audio.delta"
    )
    assert audio == tone(0.5)
    assert everything[-1]["response"]["status"] == "completed"
    kinds = {event["type"]: event for event in everything}
    transcript = kinds["conversation.item.input_audio_transcription.completed"]["transcript"]
    assert transcript == HEARD
    assert kinds["qingting.reply.heard"]["heard_text"] == ANSWER
    assert len(site.factory.calls) == 1


async def test_a_reloaded_page_gets_its_captions_and_its_place_in_the_reply(site):
    """From number 0: what was said, the reply's audio, and how far it was played."""
    async with site.connect() as socket:
        token = await greet(socket)
        await speak(socket)
        await hear(socket, "qingting.turn.measured")
        report = {"type": "qingting.playout.report", "response_id": "resp_reply_1"}
        await say(socket, **report, samples=4_800)
        await say(socket, type="qingting.ping", token="x")
        await hear(socket, "qingting.pong")
        await lose(site, socket)
    async with back_to(site, token) as socket:
        resumed = json.loads(await socket.recv())
        replayed = await hear_until(socket, "qingting.turn.measured")
    assert (resumed["response_id"], resumed["samples"]) == ("resp_reply_1", 4_800)
    kinds = [event["type"] for event in replayed]
    assert "conversation.item.input_audio_transcription.completed" in kinds
    assert "conversation.item.input_audio_transcription.delta" not in kinds
    assert kinds.count("response.output_audio.delta") == 5


async def test_a_reply_stands_still_while_nobody_listens(site):
    """The call is told again and again what was played last, until the client is back."""
    async with site.connect() as socket:
        token = await greet(socket)
        await say(socket, type="response.create")
        response_id = (await hear(socket, "response.created"))["response"]["id"]
        report = {"type": "qingting.playout.report", "response_id": response_id}
        await say(socket, **report, samples=2_400)
        await say(socket, type="qingting.ping", token="x")
        await hear(socket, "qingting.pong")
        await lose(site, socket)
        asked = site.factory.calls[0].asked
        async with asyncio.timeout(5):
            while asked.count(("played", "reply_1", 2_400)) < 3:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    async with back_to(site, token) as socket:
        await hear(socket, "qingting.resumed")
        held = asked.count(("played", "reply_1", 2_400))
        await asyncio.sleep(0.3)
        assert asked.count(("played", "reply_1", 2_400)) == held


async def test_a_newer_socket_takes_over_from_one_that_is_half_open(site):
    """The page knows first that its network has changed; the old socket ends with 4001."""
    async with site.connect() as old:
        token = await greet(old)
        async with back_to(site, token) as new:
            await hear(new, "qingting.resumed")
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await hear(old, "never")
            assert closed.value.rcvd.code == 4001
            await speak(new)
            await hear(new, "response.created")
    assert len(site.factory.calls) == 1


@pytest.mark.parametrize("offered", ["qingting-resume.bogus.0", "qingting-resume.x.-1"])
async def test_what_is_meant_as_a_way_back_begins_no_other_call(site, offered):
    """A mangled token is refused as an unknown one is."""
    async with site.connect(subprotocols=["realtime", offered]) as socket:
        assert (await hear(socket, "error"))["error"]["code"] == "call_not_found"
    assert not site.factory.calls


async def test_a_hang_up_is_final(site):
    """Code 1000 ends the call at once; its token opens nothing."""
    async with site.connect() as socket:
        token = await greet(socket)
    await asyncio.wait_for(site.factory.calls[0].closed.wait(), 5)
    async with back_to(site, token) as socket:
        assert (await hear(socket, "error"))["error"]["code"] == "call_not_found"
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await hear(socket, "never")
    assert closed.value.rcvd.code == 4004


async def test_a_hang_up_while_the_server_speaks_is_final(site):
    """An event that meets the closed socket does not turn code 1000 into a lost connection."""
    async with site.connect() as socket:
        await greet(socket)
        await say(socket, type="qingting.ping", token="answered too late")
    await asyncio.wait_for(site.factory.calls[0].closed.wait(), 5)
    assert site.factory.calls[0].closed_with == "hangup"


async def test_a_call_waits_for_a_client_whose_pong_was_too_late(monkeypatch):
    """Between uvicorn's giving up and the transport's end, an event finds no socket to go to."""
    monkeypatch.setattr("web.server.PING_SECS", 0.05)
    # What `keepalive_timeout` leaves while bytes wait that nobody fetches: closed, but connected.
    half_open = asyncio.Event()

    def give_up(protocol):
        protocol.close_sent = True
        half_open.set()

    monkeypatch.setattr(PatientWebSocket, "keepalive_timeout", give_up)
    limits = replace(LIMITS, close_timeout_secs=0.05)
    async with running_site(FakeFactory(), limits) as site, site.connect() as socket:
        await greet(socket)
        monkeypatch.setattr(socket.protocol, "send_frame", lambda frame: None)  # no pong
        await asyncio.wait_for(half_open.wait(), 5)
        site.factory.calls[0].emit(call.StateChanged("thinking"))
        await waiting(site)
        assert site.factory.calls[0].closed_with is None


@pytest.mark.parametrize("token", ["x" * 32, "../../etc/passwd", ""])
async def test_a_token_that_was_never_given_opens_nothing(site, token):
    """A guess is told no more than that; nonsense in its place begins a new call."""
    protocols = ["realtime"] + ([f"qingting-resume.{token}.0"] if token.isalnum() else [])
    async with site.connect(subprotocols=protocols) as socket:
        first = json.loads(await socket.recv())
    assert first["type"] == ("error" if token.isalnum() else "session.created")


async def test_a_call_does_not_wait_for_ever():
    """After resume_secs it ends, and its line is free."""
    limits = replace(LIMITS, resume_secs=0.05)
    async with running_site(FakeFactory(), limits) as site:
        socket = await site.connect()
        await greet(socket)
        socket.transport.abort()
        await asyncio.wait_for(site.factory.calls[0].closed.wait(), 5)
        assert site.factory.calls[0].closed_with == "timeout"


async def test_a_server_may_refuse_to_wait():
    """With resume_secs 0 there is no token, and a lost socket is a hang-up."""
    async with running_site(FakeFactory(), replace(LIMITS, resume_secs=0.0)) as site:
        socket = await site.connect()
        assert await greet(socket) is None
        socket.transport.abort()
        await asyncio.wait_for(site.factory.calls[0].closed.wait(), 5)


async def test_a_new_caller_gets_the_line_of_one_long_lost(monkeypatch):
    """But never at once: a reload takes seconds."""
    async with running_site(FakeFactory(max_calls=1)) as site:
        lost = await site.connect()
        await greet(lost)
        await lose(site, lost)
        async with site.connect() as refused:
            assert (await hear(refused, "error"))["error"]["code"] == "overloaded"
        monkeypatch.setattr(open_calls, "SAFE_WAIT_SECS", 0.0)
        async with site.connect() as socket:
            await hear(socket, "session.created")
        assert site.factory.calls[0].closed_with == "timeout"


async def test_resumable_needs_reports(site):
    """Without them nobody knows what was heard when the line broke."""
    async with site.connect() as socket:
        await say(socket, type="qingting.hello", version=1, resumable=True)
        assert (await hear(socket, "error"))["error"]["code"] == "invalid_value"


async def test_what_happened_while_nobody_was_there_is_told_afterwards(site):
    """A transcript that was completed in the gap is not lost."""
    async with site.connect() as socket:
        token = await greet(socket)
        seen = number(await hear_state(site, socket))
        await lose(site, socket)
    site.factory.calls[0].emit(call.TranscriptCompleted("turn_1", "晚安", "zh"))
    async with back_to(site, token, seen) as socket:
        event = await hear(socket, "conversation.item.input_audio_transcription.completed")
    assert event["transcript"] == "晚安"


async def hear_state(site, socket) -> dict:
    site.factory.calls[0].emit(call.StateChanged("thinking"))
    return await hear(socket, "qingting.state")
