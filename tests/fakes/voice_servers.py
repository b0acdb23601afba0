"""Small real HTTP servers that answer as voice servers do, their faults included.

Their sound is `tests.fakes.speech`: 0.2 s for each character, at the server's own rate.
What GPT-SoVITS does was read from its source (api_v2.py and TTS.py, 2026-08).
"""

from __future__ import annotations

import io
import json
import threading
import wave
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np

from tests.fakes.speech import SYLLABLE_SECS, speak

Answer = Callable[["Handler", dict[str, Any]], None]
FAR = 60.0  # seconds; longer than any test waits


def wav_header(rate_hz: int, data_bytes: int = 0) -> bytes:
    """As Python's `wave` writes it; a stream's names 0 bytes."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(bytes(data_bytes))
    return buffer.getvalue()[:44]


class Handler(BaseHTTPRequestHandler):
    """Sends a request to the answer that its server has for it."""

    protocol_version = "HTTP/1.1"
    server: VoiceServer

    def log_message(self, *_: object) -> None:
        """Nothing: tests look at what arrives."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self._serve(parts.path, dict(parse_qsl(parts.query)))

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length", 0))
        self._serve(urlsplit(self.path).path, json.loads(self.rfile.read(length)))

    def _serve(self, path: str, asked: dict[str, Any]) -> None:
        board = self.server
        board.requests.append((path, asked))
        board.headers_seen.append({name.lower(): value for name, value in self.headers.items()})
        try:
            with board.speaking():
                faults = board.faults
                answer = faults.popleft() if faults and path in board.speech_paths else None
                (answer or board.answer(path))(self, asked)
        except OSError:  # the client has gone
            self.close_connection = True
        finally:
            board.gone.set()

    def begin(self, content_type: str, length: int | None = None, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("content-type", content_type)
        if length is None:
            self.send_header("transfer-encoding", "chunked")
        else:
            self.send_header("content-length", str(length))
        self.end_headers()

    def piece(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def end(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def whole(self, content_type: str, data: bytes, status: int = 200) -> None:
        self.begin(content_type, len(data), status)
        self.wfile.write(data)

    def refuse(self, status: int, message: str, **more: str) -> None:
        body = json.dumps({"message": message, **more}).encode()
        self.whole("application/json", body, status)


class VoiceServer(ThreadingHTTPServer):
    """The part that all servers share.

    Attributes:
        requests: Path and body or parameters, in order.
        headers_seen: Headers, in order.
        faults: Answers to the next requests for speech, in the place of the usual one.
        gone: Set when a request has ended, by either side.
        most_at_once: Requests that were answered at the same time.
        release: Set to end every hanging answer.
    """

    daemon_threads = True
    speech_paths: tuple[str, ...] = ()

    def __init__(self, rate_hz: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.rate_hz = rate_hz
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.headers_seen: list[dict[str, str]] = []
        self.faults: deque[Answer] = deque()
        self.gone = threading.Event()
        self.release = threading.Event()
        self.most_at_once = 0
        self._now = 0
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def spoken(self) -> list[str]:
        """Texts that speech was asked for."""
        asked = [body for path, body in self.requests if path in self.speech_paths]
        return [body.get("text", body.get("input", "")) for body in asked]

    def answer(self, path: str) -> Answer:
        raise NotImplementedError

    def sound(self, text: str, speed: float = 1.0) -> bytes:
        """PCM16 of `text`, with silence around as models make it."""
        pause = np.zeros(self.rate_hz // 20, np.int16)
        speech = speak(text, self.rate_hz, SYLLABLE_SECS / speed)
        return np.concatenate((pause, speech, pause)).tobytes()

    @contextmanager
    def speaking(self) -> Iterator[None]:
        with self._lock:
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            yield
        finally:
            with self._lock:
                self._now -= 1

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no error."""


class GptSovits(VoiceServer):
    """`api_v2.py`, as far as it is used here, and `api.py` on "/".

    Args:
        rate_hz: 32 kHz is that of v1 and v2.
        knows_modes: False for a server from before `streaming_mode` was a number.
    """

    speech_paths = ("/tts", "/")

    def __init__(self, rate_hz: int = 32_000, *, knows_modes: bool = True) -> None:
        super().__init__(rate_hz)
        self.knows_modes = knows_modes
        self.weights: dict[str, str] = {}

    def answer(self, path: str) -> Answer:
        known: dict[str, Answer] = {
            "/tts": self._tts,
            "/": self._old,
            "/set_gpt_weights": lambda h, asked: self._load(h, "gpt", asked),
            "/set_sovits_weights": lambda h, asked: self._load(h, "sovits", asked),
            "/set_model": self._set_model,
        }
        return known.get(path, lambda h, _: h.refuse(404, "Not Found"))

    def _tts(self, h: Handler, asked: dict[str, Any]) -> None:
        mode = asked.get("streaming_mode", False)
        if not self.knows_modes and not isinstance(mode, bool):
            h.refuse(422, "Input should be a valid boolean")
            return
        for name in ("ref_audio_path", "text", "text_lang", "prompt_lang"):
            if not asked.get(name):
                h.refuse(400, f"{name} is required")
                return
        if asked["text_lang"] not in {"zh", "en", "ja", "ko", "yue", "auto", "all_zh"}:
            h.refuse(400, "text_lang is not supported")
            return
        data = self.sound(asked["text"], asked["speed_factor"])
        if not mode:
            h.whole("audio/wav", wav_header(self.rate_hz, len(data)) + data)
            return
        h.begin("audio/wav")
        h.piece(wav_header(self.rate_hz))
        step = 2 * self.rate_hz // 4 + (1 if mode == 3 else 0)  # odd: cuts samples in two
        for at in range(0, len(data), step):
            h.piece(data[at : at + step])
        h.end()

    def _old(self, h: Handler, asked: dict[str, Any]) -> None:
        if not asked.get("refer_wav_path"):
            h.refuse(400, "未指定参考音频且接口无预设", code="400")
            return
        data = self.sound(asked["text"], asked["speed"])
        h.begin("audio/wav")
        h.piece(wav_header(self.rate_hz, len(data)) + data)
        h.end()

    def _load(self, h: Handler, kind: str, asked: dict[str, Any]) -> None:
        if "missing" in asked.get("weights_path", "missing"):
            h.refuse(400, f"change {kind} weight failed", Exception="No such file")
            return
        self.weights[kind] = asked["weights_path"]
        h.whole("application/json", b'{"message": "success"}')

    def _set_model(self, h: Handler, asked: dict[str, Any]) -> None:
        self.weights = {"gpt": asked["gpt_model_path"], "sovits": asked["sovits_model_path"]}
        h.whole("application/json", b'{"code": 0, "message": "Success"}')


class OpenAiSpeech(VoiceServer):
    """`/v1/audio/speech`: WAV with the length left open, or PCM."""

    speech_paths = ("/v1/audio/speech",)

    def __init__(self, rate_hz: int = 24_000) -> None:
        super().__init__(rate_hz)

    def answer(self, path: str) -> Answer:
        return self._speech if path in self.speech_paths else lambda h, _: h.refuse(404, "no")

    def _speech(self, h: Handler, asked: dict[str, Any]) -> None:
        data = self.sound(asked["input"], asked["speed"])
        if asked["response_format"] == "pcm":
            h.begin(f"audio/pcm;rate={self.rate_hz}")
        else:
            h.begin("audio/wav")
            header = wav_header(self.rate_hz)
            h.piece(header[:4] + b"\xff" * 4 + header[8:40] + b"\xff" * 4)
        for at in range(0, len(data), 4096):
            h.piece(data[at : at + 4096])
        h.end()


# Faults. Each stands in for one answer; `VoiceServer.faults` takes them in order.


def refuses(status: int) -> Answer:
    """An error in JSON, as all of these servers give it."""
    return lambda h, _: h.refuse(status, "tts failed", Exception="CUDA out of memory")


def model_fails(h: Handler, _: dict[str, Any]) -> None:
    """GPT-SoVITS when its model raises: a second of zeros at 16 kHz, then it breaks off."""
    h.begin("audio/wav")
    h.piece(wav_header(16_000))
    h.piece(bytes(32_000))
    h.close_connection = True


def only_silence(h: Handler, _: dict[str, Any]) -> None:
    """The same without streaming: a whole file of zeros."""
    h.whole("audio/wav", wav_header(16_000, 32_000) + bytes(32_000))


def breaks_off(h: Handler, asked: dict[str, Any]) -> None:
    """Half of the sound, then the connection is gone."""
    data = h.server.sound(asked.get("text", asked.get("input", "")))
    h.begin("audio/wav")
    h.piece(wav_header(h.server.rate_hz))
    h.piece(data[: len(data) // 4 * 2])
    h.close_connection = True


def shorter_than_named(h: Handler, asked: dict[str, Any]) -> None:
    """A header that names twice the bytes that follow."""
    data = h.server.sound(asked.get("text", asked.get("input", "")))
    h.begin("audio/wav")
    h.piece(wav_header(h.server.rate_hz, 2 * len(data)) + data)
    h.end()


def hangs(h: Handler, _: dict[str, Any]) -> None:
    """Not even a status."""
    h.server.release.wait(FAR)


def stalls(h: Handler, asked: dict[str, Any]) -> None:
    """Half of the sound, then nothing more, with the connection open."""
    data = h.server.sound(asked.get("text", asked.get("input", "")))
    h.begin("audio/wav")
    h.piece(wav_header(h.server.rate_hz))
    h.piece(data[: len(data) // 4 * 2])
    h.server.release.wait(FAR)


def never_ends(h: Handler, _: dict[str, Any]) -> None:
    """A model that babbles on, as fast as the line takes it."""
    h.begin("audio/wav")
    h.piece(wav_header(h.server.rate_hz))
    babble = speak("啊" * 20, h.server.rate_hz).tobytes()
    while not h.server.release.is_set():
        h.piece(babble)


def closes_at_once(h: Handler, _: dict[str, Any]) -> None:
    """As a server does whose idle connection had run out."""
    h.close_connection = True


def sends(content_type: str, data: bytes) -> Answer:
    """Whatever `data` is."""
    return lambda h, _: h.whole(content_type, data)


@contextmanager
def running(server: VoiceServer) -> Iterator[VoiceServer]:
    """Serve in a thread until the block is left."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.release.set()
        server.shutdown()
        server.server_close()
        thread.join()
