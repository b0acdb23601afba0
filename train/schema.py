"""The neutral JSONL between importing, cleaning, mixing and training.

One JSON object a line, UTF-8, of one of three kinds, told apart by a key of their own:

    {"id", "source", "messages": [...]}            Conversation   supervised fine-tuning
    {"id", "source", "prompt": [...], "chosen", "rejected"}   Preference   DPO
    {"id", "source", "text"}                       Document       further pre-training

A message is `{"role", "content"}` with role `user` or `assistant`; the system prompt is a
field of the record, because a persona replaces it more often than it keeps it. Roles
alternate, from a user's to an assistant's: `Conversation` refuses what does not, so that no
trainer has to guess. Keys that hold nothing are left out of the file.

    {"id": "9f2c04b1d3a85e67", "source": "line", "origin": "chat.txt:12", "system": "你是小安。",
     "messages": [{"role": "user", "content": "在嗎", "time": 1704450000.0},
                  {"role": "assistant", "content": "在呀[微笑]", "emotion": "happy"}],
     "traits": {"personality": "溫柔", "interests": ["爬山"]}, "tags": ["quote"]}
"""

from __future__ import annotations

import codecs
import hashlib
import itertools
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal, Self, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline.errors import DataError

Role: TypeAlias = Literal["user", "assistant"]
_ID_BYTES = 8  # 64 bits: a collision among a million conversations has odds of 3 in 10^8


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Traits(_Strict):
    """What a person is like; the `character_traits` of role-play sets."""

    personality: str | None = None
    occupation: str | None = None
    interests: tuple[str, ...] = ()
    mbti: str | None = Field(default=None, pattern=r"^[EI][SN][TF][JP]$")


class Message(_Strict):
    """One turn.

    Attributes:
        role: Who speaks.
        content: What is said, byte for byte as the source had it; never blank.
        weight: 1 when an assistant message is learned, 0 when it is context only.
            It means nothing on a user message.
        name: The speaker as the source named them; cleaning removes it.
        time: Seconds since 1970 of the first message merged into this turn. Exports without
            a time zone are read as UTC, so only differences mean anything.
        emotion: A label such as `happy`.
        traits: Of this speaker, when the source labels turns one by one.
    """

    role: Role
    content: str
    weight: Literal[0, 1] = 1
    name: str | None = None
    time: float | None = None
    emotion: str | None = None
    traits: Traits | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.content.strip():
            raise ValueError("content is blank")
        return self


class _Record(_Strict):
    """What every line has.

    Attributes:
        id: 16 hex digits of the content, see `content_id`.
        source: Name of the importer or mixer it came from.
        origin: `file:line` of its first message, so that "where is this from" has an answer.
        tags: What was done: `cleaned`, `identity`, `behaviour`, `general`, `spoken`, …
    """

    id: str = Field(min_length=1)
    source: str = Field(min_length=1)
    origin: str | None = None
    tags: tuple[str, ...] = ()


class Conversation(_Record):
    """Turns that alternate from user to assistant; at least one of the latter is learned."""

    messages: tuple[Message, ...] = Field(min_length=2)
    system: str | None = None
    emotion: str | None = None
    traits: Traits | None = None

    @model_validator(mode="after")
    def _takes_turns(self) -> Self:
        roles = [message.role for message in self.messages]
        if roles[0] != "user":
            raise ValueError("the first message is not the user's")
        if roles[-1] != "assistant":
            raise ValueError("the last message is not the assistant's")
        if any(one == other for one, other in itertools.pairwise(roles)):
            raise ValueError("two neighbouring messages have the same role")
        if not any(m.weight for m in self.messages if m.role == "assistant"):
            raise ValueError("no assistant message has weight 1, so nothing would be learned")
        return self


class Preference(_Record):
    """A prompt that ends on the user, and a better and a worse reply to it."""

    prompt: tuple[Message, ...] = Field(min_length=1)
    chosen: str = Field(min_length=1)
    rejected: str = Field(min_length=1)
    system: str | None = None

    @model_validator(mode="after")
    def _is_a_choice(self) -> Self:
        if self.prompt[-1].role != "user":
            raise ValueError("the prompt does not end on the user")
        if self.chosen == self.rejected:
            raise ValueError("chosen and rejected are the same")
        return self


class Document(_Record):
    """Running text."""

    text: str = Field(min_length=1)


Record: TypeAlias = Conversation | Preference | Document
R = TypeVar("R", Conversation, Preference, Document)


def content_id(parts: Iterable[str]) -> str:
    """Hash texts to an id that stays the same when the same chat is imported again.

    Args:
        parts: Role and content of each message in order, or any other texts; where one
            ends and the next begins counts.
    """
    digest = hashlib.blake2b(digest_size=_ID_BYTES)
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return digest.hexdigest()


def conversation_id(messages: Sequence[Message], system: str | None = None) -> str:
    """`content_id` of a conversation."""
    turns = (text for message in messages for text in (message.role, message.content))
    return content_id([system or "", *turns])


def chat_messages(record: Conversation) -> list[dict[str, str]]:
    """The conversation as a chat template takes it, the system prompt first if there is one."""
    turns = [{"role": message.role, "content": message.content} for message in record.messages]
    return [{"role": "system", "content": record.system}, *turns] if record.system else turns


def parse(line: str | bytes) -> Record:
    """Read one line.

    Raises:
        DataError: It is not JSON, or not a record; the message says which field.
    """
    try:
        # The kind is told by its own key; a wrong guess only changes which fault is named.
        text = line if isinstance(line, bytes) else line.encode("utf-8", "surrogatepass")
        if b'"messages"' in text:
            return Conversation.model_validate_json(text)
        if b'"chosen"' in text or b'"rejected"' in text:
            return Preference.model_validate_json(text)
        return Document.model_validate_json(text)
    except ValidationError as error:
        if isinstance(line, bytes) and not _is_utf8(line):
            raise DataError("not UTF-8; save the file as UTF-8") from None
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        raise DataError(f"{field}: {reason}" if field else reason) from None


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def dump(record: Record) -> str:
    """One line of JSON without its newline; what is unset or a default is left out."""
    return record.model_dump_json(exclude_defaults=True)


def read(path: Path) -> Iterator[Record]:
    """Read a file record by record; blank lines are passed over.

    Raises:
        DataError: The file cannot be read, or a line is not a record; it names file and line.
    """
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                try:
                    # What editors on Windows put before the first line.
                    yield parse(line.removeprefix(codecs.BOM_UTF8) if number == 1 else line)
                except DataError as error:
                    raise DataError(f"{path.name}, line {number}: {error.message}") from None
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror}.") from error


def read_only(path: Path, kind: type[R]) -> Iterator[R]:
    """`read`, for steps that take one kind only.

    Raises:
        DataError: As `read`, or a record is of another kind.
    """
    for record in read(path):
        if not isinstance(record, kind):
            raise DataError(
                f"{path.name} holds a {type(record).__name__} ({record.id}); "
                f"this step takes only {kind.__name__} records."
            )
        yield record


def write(
    path: Path,
    records: Iterable[Record],
    *,
    force: bool = False,
    why_empty: Callable[[], str] | None = None,
) -> int:
    """Write records, all or nothing.

    Args:
        path: Where to.
        records: Consumed one by one.
        force: Whether a file that exists is replaced.
        why_empty: A sentence for when none came, and nothing is to be written then; by
            default an empty file is.

    Returns:
        How many were written.

    Raises:
        DataError: See `replacing`; none came; also whatever `records` raises while it is
            consumed.
    """
    count = 0
    with replacing(path, force=force) as out:
        for record in records:
            out.write(dump(record) + "\n")
            count += 1
        if not count and why_empty is not None:
            raise DataError(why_empty())
    return count


@contextmanager
def replacing(path: Path, *, force: bool = False) -> Iterator[IO[str]]:
    """Open a text file that appears under its name only when the block ends well.

    It is written beside its place and renamed, so an interruption (Ctrl-C included) leaves
    what was there before, and nothing half written. Only its owner can read it: what is
    written so are private chats, or tells of them.

    Raises:
        DataError: The file exists and `force` is not set, or cannot be written.
    """
    refuse_existing(path, force=force)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise DataError(f"Cannot write {path}: {error.strerror}.") from error
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as out:
            yield out
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def refuse_existing(path: Path, *, force: bool = False) -> None:
    """Check before long work that its result may be written.

    Raises:
        DataError: The file exists and `force` is not set.
    """
    if path.exists() and not force:
        raise DataError(f"{path} exists already; choose another name, or add --force.")
