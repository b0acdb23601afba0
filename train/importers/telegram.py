"""Telegram Desktop's `result.json`, of one chat or of a whole account.

The file is read message by message: what a chat is called stands before its messages, and
who exported it only in a whole account's `personal_information`.
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

from train.importers.events import Event, Kind, local_time
from train.importers.source import Broken, Source, json_arrays

_STRING = r'\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+)'
_NAME = re.compile(r'"name"' + _STRING)
_CHAT_ID = re.compile(r'"id"' + _STRING)
_PERSONAL = re.compile(r'"personal_information"\s*:\s*')
_QUOTED_BACK = 10_000  # messages a reply can reach back; older ones count as unquoted
_MEDIA: Mapping[str, Kind] = {
    "sticker": "sticker",
    "voice_message": "voice",
    "video_message": "video",
    "video_file": "video",
    "animation": "sticker",
    "audio_file": "file",
}


def telegram(source: Source) -> Iterator[Event]:
    """Messages of all chats, with the emoji of a sticker in place of it."""
    owner: str | None = None
    for before, messages in json_arrays(source, "messages"):
        owner = owner or _owner(before)
        chat = _last(_CHAT_ID, before) or _last(_NAME, before) or ""
        recent: OrderedDict[Any, str] = OrderedDict()
        for line, value in messages:
            if (row := source.row(line, value)) is None:
                continue
            event = _message(line, row, chat, owner, recent)
            if isinstance(event, Broken):
                source.malformed(line, event.why, event.text)
                continue
            if event.kind in ("text", "quote") and (seen := _unseen(row)) is not None:
                source.tally.leave_out(
                    f"of kind {seen}, beside words", source.where(line), event.text
                )
            if isinstance(row.get("id"), int) and event.kind in ("text", "quote"):
                recent[row["id"]] = event.text
                if len(recent) > _QUOTED_BACK:
                    recent.popitem(last=False)
            yield event


def partner(source: Source) -> str | None:
    """The other person of a personal chat, as the header names them."""
    return _last(_NAME, source.sample.split('"messages"', 1)[0])


def _owner(before: str) -> str | None:
    """Whose account it is; saved contacts, which come behind, have a `user_id` each, too."""
    if (found := _PERSONAL.search(before)) is None:
        return None
    try:
        person, _ = json.JSONDecoder().raw_decode(before, found.end())
    except ValueError:
        return None
    number = person.get("user_id") if isinstance(person, dict) else None
    return None if number is None else str(number)


def _last(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.findall(text)
    return str(json.loads(found[-1])) if found else None


def _message(
    line: int, row: Any, chat: str, owner: str | None, recent: Mapping[Any, str]
) -> Event | Broken:
    if not isinstance(row, dict):
        return Broken(str(row), "not a message")
    try:
        stamp = row.get("date_unixtime")
        time = float(stamp) if stamp is not None else local_time(row["date"])
        text = _flat(row.get("text", ""))
    except (KeyError, TypeError, ValueError):
        return Broken(json.dumps(row, ensure_ascii=False), "no date, or no text")
    sender = str(row.get("from") or row.get("actor") or "")
    sender_id = str(row.get("from_id", ""))
    mine = sender_id.removeprefix("user") == owner if owner and sender_id else None
    quoted = recent.get(row.get("reply_to_message_id"))
    kind, text = _kind(row, text)
    if kind == "text" and quoted is not None:
        kind = "quote"
    number = str(row.get("id", ""))
    return Event(line, time, sender, text, kind, mine, chat, quoted, id=number)


def _kind(row: Mapping[str, Any], text: str) -> tuple[Kind, str]:
    if row.get("type", "message") != "message":
        return "system", text
    if row.get("forwarded_from") or row.get("saved_from"):
        return "forwarded", text
    emoji = row.get("sticker_emoji")
    if isinstance(emoji, str) and emoji:
        return "text", emoji
    if text.strip():
        return "text", text  # a caption is worth more than the picture that is not here
    return _unseen(row) or "other", text


def _unseen(row: Mapping[str, Any]) -> Kind | None:
    """What a message holds besides its text; None where it is a sticker that has an emoji."""
    if row.get("sticker_emoji"):
        return None
    if "media_type" in row:
        return _MEDIA.get(str(row["media_type"]), "other")
    return next((kind for key, kind in _BY_KEY if key in row), None)


_BY_KEY: tuple[tuple[str, Kind], ...] = (
    ("photo", "picture"),
    ("file", "file"),
    ("location_information", "location"),
    ("contact_information", "card"),
    ("poll", "card"),
)


def _flat(text: Any) -> str:
    """Join Telegram's mixture of strings and formatted pieces.

    Raises:
        TypeError: It is neither.
        KeyError: A piece has no text.
    """
    if isinstance(text, str):
        return text
    if not isinstance(text, list):
        raise TypeError("text is neither a string nor a list")
    return "".join(piece if isinstance(piece, str) else str(piece["text"]) for piece in text)
