"""Names of people, without a network and without a model to fetch.

Presidio finds Chinese names through a spaCy model, and no such model is on the package
index. In its place: the names of those who write in the chat itself, a list of the user's
own, what people say when they introduce themselves or others (then known everywhere), and
the part-of-speech tagger of jieba (already here for the Mandarin voice), held to surnames and
kept from dictionary words. A given name is the same person as the full name that it is part of.

A help, not a guarantee, and not high risk. What it misses: nicknames (老王, 小李) and surnames
with a title (王老师), given names that are words (建国), English names outside an introduction,
and names of more than one chat that were never introduced in this one.
"""

from __future__ import annotations

import itertools
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
    "施凌鲍柳苗俞殷章葛柴岳辛祝池骆聂耿焦樊阎喻"
)
_COMPOUND_SURNAMES = ("欧阳", "司马", "上官", "诸葛", "司徒", "张简", "范姜", "夏侯", "皇甫")
# Places and things that jieba tags as people.
_NOBODY = frozenset(
    {"高雄", "白雪", "唐诗", "宋词", "黄昏", "方圆", "石榴", "金门", "马祖", "高中生", "白领"}
    | {"陈皮", "高材生", "金主", "高管", "黄牛", "毛孩子", "段子", "毛巾", "白痴", "孔雀鱼"}
    | {"高丽菜", "章鱼", "胡琴", "张嘴", "高三", "高二", "高一", "宋体", "黄花鱼", "戴眼镜"}
    | {"杨梅", "顾客"}
)
_TITLES = (
    *("老师", "先生", "小姐", "女士", "医生", "同学", "阿姨", "叔叔", "总", "哥", "姐", "经理"),
    *("主任", "校长", "院长", "教授", "律师", "警官", "大夫", "护士", "太太", "伯伯", "师傅", "叔"),
)
_LATIN = r"[A-Z](?:['’][A-Z])?[a-z]+(?:-[A-Z][a-z]+)*"
_END = r"(?=[，。,.!！?？\s、；;啊呀哦呢吧~～]|$)"
# Introduced by 叫 or 名字, anybody; by 是 alone, only what looks like a name.
_INTRODUCED = re.compile(
    r"(?:(?:(?<![管把])[我他她]|儿子|女儿|朋友|同事|老公|老婆|同学|名字?|姓.，)叫|我的?名字[是叫]"
    r"|(?:姓名|联系人|收件人|收货人|聯絡人)\s*(?:[是写填]|[:：]|\s))\s*"
    rf"(?P<called>[\u4e00-\u9fff]{{2,4}}?|{_LATIN}){_END}"
    r"|叫我\s*(?P<told>[\u4e00-\u9fff]{2,3}?)(?:就[好行]|好了|吧)"
    rf"|叫我\s*(?P<nick>[\u4e00-\u9fff]{{2,3}}?){_END}"
    rf"|(?:我是|[敬此]致|敬上)\s*(?P<is>[\u4e00-\u9fff]{{2,4}}?){_END}"
    rf"|(?i:my name is|my name's|i am called|call me)\s+(?P<latin>{_LATIN}(?:\s{_LATIN})?)"
    rf"|(?i:this is)\s+(?P<speaking>{_LATIN}(?:\s{_LATIN})?)\s+(?:speaking|calling|here)"
)
_SURE = ("called", "told")  # the other ways say more than names
# What follows 我叫 and 叫我 where nobody is named: 我叫他别来, 叫我怎么办, 我叫了外卖.
_NO_NAME = re.compile(
    "[了他她它你我您们着过谁什么怎别不没去来的得把给让吃喝买车个这那都先人]|外卖|代驾|救护"
)
_PET_NAME = re.compile("[小阿老].")
# Surnames that count things: 这张脸, 一段时间.
_MEASURE = re.compile("[这那哪一二两三四五六七八九十几半每整0-9][张段]")
# A verb that jieba takes for the end of a name: 林建宏敬上.
_VERBS = ("敬", "说", "来", "去", "问", "想", "要", "给", "到", "在")
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
        keep: Names that stay, in either script, such as the persona's own.
        tag: Whether to look for names that are not known, with jieba.
    """

    def __init__(
        self, known: Iterable[str] = (), *, keep: Iterable[str] = (), tag: bool = True
    ) -> None:
        self._keep = frozenset(map(_simplified, keep))
        self._tag = tag
        names = {part for name in known for part in _parts(name)} - self._keep
        self._full = {
            given: name for name in sorted(names) if (given := _given(name)) and given not in names
        }
        self._known = _any_of((names | self._full.keys()) - self._keep)

    def find(self, text: str) -> list[Finding]:
        """Names in `text`, in order, none overlapping another."""
        taken: list[Finding] = []
        for start, end in self._spans(text):
            if _simplified(text[start:end]) not in self._keep and all(
                end <= other.start or start >= other.end for other in taken
            ):
                taken.append(Finding("name", start, end))
        return sorted(taken, key=lambda one: one.start)

    def person(self, name: str) -> str:
        """The same text for every way in which a person is named: 小明 is 李小明."""
        simplified = _simplified(name)
        return self._full.get(simplified, simplified).casefold()

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        text = _simplified(text)
        if self._known is not None:
            for found in self._known.finditer(text):
                yield found.span()
        yield from _introduced(text)
        if self._tag and not text.isascii():
            yield from _tagged(text)


def introduced(text: str) -> set[str]:
    """Full names that somebody gives in `text`, to be looked for in all others.

    Pet names are left out: 小雨 rains in other sentences.
    """
    plain = _simplified(text)
    return {
        text[start:end]
        for start, end in _introduced(plain)
        if plain[start:end].isascii() or _surname_chars(plain[start:end])
    }


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


def _parts(name: str) -> set[str]:
    """A sender's name, and the person's own name in it: 王芳（同事） is 王芳 elsewhere."""
    plain = _simplified(name.strip())
    runs = re.findall(r"[\u4e00-\u9fff]+", plain)
    return {plain, *(run for run in runs if run != plain and len(run) <= 4 and _is_name(run))}


def _given(name: str) -> str | None:
    """The given name of a full Chinese name, if it is long enough and no word itself."""
    surname = _surname_chars(name)
    given = name[surname:]
    if not surname or len(given) != _LEAST_CHARS or given in _dictionary():
        return None
    (_, part), *others = rjieba.tag(given)
    return given if others or part.startswith("nr") or part == "x" else None


def _introduced(text: str) -> Iterator[tuple[int, int]]:
    for found in _INTRODUCED.finditer(text):
        group = found.lastgroup or "called"
        name = found[group]
        if name.isascii() or (_is_name(name) and (group in _SURE or _is_tagged(name))):
            yield found.span(group)
        elif _NO_NAME.search(name) is None and name not in _RELATIONS | _NOBODY:
            pet = _PET_NAME.fullmatch(name) and (group == "nick" or _is_tagged(name))
            unheard = name not in _dictionary() and (group == "called" or pet)
            if group == "told" or unheard:
                yield found.span(group)


def _is_tagged(word: str) -> bool:
    """Whether jieba takes it for a name: 我是宋佳, and neither 我是金牛座 nor 我是马上到."""
    return bool(rjieba.tag(word)[0][1].startswith("nr"))


def _tagged(text: str) -> Iterator[tuple[int, int]]:
    at, words = 0, [*rjieba.tag(text), ("", "")]
    for (word, part), (after, its_part) in itertools.pairwise(words):
        name = word
        if len(word) == 4 and word.endswith(_VERBS) and not word.startswith(_COMPOUND_SURNAMES):
            name = word[:-1]
        elif _is_surname(word, part) and len(after) == 2 and its_part.startswith("n"):
            name, part = word + after, "nr"  # it parts what it does not know: 赵|铁柱
        counts = at > 0 and _MEASURE.fullmatch(text[at - 1 : at + 1]) is not None
        if part.startswith("nr") and _is_name(name) and not counts:
            yield at, at + len(name)
        at += len(word)


def _is_surname(word: str, part: str) -> bool:
    return word in _COMPOUND_SURNAMES or (part.startswith("nr") and word in _SURNAMES)


def _surname_chars(name: str) -> int:
    """Characters of the surname of a full Chinese name, 0 if it is none."""
    surname = 2 if name.startswith(_COMPOUND_SURNAMES) else 1
    known = surname == 2 or name[:1] in _SURNAMES
    return surname if known and 1 <= len(name) - surname <= 2 else 0


def _is_name(word: str) -> bool:
    if not _surname_chars(word):
        return False
    doubled = word[0] == word[1]  # 谢谢, 常常
    return not doubled and not word.endswith(_TITLES) and word not in _dictionary()


def _simplified(text: str) -> str:
    """In simplified characters, each in its place."""
    if text.isascii():
        return text
    converted = _to_simplified().convert(text)
    return converted if len(converted) == len(text) else text


@cache
def _to_simplified() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


@cache
def _dictionary() -> frozenset[str]:
    """Common words, which jieba sometimes tags as names."""
    from pypinyin.constants import PHRASES_DICT

    return frozenset(PHRASES_DICT) | _NOBODY
