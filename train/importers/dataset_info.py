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
from train.importers.dialogues import Columns, Convert, Draft, RowError, object_of, text_of
from train.importers.source import Broken, Source, csv_rows, json_rows, open_source
from train.schema import Record
from train.tally import Tally

FILE_NAME = "dataset_info.json"
_FIELDS = {field.name for field in dataclasses.fields(Columns)}


def find(path: Path) -> Path | None:
    """The registry of a folder, or the file itself if it is one."""
    inside = path / FILE_NAME if path.is_dir() else path
    return inside if inside.name == FILE_NAME and inside.is_file() else None


def read(
    registry: Path, tally: Tally, *, only: Sequence[str] = (), system: str | None = None
) -> Iterator[Record]:
    """Records of all sets, or of those named.

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
        yield from _entry(registry.parent, name, entries[name], tally, system)


def _entry(
    folder: Path, name: str, entry: Mapping[str, Any], tally: Tally, system: str | None
) -> Iterator[Record]:
    file_name = entry.get("file_name")
    if not isinstance(file_name, str):
        tally.notes.append(f"{name}: not a local file, so not imported")
        return
    path = folder / file_name
    if path.suffix in (".parquet", ".arrow"):
        tally.notes.append(f"{name}: {path.suffix} files are not read; save it as JSON lines")
        return
    if (fault := _fault(entry)) is not None:
        raise DataError(f"The data set {name} of {folder / 'dataset_info.json'} {fault}.")
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    for file in files:
        source = open_source(file, tally)
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
    return None


def converter(entry: Mapping[str, Any]) -> Convert:
    """How the rows of an entry are read.

    Raises:
        DataError: The entry names a formatting that there is not.
    """
    formatting = entry.get("formatting", "alpaca")
    given = {**entry.get("columns", {}), **entry.get("tags", {})}
    renamed = {key: value for key, value in given.items() if key in _FIELDS and value}
    if formatting == "alpaca":
        if set(entry.get("columns", {})) == {"prompt"}:
            return _document(renamed["prompt"])
        return dialogues.alpaca(dataclasses.replace(Columns(), **renamed))
    if formatting in ("sharegpt", "openai"):
        base = dialogues.SHAREGPT if formatting == "sharegpt" else dialogues.OPENAI
        return dialogues.turns(dataclasses.replace(base, **renamed))
    raise DataError(f"There is no formatting {formatting!r}; there are alpaca, sharegpt, openai.")


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
