"""Every format is recognised, read, and read the same when it is named."""

from __future__ import annotations

import json

import pytest

from pipeline.errors import DataError
from tests.train.importers.chats import CHATS, read, said
from train.importers import ImportOptions, formats, import_paths
from train.importers.source import open_source
from train.schema import Conversation, Document, Preference
from train.tally import Tally

RECOGNISED = {
    "阿蓝_utf8.csv": "wechatmsg-csv",
    "阿蓝.txt": "wechatmsg-txt",
    "阿绿.txt": "wechatmsg-txt",
    "阿蓝_chat.txt": "wechatmsg-ai-txt",
    "阿蓝_train.json": "sharegpt",
    "wxdump.csv": "pywxdump-csv",
    "qqnt.json": "qqnt",
    "result.json": "telegram",
    "line-tw.txt": "line",
    "line-en.txt": "line",
    "line-ja.txt": "line",
    "line-cn.txt": "line",
    "alpaca.json": "alpaca",
    "huanhuan.json": "alpaca",
    "zh_information_intuition.json": "machine-mindset",
    "sharegpt.json": "sharegpt",
    "openai.jsonl": "openai",
    "xtuner.json": "xtuner",
    "turns.json": "turns-json",
    "bilibot.jsonl": "text",
    "pretrain.jsonl": "text",
    "completions.jsonl": "completion",
    "atom.csv": "llama-chinese-csv",
    "atom-two-columns.csv": "llama-chinese-csv",
    "preference.jsonl": "preference",
    "rows.json": "rows",
    "counselling.txt": "labelled-txt",
}


@pytest.mark.parametrize(("name", "expected"), RECOGNISED.items())
def test_format_is_recognised(name, expected):
    """A file's format is told from what is in it."""
    assert formats.detect(open_source(CHATS / name)).name == expected


@pytest.mark.parametrize(("name", "named"), RECOGNISED.items())
def test_naming_the_format_gives_the_same_records(name, named):
    """--format with the right name changes nothing."""
    me = ("小安",) if name == "qqnt.json" else ()
    assert read(name, format=named, me=me) == read(name, me=me)


def test_every_fixture_is_listed():
    """No fixture goes untested."""
    files = {path.name for path in CHATS.iterdir() if path.is_file()}
    assert files == set(RECOGNISED)


def test_unknown_text_names_the_formats():
    """A file of no known format is refused with the names of those there are."""
    with pytest.raises(DataError, match=r"no format that is known.*telegram"):
        formats.detect(open_source(CHATS.parents[2] / "Makefile"))


def test_alpaca_history_and_system_are_kept():
    """History becomes turns, the input follows the instruction, a blank reply is dropped."""
    tally = Tally()
    first, second = read("alpaca.json", tally=tally)
    assert said([first]) == [["你是谁?", "我叫小安。"]]
    assert said([second]) == [["在吗", "在", "翻译\nhello", "你好"]]
    assert isinstance(second, Conversation)
    assert second.system == "你是翻译"
    assert tally.dropped == {"a blank reply": 1}


def test_huanhuan_rows_are_alpaca():
    """A huanhuan-shaped file trains directly."""
    assert said(read("huanhuan.json")) == [
        ["小姐，外头下雪了，咱们还去园子里么？", "自然要去，雪里的梅花才精神。"]
    ]


def test_sharegpt_labels_are_carried_and_tools_are_not():
    """Emotion and character traits of a gpt turn survive; rows that call tools are booked."""
    tally = Tally()
    (record,) = read("sharegpt.json", tally=tally)
    assert isinstance(record, Conversation)
    reply = record.messages[-1]
    assert reply.emotion == "happy"
    assert reply.traits == record.traits
    assert record.traits is not None
    assert record.traits.interests == ("编程", "阅读", "旅行")
    assert record.system == "你是小安"
    assert tally.dropped == {"calls tools": 1}


def test_weights_and_content_parts_of_openai_rows():
    """weight 0 is kept, content parts are joined, a broken line is named and costs itself only."""
    tally = Tally()
    (record,) = read("openai.jsonl", tally=tally)
    assert isinstance(record, Conversation)
    assert [message.weight for message in record.messages] == [1, 0, 1, 1]
    assert said([record]) == [["hi", "hello", "bye", "see you"]]
    (reason,) = (reason for reason in tally.dropped if reason.startswith("malformed"))
    assert tally.examples[reason][0].where == "openai.jsonl:2"


def test_documents_and_preferences():
    """Running text becomes a document, chosen and rejected a preference."""
    (document,) = read("pretrain.jsonl")
    assert isinstance(document, Document)
    one, other = read("preference.jsonl")
    assert isinstance(one, Preference)
    assert isinstance(other, Preference)
    assert (one.chosen, one.rejected) == ("我是小安", "我是一个语言模型")
    assert (other.prompt[-1].content, other.chosen, other.rejected) == ("hi", "hey", "Hello.")


def test_machine_mindset_rows_know_their_pole():
    """The file's name says which pole of which axis its rows teach."""
    (record,) = read("zh_information_intuition.json")
    assert record.tags == ("behaviour", "mbti:N")


def test_counselling_dialogues():
    """来访者/心理咨询师 texts and client/counselor turns are conversations."""
    assert len(said(read("counselling.txt"))[0]) == 4
    assert said(read("turns.json")) == [["我很烦", "愿意多说一点吗？"]]
    (record,) = read("xtuner.json")
    assert said([record]) == [["我睡不着", "躺下多久了？", "两小时", "听起来很难熬。"]]
    assert isinstance(record, Conversation)
    assert record.system == "你是小安。"


def test_llama_factory_folder():
    """Every kind that dataset_info.json can register is read in its own columns and tags."""
    tally = Tally()
    records = read("llama-factory", tally=tally)
    by_set = {record.source.removeprefix("llama-factory:"): record for record in records}
    assert said([by_set["renamed"]]) == [["几点\n现在", "三点"]]
    chat = by_set["chat"]
    assert isinstance(chat, Conversation)
    assert chat.system == "你是店主"
    assert isinstance(by_set["pairs"], Preference)
    assert isinstance(by_set["pairs_chat"], Preference)
    assert isinstance(by_set["wiki"], Document)
    assert said([by_set["kto"]]) == [["嗨", "嗨"]]
    assert tally.notes == ["remote: not a local file, so not imported"]


def test_one_set_of_a_llama_factory_folder():
    """--dataset chooses; a name that is not registered is refused with those that are."""
    (record,) = read("llama-factory", datasets=("oai",))
    assert record.source == "llama-factory:oai"
    with pytest.raises(DataError, match="registers no nothing; it has alpaca_set"):
        read("llama-factory", datasets=("nothing",))


@pytest.mark.parametrize(
    "entry",
    [{"columns": 5}, {"columns": {"prompt": 5}}, {"tags": ["role"]}, {"num_samples": "many"}],
)
def test_a_registry_that_makes_no_sense_is_one_sentence(tmp_path, entry):
    """It names the data set at fault."""
    (tmp_path / "a.json").write_text('[{"instruction":"q","output":"a"}]')
    registry = {"mine": {"file_name": "a.json", **entry}}
    (tmp_path / "dataset_info.json").write_text(json.dumps(registry))
    with pytest.raises(DataError, match="data set mine"):
        list(import_paths([tmp_path], ImportOptions(), Tally()))


def test_system_prompt_is_replaced_kept_or_removed():
    """留痕's own system prompt stays by default, gives way to --system, and goes for ""."""
    (kept,) = read("阿蓝_train.json")
    (replaced,) = read("阿蓝_train.json", system="你是小安，爱听人说话。")
    (removed,) = read("阿蓝_train.json", system="")
    assert isinstance(kept, Conversation)
    assert isinstance(replaced, Conversation)
    assert isinstance(removed, Conversation)
    assert kept.system is not None
    assert kept.system.startswith("你是小安，一个聪明")
    assert replaced.system == "你是小安，爱听人说话。"
    assert removed.system is None
