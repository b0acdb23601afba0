"""Text to Kokoro's symbols, held against what misaki 0.9.4 makes of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.tts.kokoro_symbols import symbols_of
from pipeline.tts.kokoro_text import KokoroText
from pipeline.tts.pinyin import Syllable
from tests.pipeline.tts.speech import ODD_TEXTS
from tests.pipeline.tts.tiny_kokoro import usual_vocabulary, zhuyin_vocabulary

IPA = KokoroText(usual_vocabulary())
ZHUYIN = KokoroText(zhuyin_vocabulary())


def symbols(text: KokoroText, written: str) -> str:
    return "".join(word.symbols for word in text.words(written, "zh"))


# The symbols were printed by misaki's ZHG2P(), for v1.0.
@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("你好，我最近睡不好。", "ni↓xau↓, wo↓ ʦwei↘ʨi↘n ʂwei↘ pu↘xau↓."),
        ("老师说：这本书", "lau↓ʂɨ→ ʂwo→: ꭧɤ↘ pə↓nʂu→"),
        ("一点儿", "i↘tjɛ↓nɚ"),
    ],
)
def test_v1_0_reads_ipa_with_the_tones_of_the_dictionary(written: str, wanted: str):
    """Words apart, characters together, marks behind the word."""
    assert symbols(IPA, written) == wanted


# Printed by misaki's ZHG2P(version="1.1").
@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("你好，我最近睡不好。", "ㄋㄧ2ㄏㄠ3, 我3/ㄗ为4ㄐ阴4/ㄕ为4/ㄅㄨ4ㄏㄠ3."),
        ("一点儿也不难", "ㄧ4ㄉ言R3/ㄝ3/ㄅㄨ4ㄋㄢ2"),
        ("十五 Pro，很happy", "ㄕ十2ㄨ3 pɹˈO, ㄏㄣ3 hˈæpi"),
    ],
)
def test_v1_1_reads_zhuyin_with_the_tones_as_spoken(written: str, wanted: str):
    """A stroke between words, spaces around English."""
    assert symbols(ZHUYIN, written) == wanted


@pytest.mark.parametrize(
    ("sound", "ipa", "zhuyin"),
    [
        ("zhi", "ꭧɨ↘", "ㄓ十4"),
        ("ci", "ʦʰɨ↘", "ㄘㄭ4"),
        ("yuan", "ɥɛ↘n", "元4"),
        ("jiu", "ʨjou↘", "ㄐ又4"),
        ("lv", "ly↘", "ㄌㄩ4"),
        ("xue", "ɕɥe↘", "ㄒ月4"),
        ("weng", "wə↘ŋ", "瓮4"),
        ("er", "ɚ↘", "ㄦ4"),
        ("o", "ɔ↘", "ㄛ4"),
        ("bo", "pwo↘", "ㄅㄛ4"),
    ],
)
def test_syllables(sound: str, ipa: str, zhuyin: str):
    """As misaki's tables have them; all 420 were compared when the tables were written."""
    assert symbols_of(Syllable(sound, 4, 1), "ipa") == ipa
    assert symbols_of(Syllable(sound, 4, 1), "zhuyin") == zhuyin


def test_an_unknown_syllable_is_left_out():
    """Rather than read as another."""
    assert symbols_of(Syllable("xyz", 1, 1), "ipa") == ""
    assert symbols_of(Syllable("xyz", 1, 1), "zhuyin") == ""


def test_a_retroflex_ending():
    """歌儿 is ger1; others keep their final and add R."""
    assert symbols_of(Syllable("ge", 1, 2, erhua=True), "zhuyin") == "ㄍㄦ1"
    assert symbols_of(Syllable("hua", 1, 2, erhua=True), "zhuyin") == "ㄏ穵R1"
    assert symbols_of(Syllable("hua", 1, 2, erhua=True), "ipa") == "xwa→ɚ"


def test_numbers_are_read_in_the_language_of_the_text():
    """Mandarin reads 15 as 十五 beside an English word, English as fifteen."""
    assert "ʂɨ↗u↓" in symbols(IPA, "我用iPhone 15")
    assert "fɪft" in "".join(w.symbols for w in IPA.words("I have 15", "en")).replace(
        "ˌ", ""
    ).replace("ˈ", "")


def test_british_english():
    """As misaki's British lexicon has it."""
    american = IPA.words("hello there", "en")
    british = KokoroText(usual_vocabulary(), british=True).words("hello there", "en")
    assert "O" in american[0].symbols
    assert "Q" in british[0].symbols


def test_words_end_where_they_are_written():
    """Stickers and digits included."""
    text = "我[委屈]有2个meeting。"
    ends = [word.end for word in IPA.words(text, "zh")]
    assert ends == sorted(ends)
    assert ends[-1] == len(text)
    assert text.index("meeting") + len("meeting") in ends


@given(text=ODD_TEXTS, language=st.sampled_from(["zh", "en"]))
def test_only_known_symbols_in_order(text: str, language: str):
    """Whatever is written, the network gets tokens it has, and the marks never fall."""
    for alphabet, vocabulary in ((IPA, usual_vocabulary()), (ZHUYIN, zhuyin_vocabulary())):
        words = alphabet.words(text, language)  # type: ignore[arg-type]
        assert all(set(word.symbols) <= set(vocabulary) for word in words)
        ends = [word.end for word in words]
        assert ends == sorted(ends)
        assert all(0 <= end <= len(text) for end in ends)
