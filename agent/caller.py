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
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
import soxr
import websockets
from websockets.asyncio.client import ClientConnection

from agent.caller_clip import Clip
from agent.caller_report import CallReport, TurnReport
from agent.caller_speaker import JITTER_SECS, SimulatedSpeaker
from pipeline.audio import OUTPUT_RATE_HZ, Int16Array, pcm_to_int16
from pipeline.errors import ConfigError, OverloadedError, ProtocolError
from pipeline.text import join

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
        lead_in_secs: Silence before the first clip; a greeting is heard out as well.
        settle_secs: Quiet after a reply before it counts as over.
        reply_timeout_secs: Wait for a reply to end, from the end of the clip on.
    """

    turns: tuple[ScriptedTurn, ...]
    lead_in_secs: float = 0.6
    settle_secs: float = 0.6
    reply_timeout_secs: float = 45.0


@dataclass(slots=True)
class _Reply:
    """One response, as it arrived; instants are None until they come."""

    response_id: str
    created_at: float
    first_text_at: float | None = None
    first_audio_at: float | None = None
    text: str = ""
    heard_text: str | None = None
    heard_is_estimated: bool = True
    status: str = "in_progress"
    reported_samples: int = 0
    server_marks_ms: dict[str, float] = field(default_factory=dict)
    server_latency_ms: float | None = None
    ledger: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class _Turn:
    """One scripted turn under way."""

    scripted: ScriptedTurn
    begin_sample: int  # of the microphone line
    transcripts: list[str] = field(default_factory=list)
    transcript_at: float | None = None
    replies: list[_Reply] = field(default_factory=list)
    cut_reply: _Reply | None = None
    first_stop_at: float | None = None


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
        self._tick = asyncio.Condition()
        self._last_report_at = float("-inf")
        self._call_id = ""
        self._errors: list[str] = []
        self._replies: dict[str, _Reply] = {}
        self._turns: list[_Turn] = []

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
            asyncio.create_task(self._follow(script), name="caller-script"),
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
                self._url, additional_headers=headers, compression=None, max_size=None
            )
        except websockets.InvalidURI as error:
            raise ConfigError(f"{self._url} is not a WebSocket address (ws://…)") from error
        except (OSError, websockets.InvalidHandshake, TimeoutError) as error:
            raise ProtocolError(f"no call can be opened at {self._url}") from error

    async def _introduce(self, socket: ClientConnection) -> None:
        if self._extended:
            await _send(socket, type="qingting.hello", version=1, reports_playout=True)
        listening: dict[str, Any] = {"format": {"type": "audio/pcm", "rate": self._rate_hz}}
        if self._language:
            listening["transcription"] = {"language": self._language}
        session = {"type": "realtime", "audio": {"input": listening}}
        await _send(socket, type="session.update", session=session)

    async def _speak(self, socket: ClientConnection) -> None:
        """The microphone: one chunk each 20 ms, late ones at once."""
        chunk_samples = round(CHUNK_SECS * self._rate_hz)
        while True:
            chunk = np.zeros(chunk_samples, dtype=np.int16)
            said = self._to_say[:chunk_samples]
            chunk[: len(said)] = said
            self._to_say = self._to_say[len(said) :]
            self._line.append(chunk)
            self._line_samples += chunk_samples
            due_at = self._instant(self._line_samples)
            await asyncio.sleep(max(0.0, due_at - self._clock()))
            audio = base64.b64encode(chunk.tobytes()).decode("ascii")
            await _send(socket, type="input_audio_buffer.append", audio=audio)
            await self._report_played(socket)
            async with self._tick:
                self._tick.notify_all()

    async def _report_played(self, socket: ClientConnection) -> None:
        now = self._clock()
        if not self._extended or now - self._last_report_at < REPORT_SECS:
            return
        self._last_report_at = now
        for reply in self._replies.values():
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
            self._take(json.loads(message), self._clock())
        await socket.wait_closed()
        raise ProtocolError(
            f"the server ended the call (code {socket.close_code})", close_code=socket.close_code
        )

    # ---- the script ----

    async def _follow(self, script: CallScript) -> None:
        await self._until(lambda: self._elapsed() >= script.lead_in_secs)
        await self._until_quiet(script)
        for index, scripted in enumerate(script.turns):
            await self._say(scripted)
            following = script.turns[index + 1] if index + 1 < len(script.turns) else None
            if following is None or following.cut_in_secs is None:
                await self._until_answered(script)
            else:
                await self._until_cut_in(following.cut_in_secs, script)

    async def _say(self, scripted: ScriptedTurn) -> None:
        turn = _Turn(scripted, begin_sample=self._line_samples)
        if scripted.cut_in_secs is not None and self._turns and self._turns[-1].replies:
            turn.cut_reply = self._turns[-1].replies[-1]
        self._turns.append(turn)
        self._to_say = scripted.clip.samples
        await self._until(lambda: not len(self._to_say))

    async def _until_answered(self, script: CallScript) -> None:
        """Until a reply has come and is over, or none comes in time."""
        turn = self._turns[-1]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(script.reply_timeout_secs):
                await self._until(lambda: bool(turn.replies))
                await self._until_quiet(script)

    async def _until_cut_in(self, cut_in_secs: float, script: CallScript) -> None:
        """Until the reply has been audible for so long, or is over before that."""
        turn = self._turns[-1]

        def due() -> bool:
            if not turn.replies:
                return False
            heard_at = self._speaker.first_audible_at(turn.replies[-1].response_id)
            over = turn.replies[-1].status != "in_progress" and self._quiet()
            return over or (heard_at is not None and self._clock() >= heard_at + cut_in_secs)

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(script.reply_timeout_secs):
                await self._until(due)

    async def _until_quiet(self, script: CallScript) -> None:
        """Until no reply is under way and the speaker has been silent for a while."""
        quiet_since = self._clock()

        def settled() -> bool:
            nonlocal quiet_since
            if not self._quiet():
                quiet_since = self._clock()
            return self._clock() - quiet_since >= script.settle_secs

        await self._until(settled)

    async def _until(self, condition: Callable[[], bool]) -> None:
        """Wait; the microphone's chunks are the beat at which `condition` is asked."""
        async with self._tick:
            await self._tick.wait_for(condition)

    def _quiet(self) -> bool:
        under_way = any(reply.status == "in_progress" for reply in self._replies.values())
        return not under_way and self._speaker.silent(self._clock())

    def _elapsed(self) -> float:
        return self._clock() - self._started_at

    def _instant(self, line_sample: int) -> float:
        """When a sample of the microphone line sounds."""
        return self._started_at + line_sample / self._rate_hz

    # ---- what the server says ----

    def _take(self, event: dict[str, Any], now: float) -> None:
        reply = self._replies.get(event.get("response_id", ""))
        match event["type"]:
            case "error":
                self._errors.append(str(event["error"].get("code")))
            case "qingting.hello":
                self._call_id = event["call_id"]
            case "conversation.item.input_audio_transcription.completed":
                if self._turns and event["transcript"]:
                    self._turns[-1].transcripts.append(event["transcript"])
                    self._turns[-1].transcript_at = now
            case "response.created":
                begun = _Reply(event["response"]["id"], now)
                self._replies[begun.response_id] = begun
                if self._turns:
                    self._turns[-1].replies.append(begun)
            case "response.output_audio_transcript.delta" if reply:
                reply.text += event["delta"]
                reply.first_text_at = reply.first_text_at or now
            case "response.output_audio.delta" if reply:
                reply.first_audio_at = reply.first_audio_at or now
                samples = pcm_to_int16(base64.b64decode(event["delta"]))
                self._speaker.receive(reply.response_id, samples, now)
            case "response.done":
                self._finish(event["response"], now)
            case "input_audio_buffer.speech_started" if not self._extended:
                for response_id in self._replies:
                    self._stop(response_id, now)
            case "qingting.playout.pause":
                self._note_stop(now)
                self._speaker.pause(event["response_id"], now)
            case "qingting.playout.resume":
                self._speaker.resume(event["response_id"], event["from_sample"], now)
            case "qingting.playout.flush":
                self._stop(event["response_id"], now)
            case "qingting.reply.heard" if reply:
                reply.heard_text = event["heard_text"]
                reply.heard_is_estimated = event["estimated"]
                reply.status = event["status"]
            case "qingting.turn.measured" if reply:
                reply.server_marks_ms = event["marks_ms"]
                reply.server_latency_ms = event["response_latency_ms"]
                reply.ledger = event["ledger"]

    def _finish(self, response: dict[str, Any], now: float) -> None:
        reply = self._replies.get(response["id"])
        if reply is None:
            return
        if reply.status == "in_progress":
            reply.status = response["status"]
        if response["status"] != "completed":
            self._stop(reply.response_id, now)

    def _stop(self, response_id: str, now: float) -> None:
        self._note_stop(now)
        self._speaker.flush(response_id, now)

    def _note_stop(self, now: float) -> None:
        if self._turns and self._turns[-1].first_stop_at is None:
            self._turns[-1].first_stop_at = now

    # ---- the report ----

    def _report(self) -> CallReport:
        turns = tuple(self._turn_report(turn) for turn in self._turns)
        return CallReport(self._call_id, turns, tuple(self._errors), self._recording())

    def _turn_report(self, turn: _Turn) -> TurnReport:
        clip = turn.scripted.clip
        speech_end_at = self._instant(turn.begin_sample + clip.speech_end)
        audible = [r for r in turn.replies if self._speaker.first_audible_at(r.response_id)]
        reply = (audible or turn.replies or [_Reply("", speech_end_at, status="none")])[-1]
        first_playout_at = self._speaker.first_audible_at(reply.response_id)
        underruns, underrun_secs = self._speaker.underruns(reply.response_id)
        seen_at = {
            "speech_end": speech_end_at,
            "transcript_final": turn.transcript_at,
            "turn_commit": reply.created_at if turn.replies else None,
            "first_token": reply.first_text_at,
            "first_audio": reply.first_audio_at,
            "first_playout": first_playout_at,
        }
        marks_ms = {
            mark: round((at - speech_end_at) * 1000, 1)
            for mark, at in seen_at.items()
            if at is not None
        }
        transcript = ""
        for piece in turn.transcripts:
            transcript = join(transcript, piece)
        interruption_ms, pause_ms = self._interruption(turn)
        return TurnReport(
            clip=clip.name,
            transcript=transcript,
            reply_text=reply.text,
            heard_text=reply.text if reply.heard_text is None else reply.heard_text,
            heard_is_estimated=reply.heard_is_estimated,
            status=reply.status,
            client_marks_ms=marks_ms,
            server_marks_ms=reply.server_marks_ms,
            response_latency_ms=marks_ms.get("first_playout"),
            server_response_latency_ms=reply.server_latency_ms,
            reply_audio_secs=round(len(self._speaker.audio(reply.response_id)) / OUTPUT_RATE_HZ, 3),
            replies=len(turn.replies),
            underruns=underruns,
            underrun_secs=round(underrun_secs, 3),
            interruption_latency_ms=interruption_ms,
            pause_latency_ms=pause_ms,
            ledger=reply.ledger,
        )

    def _interruption(self, turn: _Turn) -> tuple[float | None, float | None]:
        """How long the bot was heard, and how long until it was told to stop, in ms."""
        if turn.cut_reply is None:
            return None, None
        speech_at = self._instant(turn.begin_sample + turn.scripted.clip.speech_start)
        last_at = self._speaker.last_played_at(turn.cut_reply.response_id)
        heard_ms = None if last_at is None else round((last_at - speech_at) * 1000, 1)
        stop_at = turn.first_stop_at
        return heard_ms, None if stop_at is None else round((stop_at - speech_at) * 1000, 1)

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
