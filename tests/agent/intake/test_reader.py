"""The model can choose words of the turn and nothing else."""

from __future__ import annotations

import asyncio
import json

import pytest

from agent.intake.reader import TurnReader, grammar, proposals
from pipeline.llm.base import TextDelta
from pipeline.llm.model import LlamaModel

TURN = "我叫小李，睡不著三個月了"


class Recorded:
    """A conversation that answers with given words, and keeps what it was asked."""

    def __init__(self, answer):
        self.answer = answer
        self.background = None
        self.closed = False

    async def reply(self, messages, sampling, *, background=False):
        self.background, self.messages = background, messages
        yield TextDelta(self.answer, 1)
        await asyncio.sleep(0)
        yield TextDelta("", 1, "stop")

    async def close(self):
        self.closed = True


@pytest.mark.parametrize(
    ("written", "quotes"),
    [
        ('[{"name":"小李"},{"since":"三个月"}]', [("name", "小李"), ("since", "三個月")]),
        ('[{"name":"小王"}]', []),
        ('[{"diagnosis":"睡不著"},{"risk":"睡不著"},{"health":7},3]', []),
        ('[{"name":"小', []),
        ("", []),
    ],
)
def test_only_known_fields_and_words_that_were_said_are_taken(written, quotes):
    """An engine without grammars may write anything."""
    found = [(one.field, one.span.of(TURN)) for one in proposals(TURN, written)]
    assert found == quotes


def test_the_grammar_has_no_word_that_was_not_said():
    """Its literals are the turn's units, fields and JSON."""
    assert '"小"' in grammar(TURN)
    assert '"王"' not in grammar(TURN)
    assert '\\"' not in grammar('he said "hi" \\ bye').split("quote ::=")[1]


async def test_a_turn_is_read_in_the_background():
    """Nobody's reply waits for it."""
    conversation = Recorded('[{"name":"小李"}]')
    reader = TurnReader(conversation)
    assert [one.field for one in await reader.read(TURN, "")] == ["name"]
    assert conversation.background is True
    assert TURN in conversation.messages[-1].content
    await reader.close()
    assert conversation.closed


async def test_an_empty_turn_and_an_endless_one_are_not_read():
    """The first has nothing, the second would make a grammar without end."""
    reader = TurnReader(Recorded("not asked"))
    assert await reader.read("", "") == []
    assert await reader.read("很" * 500, "") == []


@pytest.mark.models
async def test_the_real_model_quotes_the_caller(llm_file):
    """Every entry it writes is whole JSON and stands in the turn."""
    model = await asyncio.to_thread(LlamaModel.load, llm_file, sequences=4, context_tokens=2048)
    try:
        reader = TurnReader(model.open())
        found = await reader.read("我叫小李 最近三个月都睡不好", "今天想从哪里说起？")
        assert found
        await reader.close()
    finally:
        await model.close()
    assert json.dumps([one.field for one in found])
