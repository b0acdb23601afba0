"""Every voice that can be had without a graphics card, through the suite of `conformance`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.tts.base import Voice
from pipeline.tts.english import EnglishVoice
from pipeline.tts.fallback import FallbackVoice
from pipeline.tts.http.gptsovits import GptSovitsOptions, GptSovitsVoice, ReferenceClip
from pipeline.tts.http.remote import RemoteVoice, RemoteVoiceOptions, SoundFormat
from pipeline.tts.http.server import ServerOptions
from pipeline.tts.mandarin import MandarinVoice
from pipeline.tts.patience import Patience
from pipeline.tts.speaker import Speaker
from tests.fakes.voice_servers import GptSovits, OpenAiSpeech, hangs, running
from tests.pipeline.tts.conformance import Conformance

CLIP = ReferenceClip("/clips/warm.wav", "我在这里。", "zh")


@pytest.mark.models
class TestMandarin(Conformance):
    speaks = ("zh",)

    @pytest.fixture
    def voice(self, mandarin: MandarinVoice) -> Voice:
        return mandarin


@pytest.mark.models
class TestEnglish(Conformance):
    speaks = ("en",)

    @pytest.fixture
    def voice(self, english: EnglishVoice) -> Voice:
        return english


@pytest.mark.models
class TestSpeaker(Conformance):
    odd_examples = 5

    @pytest.fixture
    def voice(self, speaker: Speaker) -> Voice:
        return speaker


class TestFallback(Conformance):
    """The server of the first voice hangs in every test's first clause; after that it rests."""

    @pytest.fixture
    def voice(self) -> Iterator[Voice]:
        with running(GptSovits()) as first, running(OpenAiSpeech()) as second:
            first.faults.append(hangs)
            broken = GptSovitsVoice(ServerOptions(first.url), GptSovitsOptions(CLIP))
            sound = RemoteVoice(
                ServerOptions(f"{second.url}/v1", requests_at_once=4),
                RemoteVoiceOptions("tts-1", "alloy"),
            )
            yield FallbackVoice([broken, sound], Patience(0.1, 0.1, 600.0, 0.1))
            broken.close()
            sound.close()


class TestGptSovits(Conformance):
    @pytest.fixture(params=[0, 1, 2, 3])
    def voice(self, request: pytest.FixtureRequest) -> Iterator[Voice]:
        with running(GptSovits()) as board:
            options = GptSovitsOptions(CLIP, streaming_mode=request.param)
            made = GptSovitsVoice(ServerOptions(board.url), options)
            yield made
            made.close()


class TestOldGptSovits(Conformance):
    @pytest.fixture
    def voice(self) -> Iterator[Voice]:
        with running(GptSovits()) as board:
            made = GptSovitsVoice(ServerOptions(board.url), GptSovitsOptions(CLIP, api="v1"))
            yield made
            made.close()


class TestOpenAi(Conformance):
    @pytest.fixture(params=["wav", "pcm"])
    def voice(self, request: pytest.FixtureRequest) -> Iterator[Voice]:
        form: SoundFormat = request.param
        with running(OpenAiSpeech()) as board:
            options = RemoteVoiceOptions("tts-1", "alloy", form)
            made = RemoteVoice(ServerOptions(f"{board.url}/v1", requests_at_once=4), options)
            yield made
            made.close()
