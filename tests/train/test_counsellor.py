"""The training set of the persona that comes with the project."""

from __future__ import annotations

import random

import pytest

from agent.config import Settings
from agent.persona import load_persona
from train import schema
from train.counsellor import DIALOGUES, LOCALES, Writing, prompt_of, training_set, written
from train.schema import Conversation

Rows = list[Conversation]


@pytest.fixture(scope="module")
def parts() -> tuple[Rows, Rows]:
    return training_set()


@pytest.mark.parametrize("locale", LOCALES)
def test_dialogues_are_trained_under_the_prompt_of_the_call(locale: str) -> None:
    """Word for word: another prompt would make another persona."""
    persona = load_persona(Settings().persona.name, locale)  # type: ignore[arg-type]
    assert prompt_of(locale) == persona.tuned().system_prompt


def test_the_set_is_the_same_every_time(parts: tuple[Rows, Rows]) -> None:
    """Writing is drawn by the dialogue's id, the split by a seed."""
    assert training_set() == parts


def test_no_dialogue_is_in_both_parts(parts: tuple[Rows, Rows]) -> None:
    """Not even in another way of writing: what the listener says tells a dialogue."""
    training, validation = ({said_by_listener(row) for row in part} for part in parts)
    assert validation
    assert not training & validation


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


def test_replies_are_never_rewritten(parts: tuple[Rows, Rows]) -> None:
    """What the listener says is what the authors wrote."""
    written_by_authors = {
        said_by_listener(dialogue)
        for file in DIALOGUES.glob("*/*.jsonl")
        for dialogue in schema.read_only(file, Conversation)
    }
    rows = [row for part in parts for row in part if row.source != "identity"]
    assert {said_by_listener(row) for row in rows} == written_by_authors


def said_by_listener(dialogue: Conversation) -> tuple[str, ...]:
    return tuple(turn.content for turn in dialogue.messages if turn.role == "assistant")
