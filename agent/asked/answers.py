"""Says the persona's own words to what is asked, in the language model's place."""

from __future__ import annotations

from collections.abc import Mapping

from agent.asked.about import asked_about, asked_as_whole
from agent.asked.kinds import About
from pipeline.text import Language, count_units, language_of

# Fewer units are no change of language: OK, bye bye and 嗯 belong to all.
_FEWEST_UNITS = 3


class AnswersByHeart:
    """Fulfils `pipeline.guard.Guardian` for one call. Pure; only `taken` moves on.

    Args:
        says: What is said about each thing, by language; the first language's until the caller
            speaks another. A thing without words is left to the model.
    """

    def __init__(self, says: Mapping[Language, Mapping[About, tuple[str, ...]]]) -> None:
        self._says = says
        self._language: Language = next(iter(says))
        self._said: dict[About, int] = {}

    def holds(self, text: str) -> bool:
        """Nothing here is urgent enough to stop a reply for."""
        return False

    def answer(self, text: str) -> str | None:
        """The set answer to a turn, or None."""
        about = asked_about(text)
        says = self._says[self._language_of(text)]
        if about is None or about not in says:
            return None
        return says[about][self._said.get(about, 0) % len(says[about])]

    def hushes(self, text: str, *, asks: bool = False) -> bool:
        """A turn that asks for nothing but what is answered by heart is heard in silence.

        Who asks in the middle of a story is not: there a 嗯 is in place, and the event loop, which
        asks this at every pause, has no time to read each stretch.
        """
        about = asked_as_whole(text)
        return about is not None and about in self._says[self._language_of(text)]

    def rate(self, text: str) -> float:
        """The usual rate."""
        return 1.0

    def taken(self, text: str) -> None:
        """The next time the same is asked, the next variant is said; nobody is told."""
        about = asked_about(text)
        if about is not None and self.answer(text) is not None:
            self._said[about] = self._said.get(about, 0) + 1
        self._language = self._language_of(text)

    def heard(self, text: str) -> None:
        """What was cut is not said again: the caller went on to something else."""

    def _language_of(self, text: str) -> Language:
        if count_units(text) < _FEWEST_UNITS:
            return self._language
        spoken = language_of(text, self._language)
        return spoken if spoken in self._says else self._language
