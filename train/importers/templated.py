"""Rows that hold text in which the turns are written out already.

bilibot, mlx-lm   {"text": "<|im_start|>user⏎…<|im_end|>⏎<|im_start|>assistant⏎…<|im_end|>"}
Llama-Chinese     CSV, header `text` or `input,target`: <s>Human: …</s><s>Assistant: …</s>
CPsyCoun, others  来访者：…⏎心理咨询师：…
pre-training      {"text"} with neither: a document
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from train.importers.dialogues import ROLES, Draft, RowError, make_message, object_of, text_of
from train.importers.source import Source, csv_rows
from train.schema import Message

_CHATML_TURN = re.compile(
    r"<\|im_start\|>(system|user|assistant)\n(.*?)(?:<\|im_end\|>|(?=<\|im_start\|>)|\Z)\n?",
    re.DOTALL,
)
_ATOM_TURN = re.compile(
    r"<s>\s*(Human|Assistant|System)\s*[:：]\s?(.*?)\s*(?:</s>|(?=<s>)|\Z)", re.DOTALL
)
LABELLED_TURN = re.compile(
    r"^\s*(来访者|用户|求助者|Client|User|心理咨询师|咨询师|支持者|Counselor|Counsellor|Therapist)\s*[:：]\s*",
    re.MULTILINE,
)
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
    return _from_pairs((found[1], found[2]) for found in _CHATML_TURN.finditer(content))


def render_chatml(messages: Sequence[Message], system: str | None) -> str:
    """Turns as bilibot's rows hold them, the end mark behind each."""
    said = [("system", system)] if system else []
    said += [(message.role, message.content) for message in messages]
    return "\n".join(f"<|im_start|>{role}\n{content}<|im_end|>" for role, content in said)


def atom(content: str) -> Draft:
    """Take `<s>Human: …</s><s>Assistant: …</s>` apart."""
    names = {"Human": "user", "Assistant": "assistant", "System": "system"}
    return _from_pairs((names[found[1]], found[2]) for found in _ATOM_TURN.finditer(content))


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
    said = zip(pieces[1::2], pieces[2::2], strict=True)
    yield (
        1,
        [
            {"role": "user" if name in _CLIENTS else "assistant", "content": words.strip()}
            for name, words in said
        ],
    )


def _from_pairs(pairs: Iterable[tuple[str, str]]) -> Draft:
    draft = Draft([])
    for role, content in pairs:
        if role == "system":
            draft.system = content or None
        elif content.strip():
            draft.messages.append(make_message(ROLES[role], content))
    return draft
