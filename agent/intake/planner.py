"""What the bot asks next for the record, in words of its own: one question, and seldom.

The model takes up what the caller said; the question that is due comes after it
(`pipeline.context.notes.Note.question`), since a small model does not ask what it is told to.

Every third turn at most, no field twice, nothing of which the caller may have spoken, and none
where feelings come first, a caller asks something, or does not want to be asked.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from agent.config import Locale
from agent.intake.extract import asked_about, extract, feels, refuses
from agent.intake.fields import Field
from agent.intake.record import IntakeRecord
from agent.intake.spans import fold
from pipeline.context.notes import Note
from pipeline.text import Language, count_units, language_of
from pipeline.turn.lexicon import ends_as_question

# From what they came with to what carries them; a name or an age comes by itself or not at
# all, and risk is the crisis protocol's to ask.
ORDER: tuple[Field, ...] = (
    "since",
    "supports",
    "intensity",
    "tried",
    "health",
    "family",
    "work",
    "strengths",
    "goals",
)

# Turns at the beginning in which the caller only talks.
FREE_TURNS = 2

# Turns from one question of the intake to the next, whoever of model and planner asked it.
TURNS_BETWEEN = 3

# Of a shorter turn the language is not certain (好 and OK): it is answered as before.
LANGUAGE_UNITS = 3


@dataclass(frozen=True, slots=True)
class Questions:
    """What is asked in one locale.

    Attributes:
        words: By field.
        touched: By field, what tells in the caller's folded words that it came up.
    """

    words: dict[Field, str]
    touched: dict[Field, re.Pattern[str]]


class QuestionPlanner:
    """Fulfils `pipeline.context.notes.NoteSource` for one call.

    Args:
        record: Gives the record as it is now.
        locale: Language and script of the persona; a caller who speaks the other language is
            asked in that one.
        said: Gives the caller's turns before this one.
        bot_text: Gives what the caller heard last of the bot.
    """

    def __init__(
        self,
        record: Callable[[], IntakeRecord],
        locale: Locale,
        said: Callable[[], Iterable[str]],
        bot_text: Callable[[], str],
    ) -> None:
        self._record = record
        self._said = said
        self._bot_text = bot_text
        self._locales: dict[Language, Locale] = {
            "zh": "zh-Hans" if locale == "en" else locale,
            "en": "en",
        }
        self._usual = language_of_locale(locale)

    def note(self, user_text: str) -> Note | None:
        """The question for a turn with `user_text`, if one is due."""
        bot_text = self._bot_text()
        questions = questions_in(self._locales[self._language(user_text, bot_text)])
        field = next_question(self._record(), user_text, self._said(), bot_text)
        return None if field is None else Note(question=questions.words[field])

    def _language(self, user_text: str, bot_text: str) -> Language:
        for text in (user_text, bot_text):
            if count_units(text) >= LANGUAGE_UNITS:
                return language_of(text)
        return self._usual


def next_question(
    record: IntakeRecord, user_text: str, said: Iterable[str] = (), bot_text: str = ""
) -> Field | None:
    """The field to ask about in answer to `user_text`, or None to ask nothing.

    Args:
        record: As it was before this turn.
        user_text: The turn so far.
        said: The caller's turns before.
        bot_text: What the bot had said before.
    """
    if record.turns < FREE_TURNS or record.of("risk"):
        return None
    if feels(user_text) or refuses(user_text) or ends_as_question(user_text):
        return None
    last_asked = max(
        (record.asked[field] for field in ORDER if field in record.asked), default=None
    )
    if last_asked is not None and record.turns - last_asked < TURNS_BETWEEN - 1:
        return None
    told_now = {proposal.field for proposal in extract(user_text, bot_text)}
    if not (told_now or record.of("concern") or asked_about(bot_text)):
        return None  # small talk: there is nothing yet to ask further about
    heard = [*said, user_text]
    for field in ORDER:
        if record.state(field) == "not_asked" and not _touched(field, heard):
            return field
    return None


def _touched(field: Field, heard: Iterable[str]) -> bool:
    """Whether any of the caller's turns has words of the field, be it told or not."""
    return any(
        questions_in("en" if language_of(turn) == "en" else "zh-Hans")
        .touched[field]
        .search(fold(turn))
        for turn in heard
    )


def language_of_locale(locale: Locale) -> Language:
    """The language that a locale is written in."""
    return "en" if locale == "en" else "zh"


@cache
def questions_in(locale: Locale) -> Questions:
    """What is asked in a locale."""
    text = (resources.files("agent.intake") / "questions.toml").read_text("utf-8")
    data: dict[str, Any] = tomllib.loads(text)
    touched = data["touched"][language_of_locale(locale)]
    return Questions(data[locale], {field: re.compile(words) for field, words in touched.items()})
