"""What was found, as a note that a small model can use."""

from __future__ import annotations

from collections.abc import Callable

from agent.config import Locale, RagSettings
from agent.recall.index import Fact, FactIndex
from pipeline.context.notes import Note, NoteSource

_HEADING: dict[Locale, str] = {
    "zh-Hans": "你从前说过的话，用得上再提：",
    "zh-Hant": "你從前說過的話，用得上再提：",
    "en": "What you have said before; mention it only if it helps:",
}


class RecalledNotes:
    """Fulfils `pipeline.context.notes.NoteSource` from an index.

    Args:
        index: Where to look.
        locale: Language of the heading; the finds keep theirs.
        count_tokens: Tokens of a text for the model that reads the note.
        limits: How much to tell.
    """

    def __init__(
        self,
        index: FactIndex,
        locale: Locale,
        count_tokens: Callable[[str], int],
        limits: RagSettings,
    ) -> None:
        self._index = index
        self._heading = _HEADING[locale]
        self._count_tokens = count_tokens
        self._limits = limits

    def note(self, user_text: str) -> Note | None:
        """The best finds that fit; one that is too long gives its place to the next."""
        text = self._heading
        cited: list[str] = []
        for fact in self._index.search(user_text, self._limits.max_facts):
            longer = f"{text}\n- {_line(fact)}"
            if self._count_tokens(longer) <= self._limits.note_tokens:
                text = longer
                cited.append(fact.id)
        return Note(text, tuple(cited)) if cited else None


def open_history(settings: RagSettings) -> FactIndex | None:
    """The index that the settings name, to be closed by who opened it.

    Raises:
        ConfigError: See `FactIndex.open`.
    """
    return None if settings.index is None else FactIndex.open(settings.index)


def note_sources(
    history: FactIndex | None,
    locale: Locale,
    count_tokens: Callable[[str], int],
    settings: RagSettings,
) -> tuple[NoteSource, ...]:
    """What one call looks things up in; empty without a history."""
    if history is None:
        return ()
    return (RecalledNotes(history, locale, count_tokens, settings),)


def _line(fact: Fact) -> str:
    said = " ".join(fact.said.split())
    return f"{' '.join(fact.asked.split())} → {said}" if fact.asked else said
