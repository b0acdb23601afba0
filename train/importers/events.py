"""One message of a chat, whichever program exported it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal[
    "text",
    "quote",
    "sticker",
    "picture",
    "voice",
    "video",
    "file",
    "card",
    "location",
    "call",
    "money",
    "system",
    "forwarded",
    "other",
]

# What exporters write in place of a message that is no text. WeChat's own faces ([委屈],
# [捂脸]) are text and are not here.
_PLACEHOLDERS: Mapping[str, Kind] = {
    "图片": "picture",
    "圖片": "picture",
    "照片": "picture",
    "相片": "picture",
    "photo": "picture",
    "photos": "picture",
    "image": "picture",
    "写真": "picture",
    "相簿": "picture",
    "album": "picture",
    "语音": "voice",
    "語音": "voice",
    "語音訊息": "voice",
    "voice message": "voice",
    "语音信息": "voice",
    "ボイスメッセージ": "voice",
    "表情": "sticker",
    "表情包": "sticker",
    "动画表情": "sticker",
    "動畫表情": "sticker",
    "贴图": "sticker",
    "貼圖": "sticker",
    "sticker": "sticker",
    "stickers": "sticker",
    "スタンプ": "sticker",
    "视频": "video",
    "影片": "video",
    "video": "video",
    "videos": "video",
    "動画": "video",
    "文件": "file",
    "檔案": "file",
    "file": "file",
    "ファイル": "file",
    "音乐分享": "card",
    "链接": "card",
    "連結": "card",
    "分享": "card",
    "名片": "card",
    "聯絡資訊": "card",
    "contact": "card",
    "小程序": "card",
    "聊天记录": "card",
    "合并转发": "card",
    "位置": "location",
    "位置訊息": "location",
    "位置情報": "location",
    "location": "location",
    "語音通話": "call",
    "视频通话": "call",
    "语音通话": "call",
    "通話": "call",
    "转账": "money",
    "红包": "money",
}
MARKERS: Mapping[Kind, str] = {
    "picture": "[图片]",
    "voice": "[语音]",
    "video": "[视频]",
    "file": "[文件]",
    "sticker": "[表情]",
    "location": "[位置]",
    "card": "[链接]",
    "call": "[通话]",
    "money": "[转账]",
    "other": "[消息]",
}
_PLACEHOLDER = re.compile(r"[\[【](?P<name>[^\[\]【】]{1,12}?)(?:消息|訊息)?[\]】]")

# Half of a day before or behind an hour: zh-TW and ja spreadsheets and LINE write the former.
HALF_BEFORE = "上午|下午|午前|午後|凌晨|晚上|AM|PM"
HALF_BEHIND = "AM|PM|am|pm"
_SECOND_HALF = {"下午", "午後", "晚上", "PM", "pm"}
_LOOSE_TIME = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?[ T]*"
    rf"(?P<before>{HALF_BEFORE})?\s*(\d{{1,2}}):(\d{{2}})(?::(\d{{2}})(?:\.\d+)?)?"
    rf"\s?(?P<after>{HALF_BEHIND})?"
)
_MOST_SECS = 1e11  # as seconds since 1970 that is the year 5138; as milliseconds, 1973
_LATEST_SECS = 7.3e9  # the year 2201: what is beyond is no time of a message


@dataclass(frozen=True, slots=True)
class Event:
    """One message.

    Attributes:
        line: Line of the file it begins on, from 1.
        time: Seconds since 1970, see `train.schema.Message.time`; None if the export has none.
        sender: Display name, "" where the export has none.
        text: What was written; for other kinds what stands in its place, or "".
        kind: What it is.
        mine: Whether the person who is to be imitated wrote it; None while unknown.
        chat: Which chat of the file, "" where there is one.
        quoted: Text that this message quotes, None if it quotes none or no text.
        sticker: The sticker's own id, for a table of labels.
        id: The program's own number of the message, "" where the export has none.
    """

    line: int
    time: float | None
    sender: str
    text: str
    kind: Kind = "text"
    mine: bool | None = None
    chat: str = ""
    quoted: str | None = None
    sticker: str | None = None
    id: str = ""


def placeholder_kind(text: str) -> Kind:
    """The kind of a message of which an exporter left only a placeholder, else `text`.

    >>> placeholder_kind("[图片]"), placeholder_kind("【语音消息】"), placeholder_kind("[委屈]")
    ('picture', 'voice', 'text')
    """
    found = _PLACEHOLDER.fullmatch(text.strip())
    return _PLACEHOLDERS.get(found["name"].lower(), "text") if found else "text"


def local_time(text: str) -> float:
    """Seconds of a date with a time of day, read as UTC if it names no zone.

    Args:
        text: ISO 8601, or as spreadsheets rewrite it: `2024/1/5 9:05`, `2024/1/5 下午 3:05`.

    Raises:
        ValueError: It is neither.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        found = _LOOSE_TIME.fullmatch(text.strip())
        if found is None:
            raise
        year, month, day, before, hour, minute, second, after = found.groups()
        moment = datetime(  # noqa: DTZ001
            int(year),
            int(month),
            int(day),
            hour_of_day(int(hour), before or after),
            int(minute),
            int(second or 0),
        )
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def hour_of_day(hour: int, half: str | None) -> int:
    """The hour from 0 to 23 of one that a half of the day goes with; 12 AM is 0.

    >>> hour_of_day(12, "上午"), hour_of_day(3, "PM"), hour_of_day(15, None)
    (0, 15, 15)
    """
    if half is None or hour > 12:
        return hour
    return hour % 12 + (12 if half in _SECOND_HALF else 0)


def epoch_secs(value: float | str) -> float:
    """Seconds since 1970 of a number of seconds, or of milli-, micro- or nanoseconds.

    Raises:
        ValueError: It is no finite number, or one that is no time a message can have.
    """
    try:
        secs = float(value)
    except OverflowError:
        secs = math.inf
    if not math.isfinite(secs):
        raise ValueError("no finite number")
    for _ in ("milli", "micro", "nano"):
        secs = secs / 1000 if secs >= _MOST_SECS else secs
    if secs > _LATEST_SECS:
        raise ValueError("a number beyond any message's time")
    return secs
