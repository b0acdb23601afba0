"""Cut a clause into phrases: one language each, with the pause that follows.

Of 今天的meeting怎么样？我想听， these become

    今天的 (zh)   meeting (en)   怎么样？ (zh, long pause)   我想听， (zh, short pause)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

from pipeline.text import Language, Unit, count_units
from pipeline.text import units as text_units
from pipeline.tts.mandarin_rules import MEASURED_UNITS
from pipeline.tts.speakable import strip_unspeakable_spans

# Silence after a phrase, in seconds, by the mark that ends it. The order of the kinds and
# the size of a comma's and a full stop's pause are those of read Mandarin (minor phrase
# about 0.2 s, major phrase 0.4 s and more); `SpeechStyle.pause_scale` stretches them.
PAUSE_SECS = {
    "、": 0.10, ",": 0.18, "，": 0.18, ":": 0.22, "：": 0.22, ";": 0.28, "；": 0.28,
    "—": 0.28, "–": 0.20, ".": 0.40, "。": 0.40, "!": 0.40, "！": 0.40, "?": 0.45, "？": 0.45,
    "…": 0.50, "~": 0.20, "～": 0.20, "\n": 0.45,
}  # fmt: skip
_LANGUAGE_CHANGE_SECS = 0.05  # between two voices inside a sentence, a breath less than a comma

_CLOSERS = "”’」』）)】》〉\"'"
# Marks that end a phrase. Latin ones only before a space or the end: not in 3.5 or 10:30.
_BREAK = re.compile(
    rf"(?:[，。！？；：、…—～\n]|[,.!?;:~](?=[\s{re.escape(_CLOSERS)}]|$))+[{re.escape(_CLOSERS)}]*\s*"
)
# What follows a number that counts in Mandarin, in either script.
_MEASURE = (
    "(?:[个個位名人次遍回趟种種份段句件条條张張本只隻台部辆輛间間层層楼樓颗顆粒片瓶杯碗顿頓双雙对對"
    "家口声聲首封页頁集项項题題步倍折成米斤岁歲年月日号號天周週夜点點分秒元块塊毛千百万萬亿億十几幾多]"
    "|小时|小時|公里|公斤|公分|星期|礼拜|禮拜|世纪|世紀|毫升|毫克)"
)
# Marks inside one number: 2～3杯, 11：05, 2、3天, but not in the counting of 1、2、3.
_JOINT = re.compile(rf"(?<=\d)[：～—–](?=\d)|(?<=(?<![\d.、])[1-9])、(?=[1-9]{_MEASURE})")
_WIDE_MARK = re.compile(r"[，。！？；：…—～\n]")  # not the 、 of iPhone 15、16
_COUNTED = re.compile(rf"[\d.,:：%/~～、–—-]*\s*{_MEASURE}")
_UNITS = frozenset(MEASURED_UNITS) | {"g"}
_SIGNS = "-+$¥￥€£#"  # written before a number and read with it
# English keeps its commas and stops: that voice phrases by them itself.
_ENGLISH_BREAK = re.compile(r"\n\s*")
_MAX_SPELLED_LETTERS = 5  # KTV, PTSD, ADHD: spelled inside Mandarin as Mandarin speakers do
_SPELLED_WORDS = frozenset({"ok", "app", "vip", "dna", "diy", "ktv", "ptsd", "adhd", "cbt", "emo"})


@dataclass(frozen=True, slots=True)
class Phrase:
    """text[start:end] in one language, followed by `pause_secs` of silence."""

    start: int
    end: int
    language: Language
    pause_secs: float


def phrases(text: str, available: Set[Language], default: Language = "zh") -> list[Phrase]:
    """Phrases of `text` in order and disjoint; stretches with nothing to say are left out.

    Args:
        text: A clause as written.
        available: Languages there is a voice for; text in another goes to one of these.
        default: Language of a text that has numbers and no words.
    """
    hidden = [False] * len(text)
    for span in strip_unspeakable_spans(text):
        hidden[span.start : span.end] = [True] * (span.end - span.start)
    visible = "".join(" " if hide else char for char, hide in zip(text, hidden, strict=True))
    found: list[Phrase] = []
    for start, end, language in _runs(visible, available, default):
        for piece_start, piece_end in _pieces(visible, start, end, language):
            piece = visible[piece_start:piece_end]
            pause = _pause_secs(piece)
            if count_units(piece):
                found.append(Phrase(piece_start, piece_end, language, pause))
            elif found and pause > found[-1].pause_secs:
                found[-1] = _with_pause(found[-1], pause)
    for index, phrase in enumerate(found[:-1]):
        if not phrase.pause_secs:
            found[index] = _with_pause(phrase, _LANGUAGE_CHANGE_SECS)
    return found


def _with_pause(phrase: Phrase, pause_secs: float) -> Phrase:
    return Phrase(phrase.start, phrase.end, phrase.language, pause_secs)


def _runs(
    text: str, available: Set[Language], default: Language
) -> Iterator[tuple[int, int, Language]]:
    """Stretches of one language. Punctuation stays with what precedes it."""
    if len(available) == 1:
        yield 0, len(text), next(iter(available))
        return
    found = text_units(text)
    mixes = any(unit.kind == "cjk" for unit in found)
    start = 0
    current: Language | None = None
    for index, unit in enumerate(found):
        language = _language_at(text, found, index, current, mixes)
        if language == current:
            continue
        if current is not None:
            signed = unit.kind == "number"
            begin = len(text[: unit.start].rstrip(_SIGNS)) if signed else unit.start
            yield start, begin, current
            start = begin
        current = language
    yield start, len(text), current or default


def _language_at(
    text: str, found: Sequence[Unit], index: int, before: Language | None, mixes: bool
) -> Language | None:
    """Language of the unit found[index], the one before it being spoken in `before`.

    Numbers, and letters that end them (iPhone 15Pro), stay with what precedes them, unless
    English does and the number `_counts_in_mandarin`.
    """
    unit = found[index]
    if unit.kind == "cjk":
        return "zh"
    if unit.kind == "number":
        return (
            "zh" if mixes and before == "en" and _counts_in_mandarin(text, found, index) else before
        )
    if before is not None and text[unit.start - 1].isdigit():
        return before
    return "zh" if mixes and _belongs_to_mandarin(text, unit.start, unit.end) else "en"


def _counts_in_mandarin(text: str, found: Sequence[Unit], index: int) -> bool:
    """Whether the number found[index], behind English, is read in Mandarin.

    It is where it counts something (Google 3年), has a unit (Xanax 5mg) or stands after a
    Mandarin mark (Zoom，988); not where it belongs to the English: iPhone 15拍的.
    """
    number = found[index]
    if _COUNTED.match(text, number.end):
        return True
    following = found[index + 1] if index + 1 < len(found) else None
    if following is not None and following.kind == "word":
        if following.start == number.end:
            return following.text in _UNITS
        if not _WIDE_MARK.search(text, number.end, following.start):
            return False  # 10 minutes
    return _WIDE_MARK.search(text, found[index - 1].end, number.start) is not None


def _belongs_to_mandarin(text: str, start: int, end: int) -> bool:
    """Whether a Latin word inside Mandarin is read there: OK, KTV, A, or a unit as in 5kg."""
    word = text[start:end]
    if start > 0 and text[start - 1].isdigit():
        return True
    if re.match(r"\s+[A-Za-z]", text[end:]) or re.search(r"[A-Za-z]\s+$", text[:start]):
        return False  # one of several English words
    is_short = word.isupper() and len(word) <= _MAX_SPELLED_LETTERS
    return is_short or len(word) == 1 or word.lower() in _SPELLED_WORDS


def _pieces(text: str, start: int, end: int, language: Language) -> Iterator[tuple[int, int]]:
    pattern = _BREAK if language == "zh" else _ENGLISH_BREAK
    at = start
    for match in pattern.finditer(text, start, end):
        if _JOINT.match(text, match.start()):
            continue
        yield at, match.end()
        at = match.end()
    if at < end:
        yield at, end


def _pause_secs(piece: str) -> float:
    """The longest pause among the marks at the end of `piece`."""
    ending = piece[len(piece.rstrip("".join(PAUSE_SECS) + _CLOSERS + " \t\r")) :]
    return max((PAUSE_SECS[mark] for mark in ending if mark in PAUSE_SECS), default=0.0)
