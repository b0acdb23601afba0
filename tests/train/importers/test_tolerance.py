"""Bad rows cost themselves: in every format, and whatever else is in the row."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.train.importers.chats import CHATS, read, said
from tests.train.importers.test_formats import RECOGNISED
from train.importers import formats
from train.importers.source import open_source
from train.tally import Tally

BAD_ROWS: list[Any] = [{"oops": 1}, 17, None, ["?"]]
BAD_LINES = ['{"oops": 1}', '{"messages": [', "null"]
BAD_CSV_LINES = ["1,2,3,4", '1,"']
PREFERRED_ME = {"qqnt.json": ("小安",)}


def _array(text: str) -> list[tuple[str, int]]:
    rows = json.loads(text)
    # A bad turn of a dialogue takes the reply to it along, so there it stands before and behind.
    middle = len(rows) if "role" in rows[0] else len(rows) // 2
    damaged = [*BAD_ROWS[:1], *rows[:middle], *BAD_ROWS[1:], *rows[middle:]]
    return [(json.dumps(damaged, ensure_ascii=False, indent=1), len(BAD_ROWS))]


def _telegram(text: str) -> list[tuple[str, int]]:
    chat = json.loads(text)
    chat["messages"] = [*BAD_ROWS, *chat["messages"], *BAD_ROWS]
    return [(json.dumps(chat, ensure_ascii=False, indent=1), 2 * len(BAD_ROWS))]


def _lines(text: str) -> list[tuple[str, int]]:
    return [("\n".join([BAD_LINES[0], text.rstrip("\n"), *BAD_LINES[1:], ""]), len(BAD_LINES))]


def _csv(text: str) -> list[tuple[str, int]]:
    header, rows = text.split("\n", 1)
    return [("\n".join([header, bad, rows]), 1) for bad in BAD_CSV_LINES]


def _line(text: str) -> list[tuple[str, int]]:
    header, rest = text.split("\n\n", 1)
    return [(f"{header}\n\n09:15 ?? no day yet\n{rest}", 1)]


def _wechat_text(text: str) -> list[tuple[str, int]]:
    return [(f"???\n\n{text}", 1)]


def _damage(name: str) -> Callable[[str], list[tuple[str, int]]]:
    by_format = {"telegram": _telegram, "line": _line, "wechatmsg-txt": _wechat_text}
    by_suffix = {".json": _array, ".jsonl": _lines, ".csv": _csv}
    return by_format.get(RECOGNISED[name]) or by_suffix[Path(name).suffix]


# A label opens every turn of these, so there is no row in them that could be a bad one; and of
# one column no line is too short.
WITHOUT_ROWS = {"阿蓝_chat.txt", "counselling.txt", "atom.csv"}


@pytest.mark.parametrize("name", sorted(set(RECOGNISED) - WITHOUT_ROWS))
def test_bad_rows_hide_nothing_and_are_reported(tmp_path, name):
    """With bad rows in it a file is of the same format and gives the same records."""
    me = PREFERRED_ME.get(name, ())
    before = Tally()
    expected = read(name, tally=before, me=me)
    whole = (CHATS / name).read_text(encoding="utf-8-sig")
    for text, bad in _damage(name)(whole):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        assert formats.detect(open_source(path)).name == RECOGNISED[name]
        tally = Tally()
        found = read(path, tally=tally, me=me)
        assert [record.id for record in found] == [record.id for record in expected]
        booked = tally.dropped.total() + tally.left_out.total()
        assert booked - before.dropped.total() - before.left_out.total() == bad
        shown = {one.where for reason in tally.examples.values() for one in reason}
        assert all(where.split(":")[0] == name for where in shown)


def test_a_bad_row_of_alpaca_names_its_line(tmp_path):
    """Each bad row is in the report with what is wrong about it and where."""
    path = tmp_path / "rows.json"
    path.write_text('[\n{"oops": 1},\n17,\n{"instruction": "在吗", "output": "在"}\n]')
    tally = Tally()
    assert said(read(path, tally=tally)) == [["在吗", "在"]]
    where = {reason: shown[0].where for reason, shown in tally.examples.items()}
    assert where == {
        "malformed: no 'instruction'": "rows.json:2",
        "malformed: not an object": "rows.json:3",
    }


def test_every_malformed_line_is_named(tmp_path):
    """Whoever has a file to mend finds all its bad lines in the report, and the first on screen."""
    good = '{"instruction": "在吗", "output": "在"}'
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join([good, *["{oops", good] * 10]), encoding="utf-8")
    tally, other = Tally(), Tally()
    read(path, tally=tally)
    (shown,) = tally.examples.values()
    assert [one.where for one in shown] == [f"rows.jsonl:{line}" for line in range(2, 21, 2)]
    other.add(tally)
    other.add(tally)
    assert len(next(iter(other.examples.values()))) == 20


PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
TURN = st.tuples(
    st.sampled_from(["user", "assistant"]), st.sampled_from(["words", "blank", "seen"])
)


@given(turns=st.lists(TURN, max_size=10))
def test_every_turn_is_in_the_record_or_counted(tmp_path_factory, turns):
    """Of a row that is kept, each turn's words are in it, or the turn is among what is left out."""
    contents = {
        "words": lambda at: f"t{at}.",
        "blank": lambda at: " ",
        "seen": lambda at: [{"type": "text", "text": f"t{at}."}, PICTURE],
    }
    messages = [
        {"role": role, "content": contents[what](at)} for at, (role, what) in enumerate(turns)
    ]
    path = tmp_path_factory.mktemp("openai") / "rows.jsonl"
    good = '{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}'
    path.write_text("\n".join([json.dumps({"messages": messages}), good]), encoding="utf-8")
    tally = Tally()
    *found, last = said(read(path, tally=tally))
    assert last == ["q", "a"]
    if not found:
        assert tally.dropped.total() == 1
        return
    words = "\n".join(found[0])
    lost = [at for at, (_, what) in enumerate(turns) if what != "blank" and f"t{at}." not in words]
    pictures = sum(what == "seen" for _, what in turns)
    blanks = sum(what == "blank" for _, what in turns)
    assert tally.left_out.pop("a picture", 0) == pictures
    assert tally.left_out.pop("a turn without words", 0) == blanks
    assert tally.left_out.total() == len(lost)


def test_what_is_left_out_of_openai_rows_has_a_reason(tmp_path):
    """An opening, a picture, a reply to a picture alone and a last question are counted."""
    turns = [
        ("assistant", "欢迎"),
        ("user", [{"type": "text", "text": "看这个"}, PICTURE]),
        ("assistant", "好看"),
        ("user", [PICTURE]),
        ("assistant", "更好看"),
        ("user", "走了"),
        ("assistant", "再见"),
        ("user", "还在吗"),
    ]
    path = tmp_path / "rows.jsonl"
    row = {"messages": [{"role": role, "content": content} for role, content in turns]}
    path.write_text(json.dumps(row, ensure_ascii=False), encoding="utf-8")
    tally = Tally()
    assert said(read(path, tally=tally)) == [["看这个", "好看", "走了", "再见"]]
    assert tally.left_out == {
        "a picture": 2,
        "an assistant's turn before any question": 1,
        "a reply to a turn without words": 1,
        "a question without a reply": 1,
    }
    assert [one.excerpt for one in tally.examples["a question without a reply"]] == ["还在吗"]


def test_a_last_question_of_sharegpt_is_counted(tmp_path):
    """What nobody answered is left out with an example."""
    path = tmp_path / "rows.json"
    turns = [{"from": "human", "value": "在吗"}, {"from": "gpt", "value": "在"}]
    row = {"conversations": [*turns, {"from": "human", "value": "好的"}]}
    path.write_text(json.dumps([row], ensure_ascii=False), encoding="utf-8")
    tally = Tally()
    assert said(read(path, tally=tally)) == [["在吗", "在"]]
    assert tally.left_out == {"a question without a reply": 1}
    assert tally.examples["a question without a reply"][0].where == "rows.json:1"


def test_pictures_in_a_column_of_their_own_are_counted(tmp_path):
    """LLaMA-Factory's <image> is no word, and a row of a picture alone is none."""
    path = tmp_path / "rows.json"
    rows = [
        {"instruction": "<image>这是谁", "output": "我", "images": ["a.png"]},
        {"instruction": "<image>", "output": "我", "images": ["b.png"]},
    ]
    path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    tally = Tally()
    assert said(read(path, tally=tally)) == [["这是谁", "我"]]
    assert (tally.left_out, tally.dropped) == ({"a picture": 1}, {"a blank question": 1})


def test_text_outside_of_templated_turns_is_counted(tmp_path):
    """What stands before, between and behind the turns of a templated row is no turn."""
    path = tmp_path / "rows.jsonl"
    turns = "<|im_start|>user\n在吗<|im_end|>\n?<|im_start|>assistant\n在<|im_end|>"
    path.write_text(json.dumps({"text": f"前{turns}后"}, ensure_ascii=False), encoding="utf-8")
    tally = Tally()
    assert said(read(path, tally=tally)) == [["在吗", "在"]]
    assert tally.left_out == {"text outside of the turns": 3}


def test_one_missing_file_of_a_llama_factory_folder_costs_itself(tmp_path):
    """Sets whose file is missing, or whose entry makes no sense, are named; others are read."""
    (tmp_path / "good.json").write_text('[{"instruction": "q", "output": "a"}]')
    registry = {
        "gone": {"file_name": "gone.json"},
        "odd": {"file_name": "good.json", "formatting": "xml"},
        "good": {"file_name": "good.json"},
    }
    (tmp_path / "dataset_info.json").write_text(json.dumps(registry))
    tally = Tally()
    assert said(read(tmp_path, tally=tally)) == [["q", "a"]]
    gone, odd = tally.notes
    assert gone.startswith("gone: not imported: Cannot read")
    assert "the data set odd of" in odd
    assert "formatting 'xml'" in odd


def test_a_chat_of_a_folder_that_needs_a_name_stops_no_other(tmp_path):
    """A group chat without --me is noted, and the other chats of the folder are imported."""
    group = [["2024-06-01 10:00:00", name, "嗨"] for name in ("甲", "乙", "丙")]
    (tmp_path / "group.json").write_text(json.dumps(group, ensure_ascii=False), encoding="utf-8")
    (tmp_path / "line.txt").write_bytes((CHATS / "line-tw.txt").read_bytes())
    tally = Tally()
    assert said(read(tmp_path, tally=tally)) == said(read("line-tw.txt"))
    (note,) = tally.notes
    assert "--me NAME" in note
