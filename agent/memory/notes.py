"""What a returning caller is met with: a note for the model, a sentence in the greeting."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from agent.config import Locale
from agent.intake.fields import SINGLE
from agent.intake.sheet.render import field_names
from agent.intake.spans import comparable, fold
from agent.memory.desk import Remembered
from agent.persona import Persona
from agent.recall.terms import words as terms_of
from pipeline.context.notes import Note

# The caller's first turns, in which the model should know whom it meets. Later the note comes
# back with turns that touch what is remembered: a small model that reads it before every turn
# talks of nothing else, and its tokens are evaluated anew each time.
MEETING_TURNS = 2

_FIRST_SENTENCE = re.compile(r"(.+?[。！.!])\s*(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Words:
    """The texts of one locale; see `words.toml`."""

    greeting: str
    heading: str
    line: str
    said: str
    cues: tuple[str, ...]


class RememberedNotes:
    """Fulfils `pipeline.context.notes.NoteSource` for one call of a returning caller.

    Building one loads jieba's dictionary, tens of milliseconds the first time.

    Args:
        lines: What is remembered, the newest call first.
        locale: Language of the heading and of the topics; the words keep theirs.
        count_tokens: Tokens of a text for the model that reads the note.
        max_tokens: Longest note; what does not fit any more is left out.
        turns: Gives the caller's turns so far.
    """

    def __init__(
        self,
        lines: Sequence[Remembered],
        locale: Locale,
        count_tokens: Callable[[str], int],
        max_tokens: int,
        turns: Callable[[], int],
    ) -> None:
        self._turns = turns
        words, topics = _words(locale), topic_names(locale)
        self._cues = tuple(fold(cue) for cue in words.cues)
        text, told = words.heading, list[Remembered]()
        for line in _without_repetition(lines):
            longer = f"{text}\n{words.line.format(topic=topics[line.topic], text=line.text)}"
            if count_tokens(longer) <= max_tokens:
                text = longer
                told.append(line)
        self._terms = frozenset(term for line in told for term in terms_of(line.text))
        sources = tuple(line.line_id for line in told)
        self._note = Note(text, sources) if told else None

    def note(self, user_text: str) -> Note | None:
        """The note, where a turn with `user_text` is one of the first or touches it."""
        if self._note is None:
            return None
        if self._turns() < MEETING_TURNS or self._points_back(user_text):
            return self._note
        return None

    def _points_back(self, user_text: str) -> bool:
        folded = fold(user_text)
        return any(cue in folded for cue in self._cues) or not self._terms.isdisjoint(
            terms_of(user_text)
        )


def greeting_again(persona: Persona) -> Persona:
    """The persona, whose greeting says after its first sentence that it remembers something."""
    parted = _FIRST_SENTENCE.fullmatch(persona.greeting)
    first, rest = parted.groups() if parted else (persona.greeting, "")
    gap = " " if persona.language == "en" else ""
    again = gap.join(filter(None, [first, _words(persona.locale).greeting, rest]))
    return persona.model_copy(update={"greeting": again})


def topic_names(locale: Locale) -> dict[str, str]:
    """What the topics are called in a locale."""
    return {**field_names(locale), "said": _words(locale).said}


def _without_repetition(lines: Sequence[Remembered]) -> list[Remembered]:
    """Without what a newer line says already; of what a person has one of, the newest."""
    kept: list[Remembered] = []
    for line in lines:
        known = any(
            comparable(other.text) == comparable(line.text)
            or (line.topic in SINGLE and other.topic == line.topic)
            for other in kept
        )
        if not known:
            kept.append(line)
    return kept


@cache
def _words(locale: Locale) -> _Words:
    text = (resources.files("agent.memory") / "words.toml").read_text("utf-8")
    table = tomllib.loads(text)[locale]
    return _Words(**{**table, "cues": tuple(table["cues"])})
