"""Every format by name, and how a file is told to be of one.

Detection looks at the name, the first 64 KiB and the first rows, in the order of `FORMATS`:
what is told by a mark of its own stands before what is told by the keys it lacks. Rows are
told by what most of them have, so that a few bad ones do not hide what the others are.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

from pipeline.errors import DataError
from train.importers import dialogues, line, messengers, telegram, templated, wechat
from train.importers.chats import ChatOptions, conversations
from train.importers.drafts import OPENAI, SHAREGPT, Draft
from train.importers.events import Event
from train.importers.source import Broken, Source, csv_header, json_rows
from train.schema import Record, parse
from train.tally import Tally

_ROWS_LOOKED_AT = 100  # enough that bad ones at the beginning of a file are the fewer
_VALUES_LOOKED_AT = 1_000  # of which that many can be read, or none of them is JSON
_MINDSET_FILE = re.compile(
    r"(?:zh|en)_(?:energy_(?P<energy>extraversion|introversion)"
    r"|information_(?P<information>intuition|sensing)"
    r"|decision_(?P<decision>feeling|thinking)"
    r"|execution_(?P<execution>judging|perceiving))"
)
_MINDSET_LETTERS = {"intuition": "N"}  # the others are initials

Read: TypeAlias = Callable[[Source, ChatOptions], Iterator[Record]]


@dataclass(slots=True)
class Look:
    """What detection sees of a file."""

    path: Path
    sample: str
    rows: list[Any] = field(default_factory=list)

    def usual_keys(self) -> set[str]:
        """Keys that at least half of the objects among the first rows have."""
        objects = [row for row in self.rows if isinstance(row, dict)]
        counts = Counter(key for row in objects for key in row)
        return {key for key, count in counts.items() if 2 * count >= len(objects)}


@dataclass(frozen=True, slots=True)
class Format:
    """A format.

    Attributes:
        name: As `--format` takes it.
        about: One line for people.
        recognises: Whether a file is of it.
        read: Reads one.
    """

    name: str
    about: str
    recognises: Callable[[Look], bool]
    read: Read


def detect(source: Source) -> Format:
    """The format of a file.

    Raises:
        DataError: It is of none that is known.
    """
    look = Look(source.path, source.sample)
    if (
        source.path.suffix.lower() not in (".csv", ".txt")
        or look.sample.lstrip("\ufeff ")[:1] in "[{"
    ):
        probe = Source(source.path, source.encoding, source.sample, Tally())
        values = (value for _, value in islice(json_rows(probe), _VALUES_LOOKED_AT))
        sound = (value for value in values if not isinstance(value, Broken))
        look.rows = list(islice(sound, _ROWS_LOOKED_AT))
    for candidate in FORMATS:
        if candidate.recognises(look):
            return candidate
    names = ", ".join(candidate.name for candidate in FORMATS)
    raise DataError(
        f"{source.path.name} is in no format that is known; name it with --format, one of {names}."
    )


def by_name(name: str) -> Format:
    """A format.

    Raises:
        DataError: There is none of that name.
    """
    for candidate in FORMATS:
        if candidate.name == name:
            return candidate
    names = ", ".join(candidate.name for candidate in FORMATS)
    raise DataError(f"There is no format {name!r}; there are {names}.")


def mindset_letter(path: Path) -> str | None:
    """Pole of the MBTI axis that a Machine-Mindset behaviour file teaches, such as `N`."""
    found = _MINDSET_FILE.search(path.stem)
    if found is None:
        return None
    pole = next(group for group in found.groups() if group)
    return _MINDSET_LETTERS.get(pole, pole[0].upper())


def _neutral(source: Source, options: ChatOptions) -> Iterator[Record]:
    with source.open() as text:
        for number, content in enumerate(text, start=1):
            if not content.strip():
                continue
            source.tally.rows_in += 1
            try:
                record = parse(content)
            except DataError as error:
                source.malformed(number, error.message, content)
                continue
            source.tally.rows_kept += 1
            yield record


def _chat(
    name: str,
    reader: Callable[[Source], Iterator[Event]],
    partner: Callable[[Source], str | None] | None = None,
) -> Read:
    def read(source: Source, options: ChatOptions) -> Iterator[Record]:
        return conversations(source, reader, name, options, partner)

    return read


def _dialogues(
    name: str,
    convert: dialogues.Convert,
    rows: Callable[[Source], Iterator[tuple[int, Any]]] = json_rows,
) -> Read:
    def read(source: Source, options: ChatOptions) -> Iterator[Record]:
        return dialogues.records(source, name, convert, rows(source), system=options.system)

    return read


def _mindset(source: Source, options: ChatOptions) -> Iterator[Record]:
    letter = mindset_letter(source.path)
    tags = ("behaviour", f"mbti:{letter}") if letter else ("behaviour",)

    def convert(row: Any) -> Draft:
        draft = dialogues.alpaca()(row)
        draft.tags = tags
        return draft

    return dialogues.records(
        source, "machine-mindset", convert, json_rows(source), system=options.system
    )


def _has(*wanted: str) -> Callable[[Look], bool]:
    return lambda look: set(wanted) <= look.usual_keys()


def _header_has(*wanted: str) -> Callable[[Look], bool]:
    def recognises(look: Look) -> bool:
        header, delimiter = csv_header(look.sample)
        return set(wanted) <= {name.strip(' "') for name in header.split(delimiter)}

    return recognises


def _is_turn_list(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and isinstance(value[0], dict)
        and {"role", "content"} <= set(value[0])
    )


def _is_row(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 3
        and isinstance(value[1], str)
        and isinstance(value[2], str)
    )


def _any_row(test: Callable[[Any], bool]) -> Callable[[Look], bool]:
    return lambda look: any(test(row) for row in look.rows)


def _lines(pattern: re.Pattern[str], least: int = 1) -> Callable[[Look], bool]:
    return lambda look: len(pattern.findall(look.sample)) >= least


FORMATS: tuple[Format, ...] = (
    Format("qingting", "this project's own JSONL", _has("id", "source"), _neutral),
    Format(
        "wechatmsg-csv",
        "WeChatMsg (留痕) CSV",
        _header_has("IsSender", "StrContent", "Type"),
        _chat("wechatmsg-csv", wechat.wechatmsg_csv),
    ),
    Format(
        "pywxdump-csv",
        "PyWxDump and WeClone CSV",
        _header_has("is_sender", "type_name", "msg"),
        _chat("pywxdump-csv", wechat.pywxdump_csv),
    ),
    Format(
        "llama-chinese-csv",
        "Llama-Chinese (Atom) CSV of <s>Human: …</s><s>Assistant: …</s>",
        lambda look: "<s>Human" in look.sample and not look.rows,
        _dialogues("llama-chinese-csv", templated.text, templated.llama_chinese_rows),
    ),
    Format(
        "line",
        "LINE chat history (.txt)",
        lambda look: line.recognises(look.sample),
        _chat("line", line.line_txt, line.partner),
    ),
    Format(
        "wechatmsg-ai-txt",
        "WeChatMsg AI-TXT",
        _lines(re.compile(r"^\*{10,}\s*\d{4}-\d{2}-\d{2}\s*\*{10,}", re.MULTILINE)),
        _chat("wechatmsg-ai-txt", wechat.wechatmsg_ai_txt),
    ),
    Format(
        "wechatmsg-txt",
        "WeChatMsg TXT, old and new builds",
        lambda look: not look.rows and wechat.TXT_BEGINNING.search(look.sample[:4096]) is not None,
        _chat("wechatmsg-txt", wechat.wechatmsg_txt),
    ),
    Format(
        "telegram",
        "Telegram Desktop result.json",
        lambda look: (
            '"messages"' in look.sample
            and '"type"' in look.sample
            and ('"from_id"' in look.sample or '"date_unixtime"' in look.sample)
        ),
        _chat("telegram", telegram.telegram, telegram.partner),
    ),
    Format("qqnt", "QQNT_Export JSON", _has("contents", "time"), _chat("qqnt", messengers.qqnt)),
    Format(
        "machine-mindset",
        "Machine-Mindset behaviour file",
        lambda look: mindset_letter(look.path) is not None and "instruction" in look.usual_keys(),
        _mindset,
    ),
    Format(
        "preference",
        "prompt, chosen, rejected",
        lambda look: (
            {"chosen", "rejected"} <= look.usual_keys()
            and not look.usual_keys() & {"instruction", "conversations", "messages"}
        ),
        _dialogues("preference", dialogues.preference()),
    ),
    Format(
        "alpaca",
        "Alpaca, huanhuan and seed 003's rows",
        _has("instruction"),
        _dialogues("alpaca", dialogues.alpaca()),
    ),
    Format(
        "sharegpt",
        "ShareGPT, and WeChatMsg's JSON",
        _has("conversations"),
        _dialogues("sharegpt", dialogues.turns(SHAREGPT)),
    ),
    Format(
        "xtuner",
        "EmoLLM and xtuner conversations",
        _has("conversation"),
        _dialogues("xtuner", dialogues.xtuner),
    ),
    Format(
        "openai",
        "OpenAI messages, one conversation a row",
        lambda look: "messages" in look.usual_keys() or _any_row(_is_turn_list)(look),
        _dialogues("openai", dialogues.turns(OPENAI)),
    ),
    Format(
        "turns-json",
        "one dialogue a file: [{role, content}, …], as smile and MeChat have it",
        _has("role", "content"),
        _dialogues("turns-json", dialogues.turns(OPENAI), dialogues.whole_file_rows),
    ),
    Format(
        "completion",
        "mlx-lm prompt and completion",
        _has("prompt", "completion"),
        _dialogues("completion", dialogues.completion),
    ),
    Format(
        "rows",
        "plain [time, sender, text]",
        lambda look: (
            _any_row(_is_row)(look)
            or _has("time", "sender", "text")(look)
            or _header_has("time", "sender", "text")(look)
        ),
        _chat("rows", messengers.rows),
    ),
    Format(
        "text",
        "bilibot and mlx-lm {text}: ChatML turns, or running text",
        _has("text"),
        _dialogues("text", templated.text),
    ),
    Format(
        "labelled-txt",
        "a dialogue of 来访者：… and 心理咨询师：… lines",
        _lines(templated.LABELLED_TURN, least=2),
        _dialogues("labelled-txt", dialogues.turns(OPENAI), templated.labelled_text_rows),
    ),
)


def known(formats: Iterable[Format] = FORMATS) -> str:
    """A table of names, for help texts."""
    return "\n".join(f"{candidate.name:<18} {candidate.about}" for candidate in formats)
