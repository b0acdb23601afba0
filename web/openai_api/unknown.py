"""What is asked of /v1 that no route there takes, in OpenAI's words."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import FastAPI
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from web.openai_api.errors import ApiError, error_response

_METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")


def refuse_unknown(app: FastAPI, prefix: str = "/v1") -> None:
    """Answer 404 or 405 to what no route of `app` takes under `prefix`.

    To be called after those routes are added and before the page is, which would answer
    for them: a file that is not there.
    """
    refusal = _Refusal(tuple(app.routes))
    for path in (prefix, f"{prefix}/{{rest:path}}"):
        app.router.routes.append(Route(path, refusal))


class _Refusal:
    """An ASGI application, so that it is asked whatever the method is."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        allowed = self._allowed(scope)
        if allowed:
            answer = error_response(
                ApiError(
                    f"this address takes {' and '.join(allowed)} only",
                    code="method_not_supported",
                    status=405,
                )
            )
            answer.headers["allow"] = ", ".join(allowed)
        else:
            answer = error_response(
                ApiError("there is nothing at this address", code="unknown_url", status=404)
            )
        await answer(scope, receive, send)

    def _allowed(self, scope: Scope) -> list[str]:
        """Methods that the address of a request takes."""
        return [
            method
            for method in _METHODS
            if any(
                route.matches({**scope, "method": method})[0] is Match.FULL
                for route in self._routes
            )
        ]
