"""Identity, general and behaviour rows, labels, and spoken copies."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import DataError
from pipeline.text import count_units, units
from train.clean.mask import high_risk_in
from train.clean.phrases import faults
from train.mix import behaviour
from train.mix.blend import Extra, MixOptions, mix, sample
from train.mix.general import general_rows
from train.mix.identity import LOCALES, Fact, Identity, identity_rows
from train.mix.labels import labelled, marker, use_labels
from train.mix.spoken import SpeechStyle, spoken, spoken_copies
from train.schema import Conversation, Message, Traits, conversation_id

WHO = Identity(
    "小安",
    "清听",
    (
        Fact("我喜欢爬山。"),
        Fact("我剛滿一歲。", "你幾歲？"),
        Fact("I like rain.", "What do you like?"),
    ),
    system="你是小安。",
)


def talk(*texts, tags=(), **fields):
    """A conversation of alternating texts."""
    messages = tuple(
        Message(role="assistant" if at % 2 else "user", content=text)
        for at, text in enumerate(texts)
    )
    return Conversation(
        id=conversation_id(messages), source="test", messages=messages, tags=tags, **fields
    )


@pytest.mark.parametrize("locale", LOCALES)
def test_identity_rows_are_enough_in_every_locale(locale):
    """At least 60 different wordings, no placeholder left, the name and the author said."""
    rows = list(identity_rows(WHO, [locale]))
    assert len({row.messages[0].content for row in rows}) >= 60
    assert len({row.id for row in rows}) == len(rows)
    said = [row.messages[-1].content for row in rows]
    assert not any("{" in text or "}" in text for text in said)
    assert sum("小安" in text for text in said) > len(said) / 2
    assert any("清听" in text for text in said)
    assert {row.system for row in rows} == {"你是小安。"}


def test_identity_rows_tell_the_truth():
    """No answer denies being an AI or names a base model; asked, it says that it is one."""
    rows = list(identity_rows(WHO))
    assert all(not faults(row) for row in rows)
    asked = [row for row in rows if row.messages[0].content in ("你是真人吗？", "Are you human?")]
    assert len(asked) == 2
    assert all("AI" in row.messages[-1].content for row in asked)


def test_traditional_rows_are_traditional():
    """zh-Hant rows are in traditional characters, name and author as they were given."""
    questions = {row.messages[0].content for row in identity_rows(WHO, ["zh-Hant"])}
    assert "你是誰？" in questions
    assert not any("谁" in question for question in questions)


@pytest.mark.parametrize(
    ("locale", "answer"),
    [("zh-Hans", "我喜欢爬山。"), ("zh-Hant", "我剛滿一歲。"), ("en", "I like rain.")],
)
def test_facts_are_asked_in_the_locale_they_are_written_in(locale, answer):
    """A fact comes up only where it can be said."""
    for one in LOCALES:
        said = {row.messages[-1].content for row in identity_rows(WHO, [one])}
        assert (answer in said) == (one == locale)


def test_general_rows_are_right_and_the_same_for_a_seed():
    """Sums add up, rows do not repeat, and a seed is a seed."""
    rows = list(general_rows(200, seed=3))
    assert len({row.id for row in rows}) == 200
    assert rows == list(general_rows(200, seed=3)) != list(general_rows(200, seed=4))
    sums = 0
    for row in rows:
        asked, said = (message.content for message in row.messages)
        numbers = [int(unit.text) for unit in units(asked) if unit.kind == "number"]
        if "plus" in asked or "加" in asked:
            assert said.rstrip("。.").endswith(str(sum(numbers)))
            sums += 1
    assert sums > 10


def test_behaviour_rows_of_a_type():
    """INFJ takes the rows of I, N, F and J, with the persona's system prompt."""
    rows = [talk("q", letter, tags=("behaviour", f"mbti:{letter}")) for letter in "EISNTFJP"]
    taken = list(behaviour.of_type(rows, "infj", system="你是小安。"))
    assert [row.messages[-1].content for row in taken] == ["I", "N", "F", "J"]
    assert {row.system for row in taken} == {"你是小安。"}
    with pytest.raises(DataError, match="no MBTI type"):
        behaviour.poles("INFX")


def test_opposite_poles_make_preferences():
    """The same question answered from both poles gives a pair, the type's own answer chosen."""
    rows = [
        talk("周末做什么？", "叫上朋友出门", tags=("mbti:E",)),
        talk("周末做什么？", "一个人看书", tags=("mbti:I",)),
        talk("别的问题", "别的回答", tags=("mbti:I",)),
    ]
    (pair,) = behaviour.preferences(rows, "INFJ")
    assert (pair.chosen, pair.rejected) == ("一个人看书", "叫上朋友出门")
    (other,) = behaviour.preferences(rows, "ENFJ")
    assert other.chosen == "叫上朋友出门"


TRAITS = Traits(personality="聪明、热情", occupation="程序员", interests=("编程", "旅行"))
FEELING = Message(role="assistant", content="抱抱", emotion="warm", traits=TRAITS)
LABELLED = talk("好累", "抱抱").model_copy(
    update={"messages": (Message(role="user", content="好累"), FEELING), "traits": TRAITS}
)


def test_labels_are_carried_stripped_or_used():
    """Labels stay, go, become a system prompt, or a marker before the reply they label."""
    assert use_labels(LABELLED, "carry") is LABELLED
    bare = use_labels(LABELLED, "strip")
    assert bare == talk("好累", "抱抱")
    system = use_labels(LABELLED, "system")
    assert system.system == "性格：聪明、热情\n职业：程序员\n兴趣：编程、旅行\n情绪：warm"
    assert system.messages == bare.messages
    control = use_labels(LABELLED, "control")
    assert control.messages[0].content == f"好累\n{marker('warm')}"
    assert control.messages[1] == bare.messages[1]


def test_labels_can_be_added():
    """Traits and an emotion given for all rows stand beside what is there."""
    record = labelled(talk("hi", "hello"), traits=Traits(mbti="INFJ"), emotion="calm")
    assert use_labels(record, "system").system == "MBTI: INFJ\nMood: calm"


@given(
    text=st.text(st.sampled_from("我在吗，。！？[委屈]😀 abI'm"), max_size=20),
    seed=st.integers(0, 99),
)
def test_spoken_turns_have_no_punctuation(text, seed):
    """No punctuation, stickers, emoji or new words; what has no words but these stays whole."""
    said = spoken(text, random.Random(seed), SpeechStyle(fillers=0, slips=0))
    if said != text:
        assert said
        assert not set(said) & set("，。！？[]😀")
        assert count_units(said) <= count_units(text)


def test_spoken_turns_of_both_languages():
    """Chinese runs together, English keeps its spaces, and slips keep the sound."""
    calm = SpeechStyle(fillers=0, slips=0)
    dice = random.Random(0)
    assert spoken("今天，好累啊[委屈]……你在吗？", dice, calm) == "今天好累啊你在吗"
    assert spoken("Well, I'm OK. Are you?", dice, calm) == "well i'm ok are you"
    slipped = spoken("他在那里", random.Random(1), SpeechStyle(fillers=0, slips=1))
    assert slipped != "他在那里"
    assert len(slipped) == 4
    assert spoken("好", dice, SpeechStyle(fillers=1, slips=0)) != "好"
    assert spoken("[抱抱]😀", dice) == "[抱抱]😀"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("我电话⟦PHONE_1⟧，你记下！", "我电话⟦PHONE_1⟧你记下"),
        ("Call me at ⟦PHONE_12⟧, OK?", "call me at ⟦PHONE_12⟧ ok"),
        ("⟦NAME_1⟧", "⟦NAME_1⟧"),
    ],
)
def test_placeholders_are_spoken_whole(text, said):
    """What cleaning wrote is neither read out nor taken for data again."""
    calm = SpeechStyle(fillers=0, slips=1)
    assert spoken(text, random.Random(0), SpeechStyle(fillers=0, slips=0)) == said
    assert "⟦" in spoken(text, random.Random(0), calm)
    assert not high_risk_in(spoken(text, random.Random(0), calm))


def test_spoken_copies_leave_replies_alone():
    """A copy shares its original's id, is tagged, and depends on the id, not on the order."""
    rows = [talk(f"第{at}件事，怎么办？", "慢慢说。[抱抱]") for at in range(50)]
    copies = list(spoken_copies(rows, 0.5, seed=1))
    assert 10 < len(copies) < 40
    assert sorted(spoken_copies(rows[::-1], 0.5, seed=1), key=lambda row: row.id) == sorted(
        copies, key=lambda row: row.id
    )
    originals = {row.id for row in rows}
    for copy in copies:
        assert copy.id.removesuffix("-spoken") in originals
        assert copy.messages[-1].content == "慢慢说。[抱抱]"
        assert "spoken" in copy.tags


def test_mix_keeps_the_ratio():
    """Extras come in proportion to the person's rows; too few are used up and reported."""
    own = [talk(f"{at}", "嗯") for at in range(100)]
    many = [talk(f"m{at}", "x", tags=("behaviour",)) for at in range(500)]
    few = [talk("g", "y", tags=("general",))]
    counts: Counter[str] = Counter()
    extras = [Extra("behaviour", many, 0.2), Extra("general", few, 0.15)]
    rows = list(mix(own, extras, MixOptions(), counts))
    assert counts == {"own": 100, "behaviour": 20, "general": 1, "general wanted": 15}
    assert rows[:100] == own
    assert sample(many, 20, seed=0) == rows[100:120]


def test_spoken_copies_follow_their_original():
    """With a share of 1 every row is followed by its copy."""
    counts: Counter[str] = Counter()
    rows = list(mix([talk("好累，你呢？", "嗯")], [], MixOptions(spoken=1.0), counts))
    assert rows[1].id == f"{rows[0].id}-spoken"
    assert counts["spoken"] == 1
