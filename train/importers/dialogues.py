"""Sets that hold dialogues already: one row is one record.

    alpaca       {"instruction","input","output"[,"system"][,"history":[[q,a],…]]}
    sharegpt     {"conversations":[{"from","value"}]}, in 留痕's JSON [{"role","content"}]
    openai       {"messages":[{"role","content"}]}, or the bare list of messages
    preference   {…,"chosen","rejected"} with any of the prompts above
    kto          {…,"label" | "kto_tag": true | false}
    completion   {"prompt","completion"}
    xtuner       {"conversation":[{"system","input","output"},…]}
    text         {"text"}, see `train.importers.templated`

`drafts` reads the turns of a row. What is left out of a row that is kept, such as a picture
or a question at the end, is counted beside the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from pydantic import ValidationError

from train.importers.drafts import (
    FURTHER_SYSTEM,
    OPENAI,
    ROLES,
    SHAREGPT,
    Columns,
    Draft,
    Placed,
    RowError,
    draft_of,
    excerpt,
    make_message,
    object_of,
    optional_of,
    text_of,
    turns_of,
    without_media,
)
from train.importers.source import Source, has_bad_bytes, json_rows
from train.schema import (
    Conversation,
    Document,
    Message,
    Preference,
    Record,
    Role,
    content_id,
    conversation_id,
)

_OPENING = "an assistant's turn before any question"
_UNANSWERED = "a question without a reply"

Convert: TypeAlias = Callable[[Any], Draft]


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
            source.tally.drop(_reason(error), where, excerpt(row))
            continue
        for part in draft.left_out:
            at = where if part.line is None else source.where(part.line)
            source.tally.leave_out(part.reason, at, part.text)
        source.tally.rows_kept += 1
        yield record


def alpaca(columns: Columns = SHAREGPT) -> Convert:
    """Alpaca rows; the user's turn is the instruction, a line break and the input."""

    def convert(row: Any) -> Draft:
        row, seen = without_media(object_of(row), columns, (columns.prompt, columns.query))
        if not {columns.prompt, columns.query} & set(row):
            raise RowError(f"malformed: no {columns.prompt!r}")
        asked = [text_of(row, key) for key in (columns.prompt, columns.query)]
        question = "\n".join(part for part in asked if part.strip())
        draft = Draft(_history(row.get(columns.history)), optional_of(row, columns.system))
        draft.left_out += seen
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
        row, seen = without_media(object_of(row), columns)
        pieces = row.get(columns.messages)
        if not isinstance(pieces, list):
            raise RowError(f"malformed: no list of turns under {columns.messages!r}")
        draft = turns_of(pieces, columns, roles, [part.reason for part in seen])
        draft.left_out += seen
        if (system := optional_of(row, columns.system)) is not None:
            if draft.system not in (None, system):
                draft.leave_out(FURTHER_SYSTEM, draft.system or "")
            draft.system = system
        draft.emotion = optional_of(row, "emotion")
        if columns.chosen in row or columns.rejected in row:
            draft.chosen = _reply(row.get(columns.chosen), columns)
            draft.rejected = _reply(row.get(columns.rejected), columns)
        draft.desirable = _label(row, columns)
        return draft

    return convert


def xtuner(row: Any) -> Draft:
    """EmoLLM's and xtuner's `{"conversation": [{"system", "input", "output"}, …]}`."""
    exchanges = object_of(row).get("conversation")
    if not isinstance(exchanges, list):
        raise RowError("malformed: no list of exchanges under 'conversation'")
    said: list[tuple[str, str]] = []
    for exchange in map(object_of, exchanges):
        if (system := optional_of(exchange, "system")) is not None:
            said.append(("system", system))
        said += [("user", text_of(exchange, "input")), ("assistant", text_of(exchange, "output"))]
    return draft_of(said)


def preference(columns: Columns = SHAREGPT) -> Convert:
    """`{"prompt": text or turns, "chosen", "rejected"}`; without a prompt, replies repeat it."""

    def convert(row: Any) -> Draft:
        row = object_of(row)
        prompt = row.get("prompt")
        chosen, rejected = row.get(columns.chosen), row.get(columns.rejected)
        if isinstance(prompt, list):
            draft = turns_of(prompt, OPENAI, ROLES)
        elif isinstance(prompt, str):
            draft = Draft([make_message("user", prompt)])
        elif isinstance(chosen, list):  # both replies repeat the prompt
            draft = turns_of(chosen[:-1], OPENAI, ROLES)
            chosen, rejected = chosen[-1:], _last(rejected)
        else:
            raise RowError("no prompt")
        draft.system = optional_of(row, columns.system) or draft.system
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
        optional_of(row, "system"),
    )


def whole_file_rows(source: Source) -> Iterator[tuple[int, Any]]:
    """The turns of a file that is one dialogue, as one row."""
    yield 1, [Placed(line, value) for line, value in json_rows(source)]


def _record(draft: Draft, name: str, where: str, source: Source) -> Record:
    _check_bytes(draft, source)
    if draft.text is not None:
        return Document(
            id=content_id([draft.text]), source=name, origin=where, text=draft.text, tags=draft.tags
        )
    if draft.chosen is not None or draft.rejected is not None:
        messages = _alternating(draft.messages)
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
    messages = _alternating(_answered(draft))
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


def _answered(draft: Draft) -> list[Message]:
    """The turns from the first question to the last reply; the others are left out."""
    lacking = [part.reason for part in draft.left_out]
    roles = [message.role for message in draft.messages]
    begin = roles.index("user") if "user" in roles else len(roles)
    end = len(roles) - roles[::-1].index("assistant") if "assistant" in roles else 0
    if end <= begin:
        why = f" ({lacking[0]})" if lacking else ""
        raise RowError(f"no question with a reply{why}")
    for message in draft.messages[:begin]:
        draft.leave_out(_OPENING, message.content)
    for message in draft.messages[end:]:
        draft.leave_out(_UNANSWERED, message.content)
    return draft.messages[begin:end]


def _check_bytes(draft: Draft, source: Source) -> None:
    texts = [draft.text, draft.system, draft.emotion, draft.chosen, draft.rejected]
    texts += [part for message in draft.messages for part in (message.content, message.emotion)]
    if any(has_bad_bytes(text) for text in texts if text):
        raise RowError(f"malformed: bytes that are not {source.encoding}")


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
        if not isinstance(pair, list) or [type(part) for part in pair] != [str, str]:
            raise RowError("malformed: history is not a list of [question, answer]")
        messages += [make_message("user", pair[0]), make_message("assistant", pair[1])]
    return messages


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


def _reason(error: RowError | ValidationError) -> str:
    if isinstance(error, RowError):
        return str(error)
    first = error.errors(include_url=False, include_input=False)[0]
    return str(first["msg"]).removeprefix("Value error, ")
