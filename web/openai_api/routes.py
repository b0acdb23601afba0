"""The routes: parse, take a place, answer; errors in OpenAI's words."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.types import Receive, Scope, Send

from agent.config import LimitSettings
from pipeline.errors import OverloadedError, VoiceError
from pipeline.stt.base import Recogniser
from pipeline.text import Language
from web.openai_api import media
from web.openai_api.chat import ChatWriter, completion, completion_events, model_id
from web.openai_api.errors import ApiError, error_response
from web.openai_api.schema import ChatRequest, SpeechRequest, TranscriptionRequest, parse
from web.openai_api.speech import SpeechMaker
from web.openai_api.transcription import rendered, transcribe

MAX_JSON_BYTES = 1 << 20
_FORM_BYTES = 64 << 10  # fields and borders beside the file
_WAITING_PER_PLACE = 4  # requests that may wait for each one that runs
_STARTED_AT = 1_767_225_600  # what `created` of a model says; nobody uses it

_LANGUAGES: dict[str, Language] = {
    "zh": "zh",
    "cmn": "zh",
    "chinese": "zh",
    "en": "en",
    "english": "en",
}

_Endpoint = Callable[[Request], Awaitable[Response]]


class OpenAiApi:
    """Text, speech and transcripts for programs.

    Args:
        chat: Writes.
        speech: Speaks.
        recogniser: Listens.
        limits: How many at once, and how large.
    """

    def __init__(
        self,
        chat: ChatWriter,
        speech: SpeechMaker,
        recogniser: Recogniser,
        limits: LimitSettings,
    ) -> None:
        self._chat = chat
        self._speech = speech
        self._recogniser = recogniser
        self._limits = limits
        self._places = asyncio.Semaphore(limits.requests_at_once)
        self._waiting = 0

    def router(self) -> APIRouter:
        """The routes, without a prefix."""
        router = APIRouter()
        for path, method, endpoint in (
            ("/chat/completions", "POST", self.complete),
            ("/models", "GET", self.list_models),
            ("/models/{name:path}", "GET", self.show_model),
            ("/audio/speech", "POST", self.speak),
            ("/audio/transcriptions", "POST", self.transcribe),
        ):
            router.add_api_route(path, _answering(endpoint), methods=[method], response_model=None)
        return router

    async def list_models(self, _: Request) -> Response:
        """GET /models."""
        return JSONResponse(
            {"object": "list", "data": [_model(name) for name in self._chat.models]}
        )

    async def show_model(self, request: Request) -> Response:
        """GET /models/{name}."""
        asked = model_id(request.path_params["name"])
        if asked not in self._chat.models:
            raise ApiError(
                "there is no such model", param="model", code="model_not_found", status=404
            )
        return JSONResponse(_model(asked))

    async def complete(self, request: Request) -> Response:
        """POST /chat/completions."""
        asked = parse(ChatRequest, await _json(request))
        messages = self._chat.messages(asked)
        sampling = self._chat.sampling(asked)
        name = self._chat.name_of(asked)
        if not asked.stream:
            async with self._place():
                scripted = await _unless_gone(request, self._chat.scripted(asked))
                reply = await _unless_gone(request, self._chat.answer(messages, sampling, scripted))
            return JSONResponse(completion(reply, name))
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._place())
            scripted = await _unless_gone(request, self._chat.scripted(asked))
            deltas = await stack.enter_async_context(
                aclosing(self._chat.deltas(messages, sampling, scripted))
            )
            first = await anext(deltas)  # a failure up to here is still an HTTP error
            held = stack.pop_all()
        wanted = asked.stream_options is not None and asked.stream_options.include_usage
        prompt_tokens = self._chat.count_prompt(messages) if wanted else None
        events = completion_events(deltas, first, name, prompt_tokens=prompt_tokens)
        return _HeldResponse(
            events, held, media_type="text/event-stream", headers={"x-accel-buffering": "no"}
        )

    async def speak(self, request: Request) -> Response:
        """POST /audio/speech."""
        asked = parse(SpeechRequest, await _json(request))
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._place())
            pieces = await stack.enter_async_context(aclosing(self._speech.speak(asked)))
            first = await anext(pieces, b"")
            held = stack.pop_all()
        media_type = media.MEDIA_TYPES[asked.response_format]
        return _HeldResponse(_joined(first, pieces), held, media_type=media_type)

    async def transcribe(self, request: Request) -> Response:
        """POST /audio/transcriptions."""
        _check_length(request, self._limits.max_upload_bytes + _FORM_BYTES)
        try:
            async with request.form(max_files=1, max_fields=32) as form:
                file = form.get("file")
                if not isinstance(file, UploadFile):
                    raise ApiError("a file is needed", param="file")
                fields = {name: value for name, value in form.items() if isinstance(value, str)}
                data = await file.read(self._limits.max_upload_bytes + 1)
        except (MultiPartException, HTTPException):  # the second is what Starlette makes of it
            raise ApiError("the form cannot be read", param="file") from None
        if len(data) > self._limits.max_upload_bytes:
            raise _too_large(self._limits.max_upload_bytes)
        asked = parse(TranscriptionRequest, fields)
        form_of_answer = asked.response_format
        async with self._place():
            loop = asyncio.get_running_loop()
            decode = partial(media.decode, data, self._limits.max_upload_secs)
            audio = await loop.run_in_executor(None, decode)
            work = transcribe(
                self._recogniser,
                audio,
                language=_language(asked.language),
                prompt=asked.prompt,
                timed=form_of_answer in ("srt", "vtt", "verbose_json"),
            )
            transcript = await _unless_gone(request, work)
        body = rendered(transcript, form_of_answer)
        return JSONResponse(body) if isinstance(body, dict) else PlainTextResponse(body)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """Wait for one of the places at the models.

        Raises:
            OverloadedError: Too many wait already.
        """
        if self._waiting >= self._limits.requests_at_once * _WAITING_PER_PLACE:
            raise OverloadedError("too many requests are waiting; try again in a few seconds")
        self._waiting += 1
        try:
            await self._places.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._places.release()


class _HeldResponse(StreamingResponse):
    """A stream that gives back what it holds at its end, sent or not."""

    def __init__(self, content: AsyncIterator[Any], held: AsyncExitStack, **options: Any) -> None:
        super().__init__(content, **options)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._held:
            await super().__call__(scope, receive, send)


def _answering(endpoint: _Endpoint) -> _Endpoint:
    """The endpoint, with its errors as answers: the border of this API."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except VoiceError as error:
            return error_response(error)

    return answer


async def _joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    yield first
    async for piece in rest:
        yield piece


async def _unless_gone(request: Request, work: Any) -> Any:
    """The result of `work`, which is cancelled when the client goes."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_until_gone(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ApiError("the client has gone", code="client_closed_request", status=499)
        return task.result()
    finally:
        for one in (task, gone):
            one.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        continue


async def _json(request: Request) -> Any:
    _check_length(request, MAX_JSON_BYTES)
    try:
        return json.loads(await request.body())
    except (ValueError, RecursionError):
        raise ApiError("the body is not valid JSON", code="invalid_json") from None


def _check_length(request: Request, most_bytes: int) -> None:
    """Refuse a body before it is read; the HTTP layer holds it to the length it names."""
    length = request.headers.get("content-length")
    if length is None:
        raise ApiError("content-length is missing", code="length_required", status=411)
    if not length.isdecimal() or int(length) > most_bytes:
        raise _too_large(most_bytes)


def _too_large(most_bytes: int) -> ApiError:
    return ApiError(f"at most {most_bytes:,} bytes are taken", code="too_large", status=413)


def _language(tag: str | None) -> Language | None:
    """Mandarin or English; another language, or none, means "find out"."""
    return _LANGUAGES.get((tag or "").lower().replace("_", "-").split("-")[0])


def _model(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": _STARTED_AT, "owned_by": "qingting"}
