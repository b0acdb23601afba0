"""What one turn's answer should know, or ask: chosen anew for every turn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pipeline.llm.base import Message
from pipeline.text import Language


@dataclass(frozen=True, slots=True)
class Note:
    """What belongs to the answer to one turn.

    Attributes:
        text: For the model's eyes; never said and never logged. Empty, the model is told nothing.
        sources: Ids of what it was made from, for the log.
        question: By language of the answer: said in these words after its first sentence, unless
            that asks already.
    """

    text: str = ""
    sources: tuple[str, ...] = ()
    question: Mapping[Language, str] = field(default_factory=dict)


def told(notes: Iterable[Note]) -> list[Message]:
    """What of `notes` the model reads."""
    return [Message("system", note.text) for note in notes if note.text]


def question_of(notes: Iterable[Note], language: Language) -> str:
    """The first question among `notes`, since a reply has room for one; "" without any."""
    return next((note.question[language] for note in notes if language in note.question), "")


class NoteSource(Protocol):
    """Knows something that belongs to some turns and not to others.

    Called on the event loop, for every partial transcript and every draft, so it returns
    within a few milliseconds and changes nothing: a draft may be dropped unheard.
    """

    def note(self, user_text: str) -> Note | None:
        """What the answer to a turn with `user_text` should know or ask; None adds nothing."""
        ...
