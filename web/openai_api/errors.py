"""Errors in OpenAI's words: a status, a type, a code, a sentence."""

from __future__ import annotations

from fastapi.responses import JSONResponse

from pipeline.errors import (
    AudioFormatError,
    EngineError,
    OverloadedError,
    ProtocolError,
    VoiceError,
)

RETRY_SECS = 5


class ApiError(ProtocolError):
    """A request that cannot be fulfilled.

    Attributes:
        status: HTTP status.
        api_code: What went wrong, for programs.
    """

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str = "invalid_value",
        status: int = 400,
    ) -> None:
        super().__init__(message, param=param)
        self.api_code = code
        self.status = status


def error_response(error: VoiceError) -> JSONResponse:
    """The answer to a request that failed."""
    status, kind, code, param = 500, "server_error", error.code, None
    headers = {}
    if isinstance(error, ApiError):
        status, code, param = error.status, error.api_code, error.param
        kind = "invalid_request_error"
    elif isinstance(error, AudioFormatError):
        status, kind, param = 400, "invalid_request_error", "file"
    elif isinstance(error, OverloadedError):
        # Clients of OpenAI retry a 429 by themselves.
        status, kind = 429, "rate_limit_error"
        headers["retry-after"] = str(RETRY_SECS)
    elif isinstance(error, EngineError):
        status = 503
    body = {"error": {"message": error.message, "type": kind, "code": code, "param": param}}
    return JSONResponse(body, status, headers)
