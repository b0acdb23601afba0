"""Where a chat is cut into conversations, and which messages make one turn.

Every preset is a set of pauses. A pause is measured between two neighbouring messages and
its limit depends on who speaks before and after it:

    they ──same──▶ they ──reply──▶ I ──same──▶ I ──back──▶ they …

`monkey` is another algorithm: single exchanges whose windows are anchored at the first
message of each side.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, get_args

from train.importers.events import Event, Kind

Drop: TypeAlias = Callable[[str, Event], None]

_MINUTE_SECS = 60.0
_HOUR_SECS = 3600.0
_WRITTEN: frozenset[Kind] = frozenset({"text", "quote"})
# What a reply may refer to and a text model cannot see.
_UNSEEN: frozenset[Kind] = frozenset(
    {"picture", "voice", "video", "file", "card", "location", "call", "money", "forwarded"}
)


@dataclass(frozen=True, slots=True)
class Preset:
    """How a chat is cut.

    Attributes:
        name: As `--preset` takes it.
        same_secs: Longest pause inside one person's turn.
        reply_secs: Longest pause before my reply.
        back_secs: Longest pause before they speak again.
        kinds: Kinds of messages that are used.
        unseen: What happens where they send what a reply may refer to and the data lack, such
            as a picture: `cut` ends the conversation, `cut_alone` does so unless they also
            wrote something in the same turn, `ignore` does nothing. A sticker ends it where I
            answer nothing else, unless it is ignored.
        anchored: Measure from the first message of a side, single exchanges only.
        longest_turns: Turns after which a conversation is cut before their next one.
        longest_chars: Characters of a turn beyond which further messages are left out.
        system: System prompt; `{me}` is replaced by my name.
    """

    name: str
    same_secs: float
    reply_secs: float
    back_secs: float
    kinds: frozenset[Kind] = _WRITTEN
    unseen: Literal["cut", "cut_alone", "ignore"] = "ignore"
    anchored: bool = False
    longest_turns: int = 200
    longest_chars: int = 100_000
    system: str | None = None


PRESETS: Mapping[str, Preset] = {
    preset.name: preset
    for preset in (
        # A conversation is what a caller could hold on the phone: half an hour of silence ends
        # it, but an answer that came within 6 hours (the bound of `monkey`) is still an answer.
        Preset(
            "qingting",
            same_secs=30 * _MINUTE_SECS,
            reply_secs=6 * _HOUR_SECS,
            back_secs=30 * _MINUTE_SECS,
            unseen="cut_alone",
            longest_turns=20,
            longest_chars=2_000,
        ),
        # Seed 003's script: whatever was sent counts, notices of the program aside.
        Preset(
            "monkey",
            same_secs=2 * _MINUTE_SECS,
            reply_secs=6 * _HOUR_SECS,
            back_secs=math.inf,
            kinds=frozenset(get_args(Kind)) - {"system"},
            anchored=True,
            system="你是{猴哥}，一个热情、善良的人，后面是来自你朋友的对话，你在理解后认真回答他",
        ),
        # WeChatMsg's own JSON export: a pause of more than a minute begins a conversation.
        Preset(
            "liuhen",
            same_secs=_MINUTE_SECS,
            reply_secs=_MINUTE_SECS,
            back_secs=_MINUTE_SECS,
            kinds=frozenset({"text"}),
            system="你是{me}，一个聪明、热情、善良的人，后面的对话来自你的朋友，你要认真地回答他",
        ),
        # WeClone's defaults: combine within 2 minutes, answer within 5, 2,048 characters.
        Preset(
            "weclone",
            same_secs=2 * _MINUTE_SECS,
            reply_secs=5 * _MINUTE_SECS,
            back_secs=5 * _MINUTE_SECS,
            kinds=frozenset({"text"}),
            unseen="cut",
            longest_chars=2_048,
        ),
    )
}


@dataclass(slots=True)
class Turn:
    """Neighbouring messages of one side."""

    mine: bool
    events: list[Event]

    def text(self) -> str:
        """The messages, one a line, byte for byte."""
        return "\n".join(event.text for event in self.events)


class Cutter(Protocol):
    """Takes the messages of one chat in order and gives whole conversations back."""

    def add(self, event: Event) -> Iterator[list[Turn]]:
        """Conversations that `event` ends, if it does."""

    def finish(self) -> Iterator[list[Turn]]:
        """What is left at the end of the chat."""


def cutter(preset: Preset, drop: Drop) -> Cutter:
    """A cutter for one chat.

    Args:
        preset: How to cut.
        drop: Called with a reason for every message that is in no conversation.
    """
    return _Windows(preset, drop) if preset.anchored else _Pauses(preset, drop)


def scaled(
    preset: Preset,
    *,
    same_secs: float | None = None,
    reply_secs: float | None = None,
    back_secs: float | None = None,
) -> Preset:
    """`preset` with other pauses, in seconds; None leaves one as it is."""
    pauses = {"same_secs": same_secs, "reply_secs": reply_secs, "back_secs": back_secs}
    given = {name: secs for name, secs in pauses.items() if secs is not None}
    return dataclasses.replace(preset, **given)  # type: ignore[arg-type]  # all are floats


class _Pauses:
    def __init__(self, preset: Preset, drop: Drop) -> None:
        self._preset = preset
        self._drop = drop
        self._turns: list[Turn] = []
        self._turn_chars = 0
        self._wordless = False  # whether their last turn so far is a sticker, or the like

    def add(self, event: Event) -> Iterator[list[Turn]]:
        preset, mine = self._preset, event.mine is True
        if event.kind not in preset.kinds or not event.text.strip():
            self._drop(_unused(event), event)
            if event.kind in _UNSEEN and not mine and self._loses_context():
                yield from self.finish()
            elif not mine and event.kind != "system" and preset.unseen != "ignore":
                self._wordless = bool(self._turns) and self._turns[-1].mine
            return
        if mine and self._wordless:
            yield from self.finish()  # else it would be learned as more of my reply before
        self._wordless = False
        if self._turns and self._pause(event) > self._limit(mine):
            yield from self.finish()
        if not self._turns and mine:
            self._drop("mine, with nothing before them to answer", event)
            return
        if self._turns and self._turns[-1].mine == mine:
            if self._turn_chars + len(event.text) > preset.longest_chars:
                self._drop("beyond the longest turn", event)
                return
            self._turns[-1].events.append(event)
            self._turn_chars += len(event.text) + 1
            return
        if len(self._turns) >= preset.longest_turns and not mine:
            yield from self.finish()
        self._turns.append(Turn(mine, [event]))
        self._turn_chars = len(event.text)

    def finish(self) -> Iterator[list[Turn]]:
        turns, self._turns = self._turns, []
        self._wordless = False
        if turns and not turns[-1].mine:
            for event in turns.pop().events:
                self._drop("theirs, with no reply in time", event)
        if turns:
            yield turns

    def _loses_context(self) -> bool:
        if self._preset.unseen == "cut_alone":
            return bool(self._turns) and self._turns[-1].mine
        return self._preset.unseen == "cut"

    def _pause(self, event: Event) -> float:
        before = self._turns[-1].events[-1].time
        # Clocks of phones and servers disagree by moments; a chat that jumps back does not go on.
        return 0.0 if before is None or event.time is None else abs(event.time - before)

    def _limit(self, mine: bool) -> float:
        if self._turns[-1].mine == mine:
            return self._preset.same_secs
        return self._preset.reply_secs if mine else self._preset.back_secs


class _Windows:
    """The seed's loop as a state machine, message by message, to the same rows."""

    def __init__(self, preset: Preset, drop: Drop) -> None:
        self._preset = preset
        self._drop = drop
        self._theirs: list[Event] = []
        self._mine: list[Event] = []

    def add(self, event: Event) -> Iterator[list[Turn]]:
        if event.kind not in self._preset.kinds:
            self._drop(_unused(event), event)
            return
        if self._mine:
            if event.mine and _secs(self._mine[0], event) <= self._preset.same_secs:
                self._mine.append(event)
                return
            yield from self.finish()
        if event.mine:
            self._answer(event)
        elif self._theirs and _secs(self._theirs[0], event) <= self._preset.same_secs:
            self._theirs.append(event)
        else:
            self._give_up("theirs, with no reply before the next block")
            self._theirs = [event]

    def finish(self) -> Iterator[list[Turn]]:
        if not self._mine:
            self._give_up("theirs, with no reply in time")
            return
        turns = [Turn(False, self._theirs), Turn(True, self._mine)]
        self._theirs, self._mine = [], []
        if all(turn.text().strip() for turn in turns):
            yield turns
            return
        for event in (event for turn in turns for event in turn.events):
            self._drop("blank", event)

    def _answer(self, event: Event) -> None:
        if not self._theirs:
            self._drop("mine, with nothing before them to answer", event)
        elif _secs(self._theirs[-1], event) <= self._preset.reply_secs:
            self._mine = [event]
        else:
            self._give_up("theirs, with no reply in time")
            self._drop("mine, later than a reply may be", event)

    def _give_up(self, reason: str) -> None:
        for event in self._theirs:
            self._drop(reason, event)
        self._theirs = []


def _secs(before: Event, after: Event) -> float:
    return 0.0 if before.time is None or after.time is None else after.time - before.time


def _unused(event: Event) -> str:
    written = event.kind in ("text", "quote")
    return "blank" if written and not event.text.strip() else f"of kind {event.kind}"
