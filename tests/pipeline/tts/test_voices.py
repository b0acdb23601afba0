"""What both embedded voices promise."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import loudness
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.audio import OUTPUT_RATE_HZ, int16_to_float
from pipeline.errors import ModelMissingError
from pipeline.tts.base import SpeechStyle, Voice
from pipeline.tts.english import EnglishVoice
from pipeline.tts.levels import TARGET_LUFS
from pipeline.tts.mandarin import MandarinVoice
from tests.pipeline.tts.speech import ODD_TEXTS, check_contract, marks, say, sound

pytestmark = pytest.mark.models

SENTENCES = {
    "mandarin": [
        "我最近工作压力很大，晚上总是睡不好。", "你愿意跟我说说发生了什么吗？",
        "你已经很努力了，不要责怪自己。", "我听到你说，家里人都不理解你。",
    ],
    "english": [
        "I have been feeling really tired lately, and I cannot sleep.",
        "Would you like to tell me what happened?",
        "You are doing the best you can right now.",
        "I hear that your family does not understand you.",
    ],
}  # fmt: skip


@pytest.fixture(params=["mandarin", "english"])
def voice(request: pytest.FixtureRequest) -> Voice:
    made: Voice = request.getfixturevalue(request.param)
    return made


def test_speaking_keeps_the_contract(voice: Voice):
    """Chunks and marks are as `SpeechChunk` says, for every sentence."""
    for text in SENTENCES[voice.name]:
        chunks = say(voice, text)
        check_contract(chunks, text)
        assert len(sound(chunks)) > OUTPUT_RATE_HZ


@pytest.mark.parametrize("text", ["", "  ", "[委屈]", "😀😀", "……", "(╯°□°）╯"])
def test_nothing_to_say_is_one_empty_chunk(voice: Voice, text: str):
    """Its mark counts the whole text as heard."""
    (chunk,) = say(voice, text)
    assert len(chunk.pcm) == 0
    assert chunk.marks[-1].chars == len(text)


def test_the_same_text_gives_the_same_samples(voice: Voice):
    """No randomness, whatever was said before."""
    text, other = SENTENCES[voice.name][:2]
    first = sound(say(voice, text))
    say(voice, other)
    assert np.array_equal(sound(say(voice, text)), first)


def test_two_threads_speak_at_once(voice: Voice):
    """Each gets what it would get alone."""
    texts = SENTENCES[voice.name]
    alone = [sound(say(voice, text)) for text in texts]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda text: sound(say(voice, text)), texts * 2))
    for expected, got in zip(alone * 2, together, strict=True):
        assert np.array_equal(got, expected)


def test_cancelling_stops_before_the_next_chunk(voice: Voice):
    """After the first chunk nothing more comes."""
    asked = iter([False])
    chunks = voice.synthesise(SENTENCES[voice.name][0], SpeechStyle(), lambda: next(asked, True))
    assert len(list(chunks)) == 1


def test_rate_and_volume_are_obeyed(voice: Voice):
    """Half the speed is longer, half the volume is quieter, by a factor of two."""
    text = SENTENCES[voice.name][0]
    plain = sound(say(voice, text))
    slow = sound(say(voice, text, SpeechStyle(rate=0.5)))
    soft = sound(say(voice, text, SpeechStyle(volume=0.5)))
    assert len(slow) > 1.6 * len(plain)
    assert np.abs(soft).max() <= 0.55 * np.abs(plain).max()


def test_the_loudest_setting_does_not_clip(voice: Voice):
    """At volume 1.5 no two samples in a row sit at full scale."""
    audio = np.abs(sound(say(voice, SENTENCES[voice.name][0], SpeechStyle(volume=1.5))))
    assert not np.any((audio[1:] == 32_767) & (audio[:-1] == 32_767))


def test_loudness_is_the_target(voice: Voice):
    """Four sentences together measure within 1 LU of what all voices are set to."""
    audio = np.concatenate([sound(say(voice, text)) for text in SENTENCES[voice.name]])
    measured = loudness.integrated_loudness(int16_to_float(audio)[:, np.newaxis], OUTPUT_RATE_HZ)
    assert measured == pytest.approx(TARGET_LUFS, abs=1.0)


def test_a_long_text_is_spoken_to_its_end(voice: Voice):
    """A few hundred characters take several passes; marks go on rising across them."""
    text = "".join(SENTENCES[voice.name]) * 4
    chunks = say(voice, text)
    check_contract(chunks, text)
    places = [mark.chars for mark in marks(chunks)]
    assert len(places) > len(text) / 10


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=ODD_TEXTS, rate=st.floats(0.5, 2.0))
def test_any_text_is_spoken_or_skipped(voice: Voice, text: str, rate: float):
    """No text raises, and every one keeps the contract."""
    check_contract(say(voice, text, SpeechStyle(rate=rate)), text)


def test_mandarin_marks_follow_the_syllables(mandarin: MandarinVoice):
    """One mark for each character, in even steps; a number's comes with its last syllable."""
    text = "我今年25岁"
    found = marks(say(mandarin, text))
    assert [mark.chars for mark in found] == [1, 2, 3, 5, 6, 6]
    steps = np.diff([0, *(mark.samples for mark in found[:-1])]) / OUTPUT_RATE_HZ
    assert np.all((steps > 0.08) & (steps < 0.8))


def test_mandarin_voice_spells_letters(mandarin: MandarinVoice):
    """Latin letters are said one by one."""
    assert [mark.chars for mark in marks(say(mandarin, "用KTV"))][:4] == [1, 2, 3, 4]


def test_english_marks_follow_the_words(english: EnglishVoice):
    """One mark at the end of each word, punctuation after it."""
    assert [mark.chars for mark in marks(say(english, "I hear you."))][:4] == [1, 6, 10, 11]


def test_english_voice_skips_what_it_cannot_read(english: EnglishVoice):
    """Chinese text is silence; beside English words it is left out."""
    assert len(sound(say(english, "我听得懂"))) == 0
    assert len(sound(say(english, "我 hear 你"))) > 0


def test_a_folder_without_a_voice_is_reported(tmp_path: Path):
    """The error comes from the constructor, not from the first sentence."""
    with pytest.raises(ModelMissingError):
        MandarinVoice(tmp_path)
