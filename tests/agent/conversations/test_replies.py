"""The moments that readers mark."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from agent.conversations.prompts import Prompt, prompts
from train import schema
from train.counsellor import DIALOGUES, LOCALES, PREFERENCES
from train.schema import Conversation, Preference

MOMENTS = Path(__file__).parents[2] / "data" / "moments" / "first_calls.jsonl"


def moments() -> list[Prompt]:
    return [Prompt.model_validate_json(line) for line in MOMENTS.read_text("utf-8").splitlines()]


def test_every_locale_has_as_many() -> None:
    """Whole moments, each with the caller first and last."""
    assert Counter(one.locale for one in moments()) == dict.fromkeys(LOCALES, 20)


def test_nothing_is_learnt_from_them() -> None:
    """No last turn of theirs is said in the dialogues, the pairs, or the other comparison."""
    learnt = {
        message.content
        for file in DIALOGUES.glob("*/*.jsonl")
        for dialogue in schema.read_only(file, Conversation)
        for message in dialogue.messages
    }
    for locale in LOCALES:
        for pair in schema.read_only(PREFERENCES / f"{locale}.jsonl", Preference):
            learnt |= {message.content for message in pair.prompt}
    learnt |= {turn for prompt in prompts() for turn in prompt.turns}
    long = {one.turns[-1] for one in moments() if len(one.turns[-1]) > 8}
    assert long
    assert not long & learnt
