"""From conversations to rows of tokens, and which of them are learned.

    system   你是小安。                     ·············
    user     我睡不好<end>                  ········ ▲        ▲ learned when `learn_user_turn_end`
    assistant 多久了呢？<end>               ▲▲▲▲▲▲▲▲ ▲        ▲ learned

The template is the very class that renders prompts in a call, so training and call
cannot drift apart. A row that is too long is parted between turns, never inside one: the
end of a reply is either learned or not there at all.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from rich.text import Text

from pipeline.errors import DataError
from pipeline.llm.base import Message
from pipeline.llm.prompt import ChatTemplate
from train import schema
from train.tokens import Tokens

IGNORED = -100  # the label that torch's cross entropy passes over

Learn: TypeAlias = Literal["assistant", "last", "dialogue", "everything"]

# Private-use characters: no chat contains them, and no template treats them specially.
_OPEN, _CLOSE = "\ue000", "\ue001"
_MARK = re.compile(f"{_OPEN}(\\d+){_CLOSE}")
# Share of a later window that repeats earlier turns as context, not learned again.
_CARRIED_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Row:
    """One training example.

    Attributes:
        ids: Tokens.
        labels: As many; the token itself where it is learned, else `IGNORED`.
        source: Id of the record it was made from.
    """

    ids: tuple[int, ...]
    labels: tuple[int, ...]
    source: str

    @property
    def learned(self) -> int:
        """Number of tokens that are learned."""
        return sum(label != IGNORED for label in self.labels)


@dataclass(frozen=True, slots=True)
class PreferencePair:
    """Two rows with the same prompt; only the replies are scored."""

    chosen: Row
    rejected: Row


@dataclass(frozen=True, slots=True)
class Masking:
    """What is learned.

    Attributes:
        learn: All replies; the last one only; replies and the user's words, which teaches
            where a user goes on as well as where one ends; or every token, system prompt
            and replies of weight 0 included.
        user_turn_end: Whether the end of a user's turn is learned too, which makes the
            model a better judge of when a caller has finished.
        max_tokens: Longest row.
    """

    learn: Learn = "assistant"
    user_turn_end: bool = True
    max_tokens: int = 1024


class Renderer:
    """Makes rows for one base model.

    Args:
        template: The base's chat template.
        tokens: The base's vocabulary.
        masking: What is learned.
        bos: Token that starts every sequence, for models that want one.
        system: System prompt of conversations that bring none.
    """

    def __init__(
        self,
        template: ChatTemplate,
        tokens: Tokens,
        masking: Masking,
        *,
        bos: int | None = None,
        system: str | None = None,
    ) -> None:
        self._template = template
        self._tokens = tokens
        self._masking = masking
        self._bos = bos
        self._system = system

    def rows(self, conversation: schema.Conversation) -> Iterator[Row]:
        """Rows of one conversation, several if it is longer than `max_tokens`.

        Nothing comes of a part whose last question and reply alone do not fit.

        Raises:
            DataError: The template rewrites what is said, or does not end a reply with a
                marker.
        """
        head = self._head(conversation.system)
        turns = list(conversation.messages)
        if self._masking.learn == "last":
            turns = [
                turn.model_copy(update={"weight": 0}) if index < len(turns) - 1 else turn
                for index, turn in enumerate(turns)
            ]
        for window, fresh in self._windows(head, turns):
            row = self._row(head, window, fresh, conversation.id)
            if row.learned:
                yield row

    def preference(self, record: schema.Preference) -> PreferencePair | None:
        """The pair of rows of one preference; None when it does not fit.

        The oldest turns are left out until it does.

        Raises:
            DataError: As `rows`.
        """
        head = self._head(record.system)
        prompt = list(record.prompt)
        while prompt:
            pair = [
                self._row(
                    head,
                    [*prompt, schema.Message(role="assistant", content=reply)],
                    len(prompt),
                    record.id,
                )
                for reply in (record.chosen, record.rejected)
            ]
            if max(len(row.ids) for row in pair) <= self._masking.max_tokens:
                return PreferencePair(*pair)
            # Two at a time, so that the prompt still begins with the user.
            prompt = prompt[2:]
        return None

    def document(self, record: schema.Document, end: int) -> Iterator[Row]:
        """Running text, every token of it learned, cut only at the limit.

        Args:
            record: The text.
            end: Token that ends a document.
        """
        ids, _ = self._tokens.encode(self._tokens.without_markers(record.text))
        ids = [*ids, end]
        for start in range(0, len(ids), self._masking.max_tokens):
            part = ids[start : start + self._masking.max_tokens]
            if len(part) > 1:
                yield Row(tuple(part), (IGNORED, *part[1:]), record.id)

    def prompt_ids(self, messages: Sequence[Message]) -> list[int]:
        """Tokens of the prompt that the assistant answers, as a call sends it."""
        ids, _ = self._tokens.encode(self._template.render(messages))
        return self._with_bos(ids)

    def _head(self, system: str | None) -> list[Message]:
        system = system or self._system
        return [Message("system", self._clean(system))] if system else []

    def _windows(
        self, head: Sequence[Message], turns: Sequence[schema.Message]
    ) -> Iterator[tuple[Sequence[schema.Message], int]]:
        """Stretches of turns that fit, each with the index of its first unlearned-yet turn.

        A stretch begins with the user and ends with the assistant. What was learned in one
        comes again in the next as context only.
        """
        limit = self._masking.max_tokens
        if self._length(head, turns) <= limit:
            yield turns, 0
            return
        start = 0
        while start < len(turns):
            carried = start
            while carried >= 2 and (
                self._length(head, turns[carried - 2 : start]) <= limit * _CARRIED_SHARE
            ):
                carried -= 2
            end = start
            while end + 2 <= len(turns) and self._length(head, turns[carried : end + 2]) <= limit:
                end += 2
            if end == start and carried < start:  # the context leaves no room
                carried = start
                if self._length(head, turns[start : start + 2]) <= limit:
                    end = start + 2
            if end > start:
                yield turns[carried:end], start - carried
            start = max(end, start + 2)

    def _length(self, head: Sequence[Message], turns: Sequence[schema.Message]) -> int:
        messages = [*head, *(Message(turn.role, self._clean(turn.content)) for turn in turns)]
        text = self._template.render(messages, add_generation_prompt=False)
        return len(self._with_bos(self._tokens.encode(text)[0]))

    def _row(
        self,
        head: Sequence[Message],
        turns: Sequence[schema.Message],
        fresh: int,
        source: str,
    ) -> Row:
        messages = [*head, *(Message(turn.role, self._clean(turn.content)) for turn in turns)]
        text, spans = self._spans(messages)
        ids, offsets = self._tokens.encode(text)
        learned = [False] * len(ids)
        everything = self._masking.learn == "everything"
        for index, turn in enumerate(turns):
            start, end = spans[len(head) + index]
            first, after = _covered(offsets, start, end)
            closes = after < len(ids) and self._tokens.is_control(ids[after])
            if turn.role == "assistant":
                if not closes:
                    raise DataError(
                        "the chat template does not end a reply with a marker, so the model "
                        "would never learn to stop; choose an instruct model as base"
                    )
                if index >= fresh and turn.weight:
                    learned[first : after + 1] = [True] * (after + 1 - first)
            elif index >= fresh:
                if self._masking.learn == "dialogue":
                    learned[first:after] = [True] * (after - first)
                if closes and self._masking.user_turn_end:
                    learned[after] = True
        if everything:
            learned = [True] * len(ids)
        full = self._with_bos(ids)
        learned = [False] * (len(full) - len(ids)) + learned
        learned[0] = False  # nothing comes before it that could predict it
        labels = tuple(
            token if is_learned else IGNORED
            for token, is_learned in zip(full, learned, strict=True)
        )
        return Row(tuple(full), labels, source)

    def _spans(self, messages: Sequence[Message]) -> tuple[str, list[tuple[int, int]]]:
        """The rendered text, and where in it each message's words stand.

        Raises:
            DataError: The template rewrites or leaves out words.
        """
        marked = self._template.render(
            [Message(m.role, f"{_OPEN}{i}{_CLOSE}") for i, m in enumerate(messages)],
            add_generation_prompt=False,
        )
        text, spans, done = "", [(0, 0)] * len(messages), 0
        for mark in _MARK.finditer(marked):
            text += marked[done : mark.start()]
            words = messages[int(mark[1])].content
            spans[int(mark[1])] = (len(text), len(text) + len(words))
            text += words
            done = mark.end()
        text += marked[done:]
        if text != self._template.render(messages, add_generation_prompt=False):
            raise DataError("the chat template rewrites what is said; nothing can be learned of it")
        return text, spans

    def _clean(self, text: str) -> str:
        return self._tokens.without_markers(text).strip()

    def _with_bos(self, ids: list[int]) -> list[int]:
        if self._bos is None or ids[:1] == [self._bos]:
            return ids
        return [self._bos, *ids]


def _covered(offsets: Sequence[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
    """First token of a stretch of text, and the first one after it.

    Raises:
        DataError: A token lies across the border, so a call would never see the same.
    """
    first = next((i for i, (_, stop) in enumerate(offsets) if stop > start), len(offsets))
    after = next((i for i, (begin, _) in enumerate(offsets) if begin >= end), len(offsets))
    if first < len(offsets) and offsets[first][0] < start:
        raise DataError("a token joins the template's heading and the words after it")
    return first, after


def require_learned(rows: Iterable[Row]) -> None:
    """Check that every row teaches something.

    Raises:
        DataError: One does not; the message names its conversation.
    """
    for row in rows:
        if not row.learned:
            raise DataError(f"conversation {row.source} has no token to learn from")


def coloured(row: Row, tokens: Tokens) -> Text:
    """The row as text: green is learned, dim is context."""
    text = Text()
    pairs = zip(row.ids, row.labels, strict=True)
    for learned, run in itertools.groupby(pairs, key=lambda pair: pair[1] != IGNORED):
        text.append(
            tokens.decode([token for token, _ in run]), style="bold green" if learned else "dim"
        )
    return text
