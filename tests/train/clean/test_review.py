"""Fragments, and decisions on them that outlive an import."""

from __future__ import annotations

import pytest

from pipeline.errors import DataError
from tests.train.clean.test_cleaning import talk
from train.clean.fragments import fragments
from train.clean.review import Review, load, save
from train.schema import Message


def signs(*texts, late=False):
    """Signs of the last exchange of a conversation."""
    record = talk(*texts)
    if late:
        messages = [
            message.model_copy(update={"time": 7200.0 * at})
            for at, message in enumerate(record.messages)
        ]
        record = record.model_copy(update={"messages": tuple(messages)})
    return {sign for found in fragments(record, threshold=0.0) for sign in found.signs}


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("今天怎么样", "还行，然后"), {"cut_off"}),
        (("我觉得他，", "嗯"), {"cut_off"}),
        (("It was late and", "yes?"), {"cut_off"}),
        (("明天几点集合", "对了我的猫生病了"), {"topic_marker", "unrelated"}),
        (("?", "..."), {"no_words"}),
        (
            ("你觉得这部电影的结局好看吗？", "昨晚公司楼下的面馆关门了"),
            {"unrelated", "question_passed_over"},
        ),
        (("今天好累", "抱抱[委屈]"), set()),
        (("晚上想吃火锅还是烧烤？", "火锅吧，天气冷就想吃火锅"), set()),
    ],
)
def test_signs_of_a_fragment(texts, expected):
    """Broken sentences, jumps and unanswered questions show; short and fitting replies do not."""
    assert signs(*texts) == expected


def test_a_late_reply_is_a_weak_sign():
    """An answer after two hours counts, but not enough to be listed by itself."""
    assert "late" in signs("今天好累", "抱抱", late=True)
    assert list(fragments(talk("今天好累", "抱抱"))) == []


def test_decisions_survive_another_import(tmp_path):
    """What was decided stays, what is new is added, what is not in this import is kept."""
    path = tmp_path / "chats.review.csv"
    jump = talk("明天几点集合", "对了我的猫生病了")
    first = Review()
    assert first.add(fragments(jump)) == 1
    (row,) = first.undecided()
    row.decision = "drop"
    save(first, path)
    again = load(path)
    cut = talk("昨天呢", "还行，但是")
    assert again.add([*fragments(jump), *fragments(cut)]) == 1
    save(again, path)
    assert load(path).counts() == {"drop": 1, "undecided": 1}
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")


def decided(decision, **edits):
    """A review with one decision on the middle exchange of TALK."""
    review = Review()
    review.add(found for found in fragments(TALK, 0.5) if found.user == "几点？")
    (row,) = review.undecided()
    row.decision = decision
    for name, value in edits.items():
        setattr(row, name, value)
    return review


TALK = talk("在吗", "在", "几点？", "对了猫病了", "哦哦", "嗯")


def test_dropping_an_exchange_parts_the_conversation():
    """What stood before and after it become conversations of their own."""
    before, after = decided("drop").apply(TALK)
    assert [message.content for message in before.messages] == ["在吗", "在"]
    assert [message.content for message in after.messages] == ["哦哦", "嗯"]
    assert len({TALK.id, before.id, after.id}) == 3


def test_editing_and_background():
    """An edit replaces a side, background goes before the user's turn, the id stays."""
    (edited,) = decided("edit", edited_assistant="八点", background="约好去爬山").apply(TALK)
    assert [message.content for message in edited.messages][2:4] == [
        "（约好去爬山）\n几点？",
        "八点",
    ]
    assert edited.id == TALK.id


def test_accepting_changes_nothing():
    """An accepted or undecided fragment stays as it is."""
    assert decided("accept").apply(TALK) == [TALK]
    assert Review().apply(TALK) == [TALK]


def test_what_is_left_must_teach_something():
    """A part without a learned reply is not kept."""
    muted = TALK.model_copy(
        update={
            "messages": tuple(
                message.model_copy(update={"weight": 0}) if message.content == "嗯" else message
                for message in TALK.messages
            )
        }
    )
    (kept,) = decided("drop").apply(muted)
    assert kept.messages[-1] == Message(role="assistant", content="在")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("key,decision\n1,maybe\n", "line 2: the decision is 'maybe'"),
        ("score,signs\n1,2\n", "lacks the column decision and key"),
    ],
)
def test_a_review_file_that_cannot_be_used_is_refused(tmp_path, text, why):
    """A decision that is none, or a missing column, is named."""
    path = tmp_path / "r.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=why):
        load(path)
