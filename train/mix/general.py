"""Everyday questions with answers that are certain, against forgetting.

Tuning on chats alone makes a small model forget what it knew (ChatMan's author says so of
his own recipe, Machine-Mindset's of theirs). A real instruction set is better; without one,
these rows keep sums, repetition, order and dates alive in both languages.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from train.mix.identity import LOCALES, Locale
from train.schema import Conversation, Message, conversation_id

_Pair: TypeAlias = tuple[str, str]
_WEEKDAYS = {
    "zh": ("一", "二", "三", "四", "五", "六", "日"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_WORDS = (
    ("苹果", "蘋果", "apple"),
    ("雨伞", "雨傘", "umbrella"),
    ("早晨", "早晨", "morning"),
    ("车站", "車站", "station"),
    ("图书馆", "圖書館", "library"),
    ("朋友", "朋友", "friend"),
    ("茶", "茶", "tea"),
    ("书", "書", "book"),
)


def general_rows(
    count: int, locales: Sequence[Locale] = LOCALES, *, seed: int = 0
) -> Iterator[Conversation]:
    """`count` different rows, the same for the same seed."""
    dice = random.Random(seed)
    seen: set[str] = set()
    while len(seen) < count:
        locale = dice.choice(list(locales))
        asked, said = dice.choice(_KINDS)(dice, locale)
        messages = (Message(role="user", content=asked), Message(role="assistant", content=said))
        row = Conversation(
            id=conversation_id(messages),
            source="general",
            messages=messages,
            tags=("general", locale),
        )
        if row.id not in seen:
            seen.add(row.id)
            yield row


def _sum(dice: random.Random, locale: Locale) -> _Pair:
    left, right = dice.randint(2, 999), dice.randint(2, 999)
    total = left + right
    if locale == "en":
        return f"What is {left} plus {right}?", f"{left} plus {right} is {total}."
    ask = "等于多少" if locale == "zh-Hans" else "等於多少"
    return f"{left}加{right}{ask}？", f"{left}加{right}{ask[:2]}{total}。"


def _difference(dice: random.Random, locale: Locale) -> _Pair:
    right, rest = dice.randint(2, 499), dice.randint(2, 499)
    left = right + rest
    if locale == "en":
        return f"What is {left} minus {right}?", f"{left} minus {right} is {rest}."
    ask = "减" if locale == "zh-Hans" else "減"
    return f"{left}{ask}{right}是多少？", f"是{rest}。"


def _order(dice: random.Random, locale: Locale) -> _Pair:
    numbers = dice.sample(range(1, 200), 4)
    listed, ordered = (", ".join(map(str, row)) for row in (numbers, sorted(numbers)))
    if locale == "en":
        return f"Put these in order, smallest first: {listed}", ordered
    ask = "把这些数从小到大排好" if locale == "zh-Hans" else "把這些數從小到大排好"
    return f"{ask}：{listed}", ordered


def _repeat(dice: random.Random, locale: Locale) -> _Pair:
    words = [word[LOCALES.index(locale)] for word in dice.sample(_WORDS, 3)]
    if locale == "en":
        return f"Repeat after me: {' '.join(words)}", " ".join(words)
    ask = "跟我念" if locale == "zh-Hans" else "跟我唸"
    return f"{ask}：{'、'.join(words)}", "、".join(words)


def _translate(dice: random.Random, locale: Locale) -> _Pair:
    simplified, traditional, english = dice.choice(_WORDS)
    number = dice.randint(2, 99)
    if locale == "en":
        return (
            f'How do you say "{english}" in Chinese? It is for card {number}.',
            f"{simplified}（{traditional}）",
        )
    word = simplified if locale == "zh-Hans" else traditional
    ask = "用英语怎么说" if locale == "zh-Hans" else "用英文怎麼說"
    return f"第{number}题：“{word}”{ask}？", english


def _weekday(dice: random.Random, locale: Locale) -> _Pair:
    day = datetime.date(2000, 1, 1) + datetime.timedelta(days=dice.randint(0, 20_000))
    if locale == "en":
        return (
            f"What day of the week is {day:%Y-%m-%d}?",
            f"It is a {_WEEKDAYS['en'][day.weekday()]}.",
        )
    return (
        f"{day.year}年{day.month}月{day.day}日是星期几？"
        if locale == "zh-Hans"
        else f"{day.year}年{day.month}月{day.day}日是星期幾？",
        f"是星期{_WEEKDAYS['zh'][day.weekday()]}。",
    )


_KINDS: tuple[Callable[[random.Random, Locale], _Pair], ...] = (
    _sum,
    _difference,
    _order,
    _repeat,
    _translate,
    _weekday,
)
