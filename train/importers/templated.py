"""Rows that hold text in which the turns are written out already.

bilibot, mlx-lm   {"text": "<|im_start|>user⏎…<|im_end|>⏎<|im_start|>assistant⏎…<|im_end|>"}
Llama-Chinese     CSV, header `text` or `input,target`: <s>Human: …</s><s>Assistant: …</s>
CPsyCoun, others  来访者：…⏎心理咨询师：…
pre-training      {"text"} with neither: a document
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from train.importers.drafts import Draft, RowError, draft_of, object_of, text_of
from train.importers.source import Source, csv_rows
from train.schema import Message

_CHATML_TURN = re.compile(
    r"<\|im_start\|>(\w+)\n(.*?)(?:<\|im_end\|>|(?=<\|im_start\|>)|\Z)\n?",
    re.DOTALL,
)
_ATOM_TURN = re.compile(
    r"<s>\s*(Human|Assistant|System)\s*[:：]\s?(.*?)\s*(?:</s>|(?=<s>)|\Z)", re.DOTALL
)
LABELLED_TURN = re.compile(
    r"^\s*(来访者|用户|求助者|Client|User|心理咨询师|咨询师|支持者|Counselor|Counsellor|Therapist)\s*[:：]\s*",
    re.MULTILINE,
)
_OUTSIDE = "text outside of the turns"
_CLIENTS = {"来访者", "用户", "求助者", "Client", "User"}


def text(row: Any) -> Draft:
    """A row whose only key is `text`: templated turns, or running text."""
    content = row if isinstance(row, str) else text_of(object_of(row), "text")
    if "<|im_start|>" in content:
        return chatml(content)
    if _ATOM_TURN.search(content):
        return atom(content)
    if not content.strip():
        raise RowError("blank")
    return Draft([], text=content)


def chatml(content: str) -> Draft:
    """Take ChatML apart; `render_chatml` puts it together again."""
    return _taken_apart(content, _CHATML_TURN, {})


def render_chatml(messages: Sequence[Message], system: str | None) -> str:
    """Turns as bilibot's rows hold them, the end mark behind each."""
    said = [("system", system)] if system else []
    said += [(message.role, message.content) for message in messages]
    return "\n".join(f"<|im_start|>{role}\n{content}<|im_end|>" for role, content in said)


def atom(content: str) -> Draft:
    """Take `<s>Human: …</s><s>Assistant: …</s>` apart."""
    names = {"Human": "user", "Assistant": "assistant", "System": "system"}
    return _taken_apart(content, _ATOM_TURN, names)


def render_atom(messages: Sequence[Message]) -> list[str]:
    """One string a message, as Llama-Chinese's CSV holds them."""
    names = {"user": "Human", "assistant": "Assistant"}
    return [f"<s>{names[message.role]}: {message.content}</s>" for message in messages]


def llama_chinese_rows(source: Source) -> Iterator[tuple[int, Any]]:
    """The cells of a row of Llama-Chinese's CSV (`text`, or `input,target`), as one string."""
    for line, row in csv_rows(source):
        if not isinstance(row, list):
            yield line, row
        elif line > 1 or any("<s>" in cell for cell in row):  # else the header
            yield line, "".join(row)


def labelled_text_rows(source: Source) -> Iterator[tuple[int, Any]]:
    """A file of `来访者：…` and `心理咨询师：…` lines, as one dialogue."""
    with source.open() as opened:
        content = opened.read()
    pieces = LABELLED_TURN.split(content)
    if pieces[0].strip("\ufeff \t\r\n"):
        source.tally.leave_out(_OUTSIDE, source.where(1), pieces[0].strip())
    said = zip(pieces[1::2], pieces[2::2], strict=True)
    yield (
        1,
        [
            {"role": "user" if name in _CLIENTS else "assistant", "content": words.strip()}
            for name, words in said
        ],
    )


def _taken_apart(content: str, turn: re.Pattern[str], names: Mapping[str, str]) -> Draft:
    found = list(turn.finditer(content))
    draft = draft_of((names.get(one[1], one[1]), one[2]) for one in found)
    ends = [0, *(one.end() for one in found)]
    begins = [*(one.start() for one in found), len(content)]
    for end, begin in zip(ends, begins, strict=True):
        if between := content[end:begin].strip():
            draft.leave_out(_OUTSIDE, between)
    return draft
