"""What `qingting data` shows: progress, tables, and the small files it reads and writes."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.text import Text

    from train.clean.cleaning import CleanReport
    from train.clean.review import Decision
    from train.importers.source import Source
    from train.schema import Record
    from train.tally import Tally

T = TypeVar("T")
M = TypeVar("M", bound="BaseModel")

_SHOWN_EVERY = 500  # records; a bar that is drawn for each costs more than reading it
_EXCERPT_CHARS = 400


def say(text: str | Text) -> None:
    """Print a line; brackets in it are brackets, not rich's markup."""
    from rich.console import Console

    Console(highlight=False, soft_wrap=True, markup=False, emoji=False).print(text)


def done(text: str) -> None:
    """Say that something was made."""
    from rich.text import Text

    say(Text.assemble(("✓", "green"), " ", text))


def warn(text: str) -> None:
    """Print a warning on stderr, byte for byte."""
    from rich.console import Console
    from rich.markup import escape

    Console(stderr=True, highlight=False, soft_wrap=True).print(f"[yellow]![/] {escape(text)}")


def refuse_output(output: Path, source: Path, *, force: bool) -> None:
    """Check before long work that a result may be written, and not over what it is made from.

    Raises:
        DataError: It exists and `force` is not set; with `force` too, if it is the source.
    """
    from pipeline.errors import DataError
    from train.schema import refuse_existing

    if output.exists() and source.exists() and output.samefile(source):
        raise DataError(
            f"{output} is what is being read; write to another file, so that nothing is lost."
        )
    refuse_existing(output, force=force)


@contextmanager
def progress(doing: str, rows: Callable[[], int]) -> Iterator[Callable[[Iterable[T]], Iterator[T]]]:
    """A spinner with the number of rows so far, on stderr.

    Yields:
        A wrapper for the records that are being worked on.
    """
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(doing)

        def follow(records: Iterable[T]) -> Iterator[T]:
            for number, record in enumerate(records, start=1):
                yield record
                if number % _SHOWN_EVERY == 0:
                    bar.update(task, description=f"{doing}: {rows():,} rows, {number:,} records")

        yield follow


def show_tally(tally: Tally, what: str) -> None:
    """Rows in, kept and dropped by reason, with where the first ones stood."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    for name, found in tally.formats.items():
        console.print(f"{escape(name)}: {found}")
    table = Table("", what, "for example", show_edge=False, title_justify="left")
    table.add_row("in", str(tally.rows_in), "")
    table.add_row("kept", str(tally.rows_kept), "")
    for reason, count in tally.dropped.most_common():
        table.add_row(escape(reason), str(count), escape(_examples(tally, reason)))
    console.print(table)
    if tally.left_out:
        parts = Table("", "parts of rows left out", "for example", show_edge=False)
        for reason, count in tally.left_out.most_common():
            parts.add_row(escape(reason), str(count), escape(_examples(tally, reason)))
        console.print(parts)
    for note in tally.notes:
        console.print(f"[yellow]note[/] {escape(note)}")


def _examples(tally: Tally, reason: str) -> str:
    from train.tally import EXAMPLES

    shown = tally.examples.get(reason, ())[:EXAMPLES]
    return "\n".join(f"{one.where}  {one.excerpt}".strip() for one in shown)


def show_cleaning(report: CleanReport, masked: str = "personal data replaced") -> None:
    """Decisions, personal data by kind, phrases, lengths."""
    figures = report.as_json()
    lengths = figures["lengths_tokens"]
    if report.reviewed or report.idle:
        idle = f"; {report.idle} on exchanges that are not in this import" if report.idle else ""
        say(f"decisions: {_listed(report.reviewed)}{idle}")
    say(f"{masked}: {_listed(figures['masked'])}")
    phrases = {fault: found["records"] for fault, found in figures["phrases"].items()}
    say(f"replies with another assistant's phrases: {_listed(phrases)}")
    say(
        f"tokens a row, estimated: p50 {lengths['p50']}, p95 {lengths['p95']}, "
        f"p99 {lengths['p99']}, longest {lengths['longest']}; "
        f"proposed cut-off {lengths['proposed_cutoff']} ({lengths['rows_beyond']} rows beyond)"
    )


def show_counts(counts: Mapping[str, int], what: str) -> None:
    """Rows by part."""
    say(f"{what}: {_listed(counts)}")


def show_fragment(row: Decision) -> None:
    """One exchange that is to be decided on."""
    from rich.text import Text

    say(Text.assemble("\n", (row.score, "bold"), f" {row.signs}"))
    if row.before:
        say(Text(f"before    {row.before}", "dim"))
    say(f"user      {row.user}")
    say(f"assistant {row.assistant}")


def show_beginning(source: Source, count: int) -> None:
    """The first lines of a file that is not ours."""
    for line in source.sample.splitlines()[:count]:
        say(line[:_EXCERPT_CHARS])


class Overview:
    """Counts of what a JSONL holds, taken while it is read for something else."""

    def __init__(self) -> None:
        self._sources: Counter[str] = Counter()
        self._tags: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        self._turns = 0

    def watch(self, records: Iterable[Record], count: int) -> Iterator[Record]:
        """Pass records on, printing the first `count`."""
        from train.schema import Conversation, dump

        for number, record in enumerate(records):
            self._kinds[type(record).__name__.lower()] += 1
            self._sources[record.source] += 1
            self._tags.update(record.tags)
            if isinstance(record, Conversation):
                self._turns += len(record.messages)
            if number < count:
                say(dump(record)[:_EXCERPT_CHARS])
            yield record

    def show(self) -> None:
        """Print the counts."""
        say(f"records: {_listed(self._kinds)}; {self._turns} turns")
        say(f"sources: {_listed(self._sources)}")
        say(f"tags: {_listed(self._tags)}")


def write_report(output: Path, values: Mapping[str, Any]) -> None:
    """Write `NAME.report.json` beside an output; it belongs to it and is replaced with it."""
    from train.schema import replacing

    # Beside chats.jsonl lies chats.report.json; any other name is kept whole, so that two
    # outputs never share a report.
    name = output.name.removesuffix(".jsonl")
    with replacing(output.with_name(f"{name}.report.json"), force=True) as out:
        json.dump(values, out, ensure_ascii=False, indent=2)
        out.write("\n")


def read_table(path: Path) -> dict[str, Any]:
    """A TOML or JSON object.

    Raises:
        ConfigError: It cannot be read, or is something else.
    """
    from pipeline.errors import ConfigError

    try:
        text = path.read_text(encoding="utf-8-sig")
        values = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError) as error:
        raise ConfigError(f"Cannot read {path}: {error}.") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path} is not a table of names and values.")
    return values


def read_texts(path: Path) -> dict[str, str]:
    """A table of texts, such as labels of stickers.

    Raises:
        ConfigError: As `read_table`, or a value is no text.
    """
    from pipeline.errors import ConfigError

    values = read_table(path)
    if not all(isinstance(value, str) for value in values.values()):
        raise ConfigError(f"{path}: every value must be a text.")
    return {key.lower(): value for key, value in values.items()}


def read_model(path: Path, model: type[M]) -> M:
    """A table that fits a model.

    Raises:
        ConfigError: As `read_table`, or a field is wrong.
    """
    from pydantic import ValidationError

    from pipeline.errors import ConfigError

    try:
        return model.model_validate(read_table(path))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{path}: {field}: {first['msg']}.") from None


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"
