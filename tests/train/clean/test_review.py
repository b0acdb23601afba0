"""Fragments, and decisions on them that outlive an import."""

from __future__ import annotations

import csv

import pytest

from pipeline.errors import DataError
from tests.train.clean.test_cleaning import talk
from train.clean.fragments import exchange_key, fragments
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
        (("今天好累 :(", "哈哈（"), set()),
        (("你说（就是昨天那个人", "嗯？"), {"cut_off"}),
        (("这样对吗", "对了！"), set()),
        (("这样再好不过", "Bye then"), set()),
        (("Do you think so", "I want to"), set()),
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


FIRST = "key,decision,user,assistant\n"


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_what_spreadsheets_make_of_the_file_is_read(tmp_path, codec, mark):
    """Any code page and any separator, in CRLF lines."""
    path = tmp_path / "r.csv"
    key = exchange_key("在吗", "在，你说")
    rows = [("key", "decision", "user", "assistant"), (key, "Drop ", "在吗", "在，你说")]
    quoted = [mark.join(f'"{cell}"' for cell in row) for row in rows]
    path.write_bytes("".join(f"{row}\r\n" for row in quoted).encode(codec))
    assert {row.decision for row in load(path).rows.values()} == {"drop"}
    assert list(load(path).rows) == [key]


def test_a_key_that_became_a_number_is_found_again(tmp_path):
    """Excel turns 12e4567890123456 into infinity; the texts still say which exchange it is."""
    path = tmp_path / "r.csv"
    path.write_text(FIRST + "1.2E+15,drop,在吗,在\n", "utf-8")
    assert list(load(path).rows) == [exchange_key("在吗", "在")]


def test_a_message_never_becomes_a_formula(tmp_path):
    """What would be computed stands behind an apostrophe, and is read without it."""
    path = tmp_path / "r.csv"
    review = Review()
    review.add(fragments(talk('=HYPERLINK("http://a.b")', "-_-", "=_=", "+1，")))
    review.undecided()[0].edited_user = "=1+1"
    save(review, path)
    with path.open(encoding="utf-8-sig", newline="") as text:
        cells = [cell for row in csv.reader(text) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert load(path) == review


def test_rows_that_contradict_each_other_are_refused(tmp_path):
    """Two files pasted together: a decision wins over none, two decisions are for a person."""
    path = tmp_path / "r.csv"
    key = exchange_key("在吗", "在")
    path.write_text(f"key,decision\n{key},\n{key},drop\n{key},\n", "utf-8")
    assert load(path).rows[key].decision == "drop"
    path.write_text(f"key,decision\n{key},accept\n{key},drop\n", "utf-8")
    with pytest.raises(DataError, match="line 3: drop, but an earlier row"):
        load(path)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("key,decision\n1,maybe\n", "line 2: the decision is 'maybe'"),
        ("score,signs\n1,2\n", "lacks the column decision and key"),
        ("key,decision\n1e5,drop\n", "line 2: the key is '1e5'"),
    ],
)
def test_a_review_file_that_cannot_be_used_is_refused(tmp_path, text, why):
    """A decision that is none, or a missing column, is named."""
    path = tmp_path / "r.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=why):
        load(path)
