"""A caller who lets the bot speak, makes one sound after the other over it, and takes notes.

opening ─▶ answer, stopped ─▶ ┌ passage ─▶ sound ─▶ what the bot does ─▶ quiet ┐ ─▶ …
                              └──────────────── for each event ────────────────┘
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection

from agent.bench.barge_in.script import Event, EventCall
from agent.caller import CHUNK_SECS, Caller, CallScript, ScriptedTurn
from agent.caller_clip import Clip
from agent.caller_log import CallLog
from agent.local.room import Echo, impulse_response
from pipeline.audio import OUTPUT_RATE_HZ, Int16Array, float_to_int16, int16_to_float

# Of a notebook's sound system; the room comes on top.
DEVICE_DELAY_SECS = 0.04
LISTEN_SECS = 2.5  # after the sound: everything is decided by then
ANSWER_SECS = 0.4  # heard of an answer before it is stopped, so that it enters the context
PATIENCE_SECS = 12.0  # for a reply to begin or to end
PASSAGE_CHARS = 80  # no answer of the model's is as long
ATTEMPTS = 6  # without a canceller the bot's echo may be answered a few times first


@dataclass(frozen=True, slots=True)
class Note:
    """One event of the server that concerns playout, and when it arrived."""

    at: float
    event: Mapping[str, Any]


@dataclass(slots=True)
class Observation:
    """What the bot did about one event.

    Attributes:
        event: Of the script.
        sound_at: When the first audible sample of it was in the microphone; None if the
            bot was not speaking by then.
        response_id: The passage that was spoken.
        notes: Server events from the sound on.
        played_samples: How far into the passage the loudspeaker came.
    """

    event: Event
    sound_at: float | None = None
    response_id: str = ""
    notes: list[Note] = field(default_factory=list)
    played_samples: int = 0


class FloorLog(CallLog):
    """Keeps the events that concern playout besides everything else."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.notes: list[Note] = []
        self.spans: dict[str, list[tuple[int, int, int]]] = {}

    def take(self, event: dict[str, Any], now: float) -> None:
        super().take(event, now)
        if event["type"] == "qingting.audio_span":
            span = (event["start_sample"], event["start_char"], event["end_char"])
            self.spans.setdefault(event["response_id"], []).append(span)
        elif event["type"].startswith(("qingting.playout.", "qingting.reply.", "qingting.backch")):
            self.notes.append(Note(now, event))


class BargeInCaller(Caller):
    """Holds one `EventCall`.

    Args:
        url: ws:// address of a Realtime endpoint whose persona is the narrator.
        call: What happens.
        clip_of_event: The sound of an event at 24 kHz.
    """

    def __init__(self, url: str, call: EventCall, clip_of_event: Callable[[Event], Clip]) -> None:
        super().__init__(url, language=call.language)
        self._log: FloorLog = FloorLog(self._speaker, extended=True)
        self._call = call
        self._clip_of_event = clip_of_event
        self._echo: Echo | None = None
        if call.echo_db is not None:
            response = impulse_response(OUTPUT_RATE_HZ, gain_db=call.echo_db)
            self._echo = Echo(response, round(DEVICE_DELAY_SECS * OUTPUT_RATE_HZ))
        self.observations: list[Observation] = []

    @property
    def spans(self) -> Mapping[str, list[tuple[int, int, int]]]:
        """Start sample, start character and end character of each chunk, by reply."""
        return self._log.spans

    def audio(self, response_id: str) -> Int16Array:
        """All audio received of a reply."""
        return self._speaker.audio(response_id)

    def _next_chunk(self, chunk_samples: int) -> Int16Array:
        heard = super()._next_chunk(chunk_samples)
        if self._echo is None:
            return heard
        played = self._speaker.render(self._instant(self._line_samples), chunk_samples)
        echo = self._echo.feed(int16_to_float(played))
        return float_to_int16(int16_to_float(heard) + echo)

    async def _follow(self, socket: ClientConnection, script: CallScript) -> None:
        await self._until(lambda: self._elapsed() >= script.lead_in_secs)
        for opening in script.turns:
            await self._say(opening)
            await self._stop_answer(lambda: list(self._log.replies), socket, script)
        for event in self._call.events:
            self.observations.append(await self._observe(event, socket, script))

    async def _observe(
        self, event: Event, socket: ClientConnection, script: CallScript
    ) -> Observation:
        observation = Observation(event)
        passage = await self._passage(socket, script)
        if passage is None:
            return observation
        observation.response_id = passage
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECS):
                await self._until(lambda: self._played_secs([passage]) >= event.delay_secs)
        clip = self._clip_of_event(event)
        if self._log.replies[passage].status == "in_progress":
            observation.sound_at = self._instant(self._line_samples + clip.speech_start)
        first_note = len(self._log.notes)
        await self._say(ScriptedTurn(clip, cut_in_secs=event.delay_secs))
        said_at = self._clock()
        await self._until(lambda: self._clock() - said_at >= LISTEN_SECS)
        observation.notes = self._log.notes[first_note:]
        if self._log.replies[passage].status == "in_progress":
            await self._stop(socket, script)
        else:
            await self._stop_answer(lambda: self._after(passage), socket, script)
        observation.played_samples = max(
            (
                span.start_sample + len(span.samples)
                for span in self._speaker.spans
                if span.reply_id == passage
            ),
            default=0,
        )
        return observation

    async def _passage(self, socket: ClientConnection, script: CallScript) -> str | None:
        """Ask for the passage; what was left unanswered before may be answered first."""
        for _ in range(ATTEMPTS):
            known = set(self._log.replies)
            await socket.send(json.dumps({"type": "response.create"}))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_SECS):
                    await self._until(partial(self._sounds_after, known))
            reply = list(self._log.replies.values())[-1]
            if reply.response_id not in known and len(reply.text) >= PASSAGE_CHARS:
                return reply.response_id
            await self._stop_answer(lambda: list(self._log.replies)[-1:], socket, script)
        return None

    def _sounds_after(self, known: set[str]) -> bool:
        return self._played_secs([one for one in self._log.replies if one not in known]) > 0.0

    def _after(self, response_id: str) -> list[str]:
        """Replies that began later."""
        known = list(self._log.replies)
        return known[known.index(response_id) + 1 :]

    def _played_secs(self, response_ids: list[str]) -> float:
        """How far the loudspeaker is in the one that has come furthest.

        By samples and not by the clock: an answer that its own echo pauses has not been heard.
        """
        now = self._clock()
        played = (self._speaker.played_samples(response_id, now) for response_id in response_ids)
        return max(played, default=0) / OUTPUT_RATE_HZ

    async def _stop_answer(
        self, answers: Callable[[], list[str]], socket: ClientConnection, script: CallScript
    ) -> None:
        """Hear a little of the answer that is due, so that it enters the context."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECS):
                await self._until(lambda: self._played_secs(answers()) >= ANSWER_SECS)
        await self._stop(socket, script)

    async def _stop(self, socket: ClientConnection, script: CallScript) -> None:
        if not self._log.quiet(self._clock()):
            await socket.send(json.dumps({"type": "response.cancel"}))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECS):
                await self._until_quiet(script)


def silence() -> Clip:
    """A clip in which nothing happens for eight seconds: the room alone is heard."""
    samples = np.zeros(round(8.0 / CHUNK_SECS) * round(CHUNK_SECS * OUTPUT_RATE_HZ), np.int16)
    return Clip("silence", samples, OUTPUT_RATE_HZ, 0.0, 0, len(samples))
