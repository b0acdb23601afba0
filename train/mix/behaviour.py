"""How a personality type answers: Machine-Mindset behaviour rows, or any rows tagged alike.

The rows carry `mbti:X` for the pole they teach (the importer reads it from the file's name).
For a type such as INFJ, rows of its four poles are used. Where the same question is answered
from both poles of an axis, the two answers make a preference for DPO.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from pipeline.errors import DataError
from train.schema import Conversation, Preference, content_id

Poles: TypeAlias = frozenset[str]

_TYPE = re.compile(r"[EI][SN][TF][JP]")
_OPPOSITE = {"E": "I", "I": "E", "S": "N", "N": "S", "T": "F", "F": "T", "J": "P", "P": "J"}


def poles(mbti: str) -> Poles:
    """The four letters of a type.

    Raises:
        DataError: It is no type.
    """
    letters = mbti.strip().upper()
    if _TYPE.fullmatch(letters) is None:
        raise DataError(f"{mbti} is no MBTI type; a type is four letters, such as INFJ.")
    return frozenset(letters)


def pole_of(record: Conversation) -> str | None:
    """The pole a row teaches."""
    return next((tag[5:] for tag in record.tags if tag.startswith("mbti:")), None)


def of_type(
    records: Iterable[Conversation], mbti: str, *, system: str | None = None
) -> Iterator[Conversation]:
    """Rows of the type's poles, with the persona's system prompt in place of their own.

    Raises:
        DataError: The type is none.
    """
    wanted = poles(mbti)
    for record in records:
        if pole_of(record) in wanted:
            yield record if system is None else record.model_copy(update={"system": system})


def preferences(records: Iterable[Conversation], mbti: str) -> Iterator[Preference]:
    """Pairs of answers to one question from the two poles of an axis; holds all rows.

    Raises:
        DataError: The type is none.
    """
    wanted = poles(mbti)
    by_question: dict[tuple[str, str], Conversation] = {}
    for record in records:
        pole = pole_of(record)
        if pole is None:
            continue
        question = "\n".join(message.content for message in record.messages[:-1])
        other = by_question.get((question, _OPPOSITE[pole]))
        by_question[question, pole] = record
        if other is None or other.messages[-1].content == record.messages[-1].content:
            continue
        chosen, rejected = (record, other) if pole in wanted else (other, record)
        replies = chosen.messages[-1].content, rejected.messages[-1].content
        yield Preference(
            id=content_id([question, *replies]),
            source=chosen.source,
            origin=chosen.origin,
            prompt=chosen.messages[:-1],
            chosen=replies[0],
            rejected=replies[1],
            system=chosen.system,
            tags=chosen.tags,
        )
