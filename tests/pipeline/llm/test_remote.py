"""The remote engine speaks to a real HTTP server and behaves like the local one."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing, asynccontextmanager

import pytest

from pipeline.errors import GenerationError
from pipeline.llm.base import Message, Sampling, TextDelta
from pipeline.llm.remote import NEUTRAL_PROBABILITY, RemoteModel, RemoteOptions

MESSAGES = [Message("system", "你是倾听者。"), Message("user", "我睡不好。")]
SAMPLING = Sampling()


class Server:
    """One chat-completions endpoint; `script` writes the answer to each request.

    Attributes:
        requests: Decoded bodies, in order.
        gone: Set when a client has closed its connection.
    """

    def __init__(self, script):
        self.script = script
        self.requests = []
        self.gone = asyncio.Event()

    async def handle(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length:")[1].split("\r\n")[0])
        self.requests.append(json.loads(await reader.readexactly(length)))
        try:
            await self.script(writer)
            await writer.drain()
            await reader.read()
        except ConnectionError:
            pass
        finally:
            self.gone.set()
            writer.close()


def event(text="", finish_reason=None):
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish_reason}
    return f"data: {json.dumps({'choices': [choice]})}\n\n".encode()


def answer(*parts, status="200 OK"):
    """A whole response, without keep-alive."""

    async def script(writer):
        writer.write(f"HTTP/1.1 {status}\r\nConnection: close\r\n\r\n".encode())
        for part in parts:
            writer.write(part)
            await writer.drain()
        writer.write_eof()

    return script


@asynccontextmanager
async def remote(script, **options):
    """A server and a model that points at it."""
    state = Server(script)
    server = await asyncio.start_server(state.handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    model = RemoteModel(RemoteOptions(base_url=f"http://127.0.0.1:{port}/v1", model="m", **options))
    try:
        yield state, model
    finally:
        await model.close()
        server.close()


async def collect(model, sampling=SAMPLING, messages=MESSAGES):
    return [delta async for delta in model.open().reply(messages, sampling)]


async def test_a_reply_streams_piece_by_piece():
    """Every event becomes a delta; the last carries the finish reason."""
    end = event(finish_reason="stop") + b"data: [DONE]\n\n"
    script = answer(event("听起来"), event("很累。"), end)
    async with remote(script) as (server, model):
        deltas = await collect(model, Sampling(seed=7, max_tokens=9))
    assert deltas == [TextDelta("听起来", 1), TextDelta("很累。", 2), TextDelta("", 2, "stop")]
    request = server.requests[0]
    assert (request["seed"], request["max_tokens"], request["stream"]) == (7, 9, True)
    assert request["messages"][1] == {"role": "user", "content": "我睡不好。"}


@pytest.mark.parametrize("closing", [b"data: [DONE]\n\n", b""])
async def test_a_stream_without_finish_reason_ends_as_stop(closing):
    """Servers that only close the stream are understood."""
    async with remote(answer(event("好"), closing)) as (_, model):
        assert (await collect(model))[-1].finish_reason == "stop"


async def test_usage_events_and_comments_are_passed_over():
    """Lines that carry no text do no harm."""
    extra = b': ping\n\ndata: {"choices": [], "usage": {}}\n\n'
    async with remote(answer(extra, event("好", "length"))) as (_, model):
        assert await collect(model) == [TextDelta("", 0), TextDelta("好", 1, "length")]


async def test_stop_texts_and_loops_end_a_remote_reply_too():
    """What the server lets through is stopped here."""
    async with remote(answer(event("好的。\nUser: "), event("x"))) as (_, model):
        assert await collect(model, Sampling(stop=("\nUser:",))) == [TextDelta("好的。", 1, "stop")]
    async with remote(answer(*[event("我会陪着你。")] * 9)) as (_, model):
        assert (await collect(model))[-1].finish_reason == "loop"


async def test_leaving_the_stream_closes_the_connection():
    """A cancelled reply does not go on at the server."""

    async def endless(writer):
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + event("好"))

    async with remote(endless) as (server, model):
        async with aclosing(model.open().reply(MESSAGES, Sampling())) as reply:
            assert (await anext(reply)).text == "好"
        await asyncio.wait_for(server.gone.wait(), 10)


@pytest.mark.parametrize(
    ("status", "retryable"), [("503 Busy", True), ("429 Slow", True), ("401 Who", False)]
)
async def test_a_refusal_says_whether_to_try_again(status, retryable):
    """Overload passes, a wrong key does not."""
    async with remote(answer(b"no", status=status)) as (_, model):
        with pytest.raises(GenerationError) as failure:
            await collect(model)
    assert failure.value.retryable is retryable


@pytest.mark.parametrize("data", [b"data: {oops\n\n", b'data: {"error": {"message": "x"}}\n\n'])
async def test_a_malformed_event_is_an_error(data):
    """A stream that makes no sense fails instead of ending silently."""
    async with remote(answer(event("好"), data)) as (_, model):
        with pytest.raises(GenerationError):
            await collect(model)


async def test_a_server_that_is_not_there_is_an_error_worth_a_second_try():
    """The message names no host."""
    model = RemoteModel(RemoteOptions(base_url="http://127.0.0.1:9/v1", model="m"))
    with pytest.raises(GenerationError) as failure:
        await collect(model)
    assert failure.value.retryable
    assert "127.0.0.1" not in failure.value.message
    await model.close()


async def test_a_closed_model_says_so():
    """After closing, a reply fails for good."""
    async with remote(answer()) as (_, model):
        await model.close()
        with pytest.raises(GenerationError) as failure:
            await collect(model)
    assert not failure.value.retryable


async def test_history_is_trimmed_by_estimate():
    """Old turns are dropped before the request is sent; both ends stay."""
    turn = [Message("user", "很长的话" * 20), Message("assistant", "很长的话" * 20)]
    messages = [MESSAGES[0], *turn * 20, MESSAGES[1]]
    async with remote(answer(event("好", "stop")), context_tokens=1000) as (server, model):
        await collect(model, messages=messages)
    sent = server.requests[0]["messages"]
    assert 2 <= len(sent) < len(messages)
    assert (sent[0]["content"], sent[-1]["content"]) == ("你是倾听者。", "我睡不好。")


async def test_the_turn_end_is_left_to_others():
    """Without the server's probabilities the answer favours neither side."""
    model = RemoteModel(RemoteOptions(base_url="http://127.0.0.1:9/v1", model="m"))
    assert await model.open().prefill(MESSAGES[:1], "因为") == NEUTRAL_PROBABILITY
    await model.close()
