"""Which words are to be judged next: are they a whole turn? Pure.

Words of which it does not matter any more are not judged, the same ones are judged once, and of
several that wait only the newest.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """Words behind what the caller heard of the bot before; either may be empty."""

    bot_text: str
    words: str


class WordsInQuestion:
    """What a judge of words is asked in one call."""

    def __init__(self) -> None:
        self._bot_text = ""
        self._reply = 0
        self._asked = ""
        self._waiting: Question | None = None

    def note_reply(self, generation: int) -> None:
        """The bot begins to speak: nothing of this reply has been heard yet."""
        self._reply, self._bot_text = generation, ""

    def note_heard(self, generation: int, text: str) -> None:
        """So much of a reply was heard; late news of an older one changes nothing."""
        if generation == self._reply:
            self._bot_text = text

    def ask(self, words: str) -> bool:
        """These words matter now, or none.

        Returns:
            Whether a question waits.
        """
        if words != self._asked:
            self._asked = words
            self._waiting = Question(self._bot_text, words) if words else None
        return self._waiting is not None

    def take(self) -> Question | None:
        """The question that waits, which then waits no longer."""
        question, self._waiting = self._waiting, None
        return question
