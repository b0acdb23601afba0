"""Level meters and live captions in the terminal."""

from __future__ import annotations

from collections import deque
from typing import Literal, TypeAlias

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from pipeline.events import (
    Acknowledged,
    BackchannelNoted,
    CallEvent,
    CallFailed,
    CallState,
    CrisisNoted,
    HelpLine,
    ReplyFinished,
    ReplyText,
    StateChanged,
    TranscriptCompleted,
    TranscriptUpdated,
)

QUIETEST_DB = -60.0  # left end of the meters
METER_WIDTH = 24
CAPTIONS = 12
Speaker: TypeAlias = Literal["you", "bot", "note"]
_STYLES: dict[Speaker, str] = {"you": "bold cyan", "bot": "bold green", "note": "dim"}


class Screen:
    """What is shown; a rich renderable, and a `LocalSession`'s listener.

    Args:
        hint: Last line, for example which key does what.
    """

    def __init__(self, hint: str = "") -> None:
        self.hint = hint
        self.captions: deque[tuple[Speaker, str]] = deque(maxlen=CAPTIONS)
        self.state: CallState = "listening"
        self._levels = (QUIETEST_DB, QUIETEST_DB)
        self._device: str | None = None
        self._heard = ""  # of the turn under way
        self._written = ""  # of the reply under way
        self._help: tuple[HelpLine, ...] = ()

    def event(self, event: CallEvent) -> None:
        """Follow the call."""
        match event:
            case StateChanged(state):
                self.state = state
            case TranscriptUpdated(_, committed, unstable):
                self._heard = committed + unstable
            case TranscriptCompleted(_, text):
                self._heard = ""
                self._add("you", text)
            case BackchannelNoted(text) | Acknowledged(text):
                self._add("note", f"({text})")
            case ReplyText(_, text):
                self._written += text
            case ReplyFinished():
                self._written = ""
                cut = " ─" if event.status == "interrupted" else ""
                self._add("bot", event.heard_text + cut if event.heard_text else "")
            case CrisisNoted(lines=lines):
                self._help = lines
            case CallFailed(_, message):
                self._add("note", message)

    def levels(self, microphone_dbfs: float, loudspeaker_dbfs: float) -> None:
        """Move the meters."""
        self._levels = (microphone_dbfs, loudspeaker_dbfs)

    def device(self, name: str | None) -> None:
        """Say which device is used, or that none is there."""
        self._device = name

    def lines(self) -> list[Text]:
        """Captions and numbers that help, to be left in the terminal when the call is over."""
        return [*self._captions(), *self._numbers()]

    def _captions(self) -> list[Text]:
        return [_caption(speaker, text) for speaker, text in self.captions]

    def _numbers(self) -> list[Text]:
        return [
            Text.assemble((f"{line.number}  {line.name}", "bold"), (f"  {line.hours}", "dim"))
            for line in self._help
        ]

    def _add(self, speaker: Speaker, text: str) -> None:
        if text:
            self.captions.append((speaker, text))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self._numbers()  # first: what does not fit the terminal is cut at the bottom
        yield from self._captions()
        if self._heard:
            yield _caption("you", self._heard + "…")
        if self._written:
            yield _caption("bot", self._written + "…")
        yield Text(f"{_meter('mic', self._levels[0])}   {_meter('bot', self._levels[1])}")
        device = self._device or "no device: plug one in, the call goes on"
        yield Text(f"{self.state}  ·  {device}  {self.hint}", style="dim")


def _caption(speaker: Speaker, text: str) -> Text:
    return Text.assemble((f"{speaker:>4}  ", _STYLES[speaker]), text)


def _meter(label: str, level_db: float) -> str:
    share = min(1.0, max(0.0, 1.0 - level_db / QUIETEST_DB))
    full = round(share * METER_WIDTH)
    return f"{label} {'█' * full}{'·' * (METER_WIDTH - full)}"
