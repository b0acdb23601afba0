"""One form for the detector's rules to look at: width, case, script, contractions, slips.

A recogniser writes what it heard: Traditional or Simplified, with or without punctuation,
and now and then a homophone (字殺 for 自殺). Folding takes the variety out once, so that
every rule is written once.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import rjieba
from opencc import OpenCC
from pypinyin import Style, lazy_pinyin

_TO_SIMPLIFIED = OpenCC("t2s")
_TO_SIMPLIFIED_CHARACTERS = str.maketrans("妳祢佗牠剎钜著麽", "你你他它刹巨着么")
_APOSTROPHES = str.maketrans("’‘ʼ`´", "'''''")
_CJK = "\u3400-\u4dbf\u4e00-\u9fff"

# Sounds that Mandarin speakers and recognisers confuse, in pinyin with the tone at the end.
_CONFUSED = ((r"^(z|c|s)h", r"\1"), (r"^(z|c|s)ua(?=\d)", r"\1a"), (r"(?<=[ie])ng(?=\d)", "n"))

# Terms whose loss to a homophone would hide a crisis; two to four characters each.
# fmt: off
TERMS = (
    "自杀", "自残", "自伤", "自尽", "轻生", "割腕", "割脉", "上吊", "跳楼", "跳河", "跳海",
    "跳桥", "跳轨", "烧炭", "吞药", "遗书", "想死", "去死", "寻死", "寻短", "求死", "农药",
    "家暴", "性侵", "强暴", "强奸", "猥亵", "殴打", "安眠药", "不想活", "活不下", "活够了",
    "想不开", "寻短见", "没意思", "一了百了", "结束生命", "不想活了", "活不下去", "撑不下去",
    "生不如死", "自我了断", "同归于尽", "了结生命", "死了算了", "伤害自己", "结束自己",
    "喘不过气",
)
# fmt: on

_FILLERS = re.compile(
    r"(?:^|(?<=[，\s]))(?:嗯+|呃+|额|唉+|诶|喔|哦|那个|就是说|怎么说呢|you know|i mean|um+|uh+|er+)"
    r"(?=[，\s]|$)[，\s]*"
)
_HESITATION = re.compile(rf"(?<=[{_CJK}])\s*，\s*(?:嗯+|呃+|额|唉+|啊|那个)\s*，\s*(?=[{_CJK}])")
_STUTTER = re.compile(rf"([{_CJK}])(?:[，、…\s]+\1)+")
_SPACE_BETWEEN_CJK = re.compile(rf"(?<=[{_CJK}])\s+(?=[{_CJK}])")
_BREAKS = re.compile(r"[。！？；：、…,.!?;:\n~—]+|\s-+\s")
_QUOTES = re.compile(r"[「『“\"《〈【]\s*|\s*[」』”》〉】]")

_CONTRACTIONS = (
    (r"\bcan'?t\b|\bcannot\b", "can not"),
    (r"\bwon'?t\b", "will not"),
    (r"\bain'?t\b", "is not"),
    (r"\b(do|does|did|is|are|was|were|has|have|had|would|could|should)n'?t\b", r"\1 not"),
    (r"\bi'?m\b", "i am"),
    (r"\bi'?ve\b", "i have"),
    (r"\bi'll\b", "i will"),
    (r"\bi'?d\b", "i would"),
    (r"\b(you|we|they)'re\b", r"\1 are"),
    (r"\b(you|we|they)'ve\b", r"\1 have"),
    (r"\b(you|he|she|we|they|it|that)'ll\b", r"\1 will"),
    (r"\b(you|he|she|we|they)'d\b", r"\1 would"),
    (r"\b(he|she|it|that|there|what|who)'?s\b(?! own)", r"\1 is"),
    (r"\bgonna\b", "going to"),
    (r"\bwanna\b", "want to"),
    (r"\bgotta\b", "got to"),
    (r"\bmom'?s\b", "mom is"),
    (r"\b(\w+)in'(?=\s|$)", r"\1ing"),
    (r"\b(?:just|really|actually|literally|honestly|so|kinda|even|simply|almost) ", ""),
    (r"\b(?:fucking|freaking) ", ""),
)
_CONTRACTED = tuple((re.compile(pattern), full) for pattern, full in _CONTRACTIONS)


def simplified(text: str) -> str:
    """`text` in Simplified characters, with one form of those that have several."""
    converted: str = _TO_SIMPLIFIED.convert(text)
    return converted.translate(_TO_SIMPLIFIED_CHARACTERS)


@lru_cache(maxsize=64)  # a partial transcript is asked about again and again
def fold(text: str) -> str:
    """`text` as the rules expect it.

    NFKC, lower case, Simplified characters, full English forms without intensifiers,
    `，` for every punctuation, no fillers, no stutter, no spaces between CJK characters,
    and the `TERMS` in place of their homophones. Quotation marks stay, as `「` and `」`.
    """
    plain = unicodedata.normalize("NFKC", text.translate(_APOSTROPHES)).casefold()
    plain = simplified(plain)
    plain = _QUOTES.sub(lambda mark: "「" if mark.group()[0] in "「『“《〈【" else "」", plain)
    plain = _BREAKS.sub("，", plain)
    plain = _HESITATION.sub("", plain)
    plain = _FILLERS.sub("", plain)
    for pattern, full in _CONTRACTED:
        plain = pattern.sub(full, plain)
    plain = _SPACE_BETWEEN_CJK.sub("", plain)
    plain = _STUTTER.sub(r"\1", plain)
    plain = re.sub(r"\s+", " ", re.sub(r"\s*，[，\s]*", "，", plain)).strip("， ")
    return repair_homophones(plain)


def _sound(syllable: str) -> str:
    for pattern, replacement in _CONFUSED:
        syllable = re.sub(pattern, replacement, syllable)
    return syllable


@lru_cache(maxsize=4096)
def _sounds(text: str) -> tuple[str, ...]:
    """The sound of every character with its tone; what has no reading stands for itself."""
    return tuple(
        _sound(lazy_pinyin(character, style=Style.TONE3, neutral_tone_with_five=True)[0])
        for character in text
    )


_TERMS_BY_SOUND = {_sounds(term): term for term in TERMS}
_LENGTHS = sorted({len(term) for term in TERMS}, reverse=True)


def repair_homophones(text: str) -> str:
    """Put a term where the text sounds like it and is no word of its own.

    艺术 is left alone, being a word; 字杀 is none and becomes 自杀. A window that begins or
    ends inside a word (我想使用 for 想死) is left alone, too.
    """
    if not re.search(rf"[{_CJK}]", text):
        return text
    words = rjieba.cut(text, False)
    borders, position = {0}, 0
    singles: set[int] = set()
    for word in words:
        if len(word) == 1:
            singles.add(position)
        position += len(word)
        borders.add(position)
    sounds = tuple(_sounds(character)[0] for character in text)
    repaired = list(text)
    for length in _LENGTHS:
        for start in range(len(text) - length + 1):
            end = start + length
            term = _TERMS_BY_SOUND.get(sounds[start:end])
            if term is None or start not in borders or end not in borders:
                continue
            if any(position in singles for position in range(start, end)):
                repaired[start:end] = term
    return "".join(repaired)
