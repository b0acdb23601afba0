"""How the bot speaks with a caller of one language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.llm.base import Message


@dataclass(frozen=True, slots=True)
class ScriptedLines:
    """What the bot says without the language model.

    Attributes:
        greeting: Answer to `respond` before anybody spoke.
        check_in: Answer to `respond` when nothing waits for an answer.
        later_check_in: The same when `check_in` was the last thing said; empty repeats it.
        asks_to_continue: Whether a user text asks for the rest of a cut reply.
        resuming: Said before that rest; may be empty.
    """

    greeting: str
    check_in: str
    asks_to_continue: Callable[[str], bool]
    resuming: str = ""
    later_check_in: str = ""


@dataclass(frozen=True, slots=True)
class Manner:
    """What the model is told first, and what is said without it.

    Attributes:
        system_prompt: First message of the context.
        lines: Scripted answers.
        examples: Turns shown to the model before the call's own.
    """

    system_prompt: str
    lines: ScriptedLines
    examples: tuple[Message, ...] = ()

    def opening(self) -> tuple[Message, ...]:
        """What the context begins with, before anybody has spoken."""
        return (Message("system", self.system_prompt), *self.examples)
