"""What the bot asks next for the record, in words of its own: one question, and seldom.

The model takes up what the caller said; the question that is due comes after it
(`pipeline.context.notes.Note.question`), since a small model does not ask what it is told to.

Every third turn at most, no field twice, none of which the caller's words have something, and
none where feelings come first, a caller asks or wants something, takes leave, or was in danger
at any time of the call. Who does not want to be asked is asked nothing more.
"""

from __future__ import annotations

from collections.abc import Iterable

from agent.config import Locale
from agent.intake.extract import extract, feels, refuses
from agent.intake.fields import Field
from agent.intake.questions import asked_in, questions_in, touched_in, withheld_in
from agent.intake.record import IntakeRecord
from agent.intake.spans import clauses
from agent.intake.taker import IntakeTaker
from pipeline.context.notes import Note
from pipeline.turn.lexicon import discloses_feeling, ends_as_question, is_command

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

# What a caller of the English persona is answered in who turns out to speak Mandarin.
_CHINESE_BESIDE_ENGLISH: Locale = "zh-Hant"


class QuestionPlanner:
    """Fulfils `pipeline.context.notes.NoteSource` for one call.

    Args:
        taker: Of the call.
        remembered: What the caller said in earlier calls, as far as it is remembered.
    """

    def __init__(self, taker: IntakeTaker, remembered: Iterable[str] = ()) -> None:
        self._taker = taker
        self._touched = frozenset[Field]().union(*map(touched_in, remembered))
        self._read: dict[str, frozenset[Field]] = {}  # turns, each looked at once
        self._begun = False  # whether a trouble was told of
        self._unwanted = False
        locale = taker.record.locale
        zh, en = (
            questions_in(_CHINESE_BESIDE_ENGLISH if locale == "en" else locale),
            questions_in("en"),
        )
        self._notes = {field: Note(question={"zh": zh[field], "en": en[field]}) for field in ORDER}

    def note(self, user_text: str) -> Note | None:
        """The question for a turn with `user_text`, if one is due."""
        earlier = list(self._taker.turns)
        if earlier and earlier[-1] in user_text:
            earlier.pop()  # typed, or not answered yet: it is part of this turn
        for turn in earlier:
            if turn not in self._read:
                self._read[turn] = touched_in(turn)
                self._begun = self._begun or discloses_feeling(turn) or _hurts(turn)
                self._unwanted = self._unwanted or withheld_in(turn, "call")
        if self._unwanted:
            return None
        field = next_question(
            self._taker.record,
            user_text,
            number=self._taker.record.turns - len(self._taker.turns) + len(earlier),
            begun=self._begun,
            touched=self._touched.union(*self._read.values()),
            before=earlier[-1] if earlier else "",
            bot_text=self._taker.heard,
        )
        return None if field is None else self._notes[field]


def next_question(
    record: IntakeRecord,
    user_text: str,
    *,
    number: int,
    begun: bool = False,
    touched: frozenset[Field] = frozenset(),
    before: str = "",
    bot_text: str = "",
) -> Field | None:
    """The field to ask about in answer to `user_text`, or None to ask nothing.

    Args:
        record: What is known.
        user_text: The turn so far.
        number: Of this turn, counted from 0.
        begun: Whether a trouble was told of before.
        touched: The fields that came up before.
        before: The caller's turn before.
        bot_text: What the bot had said before.
    """
    if number < FREE_TURNS or record.of("risk"):
        return None
    if withheld_in(user_text, "call") or _wants_something_else(user_text) or _hurts(before):
        return None
    asked_at = [record.asked[field] for field in ORDER if field in record.asked]
    if asked_at and number - max(asked_at) < TURNS_BETWEEN - 1:
        return None
    fields_told = {proposal.field for proposal in extract(user_text, bot_text)}
    if not (begun or fields_told or record.under_headings or asked_in(bot_text)):
        return None  # small talk: there is nothing yet to ask further about
    came_up = fields_told.union(touched, touched_in(user_text))
    left = (field for field in ORDER if field not in came_up)
    return next((field for field in left if record.state(field) == "not_asked"), None)


def _hurts(turn: str) -> bool:
    return feels(turn) or withheld_in(turn, "comfort")


def _wants_something_else(turn: str) -> bool:
    """Whether a turn wants comfort, an answer or an end rather than a question."""
    thoughts = [span.of(turn) for span in clauses(turn)]
    return (
        _hurts(turn)
        or discloses_feeling(turn)
        or refuses(turn)
        or withheld_in(turn, "turn")
        or is_command(turn)
        or any(map(ends_as_question, thoughts))
    )
