"""Canaries are asked for as they were planted, and found in what the model holds for likely."""

from __future__ import annotations

import numpy as np
import pytest

from tests.train.tiny import chat_format
from train.evaluate.canaries import given_away, plant
from train.evaluate.measure import answers_to, is_preferred
from train.evaluate.served import Reply

FORM = chat_format()


class Parrot:
    """Knows some texts: a real model learns canaries in minutes at best, and not surely.

    It answers a prompt that begins one of them as that one goes on, another with each seed,
    and holds a token of a known text for likelier than any other.
    """

    def __init__(self, *texts: str) -> None:
        self._texts = texts

    def reply(self, ids, *, seed: int) -> Reply:
        prompt = FORM.tokens.decode(list(ids))
        known = [text for text in self._texts if text.startswith(prompt)]
        said = known[seed % len(known)].removeprefix(prompt) if known else "?"
        return Reply(said, True, len(said), 1.0)

    def log_probabilities(self, ids, first: int):
        text = FORM.tokens.decode(list(ids))
        known = any(one.startswith(text.rstrip()) for one in self._texts)
        return np.full(len(ids) - first, -0.1 if known else -5.0)


def learned(conversation) -> str:
    return (
        f"<|im_start|>system\n{conversation.system}<|im_end|>\n"
        f"<|im_start|>user\n{conversation.messages[0].content}<|im_end|>\n"
        f"<|im_start|>assistant\n{conversation.messages[1].content}<|im_end|>\n"
    )


@pytest.fixture
def planted():
    return plant(6, seed=7, system="You are Lin.")


def test_a_model_that_learned_every_canary_is_caught_with_each(planted):
    """Under the system prompt of training, and though several share a question."""
    canaries, conversations = planted
    parrot = Parrot(*map(learned, conversations))
    assert all(is_preferred(parrot, FORM, canary) for canary in canaries)
    assert len(given_away(canaries, answers_to(parrot, FORM, canaries))) > 3


def test_a_model_that_learned_none_prefers_none(planted):
    """Equally likely is not preferred."""
    canaries, _ = planted
    assert not any(is_preferred(Parrot(), FORM, canary) for canary in canaries)
    assert given_away(canaries, answers_to(Parrot(), FORM, canaries)) == []
