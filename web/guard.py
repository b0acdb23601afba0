"""What stands before every route: origin, keys, limits on HTTP, and security headers.

ASGI middleware, because it must also see WebSocket handshakes and streamed answers.
"""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from web.auth import Caller, Fault, Gate
from web.limits import MINUTE_SECS, PerMinute

# The page loads nothing from anywhere else and runs nothing that is not a file of ours.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
SECURITY_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "microphone=(self), speaker-selection=(self), camera=(), geolocation=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-cache",
}
TRANSPORT_SECURITY = "max-age=31536000"

_STATUS: dict[Fault, int] = {"foreign_host": 421, "foreign_origin": 403, "invalid_api_key": 401}
_SENTENCE: dict[Fault, str] = {
    "foreign_host": "this server does not go by that name",
    "foreign_origin": "requests from other sites' pages are not taken",
    "invalid_api_key": "an API key is needed; ask whoever runs this server",
}
_TOLD_ONCE: dict[str, Fault] = {"host": "foreign_host", "origin": "foreign_origin"}
# The page itself and its health must be there before anybody can enter a key.
_NEEDS_KEY = ("/v1", "/chat", "/models", "/audio", "/metrics", "/access", "/intake", "/memory")


class Guard:
    """Refuses before a route runs; leaves the Caller in `scope["state"]["caller"]`.

    Args:
        app: The routes.
        gate: Who may come in.
        connections_per_minute: WebSocket handshakes, per address.
        requests_per_minute: HTTP requests to the models, per caller.
    """

    def __init__(
        self, app: ASGIApp, *, gate: Gate, connections_per_minute: int, requests_per_minute: int
    ) -> None:
        self._app = app
        self._gate = gate
        self._connections = PerMinute(connections_per_minute)
        self._requests = PerMinute(requests_per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it here."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._judge(scope)
        if refusal is None:
            await self._app(scope, receive, _with_headers(scope, send))
        elif scope["type"] == "websocket":
            await WebSocket(scope, receive, send).send_denial_response(refusal)
        else:
            await refusal(scope, receive, _with_headers(scope, send))

    def _judge(self, scope: Scope) -> JSONResponse | None:
        """The answer to a request that goes no further, or None."""
        headers = Headers(scope=scope)
        # Of two, one program believes the first and another the last: nobody sends two.
        for name, wrong in _TOLD_ONCE.items():
            if len(headers.getlist(name)) > 1:
                return _refusal(_STATUS[wrong], wrong, _SENTENCE[wrong])
        if fault := self._gate.fault(headers):
            return _refusal(_STATUS[fault], fault, _SENTENCE[fault])
        address = scope["client"][0] if scope.get("client") else "unknown"
        caller: Caller | None = Caller(address)
        guarded = scope["type"] == "websocket" or scope["path"].startswith(_NEEDS_KEY)
        if guarded:
            offered = scope.get("subprotocols", ())
            caller = self._gate.caller(headers, address, offered)
        # Attempts with wrong keys count as well: nobody tries keys at leisure.
        free = not guarded or (caller is not None and caller.on_this_machine)
        if not free and (limited := self._limit(scope, caller or Caller(address))):
            return limited
        if caller is None:
            fault = "invalid_api_key"
            return _refusal(_STATUS[fault], fault, _SENTENCE[fault])
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        state["caller"] = caller
        return None

    def _limit(self, scope: Scope, caller: Caller) -> JSONResponse | None:
        if scope["type"] == "websocket":
            allowed = self._connections.take(caller.address, time.monotonic())
        else:
            allowed = self._requests.take(caller.subject, time.monotonic())
        if allowed:
            return None
        return _refusal(429, "rate_limit_exceeded", "too many requests; wait a minute", MINUTE_SECS)


def _refusal(status: int, code: str, message: str, retry_secs: float = 0) -> JSONResponse:
    kind = {401: "authentication_error", 429: "rate_limit_error"}.get(
        status, "invalid_request_error"
    )
    body = {"error": {"type": kind, "code": code, "message": message, "param": None}}
    headers = {"retry-after": f"{retry_secs:.0f}"} if retry_secs else {}
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    return JSONResponse(body, status, headers)


def _with_headers(scope: Scope, send: Send) -> Send:
    """`send`, adding the security headers to every HTTP answer."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            if scope["scheme"] in ("https", "wss"):
                headers.setdefault("strict-transport-security", TRANSPORT_SECURITY)
        await send(message)

    return send_with_headers
