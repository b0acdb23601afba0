"""The route of calls: from a handshake to a call of one's own, or back to it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import get_args

from fastapi import FastAPI, Response, WebSocket

from agent.config import LimitSettings, Locale
from pipeline.events import CallFactory
from web.auth import Caller
from web.limits import TalkTime, refusal_for
from web.memory import TAG
from web.metrics import Metrics
from web.realtime.connection import RealtimeConnection, Resumption
from web.realtime.endings import LIMITED
from web.realtime.ongoing import CallLimits
from web.realtime.open_calls import OpenCalls

REALTIME_PATH = "/v1/realtime"
SUBPROTOCOL = "realtime"
_RESUMES = "qingting-resume"
_RESUME = re.compile(rf"{_RESUMES}\.([A-Za-z0-9_-]{{16,64}})\.([0-9]{{1,12}})")
_REMEMBERS = "qingting-memory."
_NO_CALL = Resumption("", 0)  # no call has such a token
_NO_LIMIT_SECS = float("inf")


def add_realtime(
    app: FastAPI,
    factory: CallFactory,
    calls: OpenCalls,
    *,
    metrics: Metrics,
    limits: CallLimits,
    allowance: LimitSettings,
    model: str,
) -> None:
    """Add the route to `app`; `web.guard` has named the caller before it runs.

    Args:
        app: Gets the route.
        factory: Opens calls.
        calls: Runs them and finds those that wait.
        metrics: Where figures go.
        limits: Of each call.
        allowance: Of each caller.
        model: Name shown to clients.
    """
    talk_time = TalkTime(allowance.talk_secs_per_day)

    @app.websocket(REALTIME_PATH)
    async def realtime(client: WebSocket) -> None:
        if calls.draining:
            await client.send_denial_response(Response("stopping", status_code=503))
            return
        caller: Caller = client.state.caller
        offered = client.scope["subprotocols"]
        try:
            remember_as = find_memory(offered)
        except ValueError:
            await client.send_denial_response(Response("not a caller's tag", status_code=400))
            return
        await client.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
        resumption = find_resumption(offered)
        now = time.monotonic()
        left_secs = _NO_LIMIT_SECS
        refusal = None
        if not caller.on_this_machine and resumption is None:
            running = list(calls.subjects())
            left_secs = talk_time.left_secs(caller.subject, running, now)
            at_once = allowance.calls_per_key if caller.key_name else allowance.calls_per_address
            refusal = refusal_for(
                caller.subject, running, calls_at_once=at_once, left_secs=left_secs
            )
        connection = RealtimeConnection(
            client,
            factory,
            calls,
            metrics=metrics,
            limits=replace(limits, max_call_secs=min(limits.max_call_secs, left_secs)),
            model=model,
            subject=caller.subject,
            locale=find_locale(client.query_params.get("locale")),
            caller=remember_as,
            on_ended=lambda secs: talk_time.note(caller.subject, secs, time.monotonic()),
        )
        with calls.socket():
            if refusal is not None:
                await connection.refuse(LIMITED.reason, refusal, LIMITED)
            else:
                await connection.run(resumption)


def find_locale(asked: str | None) -> Locale | None:
    """The page's language, if it is one of ours."""
    return next((known for known in get_args(Locale) if known == asked), None)


def find_resumption(subprotocols: Iterable[str]) -> Resumption | None:
    """The call a client wants back: a subprotocol, because URLs end up in logs."""
    for offered in subprotocols:
        if found := _RESUME.fullmatch(offered):
            return Resumption(found[1], int(found[2]))
        if offered.startswith(_RESUMES):
            return _NO_CALL  # meant one, so it must not begin another
    return None


def find_memory(subprotocols: Iterable[str]) -> str | None:
    """The tag under which a caller wants to be remembered: a subprotocol, like the resumption.

    Raises:
        ValueError: There is one that anybody might guess.
    """
    tags = [one.removeprefix(_REMEMBERS) for one in subprotocols if one.startswith(_REMEMBERS)]
    if not all(map(TAG.fullmatch, tags)):
        raise ValueError("a caller's tag must be long and random")
    return tags[0] if tags else None
