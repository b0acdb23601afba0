"""The API on fake engines: shapes, errors and limits need no models."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from agent.config import LimitSettings, ServerSettings, Settings
from agent.persona import load_persona
from agent.profile import guardian_of
from pipeline.llm.base import Sampling
from pipeline.tts.base import SpeechStyle
from tests.fakes.call import FakeFactory
from tests.fakes.engines import FakeLanguageModel, FakeRecogniser, FakeVoice, InlineExecutor
from web.openai_api.chat import ChatWriter
from web.openai_api.routes import OpenAiApi
from web.openai_api.speech import SpeechMaker
from web.server import create_app, running


@dataclass
class Api:
    """A running server with the API, and the engines behind it."""

    url: str
    model: FakeLanguageModel
    voice: FakeVoice
    http: httpx.AsyncClient


@pytest.fixture
def limits() -> LimitSettings:
    return LimitSettings(requests_at_once=1, max_upload_bytes=1 << 20, max_upload_secs=30)


@pytest.fixture
async def api(limits: LimitSettings) -> AsyncIterator[Api]:
    model, voice = FakeLanguageModel(prefill_secs=0, token_secs=0.001), FakeVoice()
    routes = OpenAiApi(
        ChatWriter(
            model,
            {"zh": load_persona("listener", "zh-Hans"), "en": load_persona("listener", "en")},
            Sampling(),
            lambda: guardian_of(
                Settings(), [load_persona("listener", "zh-Hans")], channel="program"
            ),
        ),
        SpeechMaker(voice, SpeechStyle(), InlineExecutor()),
        FakeRecogniser(decode_secs=0),
        limits,
    )
    app = create_app(FakeFactory(), settings=Settings(limits=limits), openai_api=routes)
    async with (
        running(app, ServerSettings(port=0)) as url,
        httpx.AsyncClient(base_url=url, timeout=20) as http,
    ):
        yield Api(url, model, voice, http)
