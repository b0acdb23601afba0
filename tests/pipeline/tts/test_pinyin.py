"""Syllables, tones and word borders."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from pipeline.tts.pinyin import syllables
from tests.pipeline.tts.speech import ODD_TEXTS


def sounds(text: str) -> str:
    """Pinyin with tone numbers; r marks a fused 儿."""
    return " ".join(f"{s.sound}{s.tone}{'r' if s.erhua else ''}" for s in syllables(text))


@pytest.mark.parametrize(
    ("text", "pinyin"),
    [
        # 不
        ("不要", "bu2 yao4"),
        ("不好", "bu4 hao3"),
        ("好不好", "hao3 bu5 hao3"),
        ("不是", "bu2 shi4"),
        # 一
        ("一个", "yi2 ge4"),
        ("一样", "yi2 yang4"),
        ("一起", "yi4 qi3"),
        ("一天", "yi4 tian1"),
        ("说一说", "shuo1 yi5 shuo1"),
        ("第一次", "di4 yi1 ci4"),
        ("十一月一号", "shi2 yi1 yue4 yi1 hao4"),
        ("二零二一年", "er4 ling2 er4 yi1 nian2"),
        ("一点五", "yi1 dian2 wu3"),
        # third tones
        ("你好", "ni2 hao3"),
        ("想法", "xiang2 fa3"),
        ("展览馆", "zhan2 lan2 guan3"),
        ("很理解", "hen3 li2 jie3"),
        ("我想你", "wo2 xiang2 ni3"),
        ("我最累", "wo3 zui4 lei4"),
        # polyphones
        ("银行行长", "yin2 hang2 hang2 zhang3"),
        ("重要的事重复说", "zhong4 yao4 de5 shi4 chong2 fu4 shuo1"),
        ("音乐快乐", "yin1 yue4 kuai4 le4"),
        ("觉得睡觉", "jue2 de5 shui4 jiao4"),
        ("还有还给他", "hai2 you3 huan2 gei3 ta1"),
        ("着急睡着了", "zhao2 ji2 shui4 zhao2 le5"),
        ("我得走了", "wo2 dei2 zou3 le5"),
        ("压力很大", "ya1 li4 hen3 da4"),
        ("放假", "fang4 jia4"),
        # neutral tones
        ("朋友", "peng2 you5"),
        ("没关系", "mei2 guan1 xi5"),
        ("为什么", "wei4 shen2 me5"),
        # 儿
        ("一点儿", "yi4 dian3r"),
        ("女儿", "nv3 er2"),
        # interjections
        ("嗯", "en4"),
        ("哦", "o4"),
        # letters
        ("OK", "ou1 kei4"),
        ("T恤", "ti4 xu4"),
    ],
)
def test_pronunciation(text: str, pinyin: str):
    """Sandhi, polyphones, fused 儿, interjections and letter names as they are said."""
    assert sounds(text) == pinyin


def test_a_letter_is_said_with_the_last_syllable_of_its_name():
    """W has three syllables; only the third brings the character."""
    assert [syllable.end for syllable in syllables("W")] == [0, 0, 1]


def test_breaks_follow_words_and_punctuation():
    """A word ends with a word break, a phrase with a phrase break."""
    breaks = [syllable.break_after for syllable in syllables("我喜欢，你")]
    assert breaks == ["word", "", "phrase", "phrase"]


@settings(deadline=None)
@given(ODD_TEXTS)
def test_any_text_gives_syllables_in_order(text: str):
    """Ends never fall and stay inside the text; tones are 1 to 5."""
    at = 0
    for syllable in syllables(text):
        assert at <= syllable.end <= len(text)
        assert 1 <= syllable.tone <= 5
        at = syllable.end
