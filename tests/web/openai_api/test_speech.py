"""A whole text spoken over HTTP."""

from __future__ import annotations

import pytest

from agent.cli.say import spoken
from pipeline.tts.base import SpeechStyle
from tests.fakes.engines import FakeVoice, InlineExecutor
from web.openai_api.schema import SpeechRequest
from web.openai_api.speech import SpeechMaker

STYLE = SpeechStyle(language="zh")


class Listening(FakeVoice):
    """A fake, since only the style it is asked for matters here."""

    def __init__(self) -> None:
        super().__init__()
        self.languages_asked: list[str] = []

    def synthesise(self, text, style, cancelled):
        self.languages_asked.append(style.language)
        return super().synthesise(text, style, cancelled)


@pytest.mark.parametrize(
    ("text", "languages"),
    [
        ("24/7! I'm here.", {"en"}),
        ("In 2019? 2020.", {"en"}),
        ("988.", {"zh"}),
        ("25。好。", {"zh"}),
    ],
)
async def test_numbers_are_in_the_language_of_the_words_around_them(text: str, languages: set[str]):
    """Over HTTP and by `qingting say`; a text without words is in the persona's."""
    voice = Listening()
    request = SpeechRequest(input=text, response_format="pcm")
    maker = SpeechMaker(voice, STYLE, InlineExecutor())
    assert b"".join([piece async for piece in maker.speak(request)])
    assert set(voice.languages_asked) == languages
    over_http = voice.languages_asked
    voice.languages_asked = []
    assert [*spoken(voice, text, STYLE)]
    assert voice.languages_asked == over_http
