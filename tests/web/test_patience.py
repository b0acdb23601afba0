"""Clients that stop halfway: none of them keeps a socket or a place at the models for ever."""

import asyncio
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.responses import StreamingResponse
from starlette.routing import Route

from web import patience


@asynccontextmanager
async def plain_socket(site):
    host, port = site.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1 << 10)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def assert_cut_off(reader) -> bytes:
    """The server ends the connection; what it said before."""
    async with asyncio.timeout(5):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b"GET / HT"],
        [b"GET / HTTP/1.1\r\n", *[b"X: y\r\n"] * 200],
        [b"POST /access HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n\r\n", *[b"x"] * 50],
    ],
)
async def test_a_request_that_is_never_finished(site, monkeypatch, pieces):
    """Not even one that trickles: the whole of it has its time."""
    monkeypatch.setattr(patience, "REQUEST_SECS", 0.3)
    async with plain_socket(site) as (reader, writer):
        ended = asyncio.create_task(assert_cut_off(reader))
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0.01)
        assert b"200" not in await ended


@pytest.mark.parametrize("head", [b"X: y\r\n" * 5_000, b"X: " + b"y" * (3 << 20), b"X" * (3 << 20)])
async def test_a_head_without_end(site, head):
    """It fills no memory."""
    async with plain_socket(site) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + head)
        assert b"200" not in await assert_cut_off(reader)


@pytest.mark.parametrize("rest", [b"GET / HTTP/1.1\r\nX", b"G", b"\r\n"])
async def test_a_second_request_that_is_never_finished(site, monkeypatch, rest):
    """A connection that is kept alive is no way around it, whatever is sent of it."""
    monkeypatch.setattr(patience, "REQUEST_SECS", 0.5)
    async with plain_socket(site) as (reader, writer):
        writer.write(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert b"200" in await reader.readline()
        writer.write(rest)
        assert b"HTTP" not in await assert_cut_off(reader)


@pytest.mark.parametrize("more", [b"", b"G", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"])
async def test_an_answer_that_is_never_read(site, monkeypatch, more):
    """Its stream is closed, and what it holds is given back, whatever is sent meanwhile."""
    monkeypatch.setattr(patience, "READ_SECS", 0.3)
    unread, closed = asyncio.Event(), asyncio.Event()
    pause = patience.PatientHttp.pause_writing

    def pause_writing(self) -> None:
        pause(self)
        unread.set()

    monkeypatch.setattr(patience.PatientHttp, "pause_writing", pause_writing)

    async def endless():
        try:
            while True:
                yield bytes(1 << 16)
                await asyncio.sleep(0)
        finally:
            closed.set()

    async def answer(request) -> StreamingResponse:
        return StreamingResponse(endless())

    site.app.router.routes.insert(0, Route("/endless", answer))  # before the page's catch-all
    async with plain_socket(site) as (_, writer):
        writer.write(b"GET /endless HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        await asyncio.wait_for(unread.wait(), 10)
        writer.write(more)
        await asyncio.wait_for(closed.wait(), 10)


async def test_a_client_that_keeps_its_connection_is_not_hurried(site, monkeypatch):
    """Between two requests nothing is due."""
    monkeypatch.setattr(patience, "REQUEST_SECS", 0.2)
    async with httpx.AsyncClient() as client:
        for _ in range(3):
            assert (await client.get(f"{site.url}/health")).status_code == 200
            await asyncio.sleep(0.3)
