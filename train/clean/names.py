"""Names of people, without a network and without a model to fetch.

Presidio finds Chinese names through a spaCy model, and no such model is on the package
index. In its place: the names of those who write in the chat itself, a list of the user's
own, what people say when they introduce themselves, and the part-of-speech tagger of jieba
(already here for the Mandarin voice), held to surnames and kept from dictionary words.
Measured on the sentences of the tests only: a help, not a guarantee, and not high risk.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

import opencc
import rjieba

from train.clean.pii import Finding

# The 100 commonest surnames of mainland China (Ministry of Public Security, 2020), those of
# Taiwan that are not among them, and compound ones.
_SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程"
    "苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝"
    "龚邵万钱严覃武戴莫孔向汤游詹简阮柯翁卓洪庄欧"
)
_COMPOUND_SURNAMES = ("欧阳", "司马", "上官", "诸葛", "司徒", "张简", "范姜", "夏侯", "皇甫")
# Places and things that jieba tags as people.
_NOBODY = frozenset({"高雄", "白雪", "唐诗", "宋词", "黄昏", "方圆", "石榴", "金门", "马祖"})
_TITLES = ("老师", "先生", "小姐", "女士", "医生", "同学", "阿姨", "叔叔", "总", "哥", "姐")
_INTRODUCED = re.compile(
    r"(?:我叫|我名叫|我的名字[是叫]|名字叫|姓名[:：是])\s*([\u4e00-\u9fff]{2,4}?)(?=[，。,.!！?？\s、；;]|$)"
    r"|(?i:my name is|my name's|i am called|call me)\s+([A-Z][a-z]+(?:\s[A-Z][a-z]+)?)"
)
# Shorter ones are everywhere in other words: 安 in 安静, An at the head of a sentence.
_LEAST_CHARS = 2
_LEAST_LATIN_CHARS = 3
# What contacts are saved as that names nobody, and that a chat cannot do without.
_RELATIONS = frozenset(
    {"妈妈", "媽媽", "爸爸", "老妈", "老媽", "老爸", "爷爷", "爺爺", "奶奶", "外婆", "外公"}
    | {"哥哥", "姐姐", "弟弟", "妹妹", "老公", "老婆", "宝宝", "寶寶", "宝贝", "寶貝", "亲爱的"}
    | {"老师", "老師", "老板", "老闆", "同学", "同學", "朋友", "客户", "客戶", "医生", "醫生"}
    | {"Mom", "Mum", "Dad", "Mama", "Papa", "Boss", "Teacher", "Doctor"}
)


class NameFinder:
    """Finds the same names every time.

    Args:
        known: Names that occur, such as the senders of the chat.
        keep: Names that stay, such as the persona's own.
        tag: Whether to look for names that are not known, with jieba.
    """

    def __init__(
        self, known: Iterable[str] = (), *, keep: Iterable[str] = (), tag: bool = True
    ) -> None:
        self._keep = frozenset(keep)
        self._tag = tag
        self._known = _any_of({name.strip() for name in known} - self._keep)

    def find(self, text: str) -> list[Finding]:
        """Names in `text`, in order, none overlapping another."""
        taken: list[Finding] = []
        for start, end in self._spans(text):
            if text[start:end] not in self._keep and all(
                end <= other.start or start >= other.end for other in taken
            ):
                taken.append(Finding("name", start, end))
        return sorted(taken, key=lambda one: one.start)

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        if self._known is not None:
            for found in self._known.finditer(text):
                yield found.span()
        for found in _INTRODUCED.finditer(text):
            yield found.span(found.lastindex or 0)
        if self._tag and not text.isascii():
            yield from _tagged(text)


def _any_of(names: Iterable[str]) -> re.Pattern[str] | None:
    telling = (name for name in names if _is_telling(name))
    ordered = sorted(telling, key=len, reverse=True)
    if not ordered:
        return None
    # A Latin name ends where its letters end; a Chinese one may stand beside anything.
    parts = (
        rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])" if name.isascii() else re.escape(name)
        for name in ordered
    )
    return re.compile("|".join(parts))


def _is_telling(name: str) -> bool:
    least = _LEAST_LATIN_CHARS if name.isascii() else _LEAST_CHARS
    return len(name) >= least and name not in _RELATIONS


def _tagged(text: str) -> Iterator[tuple[int, int]]:
    simplified = _to_simplified().convert(text)
    if len(simplified) != len(text):
        return  # offsets would not carry over; phrases that change length are rare
    at = 0
    for word, part in rjieba.tag(simplified):
        if part.startswith("nr") and _is_name(word):
            yield at, at + len(word)
        at += len(word)


def _is_name(word: str) -> bool:
    surname = 2 if word.startswith(_COMPOUND_SURNAMES) else 1
    given = len(word) - surname
    if not 1 <= given <= 2 or (surname == 1 and word[0] not in _SURNAMES):
        return False
    doubled = word[0] == word[1]  # 谢谢, 常常
    return not doubled and not word.endswith(_TITLES) and word not in _dictionary()


@cache
def _to_simplified() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


@cache
def _dictionary() -> frozenset[str]:
    """Common words, which jieba sometimes tags as names."""
    from pypinyin.constants import PHRASES_DICT

    return frozenset(PHRASES_DICT) | _NOBODY
