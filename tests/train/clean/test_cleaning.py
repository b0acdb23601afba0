"""Duplicates, phrases, lengths, the gate, and all of cleaning in one pass."""

from __future__ import annotations

import json

import pytest

from pipeline.errors import DataError
from train.clean import CleanOptions, CleanReport, clean, high_risk, known_names, refuse_high_risk
from train.clean.duplicates import Duplicates, Original
from train.clean.fragments import Fragment, exchange_key
from train.clean.lengths import Lengths, estimate_tokens
from train.clean.phrases import faults
from train.clean.review import Review
from train.schema import Conversation, Document, Message, Preference, conversation_id, write


def talk(*texts, system=None, name=None):
    """A conversation of alternating texts."""
    messages = tuple(
        Message(role="assistant" if at % 2 else "user", content=text, name=None if at % 2 else name)
        for at, text in enumerate(texts)
    )
    return Conversation(
        id=conversation_id(messages, system),
        source="test",
        origin="阿蓝.txt:1",
        messages=messages,
        system=system,
    )


LONG = "最近总是睡不着，躺在床上翻来覆去地想工作上的事情，越想越清醒，第二天又没有精神"


def test_near_duplicates_are_found():
    """A few changed words do not make another conversation; other words do."""
    seen = Duplicates()
    first = talk(LONG, "听起来你很累，愿意说说是什么事情在转吗？")
    assert seen.original(first) is None
    again = talk(LONG + "！", "听起来你很累，愿意说说是什么事情在转吗")
    assert seen.original(again) == Original(first.id, exact=False)
    assert seen.original(talk(LONG[::-1], "换一种方式说话，内容就完全不同了，不该算作重复")) is None


@pytest.mark.parametrize("threshold", [0.01, 0.95, 0.97, 1.0])
def test_any_threshold_can_be_asked_for(threshold):
    """At 1 the same words in another order of marks are the same, and one word more is not."""
    seen = Duplicates(threshold)
    assert seen.original(talk(LONG, "嗯")) is None
    assert seen.original(talk(LONG + "。", "嗯！")) is not None
    assert (seen.original(talk(LONG + "真的", "嗯")) is None) == (threshold > 0.9)


def test_short_conversations_repeat_honestly():
    """在吗/在 and 在吗/嗯 are two; the same twice is one."""
    seen = Duplicates()
    assert seen.original(talk("在吗", "在")) is None
    assert seen.original(talk("在吗", "嗯")) is None
    assert seen.original(talk("在吗", "在")) is not None


def test_a_long_system_prompt_makes_no_duplicates():
    """What all rows share is not what a row says."""
    seen = Duplicates()
    for at in range(5):
        row = talk(f"第{at}件事怎么办", "慢慢来，先说说看", system=LONG * 5)
        assert seen.original(row) is None


def test_ids_prove_nothing():
    """Rows of one id are two if they say different things, and one if they say the same."""
    seen = Duplicates()
    rows = [talk(text, "嗯").model_copy(update={"id": "1"}) for text in ("好累", "好饿", "好累")]
    assert [seen.original(row) for row in rows] == [None, None, Original("1", exact=True)]
    assert seen.original(talk("好饿", "嗯")) == Original("1", exact=True)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("对不起，我只是一个语言大模型", {"refusal"}),
        ("我是通义千问，由阿里云开发", {"brand"}),
        ("As an AI language model, I can't", {"refusal"}),
        ("我才不是机器人呢", {"denial"}),
        ("I'm a real person.", {"denial"}),
        ("我是小安，一个 AI 倾听伙伴", set()),
        ("我不是不想去，是太累了", set()),
        ("这个模型做得真好看", set()),
    ],
)
def test_phrases_of_another_assistant(reply, expected):
    """Brands, refusals and denials are flagged in replies; saying that one is an AI is not."""
    assert faults(talk("你是谁", reply)) == expected
    assert faults(talk(reply, "嗯嗯")) == set()


def test_lengths_propose_a_cutoff():
    """The cut-off covers 99 % of rows in steps of 64, and says how many are beyond."""
    lengths = Lengths()
    for _ in range(99):
        lengths.add(Document(id="1", source="t", text="字" * 50))
    lengths.add(Document(id="2", source="t", text="字" * 500))
    assert lengths.as_json() == {
        "rows": 100,
        "p50": 55,
        "p90": 55,
        "p95": 55,
        "p99": 55,
        "longest": 505,
        "proposed_cutoff": 64,
        "rows_beyond": 1,
    }


def test_no_rows_still_have_a_cutoff():
    """Statistics of nothing are zeros and the smallest cut-off."""
    assert Lengths().as_json()["proposed_cutoff"] == 64


def test_tokens_are_counted_in_units():
    """A Chinese character is a token, an English word one and a half."""
    assert estimate_tokens("我很累") == 3
    assert estimate_tokens("hello there") == 3


def test_clean_in_one_pass(tmp_path):
    """Everything is done, everything is booked, and the names of senders are gone everywhere."""
    path = tmp_path / "in.jsonl"
    records = [
        talk("我叫阿蓝，电话13812345678", "记下了阿蓝[委屈]", name="阿蓝"),
        talk("我叫阿蓝，电话13812345678", "记下了阿蓝[委屈]", name="阿蓝"),
        talk("你是谁", "我是通义千问"),
        Preference(
            id="p",
            source="t",
            prompt=(Message(role="user", content="给我发a@b.cn"),),
            chosen="好",
            rejected="不",
        ),
        Document(id="d", source="t", text="阿蓝的密码是abc123"),
    ]
    write(path, records)
    report = CleanReport()
    options = CleanOptions(names=frozenset(known_names(path)), drop_phrases=True)
    done = list(clean(records, options, report))
    first = done[0]
    assert isinstance(first, Conversation)
    assert [message.content for message in first.messages] == [
        "我叫⟦NAME_1⟧，电话⟦PHONE_1⟧",
        "记下了⟦NAME_1⟧[委屈]",
    ]
    assert first.messages[0].name is None
    assert first.origin == "⟦NAME_1⟧.txt:1"
    assert report.masked == {"phone": 2, "name": 5, "email": 1, "secret": 1}
    assert report.tally.rows_in == report.tally.rows_kept + report.tally.dropped.total() == 5
    assert report.tally.dropped == {
        "repeats another": 1,
        "another assistant's phrase (brand)": 1,
    }
    assert report.as_json()["phrases"]["brand"]["records"] == 1


def test_what_a_review_decides_is_booked():
    """Dropped exchanges are rows, decisions are counted, and idle ones are told."""
    record = talk("在吗", "在", "几点？", "对了猫病了", "哦哦", "嗯", "走吧，", "好")
    review = Review()
    for place, choice in ((1, "drop"), (2, "edit"), (3, "")):
        asked, said = record.messages[2 * place : 2 * place + 2]
        fragment = Fragment(exchange_key(asked.content, said.content), 1.0, (), "", "", "")
        review.add([fragment])
        review.rows[fragment.key].decision = choice
    gone = exchange_key("不在", "这里")
    review.add([Fragment(gone, 1.0, (), "", "", "")])
    review.rows[gone].decision = "drop"
    report = CleanReport()
    done = list(clean([record], CleanOptions(review=review), report))
    assert [row.messages[0].content for row in done] == ["在吗", "哦哦"]
    assert report.tally.dropped == {"dropped in the review": 1}
    assert report.tally.rows_in == report.tally.rows_kept + 1 == 3
    assert report.as_json()["review"] == {"drop": 1, "edit": 1, "undecided": 1, "idle": 1}


def test_a_report_names_nobody():
    """The report lies beside cleaned data: where a dropped row stood is masked too."""
    rows = [talk("你是谁", "我是通义千问"), talk("在吗", "在"), talk("在吗", "在")]
    report = CleanReport()
    options = CleanOptions(names=frozenset({"阿蓝"}), drop_phrases=True)
    list(clean(rows, options, report))
    assert report.tally.dropped.total() == 2
    assert "阿蓝" not in json.dumps(report.as_json(), ensure_ascii=False)


def test_personal_data_can_be_kept_on_purpose():
    """Without a style nothing is replaced."""
    record = talk("电话13812345678", "好")
    assert list(clean([record], CleanOptions(style=None), CleanReport())) == [record]


def test_training_is_refused_while_high_risk_data_remain(tmp_path):
    """The gate names kinds and records, never the data, and lets through what is forced."""
    path = tmp_path / "set.jsonl"
    write(path, [talk("电话13812345678", "好"), talk("王芳来了", "嗯")])
    found = high_risk(path)
    assert found
    assert found.kinds == {"phone": 1}
    with pytest.raises(DataError, match="1 phone") as error:
        refuse_high_risk(path)
    assert "138" not in error.value.message
    assert refuse_high_risk(path, force=True).kinds == {"phone": 1}


def test_a_clean_file_passes_the_gate(tmp_path):
    """What cleaning wrote, in either style, the gate lets through."""
    for style in ("placeholder", "surrogate"):
        path = tmp_path / f"{style}.jsonl"
        records = [talk("电话13812345678，微信是abc_12345", "住台北市大安區和平東路一段12號")]
        write(path, clean(records, CleanOptions(style=style), CleanReport()))
        assert not refuse_high_risk(path)
