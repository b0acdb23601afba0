"""LINE's "send chat history" text, with headers in Chinese, English or Japanese.

[LINE] 與NAME的聊天記錄 | [LINE] Chat history with NAME | [LINE] NAMEとのトーク履歴
儲存日期：2024/01/05 12:34
                                (blank)
2024/01/05（五）                a day: 2024/1/2週二, 2024.01.05 星期五, Fri, 1/5/2024, R7/02/09
上午09:15⇥NAME⇥text             a message; also 09:15, 9:15 AM; some desktops use spaces
09:15⇥⇥NAME已收回訊息           a notice
09:15⇥NAME⇥"first line          a text of several lines, in quotation marks
last line"
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from pipeline.text import common_prefix_length
from train.importers.events import Event, Kind, placeholder_kind
from train.importers.source import Source, numbered_lines

_HEADERS = (
    re.compile(r"\[LINE\]\s*[與与](?P<name>.+?)的(?:聊天[記记][錄录])"),
    re.compile(r"\[LINE\]\s*Chat history (?:with|in) (?P<name>.+)"),
    re.compile(r"\[LINE\]\s*(?P<name>.+?)(?:とのトーク履歴|のトーク)"),
)
_SAVED = re.compile(r"(?:儲存日期|保存日期|Saved on|保存日時)\s*[:：]")
_WEEKDAY = (
    r"(?:\s*[（(]?\s*(?:(?:星期|週|周)?[一二三四五六日天月火水木金土](?:曜日)?"
    r"|[A-Z][a-z]{2,8})\s*[)）]?)?"
)
_DAY = re.compile(rf"(\d{{4}})[/.\-](\d{{1,2}})[/.\-](\d{{1,2}}){_WEEKDAY}")
_ENGLISH_DAY = re.compile(r"[A-Z][a-z]{2,8},?\s+(\d{1,2})/(\d{1,2})/(\d{4})")
_REIWA_DAY = re.compile(rf"R(\d{{1,2}})/(\d{{1,2}})/(\d{{1,2}}){_WEEKDAY}")
_REIWA_BEFORE_FIRST = 2018  # Reiwa 1 is 2019
_TIME = re.compile(
    r"(?P<before>上午|下午|午前|午後|AM|PM|凌晨|晚上)?\s*(?P<hour>\d{1,2}):(?P<minute>\d{2})"
    r"\s?(?P<after>AM|PM|am|pm)?(?P<gap>\t|[ ]+)(?P<rest>.*)",
    re.DOTALL,
)
_AFTERNOON = {"下午", "午後", "PM", "pm", "晚上"}
_NOTICE = re.compile(
    r"(?:已?收回(?:了)?訊息|已撤回|unsent a message|がメッセージの送信を取り消しました"
    r"|加入(?:了)?(?:聊天|群組)|退出(?:了)?(?:群組|聊天)"
    r"|(?:joined|left) the (?:chat|group))"
)
_CALL = re.compile(r"(?:☎|📞)")


def line_txt(source: Source) -> Iterator[Event]:
    """Messages of one chat."""
    other = partner(source)
    names = _spaced_names(source, other)
    day: datetime | None = None
    held: tuple[int, str] | None = None  # a text whose quotation mark is not closed yet
    for number, line in numbered_lines(source):
        if held is not None:
            starts_anew = _TIME.fullmatch(line) is not None and "\t" in line
            if not starts_anew and _day(line) is None:
                begun, text = held
                held = (begun, f"{text}\n{line}")
                if line.endswith('"'):
                    yield from _message(source, begun, held[1], day, names)
                    held = None
                continue
            yield from _message(source, held[0], held[1], day, names)
            held = None
        if not line.strip("\ufeff \t") or _is_header(line):
            continue
        if (found := _day(line)) is not None:
            day = found
        elif _TIME.fullmatch(line) is None:
            source.tally.rows_in += 1
            source.malformed(number, "neither a day nor a message", line)
        elif _opens_quotation(line):
            held = (number, line)
        else:
            yield from _message(source, number, line, day, names)
    if held is not None:
        yield from _message(source, held[0], held[1], day, names)


def partner(source: Source) -> str | None:
    """The other person, as the header names them."""
    for line in source.sample.splitlines()[:3]:
        for header in _HEADERS:
            if (found := header.match(line.strip("\ufeff "))) is not None:
                return found["name"].strip()
    return None


def _is_header(line: str) -> bool:
    text = line.strip("\ufeff ")
    return text.startswith("[LINE]") or _SAVED.match(text) is not None


def _day(line: str) -> datetime | None:
    text = line.strip("\ufeff \t")
    try:
        if (found := _DAY.fullmatch(text)) is not None:
            return datetime(int(found[1]), int(found[2]), int(found[3]), tzinfo=UTC)
        if (found := _ENGLISH_DAY.fullmatch(text)) is not None:
            return datetime(int(found[3]), int(found[1]), int(found[2]), tzinfo=UTC)
        if (found := _REIWA_DAY.fullmatch(text)) is not None:
            year = _REIWA_BEFORE_FIRST + int(found[1])
            return datetime(year, int(found[2]), int(found[3]), tzinfo=UTC)
    except ValueError:
        return None
    return None


def _opens_quotation(line: str) -> bool:
    text = line.rsplit("\t", 1)[-1]
    return "\t" in line and text.startswith('"') and (len(text) == 1 or not text.endswith('"'))


def _message(
    source: Source, number: int, line: str, day: datetime | None, names: Sequence[str]
) -> Iterator[Event]:
    source.tally.rows_in += 1
    found = _TIME.fullmatch(line)
    assert found is not None
    hour, minute = int(found["hour"]), int(found["minute"])
    mark = found["before"] or found["after"]
    if mark is not None:
        hour = hour % 12 + (12 if mark in _AFTERNOON else 0)
    if day is None or hour > 23 or minute > 59:
        source.malformed(number, "no day before it" if day is None else "no time of day", line)
        return
    time = day.timestamp() + hour * 3600 + minute * 60
    sender, text = _split(found["rest"], found["gap"], names)
    if len(text) > 1 and text.startswith('"') and text.endswith('"') and "\n" in text:
        text = text[1:-1]
    yield Event(number, time, sender, text, _kind(sender, text))


def _spaced_names(source: Source, other: str | None) -> list[str]:
    """Names in a file that separates them from the text by spaces, as they may hold some.

    The other's name is in the header; mine is what all other lines begin with.
    """
    if other is None:
        return []
    mine: list[str] = []
    lines = 0
    for _, line in numbered_lines(source):
        found = _TIME.fullmatch(line)
        if found is None or found["gap"] == "\t" or found["rest"].startswith(f"{other} "):
            continue
        words = found["rest"].split(" ")[:-1]  # the last one belongs to the text at least
        mine = mine[: max(1, common_prefix_length(mine, words))] if mine else words
        lines += 1
    if not mine:
        return [other]
    # One line shows nothing in common with others: its first word is the best guess.
    return [other, " ".join(mine if lines > 1 else mine[:1])]


def _split(rest: str, gap: str, names: Sequence[str]) -> tuple[str, str]:
    """Sender and text; no sender for a notice."""
    if gap == "\t":
        sender, tab, text = rest.partition("\t")
        return (sender.strip(), text) if tab else ("", rest)
    for name in names:
        if rest.startswith(f"{name} "):
            return name, rest[len(name) + 1 :]
    sender, _, text = rest.partition(" ")
    return sender, text


def _kind(sender: str, text: str) -> Kind:
    if not sender or (len(text) < 60 and _NOTICE.search(text)):
        return "system"
    if _CALL.match(text):
        return "call"
    return placeholder_kind(text)
