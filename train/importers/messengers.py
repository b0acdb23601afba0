"""QQ as QQNT_Export writes it, and the plainest chat there is: rows of time, sender, text.

A QQNT message lists its elements as `[tag, value]`, `{"type": tag, "content": value}`, or with
the value in the tag's string and "reply" or "quote" behind it:

    ["[文本]", "在吗"]   ["[表情]", "/捂脸-264"]   ["[被引用的消息][文本]", "原话"]
    ["[文本]在吗", "reply"]   ["[被引用的消息][文本]原话", "quote"]
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from train.importers.events import (
    MARKERS,
    Event,
    Kind,
    epoch_secs,
    local_time,
    placeholder_kind,
)
from train.importers.source import Broken, Source, csv_rows, json_rows

_QQ_TAG = re.compile(r"(?P<quoted>\[被引用的消息\])?(?:\[(?P<name>[^\[\]\s]{1,6})\]\s?)?")
_QQ_KINDS: Mapping[str, Kind] = {
    "文本": "text",
    "图片": "picture",
    "商城表情": "sticker",
    "语音": "voice",
    "视频": "video",
    "文件": "file",
    "卡片消息": "card",
    "应用消息": "card",
    "动态消息": "card",
    "位置": "location",
    "通话": "call",
    "红包": "money",
    "转账": "money",
    "提示": "system",
    "合并转发": "forwarded",
}
_QQ_FACES = {"表情", "QQ表情"}
_QQ_DIRECTIONS = {"发": True, "收": False, "转发": None}
_ROLES = ("quote", "reply")
_FACE = re.compile(r"(?:\d+-)?/?\[?(?P<label>[^\[\]]*?)\]?(?:-\d+)?")
_UNKNOWN_FACES = {"", "未知表情"}

_Element: TypeAlias = tuple[bool, Kind, str]  # whether it is quoted, what it is, its words


def qqnt(source: Source) -> Iterator[Event]:
    """Messages `{"time", "sender", "sender_qq", "contents"}`, or `direction` for the sender."""
    for line, value in json_rows(source):
        row = source.row(line, value)
        if row is None:
            continue
        try:
            time = _time(row["time"])
            elements = [_element(piece) for piece in row["contents"]]
            mine, sender = None, str(row.get("sender") or row.get("sender_qq") or "")
            if not sender:
                mine = _QQ_DIRECTIONS[row["direction"]]
                sender = "" if mine else source.path.stem
        except (AttributeError, KeyError, TypeError, ValueError):
            source.malformed(line, "not a QQNT message", str(row))
            continue
        if row.get("direction") == "转发":
            elements.insert(0, (False, "forwarded", ""))
        yield _qqnt_message(source, line, time, sender, mine, elements)


def rows(source: Source) -> Iterator[Event]:
    """Rows `[time, sender, text]`, or objects or CSV with these names."""
    is_csv = source.path.suffix.lower() == ".csv"
    for line, value in _named_cells(source) if is_csv else json_rows(source):
        row = source.row(line, value)
        if row is None:
            continue
        try:
            if isinstance(row, dict):
                row = row["time"], row["sender"], row["text"]
            time, sender, text = row
            if not isinstance(sender, str) or not isinstance(text, str):
                raise TypeError("sender and text are strings")
            yield Event(line, _time(time), sender, text, placeholder_kind(text))
        except (KeyError, TypeError, ValueError):
            source.malformed(line, "not [time, sender, text]", str(row))


def _named_cells(source: Source) -> Iterator[tuple[int, Any]]:
    """Rows of a CSV by the names of its header, in whatever order that has them."""
    found = csv_rows(source)
    _, header = next(found, (0, []))
    names = [] if isinstance(header, Broken) else [name.strip("\ufeff ") for name in header]
    for line, row in found:
        yield line, row if isinstance(row, Broken) else dict(zip(names, row, strict=False))


def _time(value: Any) -> float:
    if isinstance(value, str) and not value.strip().replace(".", "", 1).isdigit():
        return local_time(value.strip())
    return epoch_secs(value)


def _qqnt_message(
    source: Source,
    line: int,
    time: float,
    sender: str,
    mine: bool | None,
    elements: list[_Element],
) -> Event:
    quotes = [text if kind == "text" else "" for quoted, kind, text in elements if quoted]
    own = [(kind, text) for quoted, kind, text in elements if not quoted]
    others = [kind for kind, _ in own if kind != "text"]
    if "forwarded" in others or not any(text.strip() for kind, text in own if kind == "text"):
        first: Kind = "forwarded" if "forwarded" in others else [*others, "other"][0]
        return Event(line, time, sender, MARKERS.get(first, ""), first, mine)
    said = ""
    for kind, text in own:
        if kind in ("text", "sticker"):
            said += text if kind == "text" else MARKERS[kind]
        else:
            source.tally.leave_out(f"of kind {kind}, beside words", source.where(line), text)
    quoted = "".join(quotes) or None
    return Event(line, time, sender, said, "quote" if quotes else "text", mine, quoted=quoted)


def _element(piece: Any) -> _Element:
    """An element of a message.

    Raises:
        TypeError, ValueError, AttributeError: It is none.
    """
    if isinstance(piece, str):
        tag, value = piece, ""
    elif isinstance(piece, dict):
        tag, value = piece.get("type") or "", piece.get("content") or ""
    else:
        tag, value = (part or "" for part in piece)
    found = _QQ_TAG.match(tag)
    assert found is not None  # it may match nothing
    name, text = found["name"] or "", tag[found.end() :]
    if name not in _QQ_KINDS and name not in _QQ_FACES:
        name, text = "", tag[len(found["quoted"] or "") :]
    if not text and (value not in _ROLES or name == "文本"):
        text = value
    if not isinstance(text, str):
        raise TypeError("an element without text")
    quoted = found["quoted"] is not None or (value == "quote" and text != value)
    if name in _QQ_FACES:
        label = _FACE.fullmatch(text.strip())
        if label is None or label["label"].strip() in _UNKNOWN_FACES:
            return quoted, "sticker", ""
        return quoted, "text", f"[{label['label'].strip()}]"
    return quoted, _QQ_KINDS.get(name, "text" if text else "other"), text
