"""From other programs' files to the neutral JSONL of `train.schema`.

    source     reading text, CSV and JSON piece by piece, with line numbers
    events     one message of a chat; wechat, line, telegram, messengers read them
    sessions   presets: where a chat is cut into conversations
    chats      whose replies are learned; stickers; quotations
    dialogues  sets that hold dialogues already; templated, dataset_info
    formats    every format by name, and detection

`import_paths` is the way in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import DataError
from train.importers import dataset_info, formats
from train.importers.chats import ChatOptions
from train.importers.formats import Format
from train.importers.source import Source, open_source
from train.schema import Record
from train.tally import Tally

_SUFFIXES = {".csv", ".json", ".jsonl", ".txt"}


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What to read and how.

    Attributes:
        format: A format's name instead of detection.
        chat: For formats that are chats.
        datasets: Sets of a LLaMA-Factory folder; empty for all.
    """

    format: str | None = None
    chat: ChatOptions = field(default_factory=ChatOptions)
    datasets: tuple[str, ...] = ()


def import_paths(paths: Sequence[Path], options: ImportOptions, tally: Tally) -> Iterator[Record]:
    """Read files and folders, in order, in bounded memory.

    Args:
        paths: Files; folders stand for the files in them that could be chats.
        options: See there.
        tally: Filled as records come.

    Raises:
        DataError: A file cannot be read, is of no known format, or the options do not fit
            it; or nothing at all came out, and then it says why.
    """
    for path in paths:
        for record in _import_path(path, options, tally):
            tally.records += 1
            yield record
    if not tally.records:
        names = ", ".join(path.name for path in paths)
        raise DataError(f"No conversation came out of {names}: {tally.why_empty()}.")


def _import_path(path: Path, options: ImportOptions, tally: Tally) -> Iterator[Record]:
    registry = dataset_info.find(path)
    if registry is not None and options.format in (None, "dataset-info"):
        yield from dataset_info.read(
            registry, tally, only=options.datasets, system=options.chat.system
        )
        return
    if path.is_dir():
        files = [file for file in sorted(path.rglob("*")) if file.suffix.lower() in _SUFFIXES]
        if not files:
            raise DataError(f"{path} holds no .csv, .json, .jsonl or .txt file.")
        for file in files:
            try:
                yield from _read(*_open(file, options, tally), options, tally)
            except DataError as error:  # folders hold other things too
                tally.notes.append(f"not imported: {error.message}")
        return
    yield from _read(*_open(path, options, tally), options, tally)


def _open(path: Path, options: ImportOptions, tally: Tally) -> tuple[Source, Format]:
    source = open_source(path, tally)
    return source, formats.by_name(options.format) if options.format else formats.detect(source)


def _read(source: Source, chosen: Format, options: ImportOptions, tally: Tally) -> Iterator[Record]:
    tally.formats[source.path.name] = chosen.name
    yield from chosen.read(source, options.chat)
