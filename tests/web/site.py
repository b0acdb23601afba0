"""A real server on a real socket, with fake calls behind it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import websockets
from fastapi import FastAPI

from agent.config import ServerSettings
from tests.fakes.call import FakeFactory
from web.metrics import Metrics
from web.realtime.ongoing import CallLimits
from web.server import REALTIME_PATH, create_app, running

LIMITS = CallLimits(
    max_message_bytes=1 << 20, outbox_bytes=1 << 20, send_timeout_secs=0.5, close_timeout_secs=3.0
)


@dataclass
class Site:
    """A running server and what stands behind it."""

    url: str
    app: FastAPI
    factory: FakeFactory
    metrics: Metrics

    @property
    def realtime_url(self) -> str:
        return self.url.replace("http", "ws", 1) + REALTIME_PATH

    def counted(self, name: str, **labels: str) -> float:
        """A figure of /metrics; 0.0 before it was counted."""
        return self.metrics.registry.get_sample_value(name, labels) or 0.0

    def connect(self, **options: Any) -> websockets.connect:
        return websockets.connect(
            self.realtime_url, **{"compression": None, "max_queue": None, **options}
        )


@asynccontextmanager
async def running_site(
    factory: FakeFactory, limits: CallLimits = LIMITS, **settings: Any
) -> AsyncIterator[Site]:
    """A server on a free port; `settings` are those of `ServerSettings`."""
    metrics = Metrics()
    app = create_app(factory, metrics=metrics, limits=limits)
    async with running(app, ServerSettings(port=0, **settings)) as url:
        yield Site(url, app, factory, metrics)


async def say(socket: Any, **event: Any) -> None:
    await socket.send(json.dumps(event))


async def hear(socket: Any, kind: str) -> dict[str, Any]:
    """The next event of one type; those before it are skipped."""
    while True:
        event: dict[str, Any] = json.loads(await socket.recv())
        if event["type"] == kind:
            return event


async def hear_until(socket: Any, kind: str) -> list[dict[str, Any]]:
    """Every event up to and including the first of one type."""
    events: list[dict[str, Any]] = []
    while not events or events[-1]["type"] != kind:
        events.append(json.loads(await socket.recv()))
    return events
