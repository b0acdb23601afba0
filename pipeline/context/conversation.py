"""What both sides know of the conversation: pure, exact about what was heard.

A user turn and a reply enter the history only once they are real: the turn when it is
taken, the reply with the characters that were heard. A turn whose answer nobody heard
waits and is joined to the next one, so the caller who was cut off is answered as a whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.llm.base import Message
from pipeline.llm.trim import ending
from pipeline.text import join

# Between 等一下 and 你刚才说到哪了 there may be one short answer.
CUT_REMEMBERED_REPLIES = 2


@dataclass(frozen=True, slots=True)
class Cut:
    """A reply that was cut off: what was heard of it, and what was not."""

    heard: str
    unheard: str


@dataclass(frozen=True, slots=True)
class _Finished:
    """The reply that was over last, and how things stood before it: it may be amended.

    Attributes:
        generation: Number of the reply.
        user_text: What it answered.
        heard: Anything of it was, so that both are in the history.
        messages: How many there were.
        last_cut, replies_since_cut: As they were.
    """

    generation: int
    user_text: str
    heard: bool
    messages: int
    last_cut: Cut | None
    replies_since_cut: int


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
    _finished: _Finished | None = None

    def add_user_text(self, text: str) -> None:
        """Something the caller said or typed that waits for an answer."""
        self.pending_user_text = join(self.pending_user_text, text.rstrip())

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
        if self._finished is not None and self._finished.generation == generation:
            user_text = self._take_back(self._finished)
        elif generation in self._answering:
            user_text = self._answering.pop(generation)
        else:
            return
        was_heard = bool(heard.strip())
        self._finished = _Finished(
            generation,
            user_text,
            was_heard,
            len(self.messages),
            self.last_cut,
            self._replies_since_cut,
        )
        if not was_heard:
            return
        # Words that arrived while the reply was spoken go on waiting.
        self._change_waiting(lambda waiting: waiting[len(user_text) :].lstrip())
        if user_text:
            self.messages.append(Message("user", ending(user_text)))
        self.messages.append(Message("assistant", self._kept(heard, cut=cut)))
        self._note_cut(text, heard, cut=cut)

    def _take_back(self, finished: _Finished) -> str:
        """Let the last reply never have been heard; gives what it answered, waiting again."""
        if finished.heard:
            del self.messages[finished.messages :]
            self._change_waiting(lambda waiting: join(finished.user_text, waiting))
            self.last_cut = finished.last_cut
            self._replies_since_cut = finished.replies_since_cut
        return finished.user_text

    def _change_waiting(self, change: Callable[[str], str]) -> None:
        """Change the beginning of what waits, as every reply that is under way answers it."""
        self.pending_user_text = change(self.pending_user_text)
        self._answering = {
            generation: change(waiting) for generation, waiting in self._answering.items()
        }

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
