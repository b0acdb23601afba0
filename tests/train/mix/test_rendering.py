"""Other programs' formats, written and read back by our own importers."""

from __future__ import annotations

import json

import pytest

from pipeline.errors import DataError
from tests.train.importers.chats import read, said
from tests.train.mix.test_rows import TRAITS, talk
from train.mix.rendering import RENDERINGS, export_file, export_files, export_llama_factory
from train.schema import Message, Preference, write
from train.tally import Tally

ONE = talk("在吗[委屈]\n今天好累", "抱抱(≧▽≦)😀", system="你是小安。")
TWO = talk("在吗", "在", "好累，你呢？", "我也是", system="你是小安。")


def exported(tmp_path, name, *records):
    """Path of records written in a format, and the tally."""
    source = tmp_path / "in.jsonl"
    write(source, records, force=True)
    target = tmp_path / f"out{RENDERINGS[name].suffix}"
    tally = Tally()
    export_file(source, target, name, tally, force=True)
    return target, tally


@pytest.mark.parametrize("name", ["alpaca", "sharegpt", "openai", "text"])
def test_what_is_written_is_read_back(tmp_path, name):
    """Turns and system prompts of one and of many exchanges survive the round trip."""
    target, _ = exported(tmp_path, name, ONE, TWO)
    back = read(target)
    assert said(back) == said([ONE, TWO])
    assert {record.system for record in back} == {"你是小安。"}


@pytest.mark.parametrize("name", ["llama-chinese", "llama-chinese-two-columns", "completion"])
def test_formats_without_a_system_prompt(tmp_path, name):
    """The words survive; a format of single exchanges books what does not fit."""
    target, tally = exported(tmp_path, name, ONE, TWO)
    single = name == "completion"
    assert said(read(target)) == said([ONE] if single else [ONE, TWO])
    assert tally.dropped == ({"more than one exchange": 1} if single else {})


def test_a_part_that_does_not_fit_costs_itself(tmp_path):
    """A validation set of long talks stops no export of single exchanges, and is named."""
    train, valid = tmp_path / "train.jsonl", tmp_path / "valid.jsonl"
    write(train, [ONE, TWO])
    write(valid, [TWO])
    tally = Tally()
    (sentence,) = export_files([train, valid], tmp_path / "out", "monkey", tally)
    assert sentence.startswith("valid.json was not written: nothing in valid.jsonl fits monkey")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["train.json"]
    assert (tally.rows_in, tally.rows_kept, tally.dropped.total()) == (3, 1, 2)
    assert len(json.loads((tmp_path / "out" / "train.json").read_text("utf-8"))) == 1


@pytest.mark.parametrize("name", ["monkey", "preference"])
def test_parts_are_written_all_or_none(tmp_path, name):
    """Where nothing fits, or a file is in the way, no part is written."""
    train, valid, out = tmp_path / "train.jsonl", tmp_path / "valid.jsonl", tmp_path / "out"
    write(train, [ONE if name == "monkey" else TWO])
    write(valid, [ONE if name == "monkey" else TWO])
    if name == "monkey":
        out.mkdir()
        (out / "valid.json").write_text("mine")
    with pytest.raises(DataError):
        export_files([train, valid], out, name, Tally())
    assert not out.exists() or [path.name for path in out.iterdir()] == ["valid.json"]


def test_sharegpt_carries_emotion_and_traits(tmp_path):
    """Labels are written where seed 004 has them, on the gpt turn."""
    messages = (ONE.messages[0], ONE.messages[1].model_copy(update={"emotion": "warm"}))
    labelled = ONE.model_copy(update={"messages": messages, "traits": TRAITS})
    target, _ = exported(tmp_path, "sharegpt", labelled)
    (row,) = json.loads(target.read_text(encoding="utf-8"))
    assert row["tools"] == "[]"
    assert row["conversations"][1] == {
        "from": "gpt",
        "value": "抱抱(≧▽≦)😀",
        "emotion": "warm",
        "character_traits": {
            "personality": "聪明、热情",
            "occupation": "程序员",
            "interests": ["编程", "旅行"],
        },
    }


def test_openai_rows_keep_weights(tmp_path):
    """What is context only is marked weight 0."""
    first = TWO.messages[1].model_copy(update={"weight": 0})
    muted = TWO.model_copy(update={"messages": (TWO.messages[0], first, *TWO.messages[2:])})
    target, _ = exported(tmp_path, "openai", muted)
    assert read(target)[0].messages[1].weight == 0


def test_preferences(tmp_path):
    """Preferences are written with their prompt; conversations are no preferences."""
    pair = Preference(
        id="1",
        source="t",
        prompt=(Message(role="user", content="你是谁"),),
        chosen="小安",
        rejected="模型",
        system="你是小安。",
    )
    target, tally = exported(tmp_path, "preference", pair, ONE)
    (back,) = read(target)
    assert isinstance(back, Preference)
    assert (back.chosen, back.rejected, back.system) == ("小安", "模型", "你是小安。")
    assert tally.dropped == {"a conversation, not a preference": 1}


def test_llama_factory_folder(tmp_path):
    """The folder registers its file and is read back as LLaMA-Factory would."""
    source = tmp_path / "me.jsonl"
    write(source, [ONE, TWO])
    export_llama_factory([source], tmp_path / "data", Tally())
    assert said(read(tmp_path / "data")) == said([ONE, TWO])


def test_a_folder_that_was_split_becomes_a_data_set_for_each_file(tmp_path):
    """Training and validation stand apart in one registry."""
    write(tmp_path / "train.jsonl", [ONE])
    write(tmp_path / "valid.jsonl", [TWO])
    tally = Tally()
    paths = [tmp_path / "train.jsonl", tmp_path / "valid.jsonl"]
    export_llama_factory(paths, tmp_path / "data", tally)
    assert set(json.loads((tmp_path / "data" / "dataset_info.json").read_text())) == {
        "train",
        "valid",
    }
    assert tally.records == 2


def test_nothing_that_fits_is_an_error(tmp_path):
    """An export of nothing says why and writes nothing; an unknown format names those there are."""
    with pytest.raises(DataError, match="1 more than one exchange"):
        exported(tmp_path, "completion", TWO)
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]
    with pytest.raises(DataError, match="There is no export format 'x'; there are alpaca"):
        export_file(tmp_path / "in.jsonl", tmp_path / "out", "x", Tally())
