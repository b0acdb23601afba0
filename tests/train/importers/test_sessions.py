"""Cutting chats: the seed's rows byte for byte, and the presets' pauses."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from train.importers import ImportOptions, import_paths
from train.importers.chats import ChatOptions
from train.importers.events import Event
from train.importers.sessions import PRESETS, Turn, cutter
from train.mix.rendering import export_file
from train.schema import write
from train.tally import Tally


def seed_rows(messages):
    """Seed 003's own function, from its messages to its rows; only its file handling is gone."""

    def covert_time2num(text):
        return int(time.mktime(time.strptime(text, "%Y-%m-%d %H:%M:%S")))

    conversations = []
    i = 0
    cur_coveration = []
    while i < len(messages):
        while i < len(messages) and messages[i][1] == "我":
            i += 1
        if i >= len(messages):
            break
        message = messages[i]
        while (
            i < len(messages)
            and messages[i][1] != "我"
            and covert_time2num(messages[i][0]) - covert_time2num(message[0]) <= 60 * 2
        ):
            cur_coveration.append(messages[i])
            i += 1
        if i >= len(messages):
            break
        if len(cur_coveration) > 0:
            cur_coveration_len = len(cur_coveration)
            pre_time = covert_time2num(cur_coveration[-1][0])
            message = messages[i]
            cur_time = covert_time2num(message[0])
            if cur_time - pre_time <= 60 * 60 * 6:
                while (
                    i < len(messages)
                    and messages[i][1] == "我"
                    and covert_time2num(messages[i][0]) - covert_time2num(message[0]) <= 60 * 2
                ):
                    cur_coveration.append(messages[i])
                    i += 1
            if len(cur_coveration) > cur_coveration_len:
                conversations.append(cur_coveration)
            cur_coveration = []
    result = []
    for coveration in conversations:
        you_content = "\n".join([m[2] for m in coveration if m[1] != "我"])
        me_content = "\n".join([m[2] for m in coveration if m[1] == "我"])
        if you_content.strip() and me_content.strip():
            result.append(
                {
                    "instruction": "你是{猴哥}，一个热情、善良的人，"
                    "后面是来自你朋友的对话，你在理解后认真回答他",
                    "input": you_content,
                    "output": me_content,
                }
            )
    return result


def stamped(gaps_and_more):
    """Rows [time, sender, text] from (pause in seconds, sender, text)."""
    seconds, rows = 1_700_000_000, []
    for gap, sender, text in gaps_and_more:
        seconds += gap
        rows.append([time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds)), sender, text])
    return rows


PAUSES = st.sampled_from([0, 1, 60, 119, 120, 121, 3600, 21_599, 21_600, 21_601, 90_000])
TEXTS = st.sampled_from(["在吗", "好", " ", "", "[图片]", "嗯[委屈]", "a\nb", "(≧▽≦)😀"])
CHAT = st.lists(st.tuples(PAUSES, st.sampled_from(["我", "他", "她"]), TEXTS), max_size=25)


@settings(max_examples=60, deadline=None)
@given(chat=CHAT)
def test_monkey_reproduces_the_seed_byte_for_byte(tmp_path_factory, chat):
    """Import with preset monkey and export as monkey writes the file that the seed writes."""
    rows = stamped(chat)
    expected = seed_rows(rows)
    if not expected:
        return
    folder = tmp_path_factory.mktemp("monkey")
    source = folder / "messages.json"
    source.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    options = ImportOptions("rows", ChatOptions(preset=PRESETS["monkey"]))
    write(folder / "rows.jsonl", import_paths([source], options, Tally()))
    export_file(folder / "rows.jsonl", folder / "messages2.json", "monkey", Tally())
    seed_file = folder / "seed.json"
    with seed_file.open("w", encoding="utf-8") as out:
        json.dump(expected, out, ensure_ascii=False, indent=4)
    assert (folder / "messages2.json").read_bytes() == seed_file.read_bytes()


def cut(preset, chat):
    """Texts by turn of every conversation, and the reasons of all other messages."""
    dropped = []
    found: list[list[Turn]] = []
    machine = cutter(PRESETS[preset], lambda reason, event: dropped.append((reason, event.text)))
    seconds = 0.0
    for line, (gap, mine, text, *kind) in enumerate(chat, start=1):
        seconds += gap
        found += machine.add(Event(line, seconds, "", text, *(kind or ["text"]), mine=mine))
    found += machine.finish()
    return [[turn.text() for turn in turns] for turns in found], dropped


@given(
    preset=st.sampled_from(sorted(PRESETS)),
    chat=st.lists(
        st.tuples(
            PAUSES,
            st.booleans(),
            st.sampled_from(["a", "b", " "]),
            st.sampled_from(["text", "voice"]),
        ),
        max_size=30,
    ),
)
def test_every_message_is_used_once_or_has_a_reason(preset, chat):
    """No preset loses a message or uses one twice, and turns alternate from theirs to mine."""
    dropped = []
    machine = cutter(PRESETS[preset], lambda reason, event: dropped.append(event.line))
    used, seconds = [], 0.0
    events = []
    for line, (gap, mine, text, kind) in enumerate(chat, start=1):
        seconds += gap
        events.append(Event(line, seconds, "", text, kind, mine=mine))
    found = [turns for event in events for turns in machine.add(event)]
    found += machine.finish()
    for turns in found:
        assert [turn.mine for turn in turns] == [False, True] * (len(turns) // 2)
        used += [event.line for turn in turns for event in turn.events]
    assert sorted(used + dropped) == list(range(1, len(chat) + 1))


@pytest.mark.parametrize(("gap", "conversations"), [(60, 1), (61, 2)])
def test_liuhen_cuts_after_a_minute(gap, conversations):
    """A pause of more than 60 s begins a new conversation."""
    chat = [(0, False, "a"), (10, True, "b"), (gap, False, "c"), (10, True, "d")]
    found, _ = cut("liuhen", chat)
    assert len(found) == conversations


def test_weclone_windows():
    """Messages merge within 2 minutes, replies count within 5, a voice message cuts."""
    assert cut("weclone", [(0, False, "a"), (120, False, "b"), (300, True, "c")])[0] == [
        ["a\nb", "c"]
    ]
    assert cut("weclone", [(0, False, "a"), (121, False, "b"), (300, True, "c")])[0] == [["b", "c"]]
    assert cut("weclone", [(0, False, "a"), (301, True, "b")])[0] == []
    voiced = [(0, False, "a"), (1, False, "", "voice"), (1, True, "b")]
    assert cut("weclone", voiced)[0] == []


def test_qingting_is_multi_turn_and_keeps_late_answers():
    """Half an hour of silence parts conversations, an answer after five hours is an answer."""
    chat = [
        (0, False, "a"),
        (5 * 3600, True, "b"),
        (60, False, "c"),
        (60, True, "d"),
        (1801, False, "e"),
        (1, True, "f"),
    ]
    assert cut("qingting", chat)[0] == [["a", "b", "c", "d"], ["e", "f"]]


def test_qingting_drops_replies_to_what_is_not_there():
    """A picture alone takes its reply along; beside text it does not."""
    alone = [(0, False, "a"), (1, True, "b"), (1, False, "", "picture"), (1, True, "nice")]
    assert cut("qingting", alone)[0] == [["a", "b"]]
    beside = [(0, False, "look"), (1, False, "", "picture"), (1, True, "nice")]
    assert cut("qingting", beside)[0] == [["look", "nice"]]


def test_presets_bound_a_conversation():
    """A chat without a pause is cut, so that memory is bounded."""
    chat = [(1, bool(at % 2), "x") for at in range(100)]
    found, dropped = cut("qingting", chat)
    assert [len(turns) for turns in found] == [20, 20, 20, 20, 20]
    assert dropped == []


@pytest.mark.parametrize("preset", ["qingting", "weclone"])
@pytest.mark.parametrize("kind", ["sticker", "other"])
def test_a_reply_to_a_sticker_alone_is_no_part_of_the_reply_before(preset, kind):
    """What I answer to a sticker is left out; words beside the sticker can be answered."""
    alone = [
        (0, False, "a"),
        (1, True, "b"),
        (1, False, "", kind),
        (1, True, "haha"),
        (1, True, "x"),
    ]
    found, dropped = cut(preset, [*alone, (1, False, "c"), (1, True, "d")])
    assert found == [["a", "b"], ["c", "d"]]
    assert [text for reason, text in dropped if reason.startswith("mine")] == ["haha", "x"]
    beside = [*alone[:3], (1, False, "so true"), (1, True, "haha")]
    assert cut(preset, beside)[0] == [["a", "b", "so true", "haha"]]


def test_my_own_sticker_changes_nothing():
    """A sticker of mine, or of theirs beside words, leaves my reply where it is."""
    chat = [(0, False, "a"), (1, False, "", "sticker"), (1, True, "b"), (1, True, "", "sticker")]
    assert cut("qingting", [*chat, (1, True, "c")])[0] == [["a", "b\nc"]]
