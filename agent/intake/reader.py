"""What a turn tells, by the language model, held to the caller's own words by a grammar.

The grammar is made for each turn: the model chooses fields and runs of the units that were
said, and can write nothing else. What it chose is looked up in the turn all the same, for
engines that know no grammar.
"""

from __future__ import annotations

import json
import tomllib
from contextlib import aclosing
from functools import cache
from importlib import resources

from pydantic import BaseModel, ConfigDict

from agent.intake.extract import Proposal
from agent.intake.fields import FIELDS, Field
from agent.intake.spans import find
from pipeline.llm.base import Conversation, Message, Sampling
from pipeline.text import Language, language_of, units

# Risk is the crisis protocol's to find.
READ_FIELDS: tuple[Field, ...] = tuple(field for field in FIELDS if field != "risk")

# Entries of one turn, and tokens that their JSON may take; a turn that tells more is rare.
MAX_ITEMS = 5
MAX_TOKENS = 160

# Units of one turn given to the model. The grammar has a rule for each.
MAX_UNITS = 200


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Example(_Data):
    bot: str
    caller: str
    items: tuple[tuple[Field, str], ...]


class _Prompt(_Data):
    system: str
    turn: str
    examples: tuple[_Example, ...]


class TurnReader:
    """Reads turns with one conversation of the shared model.

    Args:
        conversation: Its place in the model; closed with the reader.
    """

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation

    async def read(self, text: str, bot_text: str) -> list[Proposal]:
        """What the model takes one turn to tell; waits for an idle engine.

        Args:
            text: What the caller said.
            bot_text: What the bot had said before.

        Raises:
            GenerationError: The model failed.

        Cancelling stops within one token.
        """
        if not 0 < len(units(text)) <= MAX_UNITS:
            return []
        prompt = _prompt(language_of(text))
        sampling = Sampling(
            temperature=0.0,
            repeat_penalty=1.0,
            phrase_penalty=0.0,
            max_tokens=MAX_TOKENS,
            grammar=grammar(text),
        )
        written = ""
        question = Message("user", prompt.turn.format(bot=bot_text or "…", caller=text))
        stream = self._conversation.reply([*_opening(prompt), question], sampling, background=True)
        async with aclosing(stream) as deltas:
            async for delta in deltas:
                written += delta.text
        return proposals(text, written)

    async def close(self) -> None:
        """Give the place in the model back. Safe to call twice."""
        await self._conversation.close()


def grammar(text: str) -> str:
    """GBNF for the entries of a turn: known fields, and runs of its units as quotes.

    Each unit is a rule that may go on with the next one, so that the grammar's size is
    the turn's, and not that of all its pieces.
    """
    said = units(text)
    fields = " | ".join(f'"{field}"' for field in READ_FIELDS)
    rules = [
        f'root ::= "[" (item ("," item){{0,{MAX_ITEMS - 1}}})? "]"',
        'item ::= "{\\"" field "\\":\\"" quote "\\"}"',
        f"field ::= {fields}",
        "quote ::= " + " | ".join(f"u{number}" for number in range(len(said))),
    ]
    for number, unit in enumerate(said):
        rule = f'u{number} ::= "{unit.text}"'
        if number + 1 < len(said):
            between = '" " ' if said[number + 1].start > unit.end else ""
            rule += f" ({between}u{number + 1})?"
        rules.append(rule)
    return "\n".join(rules)


def proposals(text: str, written: str) -> list[Proposal]:
    """What the model's JSON says, as far as it is whole, known and was really said."""
    found: list[Proposal] = []
    try:
        items = json.loads(written)
    except ValueError:
        return found
    for item in items if isinstance(items, list) else ():
        if not isinstance(item, dict):
            continue
        for field, quote in item.items():
            span = find(text, quote) if isinstance(quote, str) else None
            if field in READ_FIELDS and span is not None:
                found.append(Proposal(field, span))
    return found


@cache
def _prompt(language: Language) -> _Prompt:
    text = (resources.files("agent.intake") / "prompts" / f"{language}.toml").read_text("utf-8")
    return _Prompt.model_validate(tomllib.loads(text))


def _opening(prompt: _Prompt) -> list[Message]:
    messages = [Message("system", prompt.system)]
    for example in prompt.examples:
        items = [{field: quote} for field, quote in example.items]
        answer = json.dumps(items, ensure_ascii=False, separators=(",", ":"))
        question = prompt.turn.format(bot=example.bot, caller=example.caller)
        messages += [Message("user", question), Message("assistant", answer)]
    return messages
