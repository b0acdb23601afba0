"""What both sides know of the conversation: pure, exact about what was heard.

A user turn and a reply enter the history only once they are real: the turn when it is
taken, the reply with the characters that were heard. A turn whose answer nobody heard
waits and is joined to the next one, so the caller who was cut off is answered as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.llm.base import Message
from pipeline.text import join

# Between 等一下 and 你刚才说到哪了 there may be one short answer.
CUT_REMEMBERED_REPLIES = 2


@dataclass(frozen=True, slots=True)
class Cut:
    """A reply that was cut off: what was heard of it, and what was not."""

    heard: str
    unheard: str


@dataclass
class ConversationHistory:
    """The messages of a call.

    Args:
        cut_mark: Appended to a cut reply's heard text, e.g. "……", so that the model
            knows that it was cut off.
    """

    cut_mark: str = "……"
    messages: list[Message] = field(default_factory=list)
    pending_user_text: str = ""
    last_cut: Cut | None = None
    _replies_since_cut: int = 0
    _answering: dict[int, str] = field(default_factory=dict)
    _answered: tuple[int, int] | None = None  # generation, index of its message

    def add_user_text(self, text: str) -> None:
        """Something the caller said or typed that waits for an answer."""
        self.pending_user_text = join(self.pending_user_text, text)

    def user_text_with(self, text: str) -> str:
        """What the next answer is to: what waits, and `text`."""
        return join(self.pending_user_text, text)

    def commit(self, generation: int, text: str) -> None:
        """The turn with `text` was taken and is answered by `generation`."""
        self.add_user_text(text)
        self._answering[generation] = self.pending_user_text

    def finish(self, generation: int, text: str, heard: str, *, cut: bool) -> None:
        """The reply of `generation` is over; `heard` of its `text` was played.

        Nothing heard leaves the caller's words waiting. Coming again for the same
        generation (a client that reports late) replaces what was kept of the reply.
        """
        if self._answered is not None and self._answered[0] == generation:
            self._amend(text, heard, cut=cut)
            return
        user_text = self._answering.pop(generation, None)
        if user_text is None or not heard.strip():
            return
        # Words that arrived while the reply was spoken go on waiting.
        self.pending_user_text = self.pending_user_text[len(user_text) :].lstrip()
        if user_text:
            self.messages.append(Message("user", user_text))
        self.messages.append(Message("assistant", self._kept(heard, cut=cut)))
        self._answered = (generation, len(self.messages) - 1)
        self._note_cut(text, heard, cut=cut)

    def _amend(self, text: str, heard: str, *, cut: bool) -> None:
        assert self._answered is not None
        index = self._answered[1]
        self.messages[index] = Message("assistant", self._kept(heard, cut=cut))
        self._note_cut(text, heard, cut=cut)

    def _kept(self, heard: str, *, cut: bool) -> str:
        return heard.rstrip() + self.cut_mark if cut else heard

    def _note_cut(self, text: str, heard: str, *, cut: bool) -> None:
        unheard = text[len(heard) :]
        if cut and unheard.strip():
            self.last_cut, self._replies_since_cut = Cut(heard, unheard), 0
            return
        self._replies_since_cut += 1
        if cut or self._replies_since_cut >= CUT_REMEMBERED_REPLIES:
            self.last_cut = None
