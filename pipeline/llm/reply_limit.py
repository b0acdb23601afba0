"""Where a spoken reply is long enough: pure.

On the telephone two sentences are a turn, and a question is the end of one: what comes
after it is heard as not listening. A small model is told so and writes on all the same. Nor
does it ask what it is told to ask: a question that is due is said in its place.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.clauses import is_abbreviation
from pipeline.text import count_units, language_of
from pipeline.turn.lexicon import ends_as_question

_STOPS = "。！？.!?…"
_QUESTIONS = "？?"
_CLOSERS = "”’」』）)\"'"

# Oh. and 嗯…… take up nothing of what was said: no question follows before so much.
_LEAST_UNITS = 4


@dataclass(frozen=True, slots=True)
class ReplyLimit:
    """Bounds of a reply.

    Attributes:
        max_sentences: Sentences after which it ends.
        ends_with_question: Whether a question is its last sentence.
    """

    max_sentences: int = 2
    ends_with_question: bool = True


class LimitedReply:
    """Follows one reply as it grows; how the text is cut into pieces makes no difference.

    Args:
        limit: Where it is long enough.
        question: What is due to be asked; the reply then has one sentence of its own.
    """

    def __init__(self, limit: ReplyLimit, question: str = "") -> None:
        self._question = question
        self._max_sentences = 1 if question else limit.max_sentences
        self._ends_with_question = limit.ends_with_question
        self._sentence = ""
        self._sentences = 0

    def feed(self, text: str) -> tuple[str, bool]:
        """What of `text` still belongs to the reply, and whether the reply ends with it.

        A sentence is known to be over when the next one begins, since its end may still
        grow by a quotation mark, and the dot of 3.5 ends nothing.
        """
        for position, character in enumerate(text):
            if self._begins_next_sentence(character) and (
                self._asks() or not self._is_too_little()
            ):
                self._sentences += 1
                enough = self._sentences >= self._max_sentences
                if enough or (self._ends_with_question and self._asks()):
                    return text[:position], True
                self._sentence = ""
            self._sentence += character
        return text, False

    def closing(self) -> str:
        """What is still to be said when the reply has ended: the question, unless it asked."""
        said = self._sentence.rstrip()
        if self._is_too_little() or self._asks() or ends_as_question(said) or not self._question:
            return ""
        if language_of(self._question) != "en":
            return self._question if said[-1] in _STOPS + _CLOSERS else f"。{self._question}"
        apart = "" if said != self._sentence else " "
        return f"{'' if said[-1] in _STOPS + _CLOSERS else '.'}{apart}{self._question}"

    def _is_too_little(self) -> bool:
        return bool(self._question) and count_units(self._sentence) < _LEAST_UNITS

    def _asks(self) -> bool:
        said = self._sentence.rstrip()
        marks = said[len(said.rstrip(_STOPS + _CLOSERS)) :]
        return any(mark in _QUESTIONS for mark in marks)

    def _begins_next_sentence(self, character: str) -> bool:
        said = self._sentence.rstrip()
        ended = said.rstrip(_CLOSERS)
        if not ended or ended[-1] not in _STOPS or not count_units(ended):
            return False
        if character.isspace() or character in _STOPS or character in _CLOSERS:
            return False
        if ended[-1] == "." and is_abbreviation(ended):
            return False
        # A Latin mark ends a sentence only before a space.
        return ended[-1] not in ".!?" or len(said) < len(self._sentence) or not character.isascii()
