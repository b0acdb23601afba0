"""Exchanges that do not stand by themselves: cut off, or jumping to another topic.

A score is a sum of signs, each with its weight; none proves anything, so what scores high
is shown to a person (`train.clean.review`) and nothing is dropped by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import opencc
import rjieba

from pipeline.text import count_units
from train.schema import Conversation, Message, content_id

THRESHOLD = 0.5
# By judgement: one strong sign, or two weak ones, reach the threshold.
_WEIGHTS: Mapping[str, float] = {
    "cut_off": 0.5,
    "topic_marker": 0.5,
    "unrelated": 0.3,
    "question_passed_over": 0.2,
    "late": 0.2,
    "no_words": 0.3,
}
_LATE_SECS = 30 * 60
_COMPARED_UNITS = 6  # shorter replies ("好啊") share no words with anything, and rightly

_CUT_OFF = re.compile(
    r"(?:因为|因為|所以|但是|可是|(?<!再好)(?:不过|不過)|然后|然後|而且|如果|要是|虽然|雖然|比如|就是说|就是說|以及|或者"
    # English sentences end on "I think so", "bye then" and "I want to"; cut off, on these.
    r"|\b(?:and|but|because|if|although|or|the))\s*(?:[,，、…]|\.{3,})*\s*$"
    # A bracket at the very end is a smile :( or a wink（, as people type it.
    r"|[,，、：:]\s*$|(?:（|\(|「|“)[^）)」”]{4,}$",
    re.IGNORECASE,
)
_TOPIC_MARKER = re.compile(
    r"^\s*(?:[对對]了(?![!！。.~～]|\s*$)|话说|話說|说起来|說起來|突然想[到起]|另外问|换个话题|換個話題|不说这个|不說這個"
    r"|by the way|btw|anyway|speaking of which|off topic)",
    re.IGNORECASE,
)
_QUESTION = re.compile(r"(?:[?？]|吗|嗎|呢|么|麼)[\s~～。.!！]*$")
_FUNCTION_WORDS = frozenset(
    {"我们", "你们", "他们", "这个", "那个", "什么", "怎么", "一个", "没有", "不是", "就是", "可以"}
    | {"现在", "今天", "知道", "觉得", "还是", "时候", "自己", "这样", "那样", "the", "and", "you"}
    | {"that", "for", "are", "was", "with", "have", "this", "not", "but", "what", "just"}
)


@dataclass(frozen=True, slots=True)
class Fragment:
    """One exchange that a person should look at.

    Attributes:
        key: Hash of both sides; the same exchange has it in every import.
        score: 0 to 1.
        signs: Which signs were seen.
        before: What was said just before, for whoever reviews.
    """

    key: str
    score: float
    signs: tuple[str, ...]
    before: str
    user: str
    assistant: str


def exchange_key(user: str, assistant: str) -> str:
    """What decisions are kept by."""
    return content_id(["exchange", user, assistant])


def exchanges(record: Conversation) -> Iterator[tuple[Message, Message]]:
    """User and assistant messages in pairs."""
    turns = iter(record.messages)
    yield from zip(turns, turns, strict=True)


def fragments(record: Conversation, threshold: float = THRESHOLD) -> Iterator[Fragment]:
    """Exchanges of a conversation that score at least `threshold`."""
    before = ""
    for user, assistant in exchanges(record):
        signs = tuple(_signs(before, user, assistant))
        score = min(1.0, round(sum(_WEIGHTS[sign] for sign in signs), 2))
        if signs and score >= threshold:
            key = exchange_key(user.content, assistant.content)
            yield Fragment(key, score, signs, before, user.content, assistant.content)
        before = assistant.content


def _signs(before: str, user: Message, assistant: Message) -> Iterator[str]:
    asked, said = user.content, assistant.content
    if _CUT_OFF.search(asked) or _CUT_OFF.search(said):
        yield "cut_off"
    if _TOPIC_MARKER.search(said):
        yield "topic_marker"
    if not count_units(said) and not count_units(asked):
        yield "no_words"
    if min(count_units(asked), count_units(said)) >= _COMPARED_UNITS:
        words = _content_words(said)
        if words and not words & (_content_words(asked) | _content_words(before)):
            yield "unrelated"
            if _QUESTION.search(asked):
                yield "question_passed_over"
    timed = user.time is not None and assistant.time is not None
    if timed and assistant.time - user.time > _LATE_SECS:  # type: ignore[operator]
        yield "late"


def _content_words(text: str) -> set[str]:
    """Words of two characters or more that say what a text is about, in simplified form."""
    words = rjieba.cut(_to_simplified().convert(text.casefold()))
    return {word for word in words if len(word) > 1 and word.isalnum()} - _FUNCTION_WORDS


@cache
def _to_simplified() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")
