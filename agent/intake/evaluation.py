"""Extraction measured on scripted callers whose answers are known.

A file has one caller a line: `{"id", "locale", "turns": [{"bot", "caller"}]}`. In the
caller's words, `[三个月|since]` marks what a turn tells; `[…|concern,work?]` marks two
fields, the second of which may be found or left out without counting either way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from agent.config import Locale
from agent.intake.extract import Proposal, extract
from agent.intake.fields import FIELDS, Field
from agent.intake.propose import propose
from agent.intake.reader import READ_FIELDS, TurnReader
from agent.intake.spans import Span
from pipeline.errors import DataError
from pipeline.llm.base import LanguageModel

_MARK = re.compile(r"\[([^\[\]|]+)\|([a-z?,]+)\]")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a turn tells: the span, its field, and whether it may be left out."""

    field: Field
    span: Span
    optional: bool


@dataclass(frozen=True, slots=True)
class ScriptedTurn:
    """One turn without its marks, and what they said.

    Attributes:
        bot: What the bot said before.
        caller: What the caller says.
        answers: What that tells.
        number: The caller's turns before it.
        before: What the caller said in the last of these.
    """

    bot: str
    caller: str
    answers: tuple[Answer, ...]
    number: int
    before: str = ""


@dataclass(frozen=True, slots=True)
class ScriptedCaller:
    """One caller."""

    caller_id: str
    locale: Locale
    turns: tuple[ScriptedTurn, ...]


class _TurnData(BaseModel):
    model_config = ConfigDict(extra="forbid")

    bot: str
    caller: str


class _CallerData(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: str
    locale: Locale
    turns: list[_TurnData]


@dataclass(frozen=True, slots=True)
class Mistake:
    """An entry that is wrong, or an answer that was not found."""

    caller_id: str
    turn: int
    field: Field
    quote: str
    invented: bool


@dataclass
class Score:
    """Counts of one field, or of all.

    Attributes:
        right: Proposals that tell what the caller told.
        wrong: Proposals that do not.
        found: Answers that some proposal tells.
        missed: Answers that none does.
    """

    right: int = 0
    wrong: int = 0
    found: int = 0
    missed: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(
            self.right + other.right,
            self.wrong + other.wrong,
            self.found + other.found,
            self.missed + other.missed,
        )

    @property
    def precision(self) -> float | None:
        """Share of proposals that are right; None without any."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else None

    @property
    def recall(self) -> float | None:
        """Share of answers that were found; None without any."""
        return self.found / (self.found + self.missed) if self.found + self.missed else None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures of a run."""

    callers: int
    turns: int
    total: Score
    by_field: dict[Field, Score]
    mistakes: tuple[Mistake, ...]


def read_callers(path: Path) -> list[ScriptedCaller]:
    """Read a file of scripted callers.

    Raises:
        DataError: It cannot be read, or a line is no caller; the message names the line.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    callers = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            data = _CallerData.model_validate(json.loads(line))
            turns = _turns(data)
        except (ValueError, ValidationError) as error:
            raise DataError(f"{path}, line {number} is no scripted caller") from error
        callers.append(ScriptedCaller(data.id, data.locale, turns))
    if not callers:
        raise DataError(f"{path} has no callers")
    return callers


def _turns(data: _CallerData) -> tuple[ScriptedTurn, ...]:
    turns = list[ScriptedTurn]()
    for number, one in enumerate(data.turns):
        before = turns[-1].caller if turns else ""
        turns.append(replace(_turn(number, one.bot, one.caller), before=before))
    return tuple(turns)


def _turn(number: int, bot: str, marked: str) -> ScriptedTurn:
    text, answers, end = "", list[Answer](), 0
    for mark in _MARK.finditer(marked):
        text += marked[end : mark.start()]
        span = Span(len(text), len(text) + len(mark.group(1)))
        text += mark.group(1)
        end = mark.end()
        for name in mark.group(2).split(","):
            field = name.removesuffix("?")
            if field not in FIELDS:
                raise ValueError(f"there is no field {field}")
            if field not in READ_FIELDS:
                continue  # risk: `qingting safety eval` measures it
            answers.append(Answer(field, span, name.endswith("?")))
    text += marked[end:]
    if "[" in text or "|" in text:
        raise ValueError("a mark is not closed")
    return ScriptedTurn(bot, text, tuple(answers), number)


async def evaluate(
    callers: Sequence[ScriptedCaller],
    propose: Callable[[ScriptedTurn], Awaitable[Iterable[Proposal]]],
) -> Evaluation:
    """Let `propose` look at every turn, and compare."""
    by_field: dict[Field, Score] = {field: Score() for field in FIELDS}
    mistakes: list[Mistake] = []
    turns = 0
    for caller in callers:
        for turn in caller.turns:
            turns += 1
            proposals = list(await propose(turn))
            for field, quote, invented in _compare(turn, proposals, by_field):
                mistakes.append(Mistake(caller.caller_id, turn.number, field, quote, invented))
    return _evaluation(len(callers), turns, by_field, mistakes)


def _evaluation(
    callers: int, turns: int, by_field: dict[Field, Score], mistakes: Sequence[Mistake]
) -> Evaluation:
    total = sum(by_field.values(), Score())
    used = {field: score for field, score in by_field.items() if any(vars(score).values())}
    return Evaluation(callers, turns, total, used, tuple(mistakes))


async def by_call(turn: ScriptedTurn) -> list[Proposal]:
    """What a call takes down; clauses are counted apart, before `joined`."""
    return propose(turn.caller, turn.bot, turn.number, turn.before)


async def by_rules(turn: ScriptedTurn) -> list[Proposal]:
    """What all the rules propose."""
    return extract(turn.caller, turn.bot)


async def with_model(
    callers: Sequence[ScriptedCaller], model: LanguageModel, *, alone: bool
) -> Evaluation:
    """Measure the model by itself, or what it adds to a call's record as `IntakeTaker` joins them.

    Raises:
        GenerationError: The model failed; it is closed in any case.
    """
    try:
        reader = TurnReader(model.open())

        async def propose(turn: ScriptedTurn) -> list[Proposal]:
            read = await reader.read(turn.caller, turn.bot)
            if alone:
                return read
            taken = await by_call(turn)
            known = {proposal.field for proposal in taken}
            return [*taken, *(one for one in read if one.field not in known)]

        return await evaluate(callers, propose)
    finally:
        await model.close()


def figures(evaluation: Evaluation) -> dict[str, Any]:
    """The figures as one JSON object: precision and recall of all and of each field."""

    def shares(score: Score) -> dict[str, float | int | None]:
        return {**vars(score), "precision": score.precision, "recall": score.recall}

    return {
        "callers": evaluation.callers,
        "turns": evaluation.turns,
        **shares(evaluation.total),
        "by_field": {field: shares(score) for field, score in evaluation.by_field.items()},
    }


def _compare(
    turn: ScriptedTurn, proposals: Sequence[Proposal], scores: dict[Field, Score]
) -> Iterable[tuple[Field, str, bool]]:
    """Count one turn; yields its mistakes as field, words, and whether they were made up."""
    for proposal in proposals:
        score = scores[proposal.field]
        told = [
            answer
            for answer in turn.answers
            if answer.field == proposal.field and answer.span.overlaps(proposal.span)
        ]
        if not told:
            score.wrong += 1
            yield proposal.field, proposal.span.of(turn.caller), True
        elif any(not answer.optional for answer in told):
            score.right += 1
    for answer in turn.answers:
        if answer.optional:
            continue
        score = scores[answer.field]
        if any(
            proposal.field == answer.field and proposal.span.overlaps(answer.span)
            for proposal in proposals
        ):
            score.found += 1
        else:
            score.missed += 1
            yield answer.field, answer.span.of(turn.caller), False
