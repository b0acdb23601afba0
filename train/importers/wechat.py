"""WeChat: what WeChatMsg (留痕, MemoTrace) and PyWxDump or WeClone export.

Layouts as written by LC044/WeChatMsg, refs/pull/578, and by PyWxDump's CSV exporter:

    CSV     localId,TalkerId,Type,SubType,IsSender,CreateTime,…,StrContent,StrTime,Remark,…
    CSV     id,MsgSvrID,type_name,is_sender,talker,room_name,msg,src,CreateTime
    TXT     {time} {name}⏎ {content}⏎ ⏎        a line of time and text alone is a notice
    AI-TXT  ****{date}****⏎ {name}:{text} {text}…
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from train.importers.events import MARKERS, Event, Kind, epoch_secs, local_time, placeholder_kind
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
    "19": "forwarded",
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
    "用户上传的GIF表情": "sticker",
    "文件": "file",
    "文件(猜)": "file",
    "名片": "card",
    "推荐公众号": "card",
    "卡片式链接": "card",
    "(分享)卡片式链接": "card",
    "(分享)音乐": "card",
    "(分享)小程序": "card",
    "位置": "location",
    "位置共享": "location",
    "引用回复": "quote",
    "带有引用的文本消息": "quote",
    "合并转发的聊天记录": "forwarded",
    "系统通知": "system",
    "消息撤回": "system",
    "拍一拍": "system",
    "添加好友": "system",
    "邀请加群": "system",
    "群公告": "system",
    "转账": "money",
    "转账消息": "money",
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

# Spreadsheets and editors that saw the file may have cut the seconds off.
_TXT_TIME = r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2} \d{1,2}:\d{2}(?P<seconds>:\d{2})?"
_TXT_HEADER = re.compile(rf"(?P<time>{_TXT_TIME}) (?P<rest>.*)")
TXT_BEGINNING = re.compile(rf"^\ufeff?{_TXT_TIME} ", re.MULTILINE)
_TXT_QUOTE = re.compile(r"引用\s*[:：](?:[^:：\n]*[:：])?")
_QUOTE_MARK = re.compile(r"引用\s*[:：]")
_QUOTED_NAME = re.compile(r"[^:：\n]*[:：](.*)", re.DOTALL)
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
            number=row.get("localId", ""),
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
            number=row.get("MsgSvrID", ""),
        )


def wechatmsg_txt(source: Source) -> Iterator[Event]:
    """Messages of 留痕's TXT: old builds ([图片], 引用:名:原话) and new (【图片消息】, 引用：…).

    A line that begins with a date and a time without seconds may also be part of a message. It
    is a header behind a blank line, with the name of somebody who wrote before, or where the
    file has no blank lines at all.
    """
    begun, header, body = 0, None, list[str]()
    names: set[str] = set()
    dense = re.search(r"\n\r?\n", source.sample) is None
    after_blank = True
    for number, line in numbered_lines(source):
        found = _TXT_HEADER.fullmatch(line.lstrip("\ufeff"))
        if found is not None and (
            found["seconds"] or after_blank or dense or found["rest"] in names
        ):
            if header is not None:
                yield from _txt_message(source, begun, header, body, names)
            begun, header, body = number, found, []
        elif header is not None:
            if line.strip():
                names.add(header["rest"])
            body.append(line)
        elif line.strip("\ufeff \t"):
            source.tally.rows_in += 1
            source.malformed(number, "text before the first message", line)
        after_blank = not line.strip()
    if header is not None:
        yield from _txt_message(source, begun, header, body, names)


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
        elif (name := next((n for n in names if line.startswith(f"{n}:")), None)) is not None:
            yield from turn()
            begun, sender, text = number, name, line[len(name) + 1 :]
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
    # What has no time of its own is 0 in WeChat's database.
    if unix.strip().replace(".", "", 1).isdigit() and float(unix) > 0:
        with contextlib.suppress(ValueError):
            return mine, epoch_secs(unix)
    try:
        return mine, local_time(local.strip())
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
    number: str,
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
    number = "" if number.strip() == "0" else number  # a message that was never sent has none
    return Event(line, time, sender, content, kind, mine, chat, quoted, sticker, number)


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


def _split_quote(content: str, names: Collection[str] = ()) -> tuple[str, str | None]:
    """The reply and the text it quotes; `names` are those that may hold a colon."""
    for found in _TXT_QUOTE.finditer(content):
        if found.start() == 0 or content[found.start() - 1] == "\n":
            quoted = _quoted(content[found.start() :], names).strip()
            text = quoted if quoted and placeholder_kind(quoted) == "text" else None
            return content[: found.start()].rstrip("\n"), text
    return content, None


def _quoted(line: str, names: Collection[str]) -> str:
    said = _QUOTE_MARK.sub("", line, count=1)
    for name in names:
        if name and said.startswith((f"{name}:", f"{name}：")):
            return said[len(name) + 1 :]
    named = _QUOTED_NAME.match(said)
    return named[1] if named else ""


def _plain(xml: str) -> str:
    return _ENTITY.sub(lambda found: _XML_ENTITIES[found[0]], xml)


def _txt_message(
    source: Source,
    line: int,
    header: re.Match[str],
    body: Sequence[str],
    names: Collection[str],
) -> Iterator[Event]:
    source.tally.rows_in += 1
    try:
        time = local_time(header["time"])
    except ValueError:
        source.malformed(line, "no time", header[0])
        return
    text = "\n".join(body).rstrip("\n")
    if not text.strip():
        yield Event(line, time, "", header["rest"], "system")
        return
    reply, quoted = _split_quote(text, names)
    kind: Kind = "quote" if reply != text else placeholder_kind(text.split("\n", 1)[0])
    if re.match(r"\s*\[链接\]\s*[:：]", text):
        kind = "card"
    yield Event(line, time, header["rest"], reply if kind == "quote" else text, kind, quoted=quoted)


def _ai_names(source: Source) -> set[str]:
    """Labels that begin several lines: a sender's name does, `http:` and `ps:` hardly.

    A name may hold a colon itself: of `Dr:李:` and `Dr:` it is the longer one if no line begins
    with the shorter alone.
    """
    labels: Counter[str] = Counter()
    longer: Counter[str] = Counter()
    for _, line in numbered_lines(source):
        if (label := _AI_SENDER.fullmatch(line)) is not None:
            labels[label[1]] += 1
            if (more := _AI_SENDER.fullmatch(label[2].lstrip())) is not None:
                longer[line[: len(line) - len(more[2]) - 1]] += 1
    often = {label for label, count in labels.items() if count >= _AI_LEAST_TURNS}
    often = often if len(often) > 1 else set(labels)
    whole = {
        name: label
        for name, count in longer.items()
        for label in often
        if count >= _AI_LEAST_TURNS and name.startswith(f"{label}:") and count == labels[label]
    }
    return (often - set(whole.values())) | set(whole)
