"""Moments of calls, each with the reply to learn, in the listener's style."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from agent.conversations import lint
from agent.conversations.prompts import Prompt, prompts
from tests.train.data.test_counsellor_style import BOUNDS, trigrams
from train import schema
from train.counsellor import LOCALES, MOMENTS
from train.mix.identity import Locale
from train.schema import Conversation

FIRST_CALLS = Path(__file__).parents[2] / "data" / "moments" / "first_calls.jsonl"
each_locale = pytest.mark.parametrize("locale", LOCALES)


@cache
def moments(locale: Locale) -> list[Conversation]:
    return list(schema.read_only(MOMENTS / f"{locale}.jsonl", Conversation))


@each_locale
def test_the_last_reply_alone_is_learnt(locale: Locale) -> None:
    """What was said before is context; the id is that of the words."""
    for one in moments(locale):
        learnt = [message for message in one.messages if message.role == "assistant"]
        assert [bool(message.weight) for message in learnt] == [False] * (len(learnt) - 1) + [True]
        assert one.id == schema.conversation_id(one.messages)
        assert one.tags[:2] == (locale, "moment")


@each_locale
def test_it_is_in_style(locale: Locale) -> None:
    """Spoken, in one or two sentences, one question at most, without advice or diagnosis.

    First clauses may be longer than those of the dialogues, as they keep to the caller's words.
    """
    said = [one.messages[-1].content for one in moments(locale)]
    faulty = {
        text: faults
        for text in said
        if (faults := {*lint.faults(text, locale, BOUNDS[locale])} - {"first clause"})
    }
    assert faulty == {}
    assert Counter(said).most_common(1)[0][1] == 1


@each_locale
def test_chinese_keeps_to_its_script(locale: Locale) -> None:
    """A character of the other script is in no caller's and no listener's words."""
    if locale == "en":
        return
    words = [message.content for one in moments(locale) for message in one.messages]
    assert not [text for text in words if lint.strange_characters(text, locale)]


@each_locale
def test_no_measuring_moment_is_learnt(locale: Locale) -> None:
    """Not even nearly: of the two sixties that measure none shares half of its words."""
    own = locale == "en"
    lines = FIRST_CALLS.read_text("utf-8").splitlines()
    measuring = [*prompts(), *map(Prompt.model_validate_json, lines)]
    measured = [
        found
        for prompt in measuring
        if prompt.locale == locale and (found := trigrams(" ".join(prompt.turns), words=own))
    ]
    for one in moments(locale):
        words = trigrams(" ".join(message.content for message in one.messages), words=own)
        assert all(len(words & other) < 0.5 * len(other) for other in measured)
