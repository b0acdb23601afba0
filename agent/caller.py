"""A scripted caller: plays clips as turns of one call, listens, and measures.

It is a client like any other: it knows the wire, a clock and its own simulated microphone
and speaker, nothing of the server. A microphone never stops, so silence is sent between
the clips; sample n of the microphone line belongs to the instant t0 + n / rate, and is sent
when its 20 ms chunk is over, as a sound card would deliver it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import soxr
import websockets
from websockets.asyncio.client import ClientConnection

from agent.caller_clip import Clip
from agent.caller_log import CallLog
from agent.caller_report import CallReport
from agent.caller_speaker import JITTER_SECS, SimulatedSpeaker
from pipeline.audio import OUTPUT_RATE_HZ, Int16Array
from pipeline.errors import ConfigError, OverloadedError, ProtocolError

MicrophoneRate: TypeAlias = Literal[16_000, 24_000]

CHUNK_SECS = 0.02
REPORT_SECS = 0.1  # how often the speaker says how far it has come
_CLOSE_TRY_LATER = 1013


@dataclass(frozen=True, slots=True)
class ScriptedTurn:
    """One clip, and when to say it.

    Attributes:
        clip: At the caller's rate.
        cut_in_secs: None waits until the reply before is over; otherwise the clip begins
            this long after that reply became audible, or after its end if that is earlier.
    """

    clip: Clip
    cut_in_secs: float | None = None


@dataclass(frozen=True, slots=True)
class CallScript:
    """What to say in one call.

    Attributes:
        turns: In order.
        greeted: Ask for the greeting first, as the page does, and hear it out.
        lead_in_secs: Silence before the first words of either side.
        settle_secs: Quiet after a reply before it counts as over.
        answer_timeout_secs: Wait for a reply to begin, from the end of the clip on.
        reply_timeout_secs: Wait for it to end.
        listen_secs: Stop a reply after having heard so much of it; None hears it out.
        background: What the microphone hears all the time: int16, shape (n_samples,), at
            the caller's rate, repeated without a break.
    """

    turns: tuple[ScriptedTurn, ...]
    greeted: bool = False
    lead_in_secs: float = 0.6
    settle_secs: float = 0.6
    answer_timeout_secs: float = 45.0
    reply_timeout_secs: float = 45.0
    listen_secs: float | None = None
    background: Int16Array | None = None


class Caller:
    """Holds one call by a script.

    Args:
        url: ws:// or wss:// address of a Realtime endpoint.
        rate_hz: Of the microphone; clips must have the same. Replies are always 24 kHz.
        api_key: Sent as a bearer token, if given.
        language: Of the clips, if the server shall not find out by itself.
        jitter_secs: Of the simulated speaker.
        extended: Use the `qingting.*` events: report what was played, obey pauses, learn
            what was heard. A server that is not ours answers them with an error.
        clock: Seconds, monotonic.

    One object is one call; `run` it once.
    """

    def __init__(
        self,
        url: str,
        *,
        rate_hz: MicrophoneRate = 24_000,
        api_key: str | None = None,
        language: str | None = None,
        jitter_secs: float = JITTER_SECS,
        extended: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._rate_hz = rate_hz
        self._api_key = api_key
        self._language = language
        self._extended = extended
        self._clock = clock
        self._speaker = SimulatedSpeaker(jitter_secs)
        self._started_at = 0.0
        self._line: list[Int16Array] = []  # everything the microphone sent
        self._line_samples = 0
        self._to_say = np.zeros(0, dtype=np.int16)
        self._background: Int16Array | None = None
        self._tick = asyncio.Condition()
        self._last_report_at = float("-inf")
        self._log = CallLog(self._speaker, extended=extended)

    async def run(self, script: CallScript) -> CallReport:
        """Hold the call, to the end of the last reply.

        Raises:
            ConfigError: The address is not a WebSocket's, or a clip has another rate.
            OverloadedError: The server takes no more calls.
            ProtocolError: Nobody answers there, or the server ended the call.

        Cancelling hangs up.
        """
        for turn in script.turns:
            if turn.clip.rate_hz != self._rate_hz:
                raise ConfigError(f"{turn.clip.name} is not at {self._rate_hz} Hz")
        self._background = script.background
        async with await self._dial() as socket:
            try:
                await self._introduce(socket)
                await self._hold(socket, script)
            except websockets.ConnectionClosed as closed:
                raise _ended_by_server(closed) from closed
        return self._report()

    async def _hold(self, socket: ClientConnection, script: CallScript) -> None:
        self._started_at = self._clock()
        tasks = {
            asyncio.create_task(self._listen(socket), name="caller-listener"),
            asyncio.create_task(self._speak(socket), name="caller-microphone"),
            asyncio.create_task(self._follow(socket, script), name="caller-script"),
        }
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # ---- the connection ----

    async def _dial(self) -> ClientConnection:
        headers = {"Authorization": f"Bearer {self._api_key}"} if self._api_key else None
        try:
            return await websockets.connect(
                self._url,
                additional_headers=headers,
                compression=None,
                max_size=None,
                ping_timeout=None,  # a server that is late is measured, not hung up on
            )
        except websockets.InvalidURI as error:
            raise ConfigError(f"{self._url} is not a WebSocket address (ws://…)") from error
        except (OSError, websockets.InvalidHandshake, TimeoutError) as error:
            raise ProtocolError(f"no call can be opened at {self._url}") from error

    async def _introduce(self, socket: ClientConnection) -> None:
        if self._extended:
            await _send(
                socket,
                type="qingting.hello",
                version=1,
                reports_playout=True,
                acknowledgements=True,
            )
        listening: dict[str, Any] = {"format": {"type": "audio/pcm", "rate": self._rate_hz}}
        if self._language:
            listening["transcription"] = {"language": self._language}
        session = {"type": "realtime", "audio": {"input": listening}}
        await _send(socket, type="session.update", session=session)

    async def _speak(self, socket: ClientConnection) -> None:
        """The microphone: one chunk each 20 ms, late ones at once."""
        chunk_samples = round(CHUNK_SECS * self._rate_hz)
        while True:
            chunk = self._next_chunk(chunk_samples)
            self._line.append(chunk)
            self._line_samples += chunk_samples
            due_at = self._instant(self._line_samples)
            await asyncio.sleep(max(0.0, due_at - self._clock()))
            audio = base64.b64encode(chunk.tobytes()).decode("ascii")
            await _send(socket, type="input_audio_buffer.append", audio=audio)
            await self._report_played(socket)
            async with self._tick:
                self._tick.notify_all()

    def _next_chunk(self, chunk_samples: int) -> Int16Array:
        """What the microphone hears next: the clip, if one is being said, over the background."""
        said = self._to_say[:chunk_samples]
        self._to_say = self._to_say[len(said) :]
        heard = np.zeros(chunk_samples, dtype=np.int32)
        heard[: len(said)] = said
        if self._background is not None:
            heard += np.take(
                self._background,
                np.arange(self._line_samples, self._line_samples + chunk_samples),
                mode="wrap",
            )
        limits = np.iinfo(np.int16)
        return np.clip(heard, limits.min, limits.max).astype(np.int16)

    async def _report_played(self, socket: ClientConnection) -> None:
        now = self._clock()
        if not self._extended or now - self._last_report_at < REPORT_SECS:
            return
        self._last_report_at = now
        for reply in list(self._log.replies.values()):  # sending lets more of them begin
            played = self._speaker.played_samples(reply.response_id, now)
            if played != reply.reported_samples:
                reply.reported_samples = played
                await _send(
                    socket,
                    type="qingting.playout.report",
                    response_id=reply.response_id,
                    samples=played,
                )

    async def _listen(self, socket: ClientConnection) -> None:
        async for message in socket:
            event = json.loads(message)
            self._log.take(event, self._clock())
            if event["type"].startswith("qingting.playout."):
                self._last_report_at = float("-inf")  # what was heard is decided soon: say it now
                await self._report_played(socket)
        await socket.wait_closed()
        raise ProtocolError(
            f"the server ended the call (code {socket.close_code})", close_code=socket.close_code
        )

    # ---- the script ----

    async def _follow(self, socket: ClientConnection, script: CallScript) -> None:
        await self._until(lambda: self._elapsed() >= script.lead_in_secs)
        if script.greeted:
            await self._ask_for_words(socket, script)
        await self._until_quiet(script)
        for index, scripted in enumerate(script.turns):
            await self._say(scripted)
            following = script.turns[index + 1] if index + 1 < len(script.turns) else None
            if following is None or following.cut_in_secs is None:
                await self._until_answered(socket, script)
            else:
                await self._until_cut_in(following.cut_in_secs, script)

    async def _ask_for_words(self, socket: ClientConnection, script: CallScript) -> None:
        """Have the bot speak without having been spoken to, and hear it out."""
        before = len(self._log.replies)
        await _send(socket, type="response.create")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(script.answer_timeout_secs):
                await self._until(lambda: len(self._log.replies) > before)
                await self._until_quiet(script)

    async def _say(self, scripted: ScriptedTurn) -> None:
        self._log.begin_turn(
            scripted.clip, self._line_samples, cutting_in=scripted.cut_in_secs is not None
        )
        self._to_say = scripted.clip.samples
        await self._until(lambda: not len(self._to_say))

    async def _until_answered(self, socket: ClientConnection, script: CallScript) -> None:
        """Until a reply to the whole clip has come and is over, or none comes in time.

        A reply that began inside the clip does not answer it: another is waited for.
        """
        turn = self._log.turns[-1]
        said_at = self._instant(turn.begin_sample + turn.clip.speech_end)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(script.answer_timeout_secs):
                await self._until(lambda: any(r.created_at >= said_at for r in turn.replies))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(script.reply_timeout_secs):
                if script.listen_secs is not None:
                    await self._stop_reply(socket, script.listen_secs)
                await self._until_quiet(script)

    async def _stop_reply(self, socket: ClientConnection, listen_secs: float) -> None:
        """Hear so much of the reply under way, then have it stopped; none is no harm."""
        await self._until(lambda: self._log.heard_secs(self._clock()) >= listen_secs)
        if not self._log.quiet(self._clock()):
            await _send(socket, type="response.cancel")

    async def _until_cut_in(self, cut_in_secs: float, script: CallScript) -> None:
        """Until the reply has been audible for so long, or is over before that."""
        turn = self._log.turns[-1]

        def due() -> bool:
            if not turn.replies:
                return False
            heard_at = self._speaker.first_audible_at(turn.replies[-1].response_id)
            over = turn.replies[-1].status != "in_progress" and self._log.quiet(self._clock())
            return over or (heard_at is not None and self._clock() >= heard_at + cut_in_secs)

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(script.reply_timeout_secs):
                await self._until(due)

    async def _until_quiet(self, script: CallScript) -> None:
        """Until no reply is under way and the speaker has been silent for a while."""
        quiet_since = self._clock()

        def settled() -> bool:
            nonlocal quiet_since
            if not self._log.quiet(self._clock()):
                quiet_since = self._clock()
            return self._clock() - quiet_since >= script.settle_secs

        await self._until(settled)

    async def _until(self, condition: Callable[[], bool]) -> None:
        """Wait; the microphone's chunks are the beat at which `condition` is asked."""
        async with self._tick:
            await self._tick.wait_for(condition)

    def _elapsed(self) -> float:
        return self._clock() - self._started_at

    def _instant(self, line_sample: int) -> float:
        """When a sample of the microphone line sounds."""
        return self._started_at + line_sample / self._rate_hz

    def _report(self) -> CallReport:
        turns = tuple(self._log.report(turn, self._instant) for turn in self._log.turns)
        log = self._log
        return CallReport(
            log.call_id, turns, tuple(log.errors), self._recording(), tuple(log.acknowledgements)
        )

    def _recording(self) -> Int16Array:
        caller = np.concatenate(self._line)
        if self._rate_hz != OUTPUT_RATE_HZ:
            caller = soxr.resample(caller, self._rate_hz, OUTPUT_RATE_HZ)
        bot = self._speaker.render(self._started_at, len(caller))
        return np.stack([caller, bot], axis=1)


async def _send(socket: ClientConnection, **event: Any) -> None:
    await socket.send(json.dumps(event))


def _ended_by_server(closed: websockets.ConnectionClosed) -> OverloadedError | ProtocolError:
    code = closed.rcvd.code if closed.rcvd else 1006
    if code == _CLOSE_TRY_LATER:
        return OverloadedError("the server takes no more calls now")
    return ProtocolError(f"the server ended the call (code {code})", close_code=code)
