"""One reply for one commit, whoever asks for it. Pure.

In the protocol a commit only ends the turn and `response.create` asks for the answer. A
call answers a finished turn by itself. So the first `response.create` after a commit claims
the answer that comes anyway; only where no words were heard does it cause one.
"""

from __future__ import annotations


class PushToTalk:
    """What became of the client's last commit."""

    def __init__(self) -> None:
        self.clear()

    def commit(self) -> None:
        """The client ended the turn."""
        self._unclaimed = self._awaiting_words = True
        self._wanted = self._had_words = False

    def clear(self) -> None:
        """The client took the turn back."""
        self._unclaimed = False
        self._awaiting_words = False
        self._wanted = False
        self._had_words = False

    def transcript(self, text: str) -> bool:
        """A turn's words are there. Returns whether to ask the call for a response now."""
        if not self._awaiting_words:
            return False
        self._awaiting_words = False
        self._had_words = bool(text)
        return self._wanted and not self._had_words

    def claim(self) -> bool:
        """The client asks for a response. Returns whether that is the commit's own."""
        if not self._unclaimed:
            return False
        self._unclaimed = False
        self._wanted = True
        return self._awaiting_words or self._had_words
