"""QQ as QQNT_Export writes it, and the plainest chat there is: rows of time, sender, text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from train.importers.events import Event, Kind, local_time, placeholder_kind
from train.importers.source import Source, csv_rows, json_rows

_QQ_TAG = re.compile(r"^(?:\[被引用的消息\])?\[(文本|图片|表情|语音|视频|文件|卡片消息|位置)\]\s?")
_QQ_KINDS: dict[str, Kind] = {
    "图片": "picture",
    "表情": "sticker",
    "语音": "voice",
    "视频": "video",
    "文件": "file",
    "卡片消息": "card",
    "位置": "location",
}
_MILLISECONDS_FROM = 1e11  # as seconds that is the year 5138


def qqnt(source: Source) -> Iterator[Event]:
    """Messages `{"time","sender","sender_qq","contents":[[text, "quote" | "reply"], …]}`."""
    for line, value in json_rows(source):
        row = source.row(line, value)
        if row is None:
            continue
        try:
            time = _time(row["time"])
            sender = str(row.get("sender") or row["sender_qq"])
            text, kind, quoted = _contents(row["contents"])
        except (AttributeError, KeyError, TypeError, ValueError, IndexError):
            source.malformed(line, "not a QQNT message", str(row))
            continue
        yield Event(line, time, sender, text, kind, quoted=quoted)


def rows(source: Source) -> Iterator[Event]:
    """Rows `[time, sender, text]`, or objects or CSV with these names."""
    is_csv = source.path.suffix.lower() == ".csv"
    pieces: Iterator[tuple[int, Any]] = csv_rows(source) if is_csv else json_rows(source)
    if is_csv:
        next(pieces, None)  # the header
    for line, value in pieces:
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


def _time(value: Any) -> float:
    if isinstance(value, str) and not value.strip().isdigit():
        return local_time(value.strip())
    seconds = float(value)
    return seconds / 1000 if seconds > _MILLISECONDS_FROM else seconds


def _contents(contents: Any) -> tuple[str, Kind, str | None]:
    texts: list[str] = []
    kinds: list[Kind] = []
    quoted: str | None = None
    for piece in contents:
        content, role = (piece, "") if isinstance(piece, str) else (piece[0], piece[1])
        tag = _QQ_TAG.match(content)
        kind = _QQ_KINDS.get(tag[1], "text") if tag else "text"
        text = content[tag.end() :] if tag else content.removeprefix("[被引用的消息]")
        if role == "quote" or content.startswith("[被引用的消息]"):
            quoted = text if kind == "text" and text else None
        elif kind == "text":
            texts.append(text)
        else:
            kinds.append(kind)
    said = "".join(texts)
    if said.strip():
        return said, "quote" if quoted is not None else "text", quoted
    return said, kinds[0] if kinds else "other", None
