"""One connection pool to a server that speaks, used from worker threads.

The requests run on an event loop of their own, in one thread: a thread that waits in a
socket cannot be woken, a task can be cancelled, and its connection is closed at once.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import weakref
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import httpx

from pipeline.errors import SynthesisError

logger = logging.getLogger(__name__)

_POLL_SECS = 0.02  # how soon a cancelled request is given up; one playout frame
_MALFORMED = 422  # what FastAPI answers to a field of the wrong type
_RETRYABLE_STATUS = frozenset({408, 409, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask of the server; `path` is relative to its address."""

    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    json: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Where the server is, and how long to wait.

    Attributes:
        url: Address; the paths of requests are appended.
        api_key: Sent as bearer token; empty for none.
        connect_timeout_secs: For the connection.
        read_timeout_secs: For each piece of an answer.
        requests_at_once: More wait for their turn.
    """

    url: str
    api_key: str = ""
    connect_timeout_secs: float = 2.0
    read_timeout_secs: float = 20.0
    requests_at_once: int = 1


@dataclass(frozen=True, slots=True)
class Head:
    """Begins an answer.

    Attributes:
        content_type: As the server named it, or empty.
    """

    content_type: str


_Part: TypeAlias = "Head | bytes | None"  # None: nothing more comes


class SpeechServer:
    """Sends requests and streams answers; several threads may use it at the same time.

    Redirects are not followed and proxies of the environment not used: the text goes to
    the named server and nowhere else.

    Args:
        options: Where it is.
        setup: Requests that bring the server into the wanted state. They go out before the
            first answer is asked for, and again after a connection was lost: the server may
            have been started anew. Nothing is sent before.
    """

    def __init__(self, options: ServerOptions, setup: Sequence[Request] = ()) -> None:
        self._setup = tuple(setup)
        self._is_set_up = not setup
        self._loop = asyncio.new_event_loop()
        self._client = _client(options)
        self._slots = asyncio.Semaphore(options.requests_at_once)
        self._setting_up = asyncio.Lock()
        self._thread = threading.Thread(
            target=_serve, args=(self._loop,), name="speech-server", daemon=True
        )
        self._thread.start()
        # Also when nobody holds the server any more: its thread would go on for ever.
        self._end = weakref.finalize(self, _end, self._loop, self._client)
        self._end.atexit = False

    def stream(
        self, alternatives: Sequence[Request], cancelled: Callable[[], bool]
    ) -> Iterator[Head | bytes]:
        """The answer to a request: its head, then its bytes as they come.

        Args:
            alternatives: The request, then other forms of it for servers that refuse the
                first as malformed.
            cancelled: Asked every 20 ms; True ends the iteration, frees the turn and closes
                the connection, on which the server stops. So does closing the iterator.

        Raises:
            SynthesisError: The server cannot be reached, refuses, breaks off or takes too
                long; retryable for what may pass.
        """
        parts: queue.SimpleQueue[_Part] = queue.SimpleQueue()
        job = self._run(self._answer(alternatives, parts.put))
        try:
            while not cancelled():
                try:
                    part = parts.get(timeout=_POLL_SECS)
                except queue.Empty:
                    if not self._thread.is_alive():
                        raise _closed() from None
                    continue
                if part is None:
                    job.result()
                    return
                yield part
        except CancelledError as error:
            raise _closed() from error
        finally:
            job.cancel()

    def close(self) -> None:
        """End running requests and the thread. Safe to call twice; nothing can be sent after."""
        self._end()
        self._thread.join()

    def _run(self, work: Coroutine[Any, Any, None]) -> Future[None]:
        if not self._end.alive:
            work.close()
            raise _closed()
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _answer(
        self, alternatives: Sequence[Request], deliver: Callable[[_Part], None]
    ) -> None:
        """Deliver the answer, then None, whatever happens."""
        try:
            async with self._slots:
                await self._answer_in_turn(alternatives, deliver)
        except httpx.HTTPError as error:
            self._is_set_up = not self._setup
            # Its text can name hosts and paths; the kind of failure is enough.
            logger.warning("the voice server failed: %s", type(error).__name__)
            raise SynthesisError(_sentence(error)) from error
        finally:
            deliver(None)

    async def _answer_in_turn(
        self, alternatives: Sequence[Request], deliver: Callable[[_Part], None]
    ) -> None:
        for number, request in enumerate(alternatives, start=1):
            async with aclosing(await self._begun(request)) as response:
                if response.status_code == _MALFORMED and number < len(alternatives):
                    continue
                _check(response)
                deliver(Head(response.headers.get("content-type", "")))
                async for data in response.aiter_bytes():
                    if data:
                        deliver(data)
                return

    async def _begun(self, request: Request) -> httpx.Response:
        """The answer's head; a connection that went stale in the pool is opened again."""
        try:
            await self._set_up()
            return await self._send(request)
        except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
            self._is_set_up = not self._setup
            await self._set_up()
            return await self._send(request)

    async def _send(self, request: Request) -> httpx.Response:
        built = self._client.build_request(
            request.method, request.path, params=dict(request.params) or None, json=request.json
        )
        return await self._client.send(built, stream=True)

    async def _set_up(self) -> None:
        async with self._setting_up:
            if self._is_set_up:
                return
            for request in self._setup:
                async with aclosing(await self._send(request)) as response:
                    await response.aread()
                    if not response.is_success:
                        raise SynthesisError(
                            f"The voice server refused {request.path} "
                            f"(HTTP {response.status_code}); are its weights where they should be?",
                            retryable=False,
                        )
            self._is_set_up = True


def _client(options: ServerOptions) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=options.url.rstrip("/") + "/",
        headers={"Authorization": f"Bearer {options.api_key}"} if options.api_key else {},
        timeout=httpx.Timeout(
            options.read_timeout_secs, connect=options.connect_timeout_secs, pool=None
        ),
        trust_env=False,
    )


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    """Run in a thread until `_end`."""
    loop.run_forever()
    loop.close()


def _end(loop: asyncio.AbstractEventLoop, client: httpx.AsyncClient) -> None:
    asyncio.run_coroutine_threadsafe(_shut(client), loop)


async def _shut(client: httpx.AsyncClient) -> None:
    """Cancel what runs, close the connections, stop the loop."""
    own = asyncio.current_task()
    running = [task for task in asyncio.all_tasks() if task is not own]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await client.aclose()
    asyncio.get_running_loop().stop()


def _closed() -> SynthesisError:
    return SynthesisError("The voice has been closed", retryable=False)


def _check(response: httpx.Response) -> None:
    if response.status_code in (401, 403):
        raise SynthesisError("The voice server does not accept the key", retryable=False)
    if not response.is_success:
        raise SynthesisError(
            f"The voice server refused the request (HTTP {response.status_code})",
            retryable=response.status_code in _RETRYABLE_STATUS,
        )


def _sentence(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "The voice server takes too long"
    if isinstance(error, httpx.RemoteProtocolError):
        return "The voice server broke off in the middle of its answer"
    return "The voice server cannot be reached"
