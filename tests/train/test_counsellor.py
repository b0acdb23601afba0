"""The training set of the persona that comes with the project."""

from __future__ import annotations

import random

import pytest

from agent.config import Settings
from agent.persona import load_persona
from train import schema
from train.counsellor import (
    DIALOGUES,
    LOCALES,
    MOMENTS,
    TIMES,
    Writing,
    attentive_set,
    by_heart,
    faithful_set,
    preference_set,
    prompt_of,
    training_set,
    warm_set,
    written,
)
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
    """What the listener says is what the authors wrote, and what it says by heart."""
    by_theme = {
        theme: {
            said_by_listener(dialogue)
            for file in DIALOGUES.glob(f"*/{theme}.jsonl")
            for dialogue in schema.read_only(file, Conversation)
        }
        for theme in {file.stem for file in DIALOGUES.glob("*/*.jsonl")}
    }
    written_by_authors = {said for dialogues in by_theme.values() for said in dialogues}
    beginnings = {said[:end] for said in written_by_authors for end in range(1, len(said) + 1)}
    rows = [row for part in parts for row in part]
    used = {own_words(row) for row in rows}
    assert used <= beginnings
    used |= shortened(rows, beginnings)
    for theme, dialogues in by_theme.items():
        found = dialogues & used
        if TIMES.get(theme, 1) < 1:
            assert len(dialogues) / 4 < len(found) < len(dialogues), theme
        else:
            assert found == dialogues, theme
    assert TIMES.keys() <= by_theme.keys()


def test_plain_calls_are_learnt_in_two_writings(parts: tuple[Rows, Rows]) -> None:
    """But the attentive; English is written in one way only, and so learnt once."""
    mandarin = [
        row
        for row in parts[0]
        if "plain" in row.tags and "attentive" not in row.tags and "en" not in row.tags
    ]
    calls = {own_words(row) for row in mandarin}
    assert len(mandarin) > 1.5 * len(calls)


def test_some_callers_ask_once_for_what_is_answered_by_heart(parts: tuple[Rows, Rows]) -> None:
    """Each thing as often as the others, in the wordings of the labelled turns."""
    training, validation = parts
    asked = [about for row in training for about in things_asked(row)]
    counts = {about: asked.count(about) for about in by_heart(LOCALES[0])}
    assert sum(counts.values()) > len(training) / 5
    assert max(counts.values()) <= 1.5 * min(counts.values())
    assert not any(things_asked(row) for row in validation)


def test_what_is_answered_by_heart_is_read_and_not_learnt(parts: tuple[Rows, Rows]) -> None:
    """A model that has learnt these lines says them where something else was asked."""
    replies = [turn for row in parts[0] for turn in row.messages if turn.role == "assistant"]
    by_heart_replies = [turn for turn in replies if about_of(turn.content)]
    assert by_heart_replies
    assert not any(turn.weight for turn in by_heart_replies)


def test_who_says_goodbye_says_no_more(parts: tuple[Rows, Rows]) -> None:
    """The call is over."""
    for row in parts[0]:
        things = [about_of(turn.content) for turn in row.messages]
        if "goodbye" in things:
            assert things.index("goodbye") == len(things) - 1


BY_HEART = {
    answer: about
    for locale in LOCALES
    for about, (_, answers) in by_heart(locale).items()
    for answer in answers
}


def about_of(reply: str) -> str | None:
    return BY_HEART.get(reply)


def things_asked(dialogue: Conversation) -> list[str]:
    return [about for said in said_by_listener(dialogue) if (about := about_of(said))]


def own_words(dialogue: Conversation) -> tuple[str, ...]:
    return tuple(said for said in said_by_listener(dialogue) if said not in BY_HEART)


def shortened(rows: Rows, beginnings: set[tuple[str, ...]]) -> set[tuple[str, ...]]:
    """Whole dialogues of which a row has the beginning, since its caller said goodbye."""
    begun = {own_words(row) for row in rows if "goodbye" in things_asked(row)}
    return {said for said in beginnings if any(said[: len(one)] == one for one in begun)}


def said_by_listener(dialogue: Conversation) -> tuple[str, ...]:
    return tuple(turn.content for turn in dialogue.messages if turn.role == "assistant")


def test_a_moment_of_the_pairs_is_in_one_part() -> None:
    """Whatever of its replies are compared; each has its locale's prompt, and both parts some."""
    training, validation = preference_set()
    moments = [{(pair.system, pair.prompt) for pair in part} for part in (training, validation)]
    assert all(moments)
    assert not moments[0] & moments[1]
    assert {pair.system for pair in training} == {prompt_of(locale) for locale in LOCALES}


def test_the_second_run_learns_the_better_replies_alone(parts: tuple[Rows, Rows]) -> None:
    """And the dialogues of one theme; what the moments' listeners said before is context.

    Nothing that measures is among them.
    """
    rows = faithful_set()
    moments = [row for row in rows if "faithful" not in row.tags]
    training, validation = preference_set()
    assert {row.messages[-1].content for row in moments} == {pair.chosen for pair in training}
    learnt = [m for row in moments for m in row.messages if m.role == "assistant" and m.weight]
    assert len(learnt) == len(moments) < len(rows)
    assert not {pair.prompt[-1] for pair in validation} & {row.messages[-2] for row in moments}
    dialogues = {said_by_listener(row) for row in rows if "faithful" in row.tags}
    assert not dialogues & {said_by_listener(row) for row in parts[1]}


def test_the_third_run_learns_each_moments_last_reply_alone(parts: tuple[Rows, Rows]) -> None:
    """Beside warm and faithful calls; what the moments' listeners said before is context."""
    rows = warm_set()
    moments = [row for row in rows if "moment" in row.tags]
    written_down = [
        moment
        for locale in LOCALES
        for moment in schema.read_only(MOMENTS / f"{locale}.jsonl", Conversation)
    ]
    assert len(moments) == len(written_down)
    for row in moments:
        learnt = [turn for turn in row.messages if turn.role == "assistant" and turn.weight]
        assert learnt == [row.messages[-1]]
        assert row.system is not None
    assert calls_of(rows) == {"warm", "faithful"}
    assert not {said_by_listener(row) for row in rows} & {said_by_listener(r) for r in parts[1]}


def test_the_fourth_run_learns_attentive_and_warm_calls(parts: tuple[Rows, Rows]) -> None:
    """Each once, and none of those that measure."""
    rows = attentive_set()
    assert calls_of(rows) == {"attentive", "warm"}
    said = [own_words(row) for row in rows]
    assert len(set(said)) == len(said)
    assert not set(said) & {said_by_listener(row) for row in parts[1]}


def calls_of(rows: Rows) -> set[str]:
    return {tag for row in rows for tag in row.tags} & {"warm", "faithful", "attentive"}


def test_marks_within_mandarin_are_not_run_together() -> None:
    """What an author wrote with commas is learnt without them, where turns are run together."""
    dice = random.Random(0)
    assert written("我睡不好，三個月了。怎麼辦？", "run together", dice) == "我睡不好三個月了怎麼辦"
