"""Holds calls by voice: over the wire, in real time, with the project's own voices.

server ─▶ reply's words ─▶ caller ─▶ next line ─▶ voice ─▶ microphone ─▶ server
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection

from agent.adapter import answering
from agent.bench import noise
from agent.bench.run import bench_settings
from agent.bench.scripts import CallerVoice, Turn, load_voices
from agent.bench.servers import RunningSystem, running_systems
from agent.bench.voices import RATE_HZ, Studio
from agent.caller import Caller, CallScript, ScriptedTurn
from agent.caller_clip import Clip
from agent.caller_log import CallLog
from agent.caller_report import TurnReport
from agent.config import Locale, Settings
from agent.conversations.call import Author, HeldCall, HeldTurn, Told, bounds_of
from agent.conversations.caller import Line, SimulatedCaller
from agent.conversations.script import CallerScript, Cast
from agent.conversations.written import says_hotline
from agent.intake.taker import IntakeTaker
from agent.persona import Persona
from agent.safety.hotlines import usual_region
from agent.safety.tiers import Tier, rank
from pipeline.errors import ConfigError, OverloadedError, ProtocolError

# How long a silent caller stays silent before asking for a word, as the page's button does.
SILENCE_SECS = 10.0


class CrisisLog(CallLog):
    """Keeps the tier that the server shows, besides everything else.

    Attributes:
        tiers: The tier at the end of each turn of the script.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tiers: list[Tier] = []
        self._tier: Tier = "none"

    def begin_turn(self, clip: Clip, begin_sample: int, *, cutting_in: bool) -> None:
        super().begin_turn(clip, begin_sample, cutting_in=cutting_in)
        self.tiers.append(self._tier)

    def take(self, event: dict[str, Any], now: float) -> None:
        super().take(event, now)
        if event["type"] == "qingting.crisis":
            self._tier = event["tier"]
            if self.tiers:
                self.tiers[-1] = self._tier


class ConversingCaller(Caller):
    """Holds one call with a simulated caller at the microphone.

    Args:
        url: ws:// address of a Realtime endpoint.
        person: Who speaks.
        record: Makes a clip of a line, at 24 kHz; takes a second, so a thread runs it.

    Attributes:
        lines: What was said so far; a turn of `held` belongs to each.
        greeting: The server's first words.
    """

    def __init__(self, url: str, person: SimulatedCaller, record: Callable[[str], Clip]) -> None:
        super().__init__(url, rate_hz=RATE_HZ)
        self._log: CrisisLog = CrisisLog(self._speaker, extended=True)
        self._person = person
        self._record = record
        self.lines: list[Line] = []
        self.greeting = ""

    def held(self) -> Sequence[tuple[TurnReport, Tier]]:
        """What became of each line so far, and the tier after it."""
        if not self.lines:  # a call that never began has no recording either
            return []
        return list(zip(self._report().turns, self._log.tiers, strict=True))

    async def _follow(self, socket: ClientConnection, script: CallScript) -> None:
        await self._until(lambda: self._elapsed() >= script.lead_in_secs)
        self.greeting = await self._greeted(socket, script)
        reply = self.greeting
        while (line := self._person.next(reply)) is not None:
            clip = await asyncio.to_thread(self._record, line.text) if line.text else silence()
            cuts_in = bool(self.lines) and line.cuts_in_secs is not None
            self.lines.append(line)
            await self._say(ScriptedTurn(clip, line.cuts_in_secs if cuts_in else None))
            if not line.text:
                await self._until_checked_on(socket, script)
            elif (cuts_in_secs := self._person.next_cuts_in_secs) is not None:
                await self._until_cut_in(cuts_in_secs, script)
            else:
                await self._until_answered(socket, script)
            reply = self._last_words()

    async def _greeted(self, socket: ClientConnection, script: CallScript) -> str:
        """The server's first words, which the page asks for as well."""
        await self._ask_for_words(socket, script)
        return "".join(reply.text for reply in self._log.replies.values())

    async def _until_checked_on(self, socket: ClientConnection, script: CallScript) -> None:
        """Until something was said into a silence, by itself or because it was asked for."""
        if not self._log.turns[-1].replies:
            await self._ask_for_words(socket, script)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(script.answer_timeout_secs):
                await self._until_quiet(script)

    def _last_words(self) -> str:
        replies = self._log.turns[-1].replies
        return replies[-1].text if replies else ""


async def speak_all(
    casts: Sequence[Cast],
    settings: Settings,
    studio: Studio,
    *,
    seed: int,
    say: Callable[[str], None] = lambda text: None,
) -> list[HeldCall]:
    """Hold every call of the casts with a server of their own, one after the other.

    Args:
        casts: Who calls.
        settings: Of the server.
        studio: Makes the callers' voices.
        seed: Of every reply.
        say: Told of each call that is over.

    Raises:
        ConfigError: The server does not start, or a caller has an unknown voice.

    Cancelling hangs up and ends the server.
    """
    voices = load_voices()
    for script in [script for cast in casts for script in cast.callers]:
        if script.voice not in voices:
            raise ConfigError(
                f"{script.id} has the voice {script.voice}, which is none of the bench"
            )
    served = _served(settings, seed)
    calls: list[HeldCall] = []
    async with running_systems(["ours"], served) as systems:
        for cast in casts:
            for script in cast.callers:
                voice = voices[script.voice]
                calls.append(await _hold(cast, script, served, systems["ours"], studio, voice))
                say(f"{cast.locale} {script.id}: {len(calls[-1].turns)} turns")
    return calls


async def _hold(
    cast: Cast,
    script: CallerScript,
    settings: Settings,
    server: RunningSystem,
    studio: Studio,
    voice: CallerVoice,
) -> HeldCall:
    """Hold one call. One that breaks down is a finding, and ends where it did."""

    def record(text: str) -> Clip:
        return studio.record(Turn(script.id, "short", text, voice)).clip

    person = SimulatedCaller(script, cast.phrases, cast.locale)
    caller = ConversingCaller(f"{server.url}?locale={cast.locale}", person, record)
    room = noise.white(RATE_HZ, noise.QUIET_ROOM_DBFS)
    error: str | None = None
    try:
        await server.until_free()
        await caller.run(CallScript((), background=room))
    except (ProtocolError, OverloadedError) as failed:
        error = failed.message
    persona = answering(settings, cast.locale)
    turns = _turns(caller, persona)
    region = settings.safety.region or usual_region(cast.locale)
    return HeldCall(
        script=script,
        locale=cast.locale,
        bounds=bounds_of(persona),
        display_name=persona.display_name,
        greeting=caller.greeting,
        turns=turns,
        told=_told(turns, cast.locale, caller.greeting),
        hotline_spoken=any(says_hotline(turn.reply, region, cast.locale) for turn in turns),
        error=error,
    )


def _turns(caller: ConversingCaller, persona: Persona) -> tuple[HeldTurn, ...]:
    turns: list[HeldTurn] = []
    before: Tier = "none"
    # A line whose clip was still being made when the call broke down has no turn.
    for line, (report, tier) in zip(caller.lines, caller.held(), strict=False):
        reply = report.heard_text or report.reply_text
        turns.append(
            HeldTurn(
                line,
                report.transcript if line.text else None,
                reply,
                _author(line, reply, before, tier, persona),
                tier,
                report.response_latency_ms if line.text else None,
                report.interruption_latency_ms,
            )
        )
        before = tier
    return tuple(turns)


def _author(line: Line, reply: str, before: Tier, tier: Tier, persona: Persona) -> Author:
    """Who wrote a reply, as far as a client can know: a rise of the tier is answered by script."""
    if not reply:
        return "nobody"
    if reply in (persona.apology, persona.unheard):
        return "apology"
    is_grave = tier != before or rank(tier) >= rank("elevated")
    by_heart = {words for answer in persona.answers for words in answer.says}
    if not line.text or is_grave or reply in persona.check_ins or reply in by_heart:
        return "script"
    return "model"


def _told(turns: Sequence[HeldTurn], locale: Locale, greeting: str) -> tuple[Told, ...]:
    """The intake record, from what the recogniser understood."""
    intake = IntakeTaker(locale)
    intake.bot_text(greeting)
    for turn in turns:
        if turn.understood is not None:
            intake.caller_text(turn.understood)
        intake.bot_text(turn.reply)
    return tuple(Told(entry.field, entry.turn) for entry in intake.record.entries)


def _served(settings: Settings, seed: int) -> Settings:
    """The settings of the server: a free port, a fixed seed, and nothing kept of the calls."""
    served = bench_settings(settings, at_once=1, pacing=settings.turn.pacing)
    return served.model_copy(
        update={
            "llm": served.llm.model_copy(update={"seed": seed}),
            "privacy": served.privacy.model_copy(update={"record": False}),
        }
    )


def silence() -> Clip:
    """Nothing for `SILENCE_SECS`: the room alone is heard."""
    samples = np.zeros(round(SILENCE_SECS * RATE_HZ), np.int16)
    return Clip("silence", samples, RATE_HZ, 0.0, 0, len(samples))
