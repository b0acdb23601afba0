"""Writing the neutral records as other programs read them.

    alpaca, sharegpt   JSON arrays
    monkey             seed 003's Alpaca rows: persona as instruction, indent 4, byte for byte
    openai             JSON lines of {messages}; mlx-lm's "chat"
    completion         JSON lines of {prompt, completion}
    text               JSON lines of {text} in ChatML; bilibot's and mlx-lm's "text"
    llama-chinese      CSV of <s>Human: …</s><s>Assistant: …</s>; -two-columns for input, target
    preference         JSON lines of {prompt, chosen, rejected}

A record that a format cannot hold is booked in the tally, not bent.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from pipeline.errors import DataError
from train.importers.templated import render_atom, render_chatml
from train.schema import (
    Conversation,
    Document,
    Message,
    Preference,
    Record,
    chat_messages,
    read,
    refuse_existing,
    replacing,
)
from train.tally import Tally


class UnfitError(Exception):
    """Why a record cannot be written in a format."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """A format that is written.

    Attributes:
        layout: How rows make a file.
        row: One row; raises UnfitError.
        suffix: Of the file.
        header: Of a CSV.
    """

    layout: Literal["array", "lines", "csv"]
    row: Callable[[Record], Any]
    suffix: str
    header: tuple[str, ...] = ()


def export_file(
    path: Path, to: Path, format_name: str, tally: Tally, *, force: bool = False
) -> None:
    """Write a file of records in another format, all or nothing.

    Raises:
        DataError: There is no such format, the file exists and `force` is not set, or no
            record fits the format.
    """
    rendering = by_name(format_name)
    rows = _rows(path, rendering, tally)
    with replacing(to, force=force) as out:
        _LAYOUTS[rendering.layout](out, rows, rendering)
        if not tally.records:
            raise DataError(
                f"Nothing in {path.name} can be written as {format_name}: {tally.why_empty()}."
            )


def export_files(
    paths: Sequence[Path], folder: Path, format_name: str, tally: Tally, *, force: bool = False
) -> list[str]:
    """Write files of records into a folder, each under its own name.

    Returns:
        A sentence for each file that was not written because none of its records fits.

    Raises:
        DataError: There is no such format, a file exists and `force` is not set, or nothing fits
            in any of the files. Nothing is written then.
    """
    rendering = by_name(format_name)
    targets = {path: folder / f"{path.stem}{rendering.suffix}" for path in paths}
    for target in targets.values():
        refuse_existing(target, force=force)
    unfit: dict[Path, Tally] = {}
    for path in paths:
        part = Tally()
        if next(_rows(path, rendering, part), None) is None:
            unfit[path] = part
            tally.add(part)
    if len(unfit) == len(paths):
        raise DataError(
            f"Nothing in {', '.join(path.name for path in paths)} can be written as "
            f"{format_name}: {tally.why_empty()}."
        )
    for path in (path for path in paths if path not in unfit):
        part = Tally()
        export_file(path, targets[path], format_name, part, force=force)
        tally.add(part)
    return [
        f"{targets[path].name} was not written: nothing in {path.name} fits {format_name}, "
        f"{part.why_empty()}."
        for path, part in unfit.items()
    ]


def export_llama_factory(
    paths: Sequence[Path], folder: Path, tally: Tally, *, force: bool = False
) -> None:
    """Write a folder that LLaMA-Factory takes as its `dataset_dir`, a data set for each file.

    Raises:
        DataError: As `export_file`.
    """
    registry = folder / "dataset_info.json"
    with replacing(registry, force=force) as out:
        sets = {}
        for path in paths:
            part = Tally()
            export_file(path, folder / f"{path.stem}.json", "sharegpt", part, force=force)
            tally.add(part)
            sets[path.stem] = {
                "file_name": f"{path.stem}.json",
                "formatting": "sharegpt",
                "columns": {"messages": "conversations", "system": "system", "tools": "tools"},
            }
        json.dump(sets, out, ensure_ascii=False, indent=2)


def by_name(name: str) -> Rendering:
    """A format.

    Raises:
        DataError: There is none of that name.
    """
    if name not in RENDERINGS:
        raise DataError(f"There is no export format {name!r}; there are {', '.join(RENDERINGS)}.")
    return RENDERINGS[name]


def _rows(path: Path, rendering: Rendering, tally: Tally) -> Iterator[Any]:
    for record in read(path):
        tally.rows_in += 1
        try:
            row = rendering.row(record)
        except UnfitError as error:
            tally.drop(str(error), record.origin or record.id, record.id)
            continue
        tally.rows_kept += 1
        tally.records += 1
        yield row


def _write_array(out: IO[str], rows: Iterable[Any], _: Rendering) -> None:
    """As `json.dump(rows, out, ensure_ascii=False, indent=4)` writes it, row by row."""
    between = "[\n    "
    for row in rows:
        text = json.dumps(row, ensure_ascii=False, indent=4)
        out.write(between + text.replace("\n", "\n    "))
        between = ",\n    "
    out.write("\n]")


def _write_lines(out: IO[str], rows: Iterable[Any], _: Rendering) -> None:
    for row in rows:
        out.write(json.dumps(row, ensure_ascii=False) + "\n")


def _write_csv(out: IO[str], rows: Iterable[Any], rendering: Rendering) -> None:
    cells = io.StringIO()
    table = csv.writer(cells, lineterminator="\n")
    table.writerow(rendering.header)
    for row in rows:
        table.writerow(row)
        out.write(cells.getvalue())
        cells.seek(0)
        cells.truncate()


_LAYOUTS: Mapping[str, Callable[[IO[str], Iterable[Any], Rendering], None]] = {
    "array": _write_array,
    "lines": _write_lines,
    "csv": _write_csv,
}


def _conversation(record: Record) -> Conversation:
    if not isinstance(record, Conversation):
        raise UnfitError(f"a {type(record).__name__.lower()}, not a conversation")
    return record


def _alpaca(record: Record) -> dict[str, Any]:
    messages = _conversation(record).messages
    row: dict[str, Any] = {
        "instruction": messages[-2].content,
        "input": "",
        "output": messages[-1].content,
    }
    if isinstance(record, Conversation) and record.system:
        row["system"] = record.system
    earlier = iter(messages[:-2])
    if history := [
        [one.content, other.content] for one, other in zip(earlier, earlier, strict=True)
    ]:
        row["history"] = history
    return row


def _monkey(record: Record) -> dict[str, str]:
    conversation = _conversation(record)
    asked, said = _single(conversation)
    return {"instruction": conversation.system or "", "input": asked, "output": said}


def _sharegpt(record: Record) -> dict[str, Any]:
    conversation = _conversation(record)
    turns = [_sharegpt_turn(message, conversation) for message in conversation.messages]
    return {"conversations": turns, "system": conversation.system or "", "tools": "[]"}


def _sharegpt_turn(message: Message, conversation: Conversation) -> dict[str, Any]:
    mine = message.role == "assistant"
    turn: dict[str, Any] = {"from": "gpt" if mine else "human", "value": message.content}
    if message.emotion:
        turn["emotion"] = message.emotion
    traits = message.traits or conversation.traits
    if mine and traits is not None:
        turn["character_traits"] = traits.model_dump(mode="json", exclude_defaults=True)
    return turn


def _openai(record: Record) -> dict[str, Any]:
    conversation = _conversation(record)
    turns: list[dict[str, Any]] = [*chat_messages(conversation)]
    for turn, message in zip(
        turns[-len(conversation.messages) :], conversation.messages, strict=True
    ):
        if message.role == "assistant" and not message.weight:
            turn["weight"] = 0
    return {"messages": turns}


def _completion(record: Record) -> dict[str, str]:
    asked, said = _single(_conversation(record))
    return {"prompt": asked, "completion": said}


def _text(record: Record) -> dict[str, str]:
    if isinstance(record, Document):
        return {"text": record.text}
    conversation = _conversation(record)
    return {"text": render_chatml(conversation.messages, conversation.system)}


def _atom(record: Record) -> list[str]:
    return ["".join(render_atom(_conversation(record).messages))]


def _atom_pair(record: Record) -> list[str]:
    *before, last = render_atom(_conversation(record).messages)
    return ["".join(before), last]


def _preference(record: Record) -> dict[str, Any]:
    if not isinstance(record, Preference):
        raise UnfitError(f"a {type(record).__name__.lower()}, not a preference")
    prompt = [{"role": message.role, "content": message.content} for message in record.prompt]
    if record.system:
        prompt.insert(0, {"role": "system", "content": record.system})
    return {"prompt": prompt, "chosen": record.chosen, "rejected": record.rejected}


def _single(conversation: Conversation) -> tuple[str, str]:
    if len(conversation.messages) != 2:
        raise UnfitError("more than one exchange")
    asked, said = conversation.messages
    return asked.content, said.content


RENDERINGS: Mapping[str, Rendering] = {
    "alpaca": Rendering("array", _alpaca, ".json"),
    "monkey": Rendering("array", _monkey, ".json"),
    "sharegpt": Rendering("array", _sharegpt, ".json"),
    "openai": Rendering("lines", _openai, ".jsonl"),
    "completion": Rendering("lines", _completion, ".jsonl"),
    "text": Rendering("lines", _text, ".jsonl"),
    "llama-chinese": Rendering("csv", _atom, ".csv", ("text",)),
    "llama-chinese-two-columns": Rendering("csv", _atom_pair, ".csv", ("input", "target")),
    "preference": Rendering("lines", _preference, ".jsonl"),
}
