"""LINE's "send chat history" text, with headers in Chinese, English or Japanese.

[LINE] 與NAME的聊天記錄 | [LINE] Chat history with NAME | [LINE] NAMEとのトーク履歴
儲存日期：2024/01/05 12:34
                                (blank)
2024/01/05（五）                a day: 2024/1/2週二, 2024.01.05 星期五, Fri, 1/5/2024, R7/02/09
上午09:15⇥NAME⇥text             a message; also 09:15, 9:15 AM
09:15⇥⇥NAME已收回訊息           a notice
09:15⇥NAME⇥"first line          a text of several lines, in quotation marks
last line"

Desktop builds begin with the day, part time, name and text by spaces, and write a text of several
lines without quotation marks.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from pipeline.text import common_prefix_length
from train.importers.events import (
    HALF_BEFORE,
    HALF_BEHIND,
    Event,
    Kind,
    hour_of_day,
    placeholder_kind,
)
from train.importers.source import Lines, Source, numbered_lines

_NAMED = (
    re.compile(r"(?:\[LINE\])?\s*[與与](?P<name>.+?)的(?:聊天|[對对][話话])"),
    re.compile(r"(?:\[LINE\])?\s*Chat history with (?P<name>.+)"),
    re.compile(r"(?:\[LINE\])?\s*(?P<name>.+?)とのトーク"),
)
_HEADER = re.compile(r"\[LINE\]|Chat history (?:with|in) ")
_SAVED = re.compile(r"(?:儲存日期|保存日期|Saved on|保存日時)\s*[:：]")
_WEEKDAY = (
    r"(?:\s*[（(]?\s*(?:(?:星期|週|周)?[一二三四五六日天月火水木金土](?:曜日)?"
    r"|[A-Z][a-z]{2,8})\s*[)）]?)?"
)
_DAY = re.compile(rf"(\d{{4}})[/.\-年](\d{{1,2}})[/.\-月](\d{{1,2}})日?{_WEEKDAY}")
_ENGLISH_DAY = re.compile(r"[A-Z][a-z]{2,8},?\s+(\d{1,2})/(\d{1,2})/(\d{4})")
_REIWA_DAY = re.compile(rf"R(\d{{1,2}})/(\d{{1,2}})/(\d{{1,2}}){_WEEKDAY}")
_REIWA_BEFORE_FIRST = 2018  # Reiwa 1 is 2019
_TIME = re.compile(
    rf"(?P<before>{HALF_BEFORE})?\s*(?P<hour>\d{{1,2}}):(?P<minute>\d{{2}})"
    rf"\s?(?P<after>{HALF_BEHIND})?(?P<gap>\t|[ ]+)(?P<rest>.*)",
    re.DOTALL,
)
_NOTICE = re.compile(
    r"(?:已?收回(?:了)?訊息|撤回(?:了)?(?:一[条則则])?(?:消息|訊息)?"
    r"|unsent a message|Message unsent|メッセージの送信を取り消しました"
    r"|加入(?:了)?(?:聊天|群組|群组|[该該]群)"
    r"|(?:退出|離開)(?:了)?(?:群組|聊天)|(?:joined|left) the (?:chat|group))[。.]?$"
)
_LONGEST_NOTICE_CHARS = 60  # a display name has 20 at most
_CALL = re.compile(r"(?:☎|📞)")
_MOST_QUOTED_LINES = 1_000  # a message has 10,000 characters at most


def recognises(sample: str) -> bool:
    """Whether a text begins as LINE's does: with a header, or with a day and a message."""
    lines = (line.strip("\ufeff ") for line in sample.splitlines())
    first, second, *_ = [*itertools.islice((line for line in lines if line), 2), "", ""]
    return _HEADER.match(first) is not None or (
        _day(first) is not None and _TIME.fullmatch(second) is not None
    )


def line_txt(source: Source) -> Iterator[Event]:
    """Messages of one chat."""
    names = _spaced_names(source)
    day: datetime | None = None
    lines = Lines(numbered_lines(source))
    for number, line in lines:
        if not line.strip("\ufeff \t") or (day is None and _is_header(line)):
            continue
        if (found := _day(line)) is not None:
            day = found
            continue
        message = _TIME.fullmatch(line)
        if message is None or not _is_named(message, names):
            source.tally.rows_in += 1
            source.malformed(number, "neither a day nor a message", line)
            continue
        source.tally.rows_in += 1
        sender, text = _split(message, names)
        if names is not None:
            text = "\n".join([text, *_unquoted_lines(lines, names)])
        elif text.startswith('"') and (len(text) == 1 or not text.endswith('"')):
            text = _quoted(text, lines)
        time = _secs(message, day)
        if isinstance(time, str):
            source.malformed(number, time, line)
        else:
            kind = _kind(sender, text, spaced=names is not None)
            yield Event(number, time, sender, text, kind)


def partner(source: Source) -> str | None:
    """The other person, as the header names them or else the file's name; None of a group."""
    lines = [line.strip("\ufeff ") for line in source.sample.splitlines()[:3]]
    for text in (*lines, source.path.stem):
        for named in _NAMED:
            if (found := named.match(text)) is not None:
                return found["name"].strip()
    return None


def _is_header(line: str) -> bool:
    text = line.strip("\ufeff ")
    return _HEADER.match(text) is not None or _SAVED.match(text) is not None


def _day(line: str) -> datetime | None:
    text = line.strip("\ufeff \t")
    try:
        if (found := _DAY.fullmatch(text)) is not None:
            return datetime(int(found[1]), int(found[2]), int(found[3]), tzinfo=UTC)
        if (found := _ENGLISH_DAY.fullmatch(text)) is not None:
            first, second, year = (int(part) for part in found.groups())
            month, of_month = (second, first) if first > 12 else (first, second)
            return datetime(year, month, of_month, tzinfo=UTC)
        if (found := _REIWA_DAY.fullmatch(text)) is not None:
            year = _REIWA_BEFORE_FIRST + int(found[1])
            return datetime(year, int(found[2]), int(found[3]), tzinfo=UTC)
    except ValueError:
        return None
    return None


def _secs(message: re.Match[str], day: datetime | None) -> float | str:
    """When a message was sent, in seconds since 1970, or why that cannot be told."""
    if day is None:
        return "no day before it"
    hour, minute = int(message["hour"]), int(message["minute"])
    hour = hour_of_day(hour, message["before"] or message["after"])
    if hour > 23 or minute > 59:
        return "no time of day"
    return day.timestamp() + hour * 3600 + minute * 60


def _quoted(first: str, lines: Lines) -> str:
    """The text that begins with a quotation mark, up to the line that ends with one.

    Where none comes before the next message, the mark was the writer's own.
    """
    taken: list[tuple[int, str]] = []
    for number, line in lines:
        taken.append((number, line))
        if _is_tabbed(line) or len(taken) == _MOST_QUOTED_LINES:
            break
        if line.endswith('"'):
            return "\n".join([first[1:], *(text for _, text in taken)])[:-1]
    own = list(itertools.takewhile(lambda one: one[1].strip() and not _starts(one[1]), taken))
    lines.give_back(taken[len(own) :])
    return "\n".join([first, *(text for _, text in own)])


def _starts(line: str) -> bool:
    """Whether a line begins something new, a day or a message."""
    return _day(line) is not None or _is_tabbed(line)


def _is_tabbed(line: str) -> bool:
    """Whether a line is a message whose parts are separated by tabs."""
    found = _TIME.fullmatch(line)
    return found is not None and found["gap"] == "\t"


def _unquoted_lines(lines: Lines, names: Sequence[str] | None) -> list[str]:
    """Further lines of a text in a desktop build, up to the next message or day."""
    taken: list[tuple[int, str]] = []
    for number, line in lines:
        message = _TIME.fullmatch(line)
        if _day(line) is not None or (message is not None and _is_named(message, names)):
            lines.give_back([(number, line)])
            break
        taken.append((number, line))
    return "\n".join(text for _, text in taken).rstrip("\n").split("\n") if taken else []


def _spaced_names(source: Source) -> list[str] | None:
    """Names in a file that separates them from the text by spaces, as they may hold some.

    The other's name is in the header; mine is what most other messages begin with. A line
    of a text may look like a message, but seldom like one of these two.

    Returns:
        Theirs and mine, as far as they can be told; None where tabs separate.
    """
    if any(_is_tabbed(line) for line in source.sample.splitlines()):
        return None
    if (other := partner(source)) is None:
        return []
    counts: Counter[str] = Counter()
    shared: dict[str, list[str]] = {}  # by the first word, the words that all lines begin with
    dated = itertools.dropwhile(lambda one: _day(one[1]) is None, numbered_lines(source))
    for _, line in dated:
        found = _TIME.fullmatch(line)
        if found is None or _NOTICE.search(found["rest"]):
            continue
        if found["rest"].startswith(f"{other} "):
            continue
        words = found["rest"].split(" ")
        if len(words) > 1:  # the last one belongs to the text at least
            begun = shared.setdefault(words[0], words[:-1])
            shared[words[0]] = begun[: max(1, common_prefix_length(begun, words[:-1]))]
            counts[words[0]] += 1
    if not counts:
        return [other]
    first, lines = counts.most_common(1)[0]
    # One line shows nothing in common with others: its first word is the best guess.
    return [other, " ".join(shared[first]) if lines > 1 else first]


def _is_named(message: re.Match[str], names: Sequence[str] | None) -> bool:
    """Whether a line with a time is a message, and not a line of one, as far as can be told."""
    if names is None:
        return message["gap"] == "\t"
    if len(names) < 2 or _NOTICE.search(message["rest"]):
        return True
    return message["rest"].startswith(tuple(f"{name} " for name in names)) or bool(
        _CALL.match(message["rest"])
    )


def _split(message: re.Match[str], names: Sequence[str] | None) -> tuple[str, str]:
    """Sender and text; no sender for a notice."""
    rest = message["rest"]
    if names is None:
        sender, tab, text = rest.partition("\t")
        return (sender.strip(), text) if tab else ("", rest)
    for name in names:
        if rest.startswith(f"{name} "):
            return name, rest[len(name) + 1 :]
    if len(rest) < _LONGEST_NOTICE_CHARS and _NOTICE.search(rest):
        return "", rest
    sender, _, text = rest.partition(" ")
    return sender, text


def _kind(sender: str, text: str, *, spaced: bool) -> Kind:
    if not sender or (len(text) < _LONGEST_NOTICE_CHARS and _NOTICE.search(text)):
        return "system"
    if _CALL.match(text):
        return "call"
    # Desktop builds write the name of what was sent without brackets.
    return placeholder_kind(f"[{text}]" if spaced and "[" not in text else text)
