"""WeChat: what WeChatMsg (留痕, MemoTrace) and PyWxDump or WeClone export.

Layouts as written by LC044/WeChatMsg, refs/pull/578, and by PyWxDump's CSV exporter:

    CSV     localId,TalkerId,Type,SubType,IsSender,CreateTime,…,StrContent,StrTime,Remark,…
    CSV     id,MsgSvrID,type_name,is_sender,talker,room_name,msg,src,CreateTime
    TXT     {time} {name}⏎ {content}⏎ ⏎        a line of time and text alone is a notice
    AI-TXT  ****{date}****⏎ {name}:{text} {text}…
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from train.importers.events import MARKERS, Event, Kind, local_time, placeholder_kind
from train.importers.source import Broken, Source, csv_rows, numbered_lines

_TYPES: Mapping[str, Kind] = {
    "1": "text",
    "3": "picture",
    "34": "voice",
    "42": "card",
    "43": "video",
    "47": "sticker",
    "48": "location",
    "49": "card",
    "50": "call",
    "10000": "system",
}
_APP_SUBTYPES: Mapping[str, Kind] = {
    "6": "file",
    "8": "sticker",
    "57": "quote",
    "2000": "money",
    "2001": "money",
}
_TYPE_NAMES: Mapping[str, Kind] = {
    "文本": "text",
    "图片": "picture",
    "语音": "voice",
    "视频": "video",
    "动画表情": "sticker",
    "文件": "file",
    "名片": "card",
    "位置": "location",
    "引用回复": "quote",
    "系统通知": "system",
    "转账": "money",
    "红包": "money",
    "语音通话": "call",
}
_FLAGS = {"1": True, "true": True, "0": False, "false": False}
_NOT_KNOWN = "no time, or not said who wrote it"
_TITLE = re.compile(r"<title>(?:<!\[CDATA\[)?(.*?)(?:\]\]>)?</title>", re.DOTALL)
_REFERRED = re.compile(r"<refermsg>(.*?)</refermsg>", re.DOTALL)
_REFERRED_TYPE = re.compile(r"<type>\s*(\d+)\s*</type>")
_REFERRED_CONTENT = re.compile(r"<content>(?:<!\[CDATA\[)?(.*?)(?:\]\]>)?</content>", re.DOTALL)
_STICKER_ID = re.compile(r"""\bmd5\s*=\s*["']([0-9a-fA-F]{32})["']""")
_XML_ENTITIES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&amp;": "&"}
_ENTITY = re.compile("|".join(_XML_ENTITIES))

_TXT_HEADER = re.compile(r"(\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}) (.*)")
_TXT_QUOTE = re.compile(r"引用\s*[:：](?:[^:：\n]*[:：])?")
_QUOTED_NAME = re.compile(r"引用\s*[:：]([^:：\n]*)[:：](.*)", re.DOTALL)
_AI_DAY = re.compile(r"\*{10,}\s*(\d{4}-\d{2}-\d{2})\s*\*{10,}")
_AI_SENDER = re.compile(r"([^:：\s][^:：]{0,39}):(?!//)(.*)")
_AI_LEAST_TURNS = 2  # a label that begins one line only is taken for text with a colon


def wechatmsg_csv(source: Source) -> Iterator[Event]:
    """Rows of 留痕's CSV."""
    for line, row in _records(source, {"Type", "IsSender", "StrContent"}):
        kind = _TYPES.get(row["Type"], "other")
        if row["Type"] == "49":
            kind = _APP_SUBTYPES.get(row.get("SubType", ""), "card")
        content, stamp = row["StrContent"], row.get("CreateTime", "")
        known = _who_and_when(row["IsSender"], stamp, row.get("StrTime", ""))
        if known is None:
            source.malformed(line, _NOT_KNOWN, content)
            continue
        mine, time = known
        yield _event(
            line,
            time,
            kind,
            content,
            mine=mine,
            sender=_first(
                row, ("Sender", "NickName") if mine else ("Remark", "NickName", "Sender")
            ),
            chat=row.get("TalkerId", ""),
        )


def pywxdump_csv(source: Source) -> Iterator[Event]:
    """Rows of PyWxDump's CSV, which WeClone takes."""
    for line, row in _records(source, {"type_name", "is_sender", "msg"}):
        kind = _TYPE_NAMES.get(row["type_name"].strip(), "other")
        if row.get("is_forward", "").strip().lower() in ("1", "true"):
            kind = "forwarded"
        content, stamp = row["msg"], row.get("CreateTime", "")
        known = _who_and_when(row["is_sender"], stamp, stamp)
        if known is None:
            source.malformed(line, _NOT_KNOWN, content)
            continue
        mine, time = known
        yield _event(
            line,
            time,
            kind,
            content,
            mine=mine,
            sender=row.get("talker", ""),
            chat=row.get("room_name", ""),
            quoted=row.get("src") or None,
        )


def wechatmsg_txt(source: Source) -> Iterator[Event]:
    """Messages of 留痕's TXT: old builds ([图片], 引用:名:原话) and new (【图片消息】, 引用：…)."""
    begun, header, body = 0, None, list[str]()
    for number, line in numbered_lines(source):
        if (found := _TXT_HEADER.fullmatch(line)) is not None:
            if header is not None:
                yield from _txt_message(source, begun, header, body)
            begun, header, body = number, found, []
        elif header is not None:
            body.append(line)
        elif line.strip("\ufeff \t"):
            source.tally.rows_in += 1
            source.malformed(number, "text before the first message", line)
    if header is not None:
        yield from _txt_message(source, begun, header, body)


def wechatmsg_ai_txt(source: Source) -> Iterator[Event]:
    """Turns of 留痕's AI-TXT; a day's first line may go on with the last day's sender."""
    names = _ai_names(source)
    day: float | None = None
    begun, sender, text = 0, "", ""

    def turn() -> Iterator[Event]:
        if text.strip():
            source.tally.rows_in += 1
            yield Event(begun, day, sender, text.strip(), placeholder_kind(text))

    for number, line in numbered_lines(source):
        if (found := _AI_DAY.search(line)) is not None:
            yield from turn()
            text = ""
            try:
                day = local_time(found[1])
            except ValueError:
                source.tally.rows_in += 1
                source.malformed(number, "no date", line)
        elif (label := _AI_SENDER.fullmatch(line)) is not None and label[1] in names:
            yield from turn()
            begun, sender, text = number, label[1], label[2]
        elif line.strip():
            begun = begun if text else number
            text = f"{text}\n{line}" if text else line
    yield from turn()


def _records(source: Source, needed: set[str]) -> Iterator[tuple[int, dict[str, str]]]:
    rows = csv_rows(source)
    _, first = next(rows, (0, []))
    names = [] if isinstance(first, Broken) else [name.strip("\ufeff ") for name in first]
    if not needed <= set(names):
        source.tally.notes.append(
            f"{source.path.name}: the header lacks {', '.join(sorted(needed - set(names)))}"
        )
        return
    if twice := sorted(name for name in needed if names.count(name) > 1):
        source.tally.notes.append(
            f"{source.path.name}: the header has {', '.join(twice)} more than once"
        )
        return
    for line, row in rows:
        if (values := source.row(line, row)) is not None:
            yield line, dict(zip(names, values, strict=True))


def _first(row: Mapping[str, str], columns: Sequence[str]) -> str:
    return next((row[column] for column in columns if row.get(column)), "")


def _who_and_when(sender: str, unix: str, local: str) -> tuple[bool, float] | None:
    """Whether I wrote a row, and its time; None where one of them cannot be told."""
    mine = _FLAGS.get(sender.strip().lower())
    if mine is None:
        return None
    try:
        is_unix = unix.strip().replace(".", "", 1).isdigit()
        return mine, float(unix) if is_unix else local_time(local.strip())
    except ValueError:
        return None


def _event(
    line: int,
    time: float,
    kind: Kind,
    content: str,
    *,
    mine: bool,
    sender: str,
    chat: str,
    quoted: str | None = None,
) -> Event:
    sticker = None
    if kind == "quote":
        content, found = _quote(content)
        quoted = found if found is not None else quoted
        if quoted is not None and placeholder_kind(quoted) != "text":
            quoted = None
    elif kind == "sticker" and (found_id := _STICKER_ID.search(content)) is not None:
        sticker = found_id[1].lower()
    if content.lstrip().startswith("<") or not content:
        content = MARKERS.get(kind, content)  # its XML says nothing to a reader
    return Event(line, time, sender, content, kind, mine, chat, quoted, sticker)


def _quote(content: str) -> tuple[str, str | None]:
    """The reply, and the quoted text where the quoted message is one."""
    if "<" not in content:
        return _split_quote(content)
    title = _TITLE.search(content)
    reply = _plain(title[1]) if title else ""
    referred = _REFERRED.search(content)
    if referred is None:
        return reply, None
    kind = _REFERRED_TYPE.search(referred[1])
    quoted = _REFERRED_CONTENT.search(referred[1])
    if quoted is None or (kind is not None and kind[1] != "1"):
        return reply, None
    return reply, _plain(quoted[1])


def _split_quote(content: str) -> tuple[str, str | None]:
    for found in _TXT_QUOTE.finditer(content):
        if found.start() == 0 or content[found.start() - 1] == "\n":
            named = _QUOTED_NAME.match(content, found.start())
            quoted = named[2].strip() if named else ""
            text = quoted if quoted and placeholder_kind(quoted) == "text" else None
            return content[: found.start()].rstrip("\n"), text
    return content, None


def _plain(xml: str) -> str:
    return _ENTITY.sub(lambda found: _XML_ENTITIES[found[0]], xml)


def _txt_message(
    source: Source, line: int, header: re.Match[str], body: Sequence[str]
) -> Iterator[Event]:
    source.tally.rows_in += 1
    try:
        time = local_time(header[1])
    except ValueError:
        source.malformed(line, "no time", header[0])
        return
    text = "\n".join(body).rstrip("\n")
    if not text.strip():
        yield Event(line, time, "", header[2], "system")
        return
    reply, quoted = _split_quote(text)
    kind: Kind = "quote" if reply != text else placeholder_kind(text.split("\n", 1)[0])
    if re.match(r"\s*\[链接\]\s*[:：]", text):
        kind = "card"
    yield Event(line, time, header[2], reply if kind == "quote" else text, kind, quoted=quoted)


def _ai_names(source: Source) -> set[str]:
    """Labels that begin several lines: a sender's name does, `http:` and `ps:` hardly."""
    labels: Counter[str] = Counter()
    for _, line in numbered_lines(source):
        if (label := _AI_SENDER.fullmatch(line)) is not None:
            labels[label[1]] += 1
    often = {label for label, count in labels.items() if count >= _AI_LEAST_TURNS}
    return often if len(often) > 1 else set(labels)
