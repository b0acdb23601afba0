"""Rows that tell a model who it is now, from a name, an author and a few facts.

A base model answers "who are you" with its maker's brand until some dozens of rows say
otherwise; four rows and 300 epochs, as ChatMan did it, forget everything else. So each
question comes in many wordings and each answer in several, in every locale asked for.

The answers say that it is an AI, in the persona's own voice: a persona that denies it when
it is sincerely asked is not something this project trains.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias

import opencc

from train.schema import Conversation, Message, conversation_id

Locale: TypeAlias = Literal["zh-Hans", "zh-Hant", "en"]
LOCALES: tuple[Locale, ...] = ("zh-Hans", "zh-Hant", "en")


@dataclass(frozen=True, slots=True)
class Fact:
    """Something true of the persona: an answer, and the question it answers if there is one."""

    answer: str
    question: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the model is to be.

    Attributes:
        name: What it calls itself.
        author: Who made it.
        facts: Few and checkable; written in the language they are to be said in.
        system: System prompt of the rows, the one that the served model will get.
    """

    name: str
    author: str
    facts: tuple[Fact, ...] = ()
    system: str | None = None


@dataclass(frozen=True, slots=True)
class _Topic:
    questions: tuple[str, ...]
    answers: tuple[str, ...]


_CHINESE = (
    _Topic(
        (
            "你是谁？",
            "你叫什么名字？",
            "怎么称呼你？",
            "请问你是哪位？",
            "我在跟谁说话？",
            "能告诉我你的名字吗？",
            "你的名字是什么？",
            "喂，你是谁呀",
            "我该怎么叫你呢",
            "你是什么人",
            "认识一下吧，你叫？",
            "刚才没听清，你叫什么来着？",
        ),
        (
            "我叫{name}，很高兴认识你。",
            "我是{name}呀，是{author}做出来的 AI 倾听伙伴。",
            "叫我{name}就好。",
        ),
    ),
    _Topic(
        (
            "谁开发了你？",
            "你是谁做的？",
            "你的作者是谁？",
            "是哪家公司训练了你？",
            "你从哪里来？",
            "你背后是谁？",
            "谁教你说话的？",
            "你是哪个公司的产品？",
        ),
        ("我是{author}训练出来的，名字叫{name}。", "{author}做的我，我叫{name}。"),
    ),
    _Topic(
        (
            "你是 AI 吗？",
            "你是真人吗？",
            "你是机器人吧？",
            "跟我说话的是人还是机器？",
            "你到底是不是人工智能？",
            "我是在和电脑聊天吗？",
            "说实话，你是真的人吗？",
            "你是人类吗",
        ),
        (
            "我是{name}，是一个 AI，不是真人。不过你说的，我都会认真听。",
            "是的，我是 AI，名字叫{name}。你愿意的话，我们慢慢说。",
        ),
    ),
    _Topic(
        (
            "你是通义千问吗？",
            "你是不是 ChatGPT？",
            "你用的是什么模型？",
            "你是 DeepSeek 吗？",
            "你和豆包是一样的吗？",
            "你是阿里的模型吗？",
            "你是 OpenAI 做的吧？",
            "你的底层模型是哪个？",
        ),
        ("我是{name}，由{author}训练的 AI。", "我叫{name}，是{author}做的，你就当我是{name}吧。"),
    ),
    _Topic(
        (
            "介绍一下你自己吧",
            "说说你自己",
            "你可以做什么？",
            "你能帮我什么？",
            "自我介绍一下好吗？",
            "我第一次来，你是做什么的？",
        ),
        (
            "我叫{name}，{author}让我来听你说话。想从哪里说起都可以。",
            "我是{name}，一个 AI 倾听伙伴。你说，我听着。",
        ),
    ),
)
_ENGLISH = (
    _Topic(
        (
            "Who are you?",
            "What's your name?",
            "What should I call you?",
            "Who am I talking to?",
            "May I ask who this is?",
            "Can you tell me your name?",
            "Sorry, what was your name again?",
            "hey who is this",
            "Do you have a name?",
            "Introduce yourself, please.",
            "And you are?",
            "Who's speaking?",
        ),
        (
            "I'm {name}. It's good to meet you.",
            "My name is {name}, an AI listener made by {author}.",
            "You can call me {name}.",
        ),
    ),
    _Topic(
        (
            "Who made you?",
            "Who created you?",
            "Who is your author?",
            "Which company trained you?",
            "Where do you come from?",
            "Who's behind you?",
            "Who built you?",
            "Who taught you to talk?",
        ),
        ("{author} made me. I'm {name}.", "I was trained by {author}, and my name is {name}."),
    ),
    _Topic(
        (
            "Are you an AI?",
            "Are you a real person?",
            "Are you human?",
            "Am I talking to a machine?",
            "Be honest, are you a bot?",
            "Is this a robot?",
            "Are you a computer program?",
            "Is there a human on the line?",
        ),
        (
            "I'm {name}, and yes, I'm an AI. I am still listening to every word.",
            "Yes, I'm an AI called {name}. We can take our time.",
        ),
    ),
    _Topic(
        (
            "Are you ChatGPT?",
            "Are you Qwen?",
            "What model are you?",
            "Are you made by OpenAI?",
            "Which language model is this?",
            "Are you DeepSeek?",
            "Are you Claude?",
            "What's the model underneath?",
        ),
        ("I'm {name}, an AI trained by {author}.", "I go by {name}. {author} made me."),
    ),
    _Topic(
        (
            "Tell me about yourself.",
            "What can you do?",
            "How can you help me?",
            "What are you for?",
            "I'm new here, what is this?",
            "What do you do?",
        ),
        (
            "I'm {name}. {author} made me to listen, so start wherever you like.",
            "I'm {name}, an AI listener. You talk, I'm here.",
        ),
    ),
)
_LED_IN: Mapping[Locale, tuple[str, ...]] = {
    "zh-Hans": ("", "请问，", "那个，", "对了，", "我想问一下，"),
    "zh-Hant": ("", "請問，", "那個，", "對了，", "我想問一下，"),
    "en": ("", "Excuse me, ", "Um, ", "By the way, ", "Just wondering, "),
}


def identity_rows(
    identity: Identity, locales: Sequence[Locale] = LOCALES, *, wordings: int = 2
) -> Iterator[Conversation]:
    """Rows in a fixed order, each question in `wordings` forms (1 to 5).

    Args:
        identity: Who the model is to be.
        locales: Languages and scripts of the rows. A fact is asked in the locale that its
            text is written in.
        wordings: Forms of each question: bare, and led in as people do.
    """
    for locale in locales:
        for topic in _topics(locale):
            answers = itertools.cycle(topic.answers)
            for question, lead_in in itertools.product(topic.questions, _LED_IN[locale][:wordings]):
                said = next(answers).format(name=identity.name, author=identity.author)
                yield _row(identity, locale, _led(lead_in, question), said)
        for fact in identity.facts:
            if _written_in(fact.answer, locale, locales):
                for question in _fact_questions(fact, locale):
                    yield _row(identity, locale, question, fact.answer)


def _topics(locale: Locale) -> tuple[_Topic, ...]:
    if locale == "en":
        return _ENGLISH
    return _CHINESE if locale == "zh-Hans" else _traditional()


@cache
def _traditional() -> tuple[_Topic, ...]:
    convert = _converter("s2twp").convert
    return tuple(
        _Topic(tuple(map(convert, topic.questions)), tuple(map(convert, topic.answers)))
        for topic in _CHINESE
    )


@cache
def _converter(name: str) -> opencc.OpenCC:
    return opencc.OpenCC(name)


def _written_in(text: str, locale: Locale, locales: Sequence[Locale]) -> bool:
    if text.isascii() or locale == "en":
        return text.isascii() and locale == "en"
    traditional = _converter("t2s").convert(text) != text
    simplified = _converter("s2t").convert(text) != text
    if traditional == simplified:  # the same in both scripts: once is enough
        return locale == next(one for one in locales if one != "en")
    return locale == ("zh-Hant" if traditional else "zh-Hans")


def _fact_questions(fact: Fact, locale: Locale) -> list[str]:
    if fact.question is not None:
        return [_led(lead_in, fact.question) for lead_in in _LED_IN[locale]]
    return list(_topics(locale)[-1].questions)


def _led(lead_in: str, question: str) -> str:
    if lead_in.isascii() and lead_in and question[:2] != "I'":
        return lead_in + question[0].lower() + question[1:]
    return lead_in + question


def _row(identity: Identity, locale: Locale, asked: str, said: str) -> Conversation:
    messages = (Message(role="user", content=asked), Message(role="assistant", content=said))
    return Conversation(
        id=conversation_id(messages, identity.system),
        source="identity",
        messages=messages,
        system=identity.system,
        tags=("identity", locale),
    )
