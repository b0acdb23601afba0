"""The API on the embedded models, through the official client."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from openai import AsyncOpenAI

from agent.config import ServerSettings, Settings
from pipeline.text import units
from tests.fakes.call import FakeFactory
from web.server import api_on, create_app, running, switchboard

pytestmark = [pytest.mark.models, pytest.mark.asyncio(loop_scope="module")]
SENTENCE = "我最近工作压力很大，晚上总是睡不好。"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def client() -> AsyncIterator[AsyncOpenAI]:
    """The official client, on a server with real engines."""
    settings = Settings()
    async with switchboard(settings) as board:
        app = create_app(FakeFactory(), settings=settings, openai_api=api_on(board, settings))
        async with (
            running(app, ServerSettings(port=0)) as url,
            AsyncOpenAI(api_key="any", base_url=f"{url}/v1") as one,
        ):
            yield one


async def test_the_persona_answers_and_a_seed_repeats_it(client):
    """Whole and streamed give the same words for the same seed."""
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": SENTENCE}], "seed": 5}
    whole = await client.chat.completions.create(**asked, max_tokens=24)
    text = whole.choices[0].message.content
    assert text
    assert whole.usage.completion_tokens <= 24
    assert whole.usage.prompt_tokens > 20
    stream = await client.chat.completions.create(**asked, max_tokens=24, stream=True)
    streamed = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    assert streamed == text


async def test_what_it_says_it_understands(client):
    """Speech as mp3, read back as text and as subtitles."""
    answer = await client.audio.speech.create(model="tts-1", voice="alloy", input=SENTENCE)
    file = ("speech.mp3", answer.content)
    heard = await client.audio.transcriptions.create(model="whisper-1", file=file, language="zh")
    wanted = {unit.text for unit in units(SENTENCE)}
    got = {unit.text for unit in units(heard.text)}
    assert len(wanted & got) >= 0.7 * len(wanted)
    subtitles = await client.audio.transcriptions.create(
        model="whisper-1", file=file, language="zh", response_format="srt"
    )
    assert subtitles.startswith("1\n00:00:00,000 --> 00:00:")
