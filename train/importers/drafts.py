"""A row of a dialogue set on its way to a record, and what of it will not be there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from train.importers.source import Broken
from train.schema import Message, Role, Traits

ROLES: Mapping[str, Role] = {
    "user": "user",
    "human": "user",
    "client": "user",
    "来访者": "user",
    "用户": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "bot": "assistant",
    "counselor": "assistant",
    "counsellor": "assistant",
    "心理咨询师": "assistant",
    "咨询师": "assistant",
}
_TOOLROLES = {"function", "function_call", "observation", "tool", "tool_call"}


# OpenAI's content parts, and what others name after them.
_PARTS = {
    "image": "a picture",
    "image_url": "a picture",
    "input_image": "a picture",
    "audio": "a recording",
    "input_audio": "a recording",
    "video": "a video",
    "video_url": "a video",
    "file": "a file",
}
# What stands in a text for what LLaMA-Factory keeps in a column of its own, and that column.
_PLACEHOLDERS = {
    "<image>": ("images", "a picture"),
    "<video>": ("videos", "a video"),
    "<audio>": ("audios", "a recording"),
}
_TO_NOTHING = "a reply to a turn without words"
_BLANK = "a turn without words"
FURTHER_SYSTEM = "a further system prompt"


class RowError(Exception):
    """Why one row is no record; a word on it goes to the report."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of keys and tags, by what they mean; the defaults are the formats' own."""

    prompt: str = "instruction"
    query: str = "input"
    response: str = "output"
    history: str = "history"
    messages: str = "conversations"
    system: str = "system"
    chosen: str = "chosen"
    rejected: str = "rejected"
    images: str = "images"
    videos: str = "videos"
    audios: str = "audios"
    kto_tag: str = "kto_tag"
    role_tag: str = "from"
    content_tag: str = "value"
    user_tag: str = "human"
    assistant_tag: str = "gpt"
    system_tag: str = "system"


SHAREGPT = Columns()
OPENAI = Columns(
    messages="messages",
    role_tag="role",
    content_tag="content",
    user_tag="user",
    assistant_tag="assistant",
)


@dataclass(frozen=True, slots=True)
class Placed:
    """A turn that stands on a line of its own."""

    line: int
    value: Any


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A part of a row that goes no further; `line` where it is not the row's own."""

    reason: str
    text: str
    line: int | None = None


@dataclass(slots=True)
class Draft:
    """A row on its way to a record, and what of it will not be there."""

    messages: list[Message]
    system: str | None = None
    traits: Traits | None = None
    emotion: str | None = None
    chosen: str | None = None
    rejected: str | None = None
    text: str | None = None
    desirable: bool = True
    tags: tuple[str, ...] = ()
    left_out: list[LeftOut] = field(default_factory=list)

    def leave_out(self, reason: str, text: str, line: int | None = None) -> None:
        """Note a part that goes no further."""
        self.left_out.append(LeftOut(reason, text, line))


def draft_of(said: Iterable[tuple[str, str]]) -> Draft:
    """A draft from role and text of each turn.

    Raises:
        RowError: A role is none that is known.
    """
    return turns_of([{"role": role, "content": text} for role, text in said], OPENAI, ROLES)


def turns_of(
    pieces: Sequence[Any],
    columns: Columns,
    roles: Mapping[str, Role],
    media: Sequence[str] = (),
) -> Draft:
    """The turns of a row.

    A reply to a turn that has no words, or that cannot be read, would be learned as a reply to
    what stands before it, so it goes with that turn.

    Args:
        pieces: Turns as the row has them, or `Placed` ones.
        columns: Names of keys and tags.
        roles: Who the tags are.
        media: What the row keeps in columns of its own, so that its placeholders are no words.

    Raises:
        RowError: A turn calls a tool, or its role is unknown.
    """
    draft = Draft([])
    wordless = False  # whether what is answered next has no words
    for piece in pieces:
        line, value = (piece.line, piece.value) if isinstance(piece, Placed) else (None, piece)
        tag, content = _tag_and_content(value, columns)
        if tag is None:
            why = value.why if isinstance(value, Broken) else "a turn without a role or text"
            draft.leave_out(f"malformed: {why}", excerpt(value), line)
            wordless = True
            continue
        text = _words(content, draft, line, media)
        if tag in (columns.system_tag, "system", "developer"):
            _add_system(draft, text, line)
            continue
        if tag in _TOOLROLES:
            raise RowError("calls tools")
        if tag not in roles:
            raise RowError(f"unknown role {tag!r}")
        role = roles[tag]
        if not text.strip():
            if isinstance(content, str) and not any(mark in content for mark in _PLACEHOLDERS):
                draft.leave_out(_BLANK, excerpt(value), line)
            asked = bool(draft.messages) and draft.messages[-1].role == "user"
            wordless = wordless or (role == "user" and not asked)
        elif role == "assistant" and wordless:
            draft.leave_out(_TO_NOTHING, text, line)
        else:
            wordless = False
            draft.messages.append(_labelled(role, text, value, draft))
    return draft


def _tag_and_content(value: Any, columns: Columns) -> tuple[str | None, Any]:
    """Who speaks and what, which may be a list of parts; no one where it is no turn."""
    if not isinstance(value, dict):
        return None, None
    if value.get("tool_calls") or value.get("function_call"):
        raise RowError("calls tools")
    # Formats are mixed in the wild: 留痕 writes role/content under `conversations`.
    tag = value.get(columns.role_tag, value.get("role", value.get("from")))
    content = value.get(columns.content_tag, value.get("content", value.get("value")))
    sound = isinstance(tag, str) and isinstance(content, str | list)
    return (tag, content) if sound else (None, None)


def _words(content: str | list[Any], draft: Draft, line: int | None, media: Sequence[str]) -> str:
    """The text of a turn; what else is in it is left out."""
    if isinstance(content, str):
        content = content.replace("\0", "")  # what a database's buffer had behind the text
        for placeholder, (_, what) in _PLACEHOLDERS.items():
            if what in media:
                content = content.replace(placeholder, "")
        return content
    texts: list[str] = []
    others: list[str] = []
    for part in content:
        text = part.get("text") if isinstance(part, dict) else part
        if isinstance(text, str):
            texts.append(text)
        else:
            kind = part.get("type") if isinstance(part, dict) else None
            others.append(_PARTS.get(str(kind), "a part that is no text"))
    words = "".join(texts)
    for what in others:
        draft.leave_out(what, words or excerpt(content), line)
    if not words.strip() and not others:
        draft.leave_out(_BLANK, excerpt(content), line)
    return words


def without_media(
    row: dict[str, Any], columns: Columns, keys: Sequence[str] = ()
) -> tuple[dict[str, Any], list[LeftOut]]:
    """What LLaMA-Factory keeps in columns of its own, such as pictures.

    Returns:
        The row, without the placeholders that stand for it in the texts under `keys`, and the
        parts that are left out for it.
    """
    seen: list[LeftOut] = []
    for placeholder, (column, what) in _PLACEHOLDERS.items():
        if not row.get(getattr(columns, column)):
            continue
        seen.append(LeftOut(what, excerpt(row)))
        texts = {key: row[key] for key in keys if isinstance(row.get(key), str)}
        row = {**row, **{key: text.replace(placeholder, "") for key, text in texts.items()}}
    return row, seen


def _add_system(draft: Draft, text: str, line: int | None) -> None:
    if draft.system is None:
        draft.system = text or None
    elif text != draft.system:
        draft.leave_out(FURTHER_SYSTEM, text, line)


def _labelled(role: Role, text: str, piece: Mapping[str, Any], draft: Draft) -> Message:
    traits = _traits(piece.get("character_traits"))
    draft.traits = draft.traits or traits
    emotion = piece.get("emotion")
    return Message(
        role=role,
        content=text,
        weight=0 if piece.get("weight") == 0 else 1,
        emotion=emotion if isinstance(emotion, str) and emotion else None,
        traits=traits,
    )


def make_message(role: Role, content: str) -> Message:
    """A message of a row.

    Raises:
        RowError: It is blank.
    """
    if not content.strip():
        raise RowError("a blank question" if role == "user" else "a blank reply")
    return Message(role=role, content=content)


def object_of(row: Any) -> dict[str, Any]:
    """The row.

    Raises:
        RowError: It is no JSON object.
    """
    if not isinstance(row, dict):
        raise RowError("malformed: not an object")
    return row


def text_of(row: Mapping[str, Any], key: str) -> str:
    """Text under a key, "" where there is none.

    Raises:
        RowError: Something else is there.
    """
    value = row.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise RowError(f"malformed: {key!r} is not text")
    return value


def optional_of(row: Mapping[str, Any], key: str) -> str | None:
    value = row.get(key)
    return value if isinstance(value, str) and value.strip() else None


def _traits(value: Any) -> Traits | None:
    if not isinstance(value, dict):
        return None
    known = {key: value[key] for key in Traits.model_fields if value.get(key)}
    return Traits.model_validate(known) if known else None


def excerpt(row: Any) -> str:
    """A row, or a part of one, as a report shows it."""
    if isinstance(row, Broken):
        return row.text
    return row if isinstance(row, str) else json.dumps(row, ensure_ascii=False, default=str)
