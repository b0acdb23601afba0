"""From settings to the intake of one call."""

from __future__ import annotations

from collections.abc import Iterable

from agent.config import Locale, Settings
from agent.intake.planner import QuestionPlanner
from agent.intake.reader import TurnReader
from agent.intake.record import IntakeRecord
from agent.intake.taker import IntakeTaker
from agent.memory.summary import summarise
from agent.store.recorder import CallRecorder
from pipeline.context.notes import NoteSource
from pipeline.errors import OverloadedError
from pipeline.llm.base import LanguageModel


def open_intake(
    settings: Settings, model: LanguageModel, locale: Locale, recorder: CallRecorder | None
) -> IntakeTaker | None:
    """The taker of a call; None where nobody would use what it takes.

    A model that has no place for one more conversation leaves it at the rules.
    """
    intake = settings.intake
    remembers = recorder is not None and recorder.consent.memory
    if not (remembers or (intake.take and recorder is not None)):
        return None

    def keep(record: IntakeRecord) -> None:
        if intake.take and recorder is not None:
            recorder.keep_intake(record.model_dump_json().encode())

    def remember(taker: IntakeTaker) -> None:
        memory = summarise(taker.record, tuple(taker.turns))
        if recorder is not None and memory.lines:
            recorder.remember(memory.model_dump_json().encode())

    reader = None
    if intake.read:
        try:
            reader = TurnReader(model.open())
        except OverloadedError:
            reader = None
    return IntakeTaker(locale, keep, reader, remember, in_thread=True)


def question_sources(
    settings: Settings, taker: IntakeTaker | None, remembered: Iterable[str] = ()
) -> tuple[NoteSource, ...]:
    """What asks the next question of a call: nothing where nothing is taken down.

    Args:
        settings: The whole tree. Personas of one's own ask what they are written to ask.
        taker: Of the call.
        remembered: What is remembered of the caller and need not be asked again.
    """
    if taker is None or not settings.intake.ask or settings.persona.directory is not None:
        return ()
    return (QuestionPlanner(taker, remembered),)
