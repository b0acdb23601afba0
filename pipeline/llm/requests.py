"""What conversations ask of the engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from pipeline.errors import GenerationError
from pipeline.llm.base import Sampling, TextDelta
from pipeline.llm.reply_text import ReplyText
from pipeline.llm.sequences import Purpose
from pipeline.llm.sequences import Sequence as Row


class Sampler(Protocol):
    """Draws the tokens of one reply."""

    def draw(self, output: int) -> int:
        """The next token, by the logits of entry `output` of the last step."""
        ...

    def close(self) -> None:
        """Free it. Safe to call twice."""
        ...


@dataclass(eq=False, slots=True)
class Request(ABC):
    """A row of tokens to be evaluated; the worker owns all of it but `cancelled`.

    Attributes:
        owner: Conversation it belongs to.
        target: All tokens the row shall hold: the prompt, then what is written.
        cancelled: Set by anybody, read by the worker between two steps.
        row: Where it is evaluated; None before it has begun.
    """

    owner: int
    target: list[int]
    cancelled: bool = field(default=False, init=False)
    row: Row | None = field(default=None, init=False)

    @property
    @abstractmethod
    def purpose(self) -> Purpose:
        """What its row is for."""

    @property
    def pending(self) -> int:
        """Tokens still to evaluate."""
        return len(self.target) - (len(self.row.tokens) if self.row else 0)

    @property
    def writing(self) -> bool:
        """Whether it writes token by token."""
        return False

    @property
    def speculative(self) -> bool:
        """Whether nobody waits for a reply from it yet."""
        return False

    @property
    def background(self) -> bool:
        """Whether it yields to everything else."""
        return False

    @abstractmethod
    def fail(self, error: GenerationError) -> None:
        """Tell whoever waits that it came to nothing."""


@dataclass(eq=False, slots=True)
class Prefill(Request):
    """Evaluate the words so far and hand over the turn-end probability.

    Attributes:
        answer: Called once in the worker thread, with the probability or the error.
        in_background: Whether it yields to everything else.
        awaited: Whether a reply of the same conversation builds on it.
    """

    answer: Callable[[float | GenerationError], None]
    in_background: bool = False
    awaited: bool = field(default=False, init=False)

    @property
    def purpose(self) -> Purpose:
        """The words so far belong to the trunk."""
        return "trunk"

    @property
    def speculative(self) -> bool:
        """Until a reply builds on it."""
        return not self.awaited

    @property
    def background(self) -> bool:
        """As its caller said, until a reply builds on it."""
        return self.in_background and not self.awaited

    def fail(self, error: GenerationError) -> None:
        """Hand over the error."""
        self.answer(error)


Delivery: TypeAlias = TextDelta | GenerationError


@dataclass(eq=False, slots=True)
class Reply(Request):
    """Write an answer, token by token.

    Attributes:
        sampling: How to draw.
        just_said: Tokens of the last messages, whose phrases are not to come again.
        deliver: Called in the worker thread for every delta, or once with the error.
        in_background: Whether it yields to everything else.
        text: The reply's text so far, as it is assembled from tokens.
        sampler: None until the prompt is evaluated.
        written: Tokens generated.
        first_clause: Whether no clause of it has ended: somebody waits, and no voice is at work.
    """

    sampling: Sampling
    just_said: Sequence[int]
    deliver: Callable[[Delivery], None]
    in_background: bool = False
    text: ReplyText = field(init=False)
    sampler: Sampler | None = field(default=None, init=False)
    written: int = field(default=0, init=False)
    first_clause: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        self.text = ReplyText(self.sampling.stop)

    @property
    def purpose(self) -> Purpose:
        """A reply may be dropped, so it leaves the trunk alone."""
        return "draft"

    @property
    def writing(self) -> bool:
        """Whether all but its last token is evaluated; not so after it lost its row."""
        return self.written > 0 and self.pending == 1

    @property
    def background(self) -> bool:
        """As its caller said."""
        return self.in_background

    def fail(self, error: GenerationError) -> None:
        """Deliver the error in place of the next delta."""
        self.deliver(error)


def builds_on(reply: Sequence[int], prefill: Sequence[int]) -> bool:
    """Whether a reply's prompt needs nearly all that a prefill evaluates.

    The last token of the words so far may be cut differently once the turn is closed.
    """
    needed = len(prefill) - 1
    return list(reply[:needed]) == list(prefill[:needed])
