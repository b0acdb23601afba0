"""From the bytes of single tokens to the text of a reply."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.llm.base import FinishReason
from pipeline.llm.loop_guard import LoopGuard


class CharacterStream:
    """Bytes in, complete characters out; bytes that are no UTF-8 are left out."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("ignore")

    def feed(self, piece: bytes) -> str:
        """Characters completed by `piece`; half a character waits for its other half."""
        return self._decoder.decode(piece)


class StopTexts:
    """Finds the first stop text in a stream and holds back what may become one."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""

    def feed(self, text: str) -> tuple[str, bool]:
        """Text that is certainly before any stop text, and whether one was found."""
        self._held += text
        found = [at for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if found:
            text, self._held = self._held[: min(found)], ""
            return text, True
        safe = len(self._held) - self._possible_start()
        text, self._held = self._held[:safe], self._held[safe:]
        return text, False

    def rest(self) -> str:
        """What was held back in vain; call at the end of the stream."""
        text, self._held = self._held, ""
        return text

    def _possible_start(self) -> int:
        """Length of the longest ending of the held text that begins a stop text."""
        longest = max((len(stop) for stop in self._stops), default=1) - 1
        for length in range(min(longest, len(self._held)), 0, -1):
            if any(stop.startswith(self._held[-length:]) for stop in self._stops):
                return length
        return 0


@dataclass(frozen=True, slots=True)
class Written:
    """What one piece adds to the reply, and whether it ends it."""

    text: str
    finish_reason: FinishReason | None = None


class ReplyText:
    """The text of one reply: characters made whole, stop texts obeyed, loops ended."""

    def __init__(self, stops: Sequence[str] = ()) -> None:
        self._characters = CharacterStream()
        self._stops = StopTexts(stops)
        self._loop = LoopGuard()

    def feed(self, piece: bytes) -> Written:
        """Take one token's bytes; nothing may follow once a finish reason was given."""
        text, stopped = self._stops.feed(self._characters.feed(piece))
        return self._checked(text, "stop" if stopped else None)

    def finish(self, reason: FinishReason) -> Written:
        """End the reply for `reason`, giving out what was held back."""
        return self._checked(self._stops.rest(), reason)

    def _checked(self, text: str, reason: FinishReason | None) -> Written:
        end = self._loop.feed(text)
        return Written(text, reason) if end is None else Written(text[:end], "loop")
