"""Starts the systems under test, each in a process of its own, and ends them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from agent.bench.plan import System
from agent.config import Settings
from pipeline.errors import ConfigError, ProtocolError

START_TIMEOUT_SECS = 120.0  # loading from a cold disk
STOP_TIMEOUT_SECS = 15.0
FREE_TIMEOUT_SECS = 30.0  # three times what a connection may take to be gone
FREE_POLL_SECS = 0.05


@dataclass(frozen=True, slots=True)
class RunningSystem:
    """Where a system takes calls (ws://…), and the address it shows figures at (http://…)."""

    url: str
    address: str

    async def metrics(self) -> str:
        """Its figures, in the text format of Prometheus.

        Raises:
            ProtocolError: It does not answer any more.
        """
        async with httpx.AsyncClient() as client:
            return (await self._get(client, "metrics")).text

    async def until_free(self) -> None:
        """Wait until no call is open: one that is just ending would slow the next one down.

        Raises:
            ProtocolError: It does not answer any more, or a call of it does not end.
        """
        try:
            async with httpx.AsyncClient() as client, asyncio.timeout(FREE_TIMEOUT_SECS):
                # Another process: there is no event to wait for.
                while (await self._get(client, "health")).json()["calls"]:  # noqa: ASYNC110
                    await asyncio.sleep(FREE_POLL_SECS)
        except TimeoutError as error:
            raise ProtocolError(
                f"the server is not free {FREE_TIMEOUT_SECS:g} s after its last call"
            ) from error

    async def _get(self, client: httpx.AsyncClient, page: str) -> httpx.Response:
        try:
            return (await client.get(f"{self.address}/{page}")).raise_for_status()
        except httpx.HTTPError as error:
            raise ProtocolError("the server does not answer any more") from error


@asynccontextmanager
async def running_systems(
    systems: Sequence[System], settings: Settings
) -> AsyncIterator[dict[System, RunningSystem]]:
    """The systems, loaded one after the other, for as long as the block lasts.

    Raises:
        ConfigError: One of them does not start; the message ends with its last words.
    """
    async with contextlib.AsyncExitStack() as stack:
        yield {
            system: await stack.enter_async_context(_running_system(system, settings))
            for system in systems
        }


@asynccontextmanager
async def _running_system(system: System, settings: Settings) -> AsyncIterator[RunningSystem]:
    with tempfile.TemporaryFile() as complaints:  # the libraries' own chatter goes there too
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agent.bench.serve", system),
            stdin=PIPE,
            stdout=PIPE,
            stderr=complaints,
            start_new_session=True,  # Ctrl-C is ours alone; its children end with its group
        )
        try:
            told = await _introduction(process, settings)
            if told is None:
                complaints.seek(0)
                last = complaints.read().decode(errors="replace").strip().rpartition("\n")[2]
                raise ConfigError(f"the system '{system}' of the bench did not start: {last}")
            yield RunningSystem(**told)
        finally:
            await _end(process)


async def _introduction(process: Process, settings: Settings) -> dict[str, str] | None:
    """Hand over the settings; what the process says about itself once it takes calls."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(settings.model_dump_json().encode() + b"\n")
    try:
        async with asyncio.timeout(START_TIMEOUT_SECS):
            told: dict[str, str] = json.loads(await process.stdout.readline())
            return told
    except (TimeoutError, json.JSONDecodeError):
        return None


async def _end(process: Process) -> None:
    """Let it end by itself, else end it and its children. Cancelling ends them at once."""
    assert process.stdin
    process.stdin.close()
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_TIMEOUT_SECS):
                await process.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
