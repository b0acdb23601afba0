"""The caller's look at what was taken down: over HTTP, while the call runs and for a while after.

GET  /intake/CALL          the record, for the page
GET  /intake/CALL/sheet    ?form=html, pdf or json: the counsellor's page, as a file
POST /intake/CALL/strike   {"entries": [3, 5]}: take entries out; answers with the record

The record says whether the call has `ended`: until then it grows, also for a moment after the
caller hung up, and nothing can be struck, since the call's next turn would bring it back.
The id of a call is 64 random bits, told to its client alone, and is the right to see it.
"""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal, TypeAlias, get_args

from fastapi import APIRouter, Body, Query, Response
from fastapi.responses import JSONResponse

from agent.intake import sheet
from agent.intake.desk import IntakeDesk
from agent.intake.fields import Field
from agent.intake.sheet.render import field_names, when
from pipeline.errors import ConfigError, StoreError

Form: TypeAlias = Literal["html", "pdf", "json"]

_MEDIA: dict[Form, str] = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "json": "application/json",
}
# The sheet carries its style inside; opened from here it may do nothing else.
_SHEET_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"

MAX_STRUCK_AT_ONCE = 100

_Entries: TypeAlias = Annotated[
    list[int], Body(embed=True, min_length=1, max_length=MAX_STRUCK_AT_ONCE)
]


def intake_routes(desk: IntakeDesk) -> APIRouter:
    """The routes on one store; they run in worker threads, since the store waits for the disk."""
    router = APIRouter(prefix="/intake")

    @router.get("/{call_id}")
    def read(call_id: str) -> Response:
        facts = _in_review(desk, call_id)
        return _missing() if facts is None else JSONResponse(_as_seen(facts), headers=_UNCACHED)

    @router.get("/{call_id}/sheet")
    def write_out(call_id: str, form: Annotated[Form, Query()] = "html") -> Response:
        facts = _in_review(desk, call_id, reason="exported")
        if facts is None:
            return _missing()
        try:
            content = _written(facts, form)
        except ConfigError as error:
            return _refusal(501, error.code, error.message)
        disposition = f'attachment; filename="intake-{facts.call_id}.{form}"'
        headers = {
            **_UNCACHED,
            "content-disposition": disposition,
            "content-security-policy": _SHEET_POLICY,
        }
        return Response(content, media_type=_MEDIA[form], headers=headers)

    @router.post("/{call_id}/strike")
    def strike(call_id: str, entries: _Entries) -> Response:
        facts = _in_review(desk, call_id)
        if facts is None:
            return _missing()
        if facts.ended_at is None:
            return _refusal(409, "call_not_ended", "entries can be struck once the call has ended")
        try:
            facts = desk.strike(call_id, entries)
        except StoreError as error:
            return _refusal(409, error.code, error.message)
        return JSONResponse(_as_seen(facts), headers=_UNCACHED)

    return router


_UNCACHED = {"cache-control": "no-store"}


def _in_review(desk: IntakeDesk, call_id: str, *, reason: str = "read") -> sheet.SheetFacts | None:
    """The record, or None for a call without one, an unknown one and one from too long ago."""
    try:
        if not desk.in_review(call_id, datetime.datetime.now(datetime.UTC)):
            return None
        return desk.facts(call_id, reason=reason)
    except StoreError:
        return None


def _written(facts: sheet.SheetFacts, form: Form) -> bytes:
    if form == "pdf":
        return sheet.as_pdf(facts)
    return (sheet.as_html(facts) if form == "html" else sheet.as_json(facts)).encode()


def _as_seen(facts: sheet.SheetFacts) -> dict[str, Any]:
    """What the page shows: names and times ready to read."""
    record = facts.record
    names = field_names(record.locale)
    return {
        "fields": [
            {
                "name": names[field],
                "entries": [
                    {
                        "entry_id": entry.entry_id,
                        "quote": entry.quote,
                        "when": when(entry, record.locale),
                    }
                    for entry in record.of(field)
                ],
            }
            for field in get_args(Field)
            if record.of(field)
        ],
        "struck": record.struck,
        "ended": facts.ended_at is not None,
    }


def _missing() -> JSONResponse:
    return _refusal(404, "not_found", "there is no intake record to see for this call")


def _refusal(status: int, code: str, message: str) -> JSONResponse:
    body = {"type": "invalid_request_error", "code": code, "message": message, "param": None}
    return JSONResponse({"error": body}, status)
