"""Prompts follow a conversation as it grows past what fits."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import cast

import pytest

from pipeline.llm.base import Message
from pipeline.llm.prompt import ChatTemplate
from pipeline.llm.prompts import PromptBuilder
from pipeline.llm.vocabulary import Vocabulary

CHATML = (
    "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}</>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
OPENING = [
    Message("system", "You listen."),
    Message("user", "I'm tired.", opening=True),
    Message("assistant", "Since when?", opening=True),
]
CONVERSATION_TOKENS = 2_000
TURN = "u" * 40
REPLY = "a" * 60


class Letters:
    """A vocabulary of one token for each character: what is counted is known beforehand."""

    def __init__(self) -> None:
        self.calls = 0

    def prompt_tokens(self, prompt: str) -> list[int]:
        self.calls += 1
        return [ord(char) for char in prompt]

    def without_markers(self, text: str) -> str:
        return text


@pytest.fixture
def letters() -> Letters:
    return Letters()


@pytest.fixture
def prompts(letters: Letters) -> PromptBuilder:
    vocabulary = cast(Vocabulary, letters)
    return PromptBuilder(ChatTemplate(CHATML), vocabulary, CONVERSATION_TOKENS)


def history(turns: int) -> list[Message]:
    numbered = range(turns)
    pairs = [(Message("user", f"{n} {TURN}"), Message("assistant", REPLY)) for n in numbered]
    return [*OPENING, *itertools.chain.from_iterable(pairs)]


def shared(one: Sequence[int], other: Sequence[int]) -> int:
    """Tokens that both begin with."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def test_what_is_evaluated_before_a_turn_is_where_its_reply_begins(prompts: PromptBuilder) -> None:
    """However full the prompt is: what has to go has gone before the caller speaks."""
    for turns in range(120):
        ahead = prompts.open_turn_prompt(history(turns), "")
        so_far = prompts.open_turn_prompt(history(turns), TURN[:20])
        reply = prompts.reply_prompt([*history(turns), Message("user", TURN)])
        assert shared(ahead, so_far) == len(ahead)
        assert shared(so_far, reply) == len(so_far)


def test_every_prompt_of_a_long_call_begins_with_the_opening(
    prompts: PromptBuilder,
) -> None:
    """System prompt and examples, which a small model's style hangs on."""
    opening = [*prompts.open_turn_prompt(OPENING, "")]
    for turns in range(0, 120, 7):
        prompt = prompts.reply_prompt([*history(turns), Message("user", TURN)])
        assert shared(prompt, opening) == len(opening)


def test_a_prompt_that_keeps_its_start_is_made_once(
    prompts: PromptBuilder, letters: Letters
) -> None:
    """Only one in many searches for a new start."""
    made = []
    for turns in range(120):
        before = letters.calls
        prompts.reply_prompt([*history(turns), Message("user", TURN)])
        made.append(letters.calls - before)
    assert made.count(1) > 0.85 * len(made)
    assert max(made) < 10
