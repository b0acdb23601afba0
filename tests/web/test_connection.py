"""The wire as any client sees it, over a real socket."""

import asyncio
import base64
import json
from dataclasses import replace

import pytest
import websockets
from websockets.frames import Opcode

from pipeline import events as call
from pipeline.events import CallOptions
from tests.fakes.call import ANSWER, HEARD, FakeFactory, tone
from tests.web.site import LIMITS, hear, hear_until, running_site, say


def b64(pcm: bytes) -> str:
    return base64.b64encode(pcm).decode()


async def speak(socket, secs: float = 0.4, silence_secs: float = 0.5) -> None:
    """A tone and then silence, as a microphone would send them at 24 kHz."""
    pcm = tone(secs) + bytes(2 * int(silence_secs * 24_000))
    for start in range(0, len(pcm), 960):
        audio = b64(pcm[start : start + 960])
        await say(socket, type="input_audio_buffer.append", audio=audio)


async def refusal(socket, **event) -> dict:
    await say(socket, **event)
    return (await hear(socket, "error"))["error"]


# ---- a call ----


async def test_the_first_event_is_the_session(site):
    """A client learns what holds before it says anything."""
    async with site.connect(subprotocols=["realtime"]) as socket:
        assert socket.subprotocol == "realtime"
        first = json.loads(await socket.recv())
    assert first["type"] == "session.created"
    assert first["session"]["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24_000}


async def test_a_spoken_turn_is_answered(site):
    """Speech in, transcript and spoken reply out."""
    async with site.connect() as socket:
        await speak(socket)
        events = await hear_until(socket, "response.done")
    by_type = {event["type"]: event for event in events}
    completed = by_type["conversation.item.input_audio_transcription.completed"]
    assert completed["transcript"] == HEARD
    assert by_type["response.output_audio_transcript.done"]["transcript"] == ANSWER
    audio = b"".join(
        base64.b64decode(e["delta"]) for e in events if e["type"] == "response.output_audio.delta"
    )
    assert audio == tone(0.5)


async def test_a_client_that_never_said_hello_gets_no_event_of_ours(site):
    """Clients that fail on unknown types must work."""
    async with site.connect() as socket:
        await speak(socket)
        events = await hear_until(socket, "response.done")
    assert not [event for event in events if event["type"].startswith("qingting.")]


async def test_event_ids_count_up(site):
    """Each event has its own id."""
    async with site.connect() as socket:
        await speak(socket)
        events = await hear_until(socket, "response.done")
    numbers = [int(event["event_id"].removeprefix("event_")) for event in events]
    assert numbers == sorted(set(numbers))


async def test_hello_turns_our_events_on(site):
    """After hello: the call's id, spans before audio, figures, heard text."""
    async with site.connect() as socket:
        await say(socket, type="qingting.hello", version=1)
        assert (await hear(socket, "qingting.hello"))["call_id"] == "call_1"
        await speak(socket)
        kinds = {event["type"] for event in await hear_until(socket, "response.done")}
    assert kinds >= {
        "qingting.audio_span",
        "qingting.reply.heard",
        "qingting.state",
        "qingting.transcript",
        "qingting.turn.measured",
    }


async def test_reports_of_what_was_played_reach_the_call(site):
    """The client's count decides what was heard."""
    async with site.connect() as socket:
        await say(socket, type="qingting.hello", version=1, reports_playout=True)
        await speak(socket)
        response_id = (await hear(socket, "response.created"))["response"]["id"]
        report = {"type": "qingting.playout.report", "response_id": response_id}
        await say(socket, **report, samples=6_000)
        await say(socket, type="response.cancel")
        heard = await hear(socket, "qingting.reply.heard")
        done = await hear(socket, "response.done")
    assert heard["heard_text"] == ANSWER[: round(len(ANSWER) / 2)]
    assert done["response"]["status_details"]["reason"] == "client_cancelled"


async def test_speech_over_the_bot_cancels_the_response(site):
    """speech_started, then the response is cancelled by turn_detected."""
    async with site.connect() as socket:
        await say(socket, type="qingting.hello", version=1, reports_playout=True)
        await speak(socket)
        await hear(socket, "response.created")
        await speak(socket)
        events = await hear_until(socket, "response.done")
    kinds = [event["type"] for event in events]
    assert kinds.index("input_audio_buffer.speech_started") < len(kinds) - 1
    assert events[-1]["response"]["status"] == "cancelled"
    assert events[-1]["response"]["status_details"]["reason"] == "turn_detected"


async def test_a_session_update_becomes_options_of_the_call(site):
    """What was asked for is shown and passed on; nothing else changes."""
    async with site.connect() as socket:
        session = {"type": "realtime", "instructions": "be brief", "max_output_tokens": 40}
        await say(socket, type="session.update", session=session)
        shown = (await hear(socket, "session.updated"))["session"]
        await say(socket, type="session.update", session={"temperature": 0.3})
        await hear(socket, "session.updated")
    assert (shown["instructions"], shown["max_output_tokens"]) == ("be brief", 40)
    assert site.factory.calls[0].options == CallOptions(
        instructions="be brief", max_reply_tokens=40, temperature=0.3
    )


async def test_16_khz_audio_goes_through_untouched(site):
    """The call's own rate needs no conversion."""
    async with site.connect() as socket:
        listening = {"format": {"type": "audio/pcm", "rate": 16_000}}
        await say(socket, type="session.update", session={"audio": {"input": listening}})
        await say(socket, type="input_audio_buffer.append", audio=b64(tone(0.2, 16_000)))
        await say(socket, type="response.create")
        await hear(socket, "response.done")
    assert bytes(site.factory.calls[0].audio) == tone(0.2, 16_000)


async def test_push_to_talk(site):
    """Without turn detection, commit ends the turn; response.create asks for its answer."""
    async with site.connect() as socket:
        await say(socket, type="session.update", session={"turn_detection": None})
        await speak(socket, silence_secs=1.0)
        await say(socket, type="input_audio_buffer.commit")
        await say(socket, type="response.create")
        events = await hear_until(socket, "response.done")
    kinds = [event["type"] for event in events]
    assert kinds.count("input_audio_buffer.committed") == kinds.count("response.created") == 1
    assert site.factory.calls[0].asked == [("commit",), ("respond",)]


async def test_a_response_to_a_commit_without_words_is_made_all_the_same(site):
    """A client that waits for a response gets one."""
    async with site.connect() as socket:
        await say(socket, type="input_audio_buffer.append", audio=b64(bytes(960)))
        await say(socket, type="input_audio_buffer.commit")
        await say(socket, type="response.create")
        await hear(socket, "response.done")
    assert site.factory.calls[0].asked == [("commit",), ("respond",)]


async def test_a_typed_turn(site):
    """The item is confirmed, and answered on request."""
    item = {"type": "message", "role": "user", "id": "mine"}
    async with site.connect() as socket:
        content = [{"type": "input_text", "text": "你好"}]
        await say(socket, type="conversation.item.create", item={**item, "content": content})
        assert (await hear(socket, "conversation.item.done"))["item"]["id"] == "mine"
        await say(socket, type="response.create")
        await hear(socket, "response.done")
    assert site.factory.calls[0].asked == [("text", "你好"), ("respond",)]


async def test_truncate_reaches_the_call(site):
    """The standard way of saying what was heard."""
    async with site.connect() as socket:
        await speak(socket)
        item_id = (await hear(socket, "response.done"))["response"]["output"][0]["id"]
        cut = {"item_id": item_id, "content_index": 0, "audio_end_ms": 320}
        await say(socket, type="conversation.item.truncate", **cut)
        assert (await hear(socket, "conversation.item.truncated"))["audio_end_ms"] == 320
    assert site.factory.calls[0].asked[-1] == ("truncate", "reply_1", 320)


async def test_whoever_sends_is_not_hung_up_on_for_a_late_pong(monkeypatch):
    """A pong waits behind seconds of audio on a busy machine; silence is what ends a call."""
    monkeypatch.setattr("web.server.PING_SECS", 0.1)
    async with running_site(FakeFactory()) as site, site.connect(ping_interval=None) as socket:
        send_frame = socket.protocol.send_frame
        monkeypatch.setattr(
            socket.protocol,
            "send_frame",
            lambda frame: None if frame.opcode is Opcode.PONG else send_frame(frame),
        )
        for _ in range(10):
            await say(socket, type="input_audio_buffer.append", audio=b64(bytes(960)))
            await asyncio.sleep(0.05)
        await say(socket, type="input_audio_buffer.clear")
        await hear(socket, "input_audio_buffer.cleared")
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await hear(socket, "never")
        assert closed.value.rcvd.code == 1011


async def test_ping_is_answered(site):
    """A heartbeat above the socket's own."""
    async with site.connect() as socket:
        await say(socket, type="qingting.hello", version=1)
        await say(socket, type="qingting.ping", token="t1")
        assert (await hear(socket, "qingting.pong"))["token"] == "t1"


async def test_clearing_the_buffer(site):
    """The turn under way is forgotten, and an empty buffer cannot be committed."""
    async with site.connect() as socket:
        await say(socket, type="input_audio_buffer.append", audio=b64(tone(0.1)))
        await say(socket, type="input_audio_buffer.clear")
        await hear(socket, "input_audio_buffer.cleared")
        error = await refusal(socket, type="input_audio_buffer.commit")
    assert error["code"] == "input_audio_buffer_commit_empty"


# ---- mistakes: an error event, and the call goes on ----


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"type": "input_audio_buffer.append", "audio": "###"}, "audio_format_error"),
        ({"type": "input_audio_buffer.append", "audio": b64(b"odd")}, "audio_format_error"),
        ({"type": "input_audio_buffer.commit"}, "input_audio_buffer_commit_empty"),
        ({"type": "session.update", "session": {"modalities": ["text"]}}, "unsupported_value"),
        ({"type": "response.cancel"}, "response_cancel_not_active"),
        (
            {
                "type": "conversation.item.truncate",
                "item_id": "item_reply_9",
                "content_index": 0,
                "audio_end_ms": 0,
            },
            "item_not_found",
        ),
        (
            {"type": "qingting.playout.report", "response_id": "nobody", "samples": 1},
            "item_not_found",
        ),
        (
            {
                "type": "conversation.item.create",
                "item": {
                    "type": "message",
                    "role": "user",
                    "content": [{"type": "input_text", "text": "  "}],
                },
            },
            "invalid_value",
        ),
        ({"type": "conversation.item.delete", "item_id": "x"}, "unknown_event"),
    ],
)
async def test_a_mistake_is_answered_and_the_call_goes_on(site, event, code):
    """The error names the event; the next turn is answered as if nothing had been."""
    async with site.connect() as socket:
        error = await refusal(socket, event_id="e7", **event)
        assert (error["code"], error["event_id"]) == (code, "e7")
        await speak(socket)
        await hear(socket, "response.done")
    assert site.counted("qingting_client_errors_total", code=code) == 1


async def test_a_second_response_at_once_is_refused(site):
    """One response at a time."""
    async with site.connect() as socket:
        await say(socket, type="qingting.hello", version=1, reports_playout=True)
        await say(socket, type="response.create")
        await hear(socket, "response.created")
        error = await refusal(socket, type="response.create")
    assert error["code"] == "conversation_already_has_active_response"


async def test_a_thousand_malformed_messages_get_a_thousand_errors(site):
    """The handler survives, and so does the call."""
    async with site.connect() as socket:
        for number in range(1000):
            await socket.send(["{", "null", '{"type":"x"}', '{"type":', "💥"][number % 5])
        for _ in range(1000):
            await hear(socket, "error")
        await speak(socket)
        await hear(socket, "response.done")


# ---- ends ----


async def test_a_binary_message_ends_the_connection_with_1003(site):
    """The error says why before the socket closes."""
    async with site.connect() as socket:
        await socket.send(b"\x00\x01")
        assert (await hear(socket, "error"))["error"]["code"] == "binary_message"
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await hear(socket, "never")
    assert closed.value.rcvd.code == 1003
    assert site.factory.calls[0].closed_with == "binary_message"


async def test_an_oversized_message_ends_the_connection_with_1009(site):
    """The limit is the settings' max_message_bytes."""
    async with site.connect() as socket:
        await hear(socket, "session.created")
        await socket.send("x" * (LIMITS.max_message_bytes + 1))
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await hear(socket, "never")
    assert closed.value.rcvd.code == 1009


@pytest.mark.parametrize(
    ("reason", "code"),
    [("hangup", 1000), ("drain", 1001), ("error", 1011), ("timeout", 4000), ("slow_reader", 4008)],
)
async def test_the_close_code_says_why_the_call_ended(site, reason, code):
    """The last event and the close code agree."""
    async with site.connect() as socket:
        await say(socket, type="qingting.hello", version=1)
        await hear(socket, "qingting.hello")
        site.factory.calls[0].emit(call.CallEnded(reason))
        assert (await hear(socket, "qingting.call.ended"))["reason"] == reason
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await hear(socket, "never")
    assert closed.value.rcvd.code == code


async def test_a_full_house_is_refused_with_1013():
    """The refusal has a reason; the call under way is not touched."""
    async with running_site(FakeFactory(max_calls=1)) as site, site.connect() as first:
        async with site.connect() as second:
            assert (await hear(second, "error"))["error"]["code"] == "overloaded"
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await hear(second, "never")
        assert closed.value.rcvd.code == 1013
        await speak(first)
        await hear(first, "response.done")
        assert site.counted("qingting_calls_refused_total", reason="overloaded") == 1


async def test_a_client_that_vanishes_in_mid_word_closes_its_call_only(site):
    """The call ends, the other one goes on."""
    async with site.connect() as other:
        async with site.connect() as socket:
            await hear(socket, "session.created")
            await say(socket, type="input_audio_buffer.append", audio=b64(tone(0.2)))
            await hear(socket, "input_audio_buffer.speech_started")
            socket.transport.abort()
        await speak(other)
        await hear(other, "response.done")
        await asyncio.wait_for(site.factory.calls[1].closed.wait(), 5)
        assert [one.closed_with for one in site.factory.calls] == [None, "hangup"]


async def test_a_slow_reader_is_dropped_with_4008(site):
    """What it does not read is bounded; when it reads again it learns why."""
    async with site.connect() as other, site.connect(max_queue=1) as slow:
        await hear(slow, "session.created")
        slow.transport.pause_reading()
        pcm = tone(2.0)
        fake = site.factory.calls[1]
        fake.emit(call.ReplyStarted("reply_1", None))
        for sequence in range(200):
            fake.emit(call.ReplyAudio("reply_1", sequence, pcm, sequence * 48_000, 0, 1))
        await asyncio.wait_for(fake.closed.wait(), 5)
        assert fake.closed_with == "slow_reader"
        slow.transport.resume_reading()
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await hear(slow, "never")
        assert closed.value.rcvd.code == 4008
        await speak(other)
        await hear(other, "response.done")


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:1", "null"])
async def test_a_page_of_another_site_cannot_call(site, origin):
    """WebSockets know no same-origin rule; the server asks."""
    with pytest.raises(websockets.InvalidStatus) as refused:
        await site.connect(origin=origin)
    assert refused.value.response.status_code == 403


async def test_our_own_page_can_call(site):
    """Same origin."""
    async with site.connect(origin=site.url) as socket:
        await hear(socket, "session.created")


@pytest.mark.parametrize("limit", ["max_call_secs", "idle_timeout_secs"])
async def test_a_call_too_long_or_too_idle_ends_with_4000(limit):
    """Its place is given back, and the client learns why."""
    limits = replace(LIMITS, **{limit: 0.05})
    async with running_site(FakeFactory(), limits) as site, site.connect() as socket:
        await say(socket, type="qingting.hello", version=1)
        assert (await hear(socket, "qingting.call.ended"))["reason"] == "timeout"
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await hear(socket, "never")
        assert closed.value.rcvd.code == 4000
        assert site.factory.calls[0].closed_with == "timeout"
        assert site.counted("qingting_calls_ended_total", reason="timeout") == 1


async def test_an_engine_that_breaks_while_opening_is_an_error_not_a_crash(site, monkeypatch):
    """The client gets an error and 1011; what went wrong stays in the log."""

    async def broken(options):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(site.factory, "open_call", broken)
    async with site.connect() as socket:
        error = (await hear(socket, "error"))["error"]
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await hear(socket, "never")
    assert error["type"] == "server_error"
    assert "secret" not in error["message"]
    assert closed.value.rcvd.code == 1011
