"""The training set of the persona that comes with the project."""

from __future__ import annotations

import random

import pytest

from agent.config import Settings
from agent.persona import load_persona
from train.counsellor import LOCALES, Writing, conversations, parted, prompt_of, written
from train.schema import Conversation


@pytest.fixture(scope="module")
def rows() -> list[Conversation]:
    return list(conversations())


@pytest.mark.parametrize("locale", LOCALES)
def test_dialogues_are_trained_under_the_prompt_of_the_call(locale: str) -> None:
    """Word for word: another prompt would make another persona."""
    persona = load_persona(Settings().persona.name, locale)  # type: ignore[arg-type]
    assert prompt_of(locale) == persona.tuned().system_prompt


def test_the_set_is_the_same_every_time(rows: list[Conversation]) -> None:
    """Writing is drawn by the dialogue's id, the split by a seed."""
    assert parted(list(conversations())) == parted(rows)


def test_no_dialogue_is_in_both_parts(rows: list[Conversation]) -> None:
    """And none is lost."""
    training, validation = ({row.id for row in part} for part in parted(rows))
    assert not training & validation
    assert len(training) + len(validation) == len(rows)


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ("as it is", "我睡不好 三個月了 怎麼辦"),
        ("run together", "我睡不好三個月了怎麼辦"),
        ("punctuated", "我睡不好，三個月了，怎麼辦？"),
    ],
)
def test_pauses_are_written_as_recognisers_do(way: Writing, expected: str) -> None:
    """As spaces, as nothing, or as commas and an end."""
    assert written("我睡不好 三個月了 怎麼辦", way, random.Random(1)) == expected


def test_english_keeps_its_spaces() -> None:
    """They part words, not phrases."""
    assert written("i can't sleep", "run together", random.Random(1)) == "i can't sleep"


def test_replies_are_never_rewritten(rows: list[Conversation]) -> None:
    """What the listener says is what the authors wrote."""
    from train import schema
    from train.counsellor import DIALOGUES

    said = {
        message.content
        for file in DIALOGUES.glob("*/*.jsonl")
        for dialogue in schema.read_only(file, Conversation)
        for message in dialogue.messages
        if message.role == "assistant"
    }
    assert {m.content for row in rows for m in row.messages if m.role == "assistant"} <= said
