"""Sets that hold dialogues already: one row is one record.

    alpaca       {"instruction","input","output"[,"system"][,"history":[[q,a],…]]}
    sharegpt     {"conversations":[{"from","value"}]}, in 留痕's JSON [{"role","content"}]
    openai       {"messages":[{"role","content"}]}, or the bare list of messages
    preference   {…,"chosen","rejected"} with any of the prompts above
    kto          {…,"label" | "kto_tag": true | false}
    completion   {"prompt","completion"}
    xtuner       {"conversation":[{"system","input","output"},…]}
    text         {"text"}, see `train.importers.templated`

`Columns` renames keys and tags, as LLaMA-Factory's `dataset_info.json` does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from train.importers.source import Broken, Source, has_bad_bytes, json_rows
from train.schema import (
    Conversation,
    Document,
    Message,
    Preference,
    Record,
    Role,
    Traits,
    content_id,
    conversation_id,
)

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

Convert = Callable[[Any], "Draft"]


@dataclass(slots=True)
class Draft:
    """A row on its way to a record."""

    messages: list[Message]
    system: str | None = None
    traits: Traits | None = None
    emotion: str | None = None
    chosen: str | None = None
    rejected: str | None = None
    text: str | None = None
    desirable: bool = True
    tags: tuple[str, ...] = ()


def records(
    source: Source,
    name: str,
    convert: Convert,
    rows: Iterator[tuple[int, Any]] | None = None,
    *,
    system: str | None = None,
) -> Iterator[Record]:
    """Turn rows into records; a row that is none is booked with its line and passed.

    Args:
        source: The file.
        name: Written to `source` of each record.
        convert: Reads one row; raises RowError.
        rows: Line and value of each row; by default the file's JSON.
        system: System prompt in place of the rows' own; "" for none.
    """
    for line, value in json_rows(source) if rows is None else rows:
        row = source.row(line, value)
        if row is None:
            continue
        where = source.where(line)
        try:
            draft = convert(row)
            if system is not None:
                draft.system = system or None
            record = _record(draft, name, where, source)
        except (RowError, ValidationError) as error:
            source.tally.drop(_reason(error), where, _excerpt(row))
            continue
        source.tally.rows_kept += 1
        yield record


def alpaca(columns: Columns = SHAREGPT) -> Convert:
    """Alpaca rows; the user's turn is the instruction, a line break and the input."""

    def convert(row: Any) -> Draft:
        row = object_of(row)
        asked = [text_of(row, key) for key in (columns.prompt, columns.query)]
        question = "\n".join(part for part in asked if part.strip())
        draft = Draft(_history(row.get(columns.history)), _optional(row, columns.system))
        _finish(draft, row, columns, question)
        return draft

    return convert


def turns(columns: Columns) -> Convert:
    """ShareGPT and OpenAI rows, and preferences in their form."""
    roles: dict[str, Role] = {
        **ROLES,
        columns.user_tag: "user",
        columns.assistant_tag: "assistant",
    }

    def convert(row: Any) -> Draft:
        if isinstance(row, list):
            row = {columns.messages: row}
        row = object_of(row)
        pieces = row.get(columns.messages)
        if not isinstance(pieces, list) or not pieces:
            raise RowError(f"no list of turns under {columns.messages!r}")
        draft = _turns(pieces, columns, roles)
        draft.system = _optional(row, columns.system) or draft.system
        draft.emotion = _optional(row, "emotion")
        if columns.chosen in row or columns.rejected in row:
            draft.chosen = _reply(row.get(columns.chosen), columns)
            draft.rejected = _reply(row.get(columns.rejected), columns)
        draft.desirable = _label(row, columns)
        return draft

    return convert


def xtuner(row: Any) -> Draft:
    """EmoLLM's and xtuner's `{"conversation": [{"system", "input", "output"}, …]}`."""
    exchanges = object_of(row).get("conversation")
    if not isinstance(exchanges, list) or not exchanges:
        raise RowError("no list of exchanges under 'conversation'")
    draft = Draft([])
    for exchange in map(object_of, exchanges):
        draft.system = draft.system or _optional(exchange, "system")
        draft.messages += [
            make_message("user", text_of(exchange, "input")),
            make_message("assistant", text_of(exchange, "output")),
        ]
    return draft


def preference(columns: Columns = SHAREGPT) -> Convert:
    """`{"prompt": text or turns, "chosen", "rejected"}`; without a prompt, replies repeat it."""

    def convert(row: Any) -> Draft:
        row = object_of(row)
        prompt = row.get("prompt")
        chosen, rejected = row.get(columns.chosen), row.get(columns.rejected)
        if isinstance(prompt, list):
            draft = _turns(prompt, OPENAI, dict(ROLES))
        elif isinstance(prompt, str):
            draft = Draft([make_message("user", prompt)])
        elif isinstance(chosen, list):  # both replies repeat the prompt
            draft = _turns(chosen[:-1], OPENAI, dict(ROLES))
            chosen, rejected = chosen[-1:], _last(rejected)
        else:
            raise RowError("no prompt")
        draft.system = _optional(row, columns.system) or draft.system
        draft.chosen, draft.rejected = _reply(chosen, OPENAI), _reply(rejected, OPENAI)
        return draft

    return convert


def completion(row: Any) -> Draft:
    """mlx-lm's prompt and completion."""
    row = object_of(row)
    return Draft(
        [
            make_message("user", text_of(row, "prompt")),
            make_message("assistant", text_of(row, "completion")),
        ],
        _optional(row, "system"),
    )


def whole_file_rows(source: Source) -> Iterator[tuple[int, Any]]:
    """The turns of a file that is one dialogue, as one row."""
    pieces = [value for _, value in json_rows(source)]
    broken = next((piece for piece in pieces if isinstance(piece, Broken)), None)
    yield 1, broken or pieces


def _record(draft: Draft, name: str, where: str, source: Source) -> Record:
    if draft.text is not None:
        _check_bytes([draft.text], source)
        return Document(
            id=content_id([draft.text]), source=name, origin=where, text=draft.text, tags=draft.tags
        )
    messages = _alternating(draft.messages)
    _check_bytes([message.content for message in messages], source)
    if draft.chosen is not None or draft.rejected is not None:
        chosen, rejected = draft.chosen or "", draft.rejected or ""
        turns = [part for message in messages for part in (message.role, message.content)]
        return Preference(
            id=content_id([*turns, chosen, rejected]),
            source=name,
            origin=where,
            prompt=tuple(messages),
            chosen=chosen,
            rejected=rejected,
            system=draft.system,
            tags=draft.tags,
        )
    if not draft.desirable:
        raise RowError("marked undesirable (KTO): only good replies are learned")
    while messages and messages[-1].role == "user":
        messages.pop()
    if messages and messages[0].role == "assistant":
        messages.pop(0)
    if not messages:
        raise RowError("no question with a reply")
    return Conversation(
        id=conversation_id(messages, draft.system),
        source=name,
        origin=where,
        messages=tuple(messages),
        system=draft.system,
        emotion=draft.emotion,
        traits=draft.traits,
        tags=draft.tags,
    )


def _check_bytes(texts: Sequence[str], source: Source) -> None:
    if any(has_bad_bytes(content) for content in texts):
        raise RowError(f"bytes that are not {source.encoding}")


def _alternating(messages: Sequence[Message]) -> list[Message]:
    """Neighbours of one role joined by a line break."""
    joined: list[Message] = []
    for message in messages:
        if joined and joined[-1].role == message.role:
            before = joined.pop()
            message = before.model_copy(
                update={
                    "content": f"{before.content}\n{message.content}",
                    "weight": max(before.weight, message.weight),
                }
            )
        joined.append(message)
    return joined


def _turns(pieces: Sequence[Any], columns: Columns, roles: Mapping[str, Role]) -> Draft:
    draft = Draft([])
    for piece in pieces:
        if not isinstance(piece, dict):
            raise RowError("a turn is not an object")
        # Formats are mixed in the wild: 留痕 writes role/content under `conversations`.
        tag = piece.get(columns.role_tag, piece.get("role", piece.get("from")))
        content = piece.get(columns.content_tag, piece.get("content", piece.get("value")))
        if isinstance(content, list):  # OpenAI's content parts
            parts = [part.get("text", "") for part in content if isinstance(part, dict)]
            content = "".join(parts)
        if not isinstance(content, str):
            raise RowError("a turn has no text")
        if tag in (columns.system_tag, "system", "developer"):
            draft.system = content
            continue
        if tag in _TOOLROLES:
            raise RowError("calls tools")
        if not isinstance(tag, str) or tag not in roles:
            raise RowError(f"unknown role {tag!r}")
        if not content.strip():
            continue
        traits = _traits(piece.get("character_traits"))
        draft.traits = draft.traits or traits
        emotion = piece.get("emotion")
        draft.messages.append(
            Message(
                role=roles[tag],
                content=content,
                weight=0 if piece.get("weight") == 0 else 1,
                emotion=emotion if isinstance(emotion, str) and emotion else None,
                traits=traits,
            )
        )
    return draft


def _finish(draft: Draft, row: Mapping[str, Any], columns: Columns, question: str) -> None:
    draft.messages.append(make_message("user", question))
    if columns.chosen in row or columns.rejected in row:
        draft.chosen = _reply(row.get(columns.chosen), columns)
        draft.rejected = _reply(row.get(columns.rejected), columns)
        return
    response = row.get(columns.response)
    if isinstance(response, list) and len(response) == 2:  # LLaMA-Factory's older preferences
        draft.chosen, draft.rejected = (_reply(reply, columns) for reply in response)
        return
    draft.messages.append(make_message("assistant", text_of(row, columns.response)))
    draft.desirable = _label(row, columns)


def _history(history: Any) -> list[Message]:
    messages: list[Message] = []
    for pair in history or []:
        if not isinstance(pair, list) or len(pair) != 2:
            raise RowError("history is not a list of [question, answer]")
        messages += [make_message("user", str(pair[0])), make_message("assistant", str(pair[1]))]
    return messages


def make_message(role: Role, content: str) -> Message:
    """A message of a row.

    Raises:
        RowError: It is blank.
    """
    if not content.strip():
        raise RowError("a blank question" if role == "user" else "a blank reply")
    return Message(role=role, content=content)


def _reply(value: Any, columns: Columns) -> str:
    if isinstance(value, list):
        value = value[-1] if value else None
    if isinstance(value, dict):
        value = value.get(columns.content_tag, value.get("content", value.get("value")))
    if not isinstance(value, str) or not value.strip():
        raise RowError("a blank reply")
    return value


def _last(value: Any) -> Any:
    return value[-1:] if isinstance(value, list) else value


def _label(row: Mapping[str, Any], columns: Columns) -> bool:
    return row.get(columns.kto_tag, row.get("label", True)) not in (False, "false", 0)


def _traits(value: Any) -> Traits | None:
    if not isinstance(value, dict):
        return None
    known = {key: value[key] for key in Traits.model_fields if value.get(key)}
    return Traits.model_validate(known) if known else None


def object_of(row: Any) -> dict[str, Any]:
    """The row.

    Raises:
        RowError: It is no JSON object.
    """
    if not isinstance(row, dict):
        raise RowError("not an object")
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
        raise RowError(f"{key!r} is not text")
    return value


def _optional(row: Mapping[str, Any], key: str) -> str | None:
    value = row.get(key)
    return value if isinstance(value, str) and value.strip() else None


def _reason(error: RowError | ValidationError) -> str:
    if isinstance(error, RowError):
        return str(error)
    first = error.errors(include_url=False, include_input=False)[0]
    return str(first["msg"]).removeprefix("Value error, ")


def _excerpt(row: Any) -> str:
    return row if isinstance(row, str) else json.dumps(row, ensure_ascii=False, default=str)
