"""Voices with servers of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, TypeAlias

import pytest

from pipeline.tts.http.gptsovits import GptSovitsOptions, GptSovitsVoice, ReferenceClip
from pipeline.tts.http.remote import RemoteVoice, RemoteVoiceOptions
from pipeline.tts.http.server import ServerOptions
from tests.fakes.voice_servers import GptSovits, OpenAiSpeech, running

CLIP = ReferenceClip("/clips/warm.wav", "我在这里。", "zh")
MakeGptSovits: TypeAlias = Callable[..., tuple[GptSovitsVoice, GptSovits]]
MakeRemote: TypeAlias = Callable[..., tuple[RemoteVoice, OpenAiSpeech]]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def gptsovits(stack: ExitStack) -> MakeGptSovits:
    """Makes a voice and the server that it asks."""

    def make(
        server: GptSovits | None = None, at_once: int = 1, timeout_secs: float = 20.0, **how: Any
    ) -> tuple[GptSovitsVoice, GptSovits]:
        board = server or GptSovits()
        stack.enter_context(running(board))
        where = ServerOptions(board.url, requests_at_once=at_once, read_timeout_secs=timeout_secs)
        voice = GptSovitsVoice(where, GptSovitsOptions(CLIP, **how))
        stack.callback(voice.close)
        return voice, board

    return make


@pytest.fixture
def remote(stack: ExitStack) -> MakeRemote:
    """Makes a voice and the server that it asks."""

    def make(
        server: OpenAiSpeech | None = None, api_key: str = "", at_once: int = 4, **how: Any
    ) -> tuple[RemoteVoice, OpenAiSpeech]:
        board = server or OpenAiSpeech()
        stack.enter_context(running(board))
        where = ServerOptions(f"{board.url}/v1", api_key=api_key, requests_at_once=at_once)
        voice = RemoteVoice(where, RemoteVoiceOptions("tts-1", "alloy", **how))
        stack.callback(voice.close)
        return voice, board

    return make
