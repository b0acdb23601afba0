"""Holds the calls of the bench with a server of its own, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.bench import noise
from agent.bench.barge_in import sounds
from agent.bench.barge_in.caller import BargeInCaller, Observation, silence
from agent.bench.barge_in.measure import EventResult, Summary, measure, summarise
from agent.bench.barge_in.script import Event, EventCall
from agent.bench.scripts import CallerVoice, Turn
from agent.bench.servers import running_systems
from agent.bench.voices import RATE_HZ, Studio
from agent.caller import CallScript, ScriptedTurn
from agent.caller_clip import Clip, clip_of
from agent.config import PersonaSettings, Settings
from pipeline.audio import FloatArray, float_to_int16, int16_to_float
from pipeline.errors import OverloadedError, ProtocolError
from pipeline.text import Language

NARRATOR = "narrator"
_PERSONAS = Path(__file__).parent
# Not the bot's own sound: deeper and slower, as a caller at ease.
_CALLER = CallerVoice(rate=0.95, pitch=0.85, size=1.06)
_OTHER = CallerVoice(rate=1.1, pitch=1.15, size=0.94)
SPEECH_DBFS = -24.0  # a caller half a metre from a notebook
COUGH_DBFS = -20.0


@dataclass(frozen=True, slots=True)
class BargeInResult:
    """All events and what they sum up to.

    Attributes:
        errors: Codes of `error` events, and why calls broke down. The events that such a call
            did not come to are not valid.
    """

    events: tuple[EventResult, ...]
    summary: Summary
    errors: tuple[str, ...]


async def run(
    calls: Sequence[EventCall],
    settings: Settings,
    on_result: Callable[[EventResult], None] = lambda result: None,
) -> BargeInResult:
    """Hold every call, in real time.

    Args:
        calls: From `script.load_calls`.
        settings: Of the server under test; its persona is replaced by the narrator.
        on_result: Told each event's figures as they come.

    Raises:
        ConfigError: The server does not start.
        ModelError: A voice is missing or damaged.

    Cancelling hangs up and ends the server.
    """
    studio = Studio(settings)
    results: list[EventResult] = []
    errors: list[str] = []
    for language in dict.fromkeys(call.language for call in calls):
        chosen = [call for call in calls if call.language == language]
        async with running_systems(["ours"], _narrated(settings, language)) as systems:
            for call in chosen:
                caller, failed = await _hold(call, systems["ours"].url, studio)
                errors += failed
                missed = call.events[len(caller.observations) :]
                for observation in [*caller.observations, *map(Observation, missed)]:
                    spans = caller.spans.get(observation.response_id, [])
                    total = len(caller.audio(observation.response_id))
                    result = measure(observation, spans, total)
                    results.append(result)
                    on_result(result)
    return BargeInResult(tuple(results), summarise(results), tuple(errors))


async def _hold(call: EventCall, url: str, studio: Studio) -> tuple[BargeInCaller, tuple[str, ...]]:
    """The caller with its notes, and what went wrong; one that breaks down is a finding."""
    opening = _said(studio, call.opening, _CALLER, 0.0)
    clips = {event.event_id: clip_of_event(event, studio) for event in call.events}
    caller = BargeInCaller(url, call, lambda event: clips[event.event_id])
    room = noise.white(RATE_HZ, noise.QUIET_ROOM_DBFS)
    try:
        report = await caller.run(CallScript((ScriptedTurn(opening),), background=room))
    except (ProtocolError, OverloadedError) as error:
        return caller, (f"the call of {call.events[0].event_id}: {error.message}",)
    return caller, report.errors


def clip_of_event(event: Event, studio: Studio) -> Clip:
    """What an event sounds like in the microphone."""
    match event.kind:
        case "echo":
            return silence()
        case "cough":
            return _noise(sounds.cough(RATE_HZ, event.number), COUGH_DBFS + event.level_db)
        case "keyboard":
            return _noise(sounds.keyboard(RATE_HZ, event.number), COUGH_DBFS + event.level_db)
        case "other voice":
            return _said(studio, event.say, _OTHER, event.level_db)
        case _:
            return _said(studio, event.say, _CALLER, event.level_db)


def _said(studio: Studio, text: str, voice: CallerVoice, level_db: float) -> Clip:
    clip = studio.record(Turn(text, "short", text, voice)).clip
    gain_db = SPEECH_DBFS + level_db - noise.speech_level_dbfs([clip])
    louder = int16_to_float(clip.samples) * np.float32(10 ** (gain_db / 20))
    return clip_of(float_to_int16(louder), RATE_HZ, name=text)


def _noise(sound: FloatArray, peak_dbfs: float) -> Clip:
    return clip_of(float_to_int16(sound * np.float32(10 ** (peak_dbfs / 20) * 2)), RATE_HZ)


def _narrated(settings: Settings, language: Language) -> Settings:
    locale = "zh-Hans" if language == "zh" else "en"
    persona = PersonaSettings(name=NARRATOR, locale=locale, directory=_PERSONAS)
    server = settings.server.on_loopback()
    return settings.model_copy(update={"persona": persona, "server": server})
