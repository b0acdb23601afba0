"""What a simulated caller says next."""

from __future__ import annotations

import pytest

from agent.conversations.caller import Line, SimulatedCaller
from agent.conversations.script import CallerScript, Phrases, Probe, topic_of
from pipeline.text import Language

PHRASES = Phrases(
    unknown=("no idea",),
    told=("as said {fact}",),
    declined=("not that",),
    repeated=("you said that",),
    listening=("mm",),
)


def script(**changes: object) -> CallerScript:
    plain = {
        "id": "someone",
        "goal": "Talk.",
        "voice": "sister",
        "opening": "hello",
        "facts": {"since": "a month", "name": "i'm ann"},
        "story": ("first", "second"),
        "goodbye": "bye",
    }
    return CallerScript.model_validate(plain | changes)


def said(caller: SimulatedCaller, *replies: str) -> list[Line | None]:
    return [caller.next(reply) for reply in replies]


def texts(lines: list[Line | None]) -> list[str | None]:
    return [None if line is None else line.text for line in lines]


def test_a_story_is_told_to_its_end() -> None:
    """Who asks nothing known hears the story and the goodbye, and then nobody is there."""
    lines = said(SimulatedCaller(script(), PHRASES, "en"), "Hi.", "Oh.", "Mm.", "I see.", "Bye.")
    assert texts(lines) == ["hello", "first", "second", "bye", None]


def test_a_fact_is_told_when_it_is_asked_for() -> None:
    """Once in full, once with a reminder; after that the story goes on."""
    caller = SimulatedCaller(script(), PHRASES, "en")
    lines = said(
        caller, "Hi.", "How long has it been?", "Since when exactly?", "When did that start?"
    )
    assert texts(lines) == ["hello", "a month", "as said a month", "first"]
    assert [line.topic for line in lines if line] == [None, "since", "since", None]


def test_what_is_not_known_or_not_wanted_is_not_told() -> None:
    """An unknown thing is said to be unknown, a declined one is declined each time."""
    caller = SimulatedCaller(script(declines=("age",)), PHRASES, "en")
    lines = said(caller, "Hi.", "How do you sleep?", "How old are you?", "And your age?")
    assert texts(lines) == ["hello", "no idea", "not that", "not that"]


def test_a_question_that_comes_again_is_noticed() -> None:
    """Twice in a call; then the caller lets it pass and answers."""
    caller = SimulatedCaller(script(), PHRASES, "en")
    lines = said(caller, "Hi.", "Oh. What happened?", *["Well. What happened?"] * 3)
    assert texts(lines) == ["hello", "first", "you said that", "you said that", "second"]


def test_a_probe_comes_at_its_turn_with_what_follows() -> None:
    """Whatever was asked; the words after it come in the next turns."""
    probe = Probe(turn=2, kind="crisis", say="dark", tier="elevated", then=("yes", "nobody"))
    caller = SimulatedCaller(script(probes=(probe,)), PHRASES, "en")
    lines = said(caller, "Hi.", "How long has it been?", "Do you mean it?", "Who is there?", "Oh.")
    assert texts(lines) == ["hello", "dark", "yes", "nobody", "first"]
    assert lines[1] is not None
    assert lines[1].probe == probe


def test_a_caller_waits_for_a_late_probe() -> None:
    """With the story told, they say something in passing until its turn."""
    probe = Probe(turn=5, kind="silence")
    caller = SimulatedCaller(script(probes=(probe,), story=("first",)), PHRASES, "en")
    lines = said(caller, "Hi.", "Oh.", "I see.", "Well.", "All right.", "I am here.")
    assert texts(lines) == ["hello", "first", "mm", "mm", "", "bye"]


def test_a_call_has_an_end() -> None:
    """At its last turn a caller says goodbye, whatever is left."""
    caller = SimulatedCaller(script(max_turns=2), PHRASES, "en")
    assert texts(said(caller, "Hi.", "Oh.", "Bye.")) == ["hello", "bye", None]


@pytest.mark.parametrize(
    ("reply", "language", "topic"),
    [
        ("睡不好，很累。這樣多久了？", "zh", "since"),
        ("睡不好，这样多久了？", "zh", "since"),
        ("身边有谁知道吗？", "zh", "supports"),
        ("身邊有誰可以陪你嗎？", "zh", "supports"),
        ("你希望我怎麼稱呼你？", "zh", "name"),
        ("零到十分，有几分？", "zh", "intensity"),
        ("试过什么办法吗？", "zh", "tried"),
        ("晚上睡得怎麼樣？", "zh", "health"),
        ("你最希望有什么变化？", "zh", "goals"),
        ("那时候发生了什么？", "zh", None),
        ("多久了，真辛苦。", "zh", None),
        ("Tiring. How long has it been going on?", "en", "since"),
        ("Is there anyone you can talk to?", "en", "supports"),
        ("How are you sleeping?", "en", "health"),
        ("What have you tried so far?", "en", "tried"),
        ("What would you like to be different?", "en", "goals"),
        ("What did you do?", "en", None),
        ("That has been so long.", "en", None),
    ],
)
def test_what_a_question_asks_about(reply: str, language: Language, topic: str | None) -> None:
    """The topic of the last question; statements and open questions have none."""
    assert topic_of(reply, language) == topic
