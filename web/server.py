"""The HTTP and WebSocket server: routes, start, graceful stop.

/v1/realtime   a call (PROTOCOL.md)
/v1/…          the OpenAI-compatible API (openai_api), also without /v1
/intake        what a caller told, for the caller to see and strike out (intake)
/memory        what is remembered of a caller, for the caller to correct and forget (memory)
/access        what the page must know before a call; 401 without a key that is needed
/health        200 while calls are taken, 503 while the server drains
/metrics       Prometheus
/              the call page
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST

from agent.certificate import check_certificate
from agent.config import LimitSettings, PrivacySettings, ServerSettings, Settings
from agent.config.addresses import is_loopback
from agent.intake.desk import IntakeDesk
from agent.keys import KeyRing
from agent.memory.desk import MemoryDesk
from pipeline.errors import ConfigError
from pipeline.events import CallFactory, CallOptions
from web.auth import Gate
from web.guard import Guard
from web.intake import intake_routes
from web.memory import memory_routes
from web.metrics import Metrics, sample_loop_lag
from web.openai_api.chat import ChatWriter
from web.openai_api.routes import OpenAiApi
from web.openai_api.speech import SpeechMaker
from web.openai_api.unknown import refuse_unknown
from web.patience import PatientHttp, PatientWebSocket
from web.realtime.ongoing import CallLimits
from web.realtime.open_calls import OpenCalls
from web.realtime.route import REALTIME_PATH as REALTIME_PATH  # the address, for callers
from web.realtime.route import add_realtime

if TYPE_CHECKING:
    from agent.switchboard import Switchboard

PAGE_DIR = Path(__file__).parent / "page"
PING_SECS = 10.0  # a half-open socket is found after twice this


def create_app(
    factory: CallFactory,
    *,
    metrics: Metrics | None = None,
    limits: CallLimits | None = None,
    page_dir: Path = PAGE_DIR,
    model: str = "qingting",
    settings: Settings | None = None,
    openai_api: OpenAiApi | None = None,
    intake: IntakeDesk | None = None,
    memory: MemoryDesk | None = None,
) -> FastAPI:
    """The application around one process's engines.

    Args:
        factory: Opens calls; loaded and closed by the caller.
        metrics: Where figures go; a fresh set when None.
        limits: Of each call and its sockets; the settings' when None.
        page_dir: The call page; left out if the folder has no `index.html`.
        model: Name shown to clients; what they ask for instead is tolerated.
        settings: Who may come in and how much they may take.
        openai_api: The text and speech routes; left out when None.
        intake: Where callers see what was taken down; left out when None.
        memory: Where callers see what is remembered of them; left out when None.

    `app.state.calls` is the OpenCalls to drain before stopping.

    Raises:
        ConfigError: Others can reach the server and there is no key.
    """
    settings = settings or Settings()
    figures = metrics or Metrics()
    calls = OpenCalls()
    gate = Gate(settings.server, KeyRing(settings.keys_file))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        sampler = asyncio.create_task(sample_loop_lag(figures), name="loop-lag-sampler")
        try:
            yield
        finally:
            sampler.cancel()
            await asyncio.gather(sampler, return_exceptions=True)

    app = FastAPI(
        title="Qingting", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None
    )
    app.state.calls = calls
    app.add_middleware(
        Guard,
        gate=gate,
        connections_per_minute=settings.limits.connections_per_minute,
        requests_per_minute=settings.limits.requests_per_minute,
    )
    add_realtime(
        app,
        factory,
        calls,
        metrics=figures,
        limits=limits or connection_limits(settings.server),
        allowance=settings.limits,
        model=model,
    )

    if openai_api is not None:
        app.include_router(openai_api.router(), prefix="/v1")
        app.include_router(openai_api.router())  # some chat bots leave the prefix out

    refuse_unknown(app)

    if intake is not None:
        app.include_router(intake_routes(intake))

    if memory is not None:
        app.include_router(memory_routes(memory))

    @app.get("/access")
    async def access() -> JSONResponse:
        told = _access(settings.privacy, settings.limits, draining=calls.draining)
        return JSONResponse({**told, "memory": memory is not None})

    @app.get("/health")
    async def health() -> JSONResponse:
        status = "draining" if calls.draining else "ok"
        return JSONResponse(
            {"status": status, "calls": len(calls)}, status_code=503 if calls.draining else 200
        )

    @app.get("/metrics")
    async def show_metrics() -> Response:
        return Response(figures.render(), media_type=CONTENT_TYPE_LATEST)

    if (page_dir / "index.html").is_file():
        app.mount("/", StaticFiles(directory=page_dir, html=True), name="page")
    return app


def _access(
    privacy: PrivacySettings, limits: LimitSettings, *, draining: bool
) -> dict[str, object]:
    """What a caller is told before they consent."""
    return {
        "recorded": privacy.record,
        "audio": privacy.record and privacy.record_audio,
        "local": privacy.keeps_calls_here,
        "draining": draining,
        "talk_secs": limits.talk_secs_per_day,
    }


_IN_THE_CLEAR = (
    "qingting: others reach this server without TLS: keys and voices cross the network in the "
    "clear, and browsers give no microphone; set server.tls_certificate_file and tls_key_file"
)


def serve(settings: Settings) -> None:
    """Load the engines and take calls until SIGINT or SIGTERM; running replies may finish.

    Raises:
        ConfigError: The address cannot be listened on, or needs a key and there is none; the
            TLS files cannot be used; the person on duty could not be told.
        ModelError: A model is missing or damaged.
    """

    async def run() -> None:
        with listening_socket(settings.server) as listener:
            # Both say so before the models load.
            Gate(settings.server, KeyRing(settings.keys_file))
            check_certificate(settings.server)
            async with application(settings) as app:
                address = address_of(listener, tls=settings.server.tls_key_file is not None)
                print(f"Qingting listens on {address} (Ctrl-C stops it)", flush=True)
                if not is_loopback(settings.server.host) and not address.startswith("https"):
                    print(_IN_THE_CLEAR, file=sys.stderr, flush=True)
                await _server(app, settings.server, stop_on_signals=True).serve([listener])

    asyncio.run(run())


@asynccontextmanager
async def application(settings: Settings) -> AsyncIterator[FastAPI]:
    """Everything this process serves, for as long as the block lasts.

    Raises:
        ConfigError: The person on duty could not be told, or a setting names no voice.
        ModelError: A model is missing or damaged.
    """
    async with switchboard(settings) as board:
        yield create_app(
            board,
            settings=settings,
            openai_api=api_on(board, settings),
            intake=board.intake_desk,
            memory=board.memory_desk,
        )


def api_on(board: Switchboard, settings: Settings) -> OpenAiApi:
    """The text and speech routes on the engines of the calls."""
    from agent.engines import speech_style
    from agent.profile import guardian_of

    engines = board.engines
    usual = board.profile(CallOptions())
    personas = board.personas_by_language()
    return OpenAiApi(
        ChatWriter(
            engines.language_model,
            personas,
            usual.sampling,
            lambda: guardian_of(settings, list(personas.values()), channel="program"),
            usual.note_sources,
        ),
        SpeechMaker(engines.voice, speech_style(settings), engines.workers),
        engines.recogniser,
        settings.limits,
    )


@asynccontextmanager
async def switchboard(settings: Settings) -> AsyncIterator[Switchboard]:
    """The engines of this process, loaded for as long as the block lasts.

    Loading blocks the event loop for seconds: enter it before anything else runs there.
    The first call finds the engines warm.

    Raises:
        ConfigError: The person on duty could not be told, or a setting names no voice.
        ModelError: A model is missing or damaged.
    """
    from agent import engines  # the models' libraries take seconds to import
    from agent.models import ModelStore
    from agent.safety.handover import duty_url
    from agent.switchboard import Switchboard
    from agent.voices.names import check_voices

    # Both say so before the models load, not after or with every call.
    duty_url(settings)
    check_voices(settings, ModelStore(settings.models_dir).manifest)
    loaded = engines.load_engines(settings)
    try:
        board = Switchboard(loaded, settings)
        try:
            await board.warm_up()
            yield board
        finally:
            await board.close()
    finally:
        await engines.close_engines(loaded)


@asynccontextmanager
async def running(app: FastAPI, settings: ServerSettings) -> AsyncIterator[str]:
    """A server inside this event loop, for as long as the block lasts.

    Yields:
        Its address, such as "http://127.0.0.1:49152".

    Raises:
        ConfigError: The address cannot be listened on, or the TLS files cannot be used.
    """
    check_certificate(settings)
    with listening_socket(settings) as listener:
        server = _server(app, settings, stop_on_signals=False)
        task = asyncio.create_task(server.serve([listener]), name="server")
        try:
            await server.ready.wait()
            if task.done():
                task.result()  # raises what it died of
            yield address_of(listener, tls=settings.tls_key_file is not None)
        finally:
            server.should_exit = True
            await task


def connection_limits(settings: ServerSettings) -> CallLimits:
    """The settings' share of a call's bounds."""
    return CallLimits(
        max_message_bytes=settings.max_message_bytes,
        max_call_secs=settings.max_call_secs,
        idle_timeout_secs=settings.idle_timeout_secs,
        resume_secs=settings.resume_secs,
    )


@contextlib.contextmanager
def listening_socket(settings: ServerSettings) -> Iterator[socket.socket]:
    """A bound socket, closed at the end.

    Raises:
        ConfigError: The address is taken or not this machine's.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}"
        ) from error
    with listener:
        yield listener


def address_of(listener: socket.socket, *, tls: bool = False) -> str:
    """The address that a client on this machine uses."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    scheme = "https" if tls else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _server(app: FastAPI, settings: ServerSettings, *, stop_on_signals: bool) -> _DrainingServer:
    config = uvicorn.Config(
        app,
        http=PatientHttp,
        ws=PatientWebSocket,
        ws_max_size=settings.max_message_bytes,
        # Base64 of noise hardly shrinks, and compressing it takes time from the models.
        ws_per_message_deflate=False,
        ws_ping_interval=PING_SECS,
        ws_ping_timeout=PING_SECS,
        proxy_headers=settings.behind_proxy,
        forwarded_allow_ips="127.0.0.1,::1",
        server_header=False,
        ssl_certfile=settings.tls_certificate_file,
        ssl_keyfile=settings.tls_key_file,
        timeout_graceful_shutdown=5,
        log_config=None,
        access_log=False,
    )
    return _DrainingServer(config, app.state.calls, settings.drain_secs, stop_on_signals)


class _DrainingServer(uvicorn.Server):
    """uvicorn, but calls get to finish what they are saying before their sockets close."""

    def __init__(
        self, config: uvicorn.Config, calls: OpenCalls, drain_secs: float, stop_on_signals: bool
    ) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self._calls = calls
        self._drain_secs = drain_secs
        self._stop_on_signals = stop_on_signals

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().serve(sockets)
        finally:
            self.ready.set()  # nobody waits for a server that died before its start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._calls.drain(self._drain_secs)
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on a signal, without raising it again: the engines are closed after us."""
        if not self._stop_on_signals:
            yield
            return
        loop = asyncio.get_running_loop()
        signals = (signal.SIGINT, signal.SIGTERM)
        for signum in signals:
            loop.add_signal_handler(signum, self.handle_exit, signum, None)
        try:
            yield
        finally:
            for signum in signals:
                loop.remove_signal_handler(signum)
