"""LLaMA-Factory data folders: what `dataset_info.json` registers, in its own columns and tags.

Entry: `file_name`, `formatting` (alpaca, sharegpt, openai), `ranking`, `num_samples`,
`columns` and `tags`. Entries that live on a hub are noted, not fetched.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from pipeline.errors import DataError
from train.importers import dialogues
from train.importers.dialogues import Convert
from train.importers.drafts import (
    OPENAI,
    SHAREGPT,
    Columns,
    Draft,
    RowError,
    object_of,
    text_of,
)
from train.importers.source import Broken, Source, csv_rows, json_rows, open_source
from train.schema import Record
from train.tally import Tally

FILE_NAME = "dataset_info.json"
_FORMATTINGS = ("alpaca", "sharegpt", "openai")
_FIELDS = {field.name for field in dataclasses.fields(Columns)}


def find(path: Path) -> Path | None:
    """The registry of a folder, or the file itself if it is one."""
    inside = path / FILE_NAME if path.is_dir() else path
    return inside if inside.name == FILE_NAME and inside.is_file() else None


def read(
    registry: Path, tally: Tally, *, only: Sequence[str] = (), system: str | None = None
) -> Iterator[Record]:
    """Records of all sets, or of those named; what cannot be read of them is noted.

    Raises:
        DataError: The registry is not one, or a named set is not in it.
    """
    try:
        entries = json.loads(registry.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise DataError(f"Cannot read {registry}: {error}.") from error
    if not isinstance(entries, dict) or not all(isinstance(e, dict) for e in entries.values()):
        raise DataError(f"{registry} does not map names of data sets to entries.")
    for name in only:
        if name not in entries:
            raise DataError(f"{registry} registers no {name}; it has {', '.join(entries)}.")
    for name in only or entries:
        yield from _entry(registry, name, entries[name], tally, system)


def _entry(
    registry: Path, name: str, entry: Mapping[str, Any], tally: Tally, system: str | None
) -> Iterator[Record]:
    file_name = entry.get("file_name")
    if not isinstance(file_name, str):
        tally.notes.append(f"{name}: not a local file, so not imported")
        return
    path = registry.parent / file_name
    if path.suffix in (".parquet", ".arrow"):
        tally.notes.append(f"{name}: {path.suffix} files are not read; save it as JSON lines")
        return
    if (fault := _fault(entry)) is not None:
        tally.notes.append(f"not imported: the data set {name} of {registry} {fault}")
        return
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        try:
            source = open_source(file, tally)
        except DataError as error:
            tally.notes.append(f"{name}: not imported: {error.message}")
            continue
        tally.formats[file.name] = f"LLaMA-Factory {entry.get('formatting', 'alpaca')}"
        found = dialogues.records(
            source, f"llama-factory:{name}", converter(entry), _rows(source), system=system
        )
        yield from islice(found, entry.get("num_samples"))


def _fault(entry: Mapping[str, Any]) -> str | None:
    for key in ("columns", "tags"):
        named = entry.get(key, {})
        if not isinstance(named, dict) or not all(
            value is None or isinstance(value, str) for value in named.values()
        ):
            return f"has {key} that do not map names to names"
    count = entry.get("num_samples")
    if count is not None and (not isinstance(count, int) or count < 0):
        return "has a num_samples that is no number of rows"
    formatting = entry.get("formatting", "alpaca")
    if formatting not in _FORMATTINGS:
        return f"has the formatting {formatting!r}; there are {', '.join(_FORMATTINGS)}"
    return None


def converter(entry: Mapping[str, Any]) -> Convert:
    """How the rows of an entry are read."""
    formatting = entry.get("formatting", "alpaca")
    given = {**entry.get("columns", {}), **entry.get("tags", {})}
    renamed = {key: value for key, value in given.items() if key in _FIELDS and value}
    if formatting == "alpaca":
        if set(entry.get("columns", {})) == {"prompt"}:
            return _document(renamed["prompt"])
        return dialogues.alpaca(dataclasses.replace(Columns(), **renamed))
    base = OPENAI if formatting == "openai" else SHAREGPT
    return dialogues.turns(dataclasses.replace(base, **renamed))


def _document(column: str) -> Convert:
    def convert(row: Any) -> Draft:
        content = text_of(object_of(row), column)
        if not content.strip():
            raise RowError("blank")
        return Draft([], text=content)

    return convert


def _rows(source: Source) -> Iterator[tuple[int, Any]]:
    if source.path.suffix != ".csv":
        yield from json_rows(source)
        return
    rows = csv_rows(source)
    _, header = next(rows, (1, Broken("", "no header")))
    if isinstance(header, Broken):
        yield 1, header
        return
    for line, row in rows:
        yield line, row if isinstance(row, Broken) else dict(zip(header, row, strict=True))
