"""Reading other programs' files piece by piece, with line numbers, whatever is in them.

No file is held in memory. What cannot be read is yielded as `Broken`, with its line, and
reading goes on behind it.
"""

from __future__ import annotations

import csv
import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from pipeline.errors import DataError
from train.importers.encoding import encoding_of, refuse_binary
from train.tally import Tally

SAMPLE_BYTES = 64 * 1024  # enough for the header of any format, and for a first long row
_CHUNK_CHARS = 1 << 20
_LONGEST_VALUE_CHARS = 16 << 20  # a JSON value that is not closed by then never will be
_LONGEST_OPEN_CHARS = 1 << 20  # a quoted field that is not closed by then never will be
_LONGEST_FIELD_CHARS = 16 << 20  # the csv module's own limit, 128 KiB, is below a long XML card
# What Excel takes for the separator that the file uses, in a line before the header.
_SEPARATOR = re.compile(r'"?sep=.?"?$', re.IGNORECASE)
_DECODER = json.JSONDecoder()
_BETWEEN = re.compile(r"[\s,]*")
_FIRST_KEY = re.compile(r'\{\s*("(?:[^"\\]|\\.){1,100}"\s*:)')
_ANY_VALUE = re.compile(r"[,\n]\s*(?=[{\[])")

csv.field_size_limit(_LONGEST_FIELD_CHARS)


@dataclass(frozen=True, slots=True)
class Broken:
    """A piece of a file that could not be read."""

    text: str
    why: str


@dataclass(slots=True)
class Source:
    """A file that is being imported.

    Attributes:
        path: The file.
        encoding: Codec of its text.
        tally: Where its rows are booked.
        sample: Its first 64 KiB, decoded.
    """

    path: Path
    encoding: str
    sample: str
    tally: Tally = field(default_factory=Tally)

    def where(self, line: int) -> str:
        """`file:line`, as reports show it."""
        return f"{self.path.name}:{line}"

    def row(self, line: int, value: Any) -> Any | None:
        """Count a row; book it and return None if it is broken."""
        self.tally.rows_in += 1
        if value is None:
            value = Broken("null", "nothing but null")
        if isinstance(value, Broken):
            self.malformed(line, value.why, value.text)
            return None
        return value

    def malformed(self, line: int, why: str, text: str = "") -> None:
        """Book a row that breaks its format."""
        self.tally.drop(f"malformed: {why}", self.where(line), text)

    def open(self) -> TextIO:
        """The text; bytes that are not in the encoding become lone surrogates."""
        return self.path.open(encoding=self.encoding, errors="surrogateescape", newline="")


def open_source(path: Path, tally: Tally | None = None) -> Source:
    """Look at the beginning of a file.

    Raises:
        DataError: It cannot be read, is empty, or is no text.
    """
    try:
        with path.open("rb") as file:
            head = file.read(SAMPLE_BYTES)
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror}.") from error
    refuse_binary(path, head)
    encoding = encoding_of(head)
    sample = head.decode(encoding, "replace")
    if not sample.strip("\ufeff \t\r\n"):
        raise DataError(f"{path} is empty.")
    return Source(path, encoding, sample, tally if tally is not None else Tally())


def has_bad_bytes(text: str) -> bool:
    """Whether bytes of another encoding are hidden in the text as lone surrogates."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def numbered_lines(source: Source) -> Iterator[tuple[int, str]]:
    """Lines without their ends, from 1; only CR and LF end a line, as exporters mean it."""
    with source.open() as text:
        for number, line in enumerate(text, start=1):
            yield number, line.rstrip("\r\n")


def csv_rows(source: Source) -> Iterator[tuple[int, Sequence[str] | Broken]]:
    """Rows of a CSV file and the line each begins on; the first is the header.

    Commas, or the semicolons or tabs that a spreadsheet made of them, part the columns. A
    quotation mark that is never closed costs the line it stands on, not those behind it.
    """
    columns, delimiter = 0, ","
    with source.open() as text:
        lines = Lines(enumerate(text, start=1))
        for number, line in lines:
            if not (bare := line.strip("\ufeff \r\n")) or (not columns and _SEPARATOR.match(bare)):
                continue
            if not columns:
                delimiter = csv_header(line)[1]
            row = _csv_row(line, lines, columns, delimiter)
            columns = columns or (0 if isinstance(row, Broken) else len(row))
            yield number, row


def csv_header(sample: str) -> tuple[str, str]:
    """The line that names the columns, and what parts them."""
    lines = (line.strip("\ufeff \r\n") for line in sample.split("\n"))
    header = next((line for line in lines if line and not _SEPARATOR.match(line)), "")
    return header, max(",;\t", key=header.count)  # the first of equals, so a comma


class Lines:
    """Numbered lines, of which some may be given back to be read again."""

    def __init__(self, lines: Iterator[tuple[int, str]]) -> None:
        self._lines = lines
        self._again: deque[tuple[int, str]] = deque()

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> tuple[int, str]:
        return self._again.popleft() if self._again else next(self._lines)

    def give_back(self, lines: Sequence[tuple[int, str]]) -> None:
        """Have lines read next, in their order."""
        self._again.extendleft(reversed(lines))


def _csv_row(line: str, lines: Lines, columns: int, delimiter: str) -> list[str] | Broken:
    """The row that begins with `line`; lines it takes for its own by mistake are given back."""
    taken: list[tuple[int, str]] = []
    row = _parsed([line], delimiter)
    chars = len(line)
    while row is None and (following := next(lines, None)) is not None:
        taken.append(following)
        chars += len(following[1])
        odd = following[1].count('"') % 2 == 1
        if chars > _LONGEST_OPEN_CHARS:
            break
        if not odd and _is_row(following[1], columns, delimiter):
            break
        if odd:
            row = _parsed([line, *(text for _, text in taken)], delimiter)
    if row is not None and columns in (0, len(row)):
        return row
    lines.give_back(taken)
    if row is None or taken:
        return Broken(line, "a quotation mark is not closed")
    return Broken(line, f"{len(row)} columns instead of {columns}")


def _parsed(lines: list[str], delimiter: str) -> list[str] | None:
    """The cells of one row; None while a quotation mark is open."""
    if '"' not in lines[0]:
        return lines[0].rstrip("\r\n").split(delimiter)
    lines = [line.removesuffix("\r\n") + "\n" * line.endswith("\r\n") for line in lines]
    try:
        return next(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error):
            return None
    try:
        return next(csv.reader(lines, delimiter=delimiter))  # marks inside a cell, not doubled
    except csv.Error:
        return []


def _is_row(line: str, columns: int, delimiter: str) -> bool:
    """Whether a line inside a quoted field looks like a row that begins anew."""
    if columns <= 2 or not line[:1].isdigit():
        return False
    return len(_parsed([line], delimiter) or ()) == columns


def json_rows(source: Source) -> Iterator[tuple[int, Any | Broken]]:
    """Values of a JSON array, of JSON lines, or one after another, and where each begins."""
    with source.open() as text:
        stream = _Stream(text)
        if not stream.enter_array():
            for number, line in enumerate(stream.lines(), start=1):
                if line.strip():
                    yield number, _load(line)
            return
        yield from stream.array()


def json_arrays(
    source: Source, key: str
) -> Iterator[tuple[str, Iterator[tuple[int, Any | Broken]]]]:
    """Every array under `key`, wherever it is nested, with the text since the last one.

    The array must be consumed before the next is asked for.
    """
    opening = re.compile(rf'"{re.escape(key)}"\s*:\s*\[')
    with source.open() as text:
        stream = _Stream(text)
        while (before := stream.seek(opening)) is not None:
            yield before, stream.array()


def _load(text: str) -> Any | Broken:
    """The value of a text that is one, white space around it aside."""
    try:
        value, end = _decode(text.lstrip(), 0)
    except json.JSONDecodeError as error:
        return Broken(text, f"not JSON ({error.msg})")
    return Broken(text, "not JSON (Extra data)") if text.lstrip()[end:].strip() else value


def _decode(text: str, at: int) -> tuple[Any, int]:
    """The value that begins at a place, and where it ends; every fault is a JSONDecodeError."""
    try:
        return _DECODER.raw_decode(text, at)
    except RecursionError:
        raise json.JSONDecodeError("Nested too deeply", text, at) from None
    except json.JSONDecodeError:
        raise
    except ValueError:  # Python reads no number of more than 4,300 digits
        raise json.JSONDecodeError("Too long a number", text, at) from None


class _Stream:
    """A window on a text that is read forwards."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._window = text.read(_CHUNK_CHARS)
        self._at = 0
        self._line = 1
        self._next_value = _ANY_VALUE

    def lines(self) -> Iterable[str]:
        """What is left, line by line."""
        rest = self._window[self._at :]
        while True:
            more = self._text.read(_CHUNK_CHARS)
            *whole, rest = (rest + more).split("\n")
            yield from whole
            if not more:
                yield rest
                return

    def enter_array(self) -> bool:
        """Pass blanks and an opening bracket; False where every line is a value by itself."""
        blanks = re.compile(r"[\s\ufeff]*").match(self._window)
        assert blanks is not None
        first = self._window[blanks.end() :].split("\n", 1)
        by_lines = not isinstance(_load(first[0]), Broken) and "".join(first[1:]).strip() != ""
        if by_lines or self._window[blanks.end() : blanks.end() + 1] not in ("[", "{"):
            return False
        opened = self._window.startswith("[", blanks.end())
        self._advance(blanks.end() + opened)
        return True

    def seek(self, pattern: re.Pattern[str]) -> str | None:
        """Pass everything up to and including `pattern`; None at the end of the text."""
        while (found := pattern.search(self._window, self._at)) is None:
            if not self._grow():
                return None
        before = self._window[self._at : found.start()]
        self._advance(found.end())
        return before

    def array(self) -> Iterator[tuple[int, Any | Broken]]:
        """Values up to the bracket that closes the array, which is passed."""
        while True:
            between = _BETWEEN.match(self._window, self._at)
            assert between is not None
            self._advance(between.end())
            if self._at == len(self._window):
                if not self._grow():
                    return
                continue
            if self._window[self._at] == "]":
                self._advance(self._at + 1)
                return
            line = self._line
            yield line, self._value()

    def _value(self) -> Any | Broken:
        while True:
            try:
                value, end = _decode(self._window, self._at)
            except json.JSONDecodeError as error:
                # An error far from the window's end is no value that merely is not read yet.
                unfinished = error.msg.startswith("Unterminated") or (
                    len(self._window) - error.pos < 64
                )
                size = len(self._window) - self._at
                if unfinished and size < _LONGEST_VALUE_CHARS and self._grow():
                    continue
                return self._pass_broken(error)
            if end == len(self._window) and self._grow():
                continue  # a number may go on
            self._advance(end)
            return value

    def _pass_broken(self, error: json.JSONDecodeError) -> Broken:
        """Go on at the next value that begins with the same key: no value inside this one does."""
        begun = self._at
        if (key := _FIRST_KEY.match(self._window, begun)) is not None:
            self._next_value = re.compile(rf"[,\n]\s*(?=\{{\s*{re.escape(key[1])})")
        after = max(begun + 1, min(error.pos, len(self._window)))
        if error.msg.startswith("Unterminated"):
            after = begun + 1
        # The next value may be what was wrong about this one: look at the border before it too.
        while after > begun + 1 and self._window[after - 1] in " \t\r\n,":
            after -= 1
        while (found := self._next_value.search(self._window, after)) is None:
            if not self._grow():
                text = self._window[begun:]
                self._advance(len(self._window))
                return Broken(text, f"not JSON ({error.msg})")
            after -= begun - self._at
            begun = self._at
        text = self._window[begun : found.start()]
        self._advance(found.end())
        return Broken(text, f"not JSON ({error.msg})")

    def _advance(self, to: int) -> None:
        self._line += self._window.count("\n", self._at, to)
        self._at = to

    def _grow(self) -> bool:
        more = self._text.read(_CHUNK_CHARS)
        if more:
            self._window = self._window[self._at :] + more
            self._at = 0
        return bool(more)
