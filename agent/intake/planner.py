"""What the bot might ask next: a hint to the model, never a question of its own.

At most one field a turn, none that was asked before, none right after another, and none
where feelings come first or the caller does not want to be asked.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from functools import cache
from importlib import resources

from agent.config import Locale
from agent.intake.extract import asked_about, extract, feels, refuses
from agent.intake.fields import Field
from agent.intake.record import IntakeRecord
from pipeline.context.notes import Note

# From what they came with to what carries them; a name or an age comes by itself or not at
# all, and risk is the crisis protocol's to ask.
ORDER: tuple[Field, ...] = (
    "since",
    "intensity",
    "health",
    "tried",
    "supports",
    "family",
    "work",
    "strengths",
    "goals",
)

# Turns at the beginning in which the caller only talks.
FREE_TURNS = 1

# Turns from one question of the intake to the next.
TURNS_BETWEEN = 2


class QuestionPlanner:
    """Fulfils `pipeline.context.notes.NoteSource` for one call.

    Args:
        record: Gives the record as it is now.
        locale: Language and script of the hint.
        bot_text: Gives what the caller heard last of the bot.
    """

    def __init__(
        self, record: Callable[[], IntakeRecord], locale: Locale, bot_text: Callable[[], str]
    ) -> None:
        self._record = record
        self._bot_text = bot_text
        self._hints = _hints(locale)

    def note(self, user_text: str) -> Note | None:
        """The hint for a turn with `user_text`, if one is due."""
        field = next_question(self._record(), user_text, self._bot_text())
        return None if field is None else Note(self._hints[field])


def next_question(record: IntakeRecord, user_text: str, bot_text: str = "") -> Field | None:
    """The field to ask about in answer to `user_text`, or None to ask nothing.

    Args:
        record: As it was before this turn.
        user_text: The turn so far.
        bot_text: What the bot had said before.
    """
    if record.turns < FREE_TURNS or feels(user_text) or refuses(user_text) or record.of("risk"):
        return None
    last_asked = max(
        (record.asked[field] for field in ORDER if field in record.asked), default=None
    )
    if last_asked is not None and record.turns - last_asked < TURNS_BETWEEN - 1:
        return None
    told_now = {proposal.field for proposal in extract(user_text, bot_text)}
    if not (told_now or record.of("concern") or asked_about(bot_text)):
        return None  # small talk: there is nothing yet to ask further about
    for field in ORDER:
        if record.state(field) == "not_asked" and field not in told_now:
            return field
    return None


@cache
def _hints(locale: Locale) -> dict[Field, str]:
    text = (resources.files("agent.intake") / "hints.toml").read_text("utf-8")
    hints: dict[Field, str] = tomllib.loads(text)[locale]
    return hints
