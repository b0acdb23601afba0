"""The caller's look at what is remembered of them, before a call and after it.

GET    /memory          the lines, the newest call first
PUT    /memory/LINE     {"text": "…"}: other words for a line; empty ones take it out
DELETE /memory/LINE     take a line out
DELETE /memory          forget this caller

The header `Qingting-Caller` carries the tag that the caller's own browser made up; knowing it is
the right to see and change. It stands in no address, since addresses end up in logs.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Query, Response
from fastapi.responses import JSONResponse

from agent.config import Locale
from agent.memory.desk import MemoryDesk
from agent.memory.notes import topic_names
from agent.memory.summary import MAX_LINE_CHARS
from pipeline.errors import StoreError

# At least 128 random bits in base64url, so that nobody meets another's memory by guessing.
TAG = re.compile(r"[A-Za-z0-9_-]{22,64}")

_Tag = Annotated[str, Header(alias="qingting-caller", pattern=f"^{TAG.pattern}$")]
_Text = Annotated[str, Body(embed=True, max_length=MAX_LINE_CHARS)]
_UNCACHED = {"cache-control": "no-store"}


def memory_routes(desk: MemoryDesk) -> APIRouter:
    """The routes on one store; they run in worker threads, since the store waits for the disk."""
    router = APIRouter(prefix="/memory")

    @router.get("")
    def read(tag: _Tag, locale: Annotated[Locale, Query()] = "en") -> Response:
        return JSONResponse({"lines": _as_seen(desk, tag, locale)}, headers=_UNCACHED)

    @router.put("/{line_id}")
    def correct(line_id: str, tag: _Tag, text: _Text) -> Response:
        try:
            desk.correct(tag, line_id, text)
        except StoreError as error:
            return _missing(error)
        return Response(status_code=204)

    @router.delete("/{line_id}")
    def forget_line(line_id: str, tag: _Tag) -> Response:
        try:
            desk.forget_line(tag, line_id)
        except StoreError as error:
            return _missing(error)
        return Response(status_code=204)

    @router.delete("")
    def forget(tag: _Tag) -> Response:
        desk.forget(tag)
        return Response(status_code=204)

    return router


def _as_seen(desk: MemoryDesk, tag: str, locale: Locale) -> list[dict[str, Any]]:
    topics = topic_names(locale)
    return [
        {
            "line_id": line.line_id,
            "topic": topics[line.topic],
            "text": line.text,
            "corrected": line.corrected,
            "said_at": line.said_at.isoformat(),
        }
        for line in desk.lines(tag, reason="shown")
    ]


def _missing(error: StoreError) -> JSONResponse:
    body = {
        "type": "invalid_request_error",
        "code": error.code,
        "message": error.message,
        "param": None,
    }
    return JSONResponse({"error": body}, 404)
