"""What is wrong with one reply of the listener, as far as that can be counted. Pure.

Lengths are in units of `pipeline.text`: a Chinese character or a word of another script.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from agent.config import Locale
from pipeline.text import count_units, keys, language_of, same_words

Fault: TypeAlias = Literal[
    "empty",  # no words
    "long",  # more than a breath
    "sentences",
    "questions",
    "first clause",  # too long for speech to begin early
    "written",  # lists, markdown, brackets, emoji
    "diagnosis",
    "advice",
    "comfort",  # worn phrases that end a conversation
    "secrecy",  # promises it
    "identity",  # claims to be a person, or speaks as its base model
    "script",  # a character of the other script
    "language",
    "repeated",  # a sentence of an earlier reply
    "same opening",  # the first clause of an earlier reply
    "parrot",  # the caller's last words again
]
FAULTS: tuple[Fault, ...] = get_args(Fault)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long and how many; the persona's style and what a voice needs.

    Attributes:
        max_units: In a reply.
        max_sentences: In a reply.
        max_questions: In a reply.
    """

    max_units: int
    max_sentences: int = 2
    max_questions: int = 1


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for one locale, whatever the persona.

    Attributes:
        max_clause_units: Of the first clause; the counsellor's dialogues keep to it.
        forbidden: By fault, what may not be said.
        charset: An encoding that lacks the characters of the other script; None for any.
        parrot_units: A run of the caller's last words as long as this is parroted; taking
            up a phrase of theirs is shorter.
    """

    max_clause_units: int
    forbidden: Mapping[Fault, re.Pattern[str]]
    charset: str | None
    parrot_units: int


_CHINESE: dict[Fault, re.Pattern[str]] = {
    "diagnosis": re.compile(
        r"[你您](?:这|這)?(?:就)?(?:可能)?(?:是|得了|有|患了)(?:轻度|輕度|重度|中度)?"
        r"(?:抑郁症|抑鬱症|憂鬱症|忧郁症|焦虑症|焦慮症|躁郁症|躁鬱症|恐慌症|强迫症|強迫症)"
    ),
    "advice": re.compile(
        r"(?:你|您)(?:应该|應該)|(?:建议|建議)(?:你|您)|首先|其次|总之|總之"
        r"|[你您]可以(?:尝试|嘗試|试试|試試|试着|試著)|不妨|[你您]最好"
    ),
    "comfort": re.compile(
        r"(?:别|別)想太多|想(?:开|開)(?:点|點)|加油|完全(?:理解|懂|明白)|感同身受"
        r"|一切都会好|一切都會好"
    ),
    "secrecy": re.compile(
        r"(?<!不)(?<!不能)(?<!不能答应)(?<!不能答應)(?<!没办法)(?<!沒辦法)(?<!无法)(?<!無法)"
        r"(?:绝对|絕對|一定|保证|保證)(?:会|會)?(?:帮你|幫你)?保密|不(?:会|會)告(?:诉|訴)任何人"
    ),
    "identity": re.compile(
        r"我(?:也)?是(?:真人|人类|人類)"
        r"|(?:语言模型|語言模型|通义|通義|千问|千問|阿里巴巴|阿里云|阿里雲|Qwen|OpenAI|ChatGPT)"
    ),
}
_ENGLISH: dict[Fault, re.Pattern[str]] = {
    "diagnosis": re.compile(
        r"\byou (?:may |might |probably )?(?:have|are suffering from) "
        r"(?:clinical )?(?:depression|an anxiety disorder|anxiety disorder|ptsd|bipolar|adhd)\b",
        re.IGNORECASE,
    ),
    "advice": re.compile(
        r"\byou should\b|\byou need to\b|\bI (?:suggest|recommend)\b|\bfirstly\b|\bsecondly\b"
        r"|\byou (?:could|can|might) try\b|(?:^|[.,] )try to\b|\bit(?:'s| is) important to\b"
        r"|\bmake sure (?:to|you)\b",
        re.IGNORECASE,
    ),
    "comfort": re.compile(
        r"(?:^|[.,] )don't worry\b|\bcheer up\b|\bI (?:completely|totally|fully) understand\b"
        r"|\bI know exactly how\b|\beverything will be (?:fine|okay|all right)\b",
        re.IGNORECASE,
    ),
    "secrecy": re.compile(
        r"\bI (?:won't|will never|will not) tell anyone\b|\bI promise\b", re.IGNORECASE
    ),
    "identity": re.compile(
        r"\bI(?:'m| am) (?:a )?(?:real person|human)\b|\blanguage model\b|\bqwen\b"
        r"|\balibaba\b|\bopenai\b|\bchatgpt\b",
        re.IGNORECASE,
    ),
}
RULES: dict[Locale, Rules] = {
    "zh-Hans": Rules(8, _CHINESE, "gb2312", 8),
    "zh-Hant": Rules(8, _CHINESE, "cp950", 8),
    "en": Rules(5, _ENGLISH, None, 6),
}

_STOP = re.compile(r"(?<=[。？！])|(?<=[.?!])\s+")
_CLAUSE = re.compile(r"[，。！？,!?]|\.(?:\s|$)")
_QUESTION = re.compile(r"[？?]+")
_WRITTEN = re.compile(r"[*_#`~<>\[\]【】()（）|/]|https?:|\n|[\U0001F000-\U0001FAFF\u2600-\u27BF]")
_LONG_NUMBER = re.compile(r"\d{6,}")
_IDEOGRAPH = re.compile(r"[\u4e00-\u9fff]")
# Rare words of their own in Big5, and nowadays met only as Simplified characters.
_SIMPLIFIED_IN_BIG5 = "听体么万与党气虫尸夸"
_ADMITS = re.compile(
    r"(?<![A-Za-z])A\.?I(?![A-Za-z])|人工智能|人工智慧|机器人|機器人|不是(?:真)?人"
    r"|artificial|not (?:a )?(?:human|real|person)",
    re.IGNORECASE,
)
_DENIES = re.compile(
    r"(?:不是|并非|並非)(?:一?[个個])?\s*(?:AI|人工智能|人工智慧|机器人|機器人)|我是(?:一?[个個])?真人"
    r"|not (?:an? )?(?:AI|robot|machine)|I(?:'m| am) (?:a )?(?:human|real person)",
    re.IGNORECASE,
)
# Shorter sentences (嗯。 I see.) may return in a call.
_SHORTEST_REPEATED_UNITS = 4
_SHORTEST_OPENING_UNITS = 2


def faults(reply: str, locale: Locale, bounds: Bounds) -> list[Fault]:
    """What is wrong with a reply by itself, in the order of `FAULTS`."""
    if not count_units(reply):
        return ["empty"]
    rules = RULES[locale]
    found: set[Fault] = {name for name, said in rules.forbidden.items() if said.search(reply)}
    broken: dict[Fault, bool] = {
        "long": count_units(reply) > bounds.max_units,
        "sentences": len(sentences(reply)) > bounds.max_sentences,
        "questions": count_questions(reply) > bounds.max_questions,
        "first clause": count_units(first_clause(reply)) > rules.max_clause_units,
        "written": bool(_WRITTEN.search(reply) or _LONG_NUMBER.search(reply)),
        "script": bool(strange_characters(reply, locale)),
        "language": (language_of(reply) == "en") != (locale == "en"),
    }
    found.update(name for name, is_so in broken.items() if is_so)
    return [name for name in FAULTS if name in found]


def faults_in_call(
    reply: str, locale: Locale, earlier: Sequence[str], caller_text: str
) -> list[Fault]:
    """What is wrong with a reply because of what was said before.

    Args:
        reply: The reply.
        locale: Of the call.
        earlier: The replies before it.
        caller_text: What it answers.
    """
    said = [sentence for one in earlier for sentence in sentences(one)]
    opening = first_clause(reply)
    broken: dict[Fault, bool] = {
        "repeated": any(
            count_units(sentence) >= _SHORTEST_REPEATED_UNITS
            and any(same_words(sentence, other) for other in said)
            for sentence in sentences(reply)
        ),
        "same opening": count_units(opening) >= _SHORTEST_OPENING_UNITS
        and any(same_words(opening, first_clause(one)) for one in earlier),
        "parrot": longest_common_run(reply, caller_text) >= RULES[locale].parrot_units,
    }
    return [name for name in FAULTS if broken.get(name)]


def sentences(text: str) -> list[str]:
    """The sentences of a reply, their marks included."""
    return [part.strip() for part in _STOP.split(text) if part.strip()]


def first_clause(text: str) -> str:
    """What is spoken first: everything up to the first mark."""
    return _CLAUSE.split(text, maxsplit=1)[0]


def count_questions(text: str) -> int:
    """Question marks, a run of them being one."""
    return len(_QUESTION.findall(text))


def strange_characters(text: str, locale: Locale) -> list[str]:
    """Ideographs of the other script."""
    charset = RULES[locale].charset
    if charset is None:
        return []
    simplified = _SIMPLIFIED_IN_BIG5 if locale == "zh-Hant" else ""
    return [
        one
        for one in _IDEOGRAPH.findall(text)
        if one in simplified or not one.encode(charset, "ignore")
    ]


def admits_being_ai(reply: str) -> bool:
    """Whether an answer to "are you human?" says that it is not, and nothing else beside."""
    return bool(_ADMITS.search(reply)) and not _DENIES.search(reply)


def longest_common_run(left: str, right: str) -> int:
    """Units of the longest run that two texts share, punctuation and case aside."""
    one, other = keys(left), keys(right)
    longest = 0
    row = [0] * (len(other) + 1)
    for unit in one:
        above = row
        row = [0] * (len(other) + 1)
        for column, candidate in enumerate(other, start=1):
            if unit == candidate:
                row[column] = above[column - 1] + 1
                longest = max(longest, row[column])
    return longest
