"""The language model of the stock baseline: the server of llama-cpp-python, as a process."""

from __future__ import annotations

import asyncio
import socket
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from agent.adapter import Weights, weights_of
from agent.config import Settings
from pipeline.assembly import CallProfile
from pipeline.errors import ModelError

LLM_START_TIMEOUT_SECS = 60.0
_RETRY_SECS = 0.2


@asynccontextmanager
async def language_model_server(settings: Settings, profile: CallProfile) -> AsyncIterator[str]:
    """llama-cpp-python's own server with our model and adapter, for as long as the block lasts.

    Yields:
        Its address, ending in /v1.

    Raises:
        ModelError: The model is missing or damaged, or the server does not start.
    """
    weights = weights_of(settings)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *server_command(settings, weights, port),
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}/v1"
        await _warm_up(url, profile)
        yield url
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def server_command(settings: Settings, weights: Weights, port: int) -> list[str]:
    """How the server is started: with the model, the adapter and the threads of our own engine.

    Args:
        settings: The whole tree.
        weights: Its language model.
        port: To listen on, at this machine alone.
    """
    llm = settings.llm
    return [
        *(sys.executable, "-m", "llama_cpp.server", "--model", str(weights.file)),
        *(() if weights.applied is None else ("--lora_path", str(weights.applied))),
        *("--host", "127.0.0.1", "--port", str(port), "--verbose", "False"),
        *("--n_ctx", str(llm.context_tokens)),
        *("--n_threads", str(llm.threads), "--n_threads_batch", str(llm.threads)),
    ]


async def _warm_up(url: str, profile: CallProfile) -> None:
    """Wait for the server, and let it read the persona once, as ours does."""
    system = {"role": "system", "content": profile.usual_manner.system_prompt}
    messages = [system, *examples(profile)]
    request = {"model": "local", "messages": messages, "max_tokens": 1}
    async with httpx.AsyncClient(timeout=LLM_START_TIMEOUT_SECS) as client:
        for _ in range(round(LLM_START_TIMEOUT_SECS / _RETRY_SECS)):
            try:
                (await client.post(f"{url}/chat/completions", json=request)).raise_for_status()
                return
            except httpx.ConnectError:
                await asyncio.sleep(_RETRY_SECS)
    raise ModelError("the language model's server of the baseline did not start")


def examples(profile: CallProfile) -> list[Any]:
    """The persona's example turns as chat messages."""
    return [{"role": one.role, "content": one.content} for one in profile.usual_manner.examples]
