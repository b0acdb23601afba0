"""Fills a call's intake record while the call goes on, without ever holding it up.

caller's turn ended   refusals and risk are noted       some 6 ms, of a grave turn for each clause
bot has finished      what waits is looked at           in a thread, some 20 ms a turn
                      then the model may read it        in the engine's background
caller begins         the model's reading is aborted    and taken up again later
call ends             what still waits is looked at
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from agent.asked.about import asked_about
from agent.config import Locale
from agent.intake.extract import Proposal, refuses
from agent.intake.propose import joined, propose
from agent.intake.questions import asked_in
from agent.intake.reader import TurnReader
from agent.intake.record import FoundBy, IntakeRecord
from agent.intake.spans import Span, clauses, comparable
from agent.safety.detector import assess
from agent.safety.tiers import Tier, rank
from pipeline.errors import GenerationError
from pipeline.events import (
    CallEvent,
    CrisisNoted,
    ReplyAmended,
    ReplyFinished,
    SpeechStarted,
    TranscriptCompleted,
)
from pipeline.text import count_units
from pipeline.turn.lexicon import ends_as_question

logger = logging.getLogger(__name__)

# Turns that wait for the model. Of a caller who never pauses it reads the last ones.
MAX_WAITING_TURNS = 16

MAX_TURNS = 500  # kept of a call; an hour has about 300

# Fewer units tell hardly anything out of their place: 对啊我也这样.
LEAST_OTHER_UNITS = 7
# Not for the sheet: what the caller does not want to be written down, numbers and addresses.
_NOT_FOR_PAPER = re.compile(
    r"(?:不要|别|不能|不可以|不用)[^，。]{0,4}(?:记|記|写|寫|录|錄|存)|off the record|"
    r"(?:not|n't) (?:to )?(?:write|record|note|keep)|between (?:us|you and me)|"
    r"(?:\d[ -]?){6,}|[零〇一二三四五六七八九]{6,}|[路街巷弄][^，。]{0,6}[号號楼樓]|"
    r"\d+ [A-Z]?\w+ (?:street|road|avenue|lane|st|rd|ave)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Turn:
    number: int
    text: str
    bot_text: str
    before: str
    at_secs: float | None


class IntakeTaker:
    """One call's record. Its methods belong to the event loop and never raise.

    Args:
        locale: Language and script of the record.
        on_changed: Told of every change.
        reader: Reads turns with the model too; None leaves it at the rules.
        on_closed: Told at the end of the call.
        in_thread: Look at turns in a thread once the bot has finished; else at once, which
            holds up whoever brings the turn. Needs a running loop.

    Attributes:
        record: What is known so far.
        turns: What the caller said, turn by turn.
        heard: What the caller heard last of the bot.
    """

    def __init__(
        self,
        locale: Locale,
        on_changed: Callable[[IntakeRecord], None] = lambda record: None,
        reader: TurnReader | None = None,
        on_closed: Callable[[IntakeTaker], None] = lambda taker: None,
        *,
        in_thread: bool = False,
    ) -> None:
        self.record = IntakeRecord(locale=locale)
        self._on_changed = on_changed
        self._on_closed = on_closed
        self._reader = reader
        self._closed = False
        self.turns: deque[str] = deque(maxlen=MAX_TURNS)
        self.heard = ""
        self._began_at: tuple[str, float] | None = None
        self._last: _Turn | None = None
        self._noticed: Tier | None = None  # before the words of the turn that it is about
        self._before_reply = self.record
        self._in_thread = in_thread
        self._unseen: deque[_Turn] = deque(maxlen=MAX_TURNS)
        self._looking: asyncio.Task[None] | None = None
        self._waiting: deque[_Turn] = deque(maxlen=MAX_WAITING_TURNS)
        self._reading: asyncio.Task[None] | None = None

    def note(self, event: CallEvent) -> None:
        """One more event of the call."""
        match event:
            case SpeechStarted(turn_id, at_secs):
                self._stop_reading()
                if self._began_at is None or self._began_at[0] != turn_id:
                    self._began_at = (turn_id, at_secs)
            case TranscriptCompleted(turn_id, text, _) if text:
                began = self._began_at
                self._take(text, began[1] if began is not None and began[0] == turn_id else None)
            case ReplyFinished():
                self.bot_text(event.heard_text)
            case ReplyAmended():
                self._amend(event.heard_text)
            case CrisisNoted(tier, _, _, words):
                self._noticed = cast(Tier, tier)  # a plain word in the pipeline
                if self._last is not None and _ends_with(words, self._last.text):
                    self._note_crisis()
            case _:
                pass

    def caller_text(self, text: str) -> None:
        """A turn that the caller typed."""
        self._take(text, None)

    def bot_text(self, heard: str) -> None:
        """What the caller heard of a reply; the engine is idle now."""
        self._before_reply = self.record
        self.heard = heard
        for field in asked_in(heard):
            self._become(self.record.with_question(field))
        self._look_soon()
        if self._reader is not None and self._waiting and self._reading is None:
            self._reading = asyncio.create_task(self._read(self._reader), name="intake-reading")

    async def close(self) -> None:
        """Look at what still waits, and give the model's place back. Safe to call twice.

        Cancelling leaves the turns out that were not looked at yet.
        """
        self._stop_reading()
        self._look_soon()
        if self._looking is not None:
            await self._looking
        if not self._closed:
            self._closed = True
            self._note_crisis()
            self._on_closed(self)
        if self._reader is not None:
            await self._reader.close()

    def _take(self, text: str, at_secs: float | None) -> None:
        before = self.turns[-1] if self.turns else ""
        turn = _Turn(self.record.turns, text, self.heard, before, at_secs)
        self._last = turn
        self.turns.append(text)
        self._waiting.append(turn)
        record = self.record.with_turn()
        if refuses(text):
            for field in asked_in(turn.bot_text):
                record = record.with_refusal(field)
        heard = assess(text)
        if rank(heard.tier) >= rank("elevated"):
            record = _with(record, turn, [Proposal("risk", _gravest(text))], "safety", heard.tier)
        self._become(record)
        self._note_crisis()
        if self._in_thread:
            self._unseen.append(turn)
        else:
            self._keep(turn, _look_at(turn))

    def _amend(self, heard: str) -> None:
        """Less was heard of the last reply than it seemed: what was not heard was not asked."""
        self._become(self.record.with_asked(self._before_reply, asked_in(heard)))
        self.heard = heard

    def _note_crisis(self) -> None:
        """Keep the whole turn where it raised the protocol further than its gravest words do.

        A yes to "do you mean to do it?" is imminent by the question alone. Of a spoken turn the
        notice comes before the words, of a typed one after them.
        """
        turn, tier, self._noticed = self._last, self._noticed, None
        if turn is None or tier is None:
            return
        risks = [one for one in self.record.of("risk") if one.turn == turn.number]
        if not any(rank(one.tier or "none") >= rank(tier) for one in risks):
            whole = Proposal("risk", Span(0, len(turn.text)))
            self._become(_with(self.record, turn, [whole], "safety", tier))

    def _become(self, record: IntakeRecord) -> None:
        if record != self.record:
            self.record = record
            self._on_changed(record)

    # -- what a turn tells --------------------------------------------------------------

    def _look_soon(self) -> None:
        if self._unseen and self._looking is None:
            self._looking = asyncio.create_task(self._look(), name="intake-looking")

    async def _look(self) -> None:
        """Look at every turn that waits. Cancelling drops what the thread is about to find."""
        try:
            while self._unseen:
                turn = self._unseen[0]
                found = await asyncio.to_thread(_look_at, turn)
                self._unseen.popleft()
                self._keep(turn, found)
        finally:
            self._looking = None

    def _keep(self, turn: _Turn, found: Sequence[Proposal]) -> None:
        record = _with(self.record, turn, found, "learned")
        known = any(
            entry.turn == turn.number or comparable(turn.text) in comparable(entry.quote)
            for entry in record.entries
        )
        if not found and not known and _tells(turn.text):
            whole = Proposal("other", Span(0, len(turn.text)))
            record = _with(record, turn, [whole], "nothing")
        self._become(record)

    # -- the model --------------------------------------------------------------------

    async def _read(self, reader: TurnReader) -> None:
        try:
            if self._looking is not None:
                await asyncio.shield(self._looking)
            while self._waiting:
                turn = self._waiting[0]
                found = await reader.read(turn.text, turn.bot_text)
                self._waiting.popleft()
                known = {entry.field for entry in self.record.entries if entry.turn == turn.number}
                fresh = [one for one in found if one.field not in known]
                self._become(_with(self.record, turn, fresh, "model"))
        except GenerationError as error:
            logger.warning("the intake's reading failed: %s", error.code)
        finally:
            if self._reading is asyncio.current_task():
                self._reading = None

    def _stop_reading(self) -> None:
        """Give the engine back within one token; the turn under way is read again later."""
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None


def _with(
    record: IntakeRecord,
    turn: _Turn,
    proposals: Iterable[Proposal],
    found_by: FoundBy,
    tier: Tier | None = None,
) -> IntakeRecord:
    for proposal in proposals:
        quote = proposal.span.of(turn.text).strip()
        record = record.with_entry(
            proposal.field,
            quote,
            turn=turn.number,
            at_secs=turn.at_secs,
            found_by=found_by,
            tier=tier,
        )
    return record


def _ends_with(words: str, turn: str) -> bool:
    return bool(comparable(turn)) and comparable(words).endswith(comparable(turn))


def _look_at(turn: _Turn) -> list[Proposal]:
    found = propose(turn.text, turn.bot_text, turn.number, turn.before)
    return joined(turn.text, found)


def _tells(text: str) -> bool:
    """Whether a turn that fits no heading may stand on the sheet: it does not only ask, or end."""
    return (
        count_units(text) >= LEAST_OTHER_UNITS
        and not refuses(text)
        and not ends_as_question(text)
        and _NOT_FOR_PAPER.search(text) is None
        and asked_about(text) is None
    )


def _gravest(text: str) -> Span:
    """The first clause that is as grave as the turn; the turn where only all of it is."""
    tier = assess(text).tier
    grave = (span for span in clauses(text) if assess(span.of(text)).tier == tier)
    return next(grave, Span(0, len(text)))
