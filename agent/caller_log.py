"""What a scripted caller notices of a call: every server event with its time. Pure."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from agent.caller_clip import Clip
from agent.caller_report import AnswerReport, TurnReport
from agent.caller_speaker import SimulatedSpeaker
from pipeline.audio import OUTPUT_RATE_HZ, pcm_to_int16
from pipeline.text import join


@dataclass(slots=True)
class Reply:
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
class Turn:
    """One turn of the script, as it went."""

    clip: Clip
    begin_sample: int  # of the microphone line
    transcripts: list[str] = field(default_factory=list)
    transcripts_at: list[float] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    cut_reply: Reply | None = None
    first_stop_at: float | None = None


class CallLog:
    """The replies and turns of one call, filled from its events.

    Args:
        speaker: Plays what arrives and obeys the server's orders.
        extended: Whether the server sends `qingting.*` events.

    Attributes:
        call_id: The server's name for the call, "" until it says one.
        errors: Code of each `error` event.
        acknowledgements: What the bot said into pauses, in order of time.
        replies: By response id, in order of time.
        turns: In order of the script; the last one is under way.
    """

    def __init__(self, speaker: SimulatedSpeaker, *, extended: bool) -> None:
        self.call_id = ""
        self.errors: list[str] = []
        self.acknowledgements: list[str] = []
        self.replies: dict[str, Reply] = {}
        self.turns: list[Turn] = []
        self._speaker = speaker
        self._extended = extended

    def begin_turn(self, clip: Clip, begin_sample: int, *, cutting_in: bool) -> None:
        """The caller begins to say `clip`, at a sample of the microphone line."""
        turn = Turn(clip, begin_sample)
        if cutting_in and self.turns and self.turns[-1].replies:
            turn.cut_reply = self.turns[-1].replies[-1]
        self.turns.append(turn)

    def quiet(self, now: float) -> bool:
        """Whether no reply is under way and none is sounding."""
        under_way = any(reply.status == "in_progress" for reply in self.replies.values())
        return not under_way and self._speaker.silent(now)

    def heard_secs(self, now: float) -> float:
        """How long the replies under way have been audible; infinite if there is none."""
        under_way = [r for r in self.replies.values() if r.status == "in_progress"]
        if not under_way and self._speaker.silent(now):
            return float("inf")
        heard_at = [self._speaker.first_audible_at(reply.response_id) for reply in under_way]
        return max((now - at for at in heard_at if at is not None), default=0.0)

    def take(self, event: dict[str, Any], now: float) -> None:
        """Note one event of the server, which arrived at `now`."""
        reply = self.replies.get(event.get("response_id", ""))
        match event["type"]:
            case "error":
                self.errors.append(str(event["error"].get("code")))
            case "qingting.hello":
                self.call_id = event["call_id"]
            case "conversation.item.input_audio_transcription.completed":
                if self.turns and event["transcript"]:
                    self.turns[-1].transcripts.append(event["transcript"])
                    self.turns[-1].transcripts_at.append(now)
            case "response.created":
                begun = Reply(event["response"]["id"], now)
                self.replies[begun.response_id] = begun
                if self.turns:
                    self.turns[-1].replies.append(begun)
            case "response.output_audio_transcript.delta" if reply:
                reply.text += event["delta"]
                reply.first_text_at = reply.first_text_at or now
            case "response.output_audio.delta" if reply:
                reply.first_audio_at = reply.first_audio_at or now
                samples = pcm_to_int16(base64.b64decode(event["delta"]))
                self._speaker.receive(reply.response_id, samples, now)
            case "qingting.acknowledgement":
                samples = pcm_to_int16(base64.b64decode(event["audio"]))
                self._speaker.acknowledge(samples, now)
                self.acknowledgements.append(event["text"])
            case "response.done":
                self._finish(event["response"], now)
            case "input_audio_buffer.speech_started" if not self._extended:
                for response_id in self.replies:
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
        reply = self.replies.get(response["id"])
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
        if self.turns and self.turns[-1].first_stop_at is None:
            self.turns[-1].first_stop_at = now

    def report(self, turn: Turn, instant: Callable[[int], float]) -> TurnReport:
        """What became of one turn.

        Args:
            turn: One of `turns`.
            instant: When a sample of the microphone line sounded.
        """
        clip = turn.clip
        speech_end_at = instant(turn.begin_sample + clip.speech_end)
        audible = [r for r in turn.replies if self._speaker.first_audible_at(r.response_id)]
        reply = (audible or turn.replies or [Reply("", speech_end_at, status="none")])[-1]
        first_playout_at = self._speaker.first_audible_at(reply.response_id)
        acknowledged_at = self._speaker.first_acknowledged_at(speech_end_at, first_playout_at)
        gaps_secs = self._speaker.gaps_secs(reply.response_id)
        seen_at = {
            "speech_end": speech_end_at,
            "transcript_final": turn.transcripts_at[-1] if turn.transcripts_at else None,
            "turn_commit": reply.created_at if turn.replies else None,
            "first_token": reply.first_text_at,
            "first_audio": reply.first_audio_at,
            "first_playout": first_playout_at,
        }

        def after_ms(at: float) -> float:
            return round((at - speech_end_at) * 1000, 1)

        marks_ms = {mark: after_ms(at) for mark, at in seen_at.items() if at is not None}
        transcript = ""
        for piece in turn.transcripts:
            transcript = join(transcript, piece)
        interruption_ms, pause_ms = self._interruption(turn, instant)
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
            acknowledged_ms=None if acknowledged_at is None else after_ms(acknowledged_at),
            server_response_latency_ms=reply.server_latency_ms,
            reply_audio_secs=round(len(self._speaker.audio(reply.response_id)) / OUTPUT_RATE_HZ, 3),
            replies=len(turn.replies),
            underruns=len(gaps_secs),
            underrun_secs=round(sum(gaps_secs), 3),
            interruption_latency_ms=interruption_ms,
            pause_latency_ms=pause_ms,
            ledger=reply.ledger,
            answers=tuple(self._answer(one, after_ms) for one in turn.replies),
            commits_ms=tuple(after_ms(at) for at in turn.transcripts_at),
        )

    def _answer(self, reply: Reply, after_ms: Callable[[float], float]) -> AnswerReport:
        audible_at = self._speaker.first_audible_at(reply.response_id)
        return AnswerReport(
            begun_ms=after_ms(reply.created_at),
            audible_ms=None if audible_at is None else after_ms(audible_at),
            gaps_ms=tuple(
                round(gap * 1000, 1) for gap in self._speaker.gaps_secs(reply.response_id)
            ),
            status=reply.status,
        )

    def _interruption(
        self, turn: Turn, instant: Callable[[int], float]
    ) -> tuple[float | None, float | None]:
        """How long the bot was heard, and how long until it was told to stop, in ms."""
        if turn.cut_reply is None:
            return None, None
        speech_at = instant(turn.begin_sample + turn.clip.speech_start)
        last_at = self._speaker.last_played_at(turn.cut_reply.response_id)
        heard_ms = None if last_at is None else round((last_at - speech_at) * 1000, 1)
        stop_at = turn.first_stop_at
        return heard_ms, None if stop_at is None else round((stop_at - speech_at) * 1000, 1)
