"""The barge-in bench's echoes in stream time: the bot hears itself, and a caller over it.

The bot's real voice comes back through a simulated room that nobody cancels. Voice activity,
recogniser, echo floor, turn machine and policy are the real ones; only the recogniser's time
is fixed.
"""

from __future__ import annotations

import numpy as np
import pytest
import soxr

from agent import config, engines
from agent.bench.barge_in.caller import DEVICE_DELAY_SECS
from agent.bench.barge_in.run import clip_of_event
from agent.bench.barge_in.script import Event, EventCall, load_calls
from agent.bench.voices import RATE_HZ, Studio
from agent.local.room import Echo, impulse_response
from pipeline.audio import (
    INPUT_RATE_HZ,
    OUTPUT_RATE_HZ,
    WINDOW_SAMPLES,
    FloatArray,
    float_to_int16,
    int16_to_float,
    level_dbfs,
)
from pipeline.echo import SLOT_SECS, EchoFloor
from pipeline.interruption import InterruptionPolicy
from pipeline.playout.stage import PROGRESS_SLOTS
from pipeline.sounds import sound_of
from pipeline.stt.base import Recogniser
from pipeline.stt.planner import DecodePlanner
from pipeline.text import Language
from pipeline.tts.base import SpeechStyle, Voice
from pipeline.turn.endpointing import TurnSettings
from pipeline.turn.machine import TurnMachine
from pipeline.vad.gate import SpeechGate
from pipeline.vad.silero import SileroModel
from tests.e2e.test_barge_in_clips import NOISE_DBFS, USUAL_DBFS, Overlap

pytestmark = [pytest.mark.models, pytest.mark.slow]

LEAD_SECS, TAIL_SECS = 1.0, 3.0
PROGRESS_WINDOWS = 3  # 0.1 s
LOUD_ECHO_DB = -15.0
PASSAGES: dict[Language, str] = {
    "zh": "我们先做一个放松的练习。请你找一个舒服的位置坐好，把双脚平放在地上，肩膀慢慢放下来。"
    "现在轻轻地吸一口气，感觉空气从鼻子进来，一直走到肚子里，然后再慢慢地呼出去。",
    "en": "Let us try a small exercise together. Find a comfortable seat, put both feet on the "
    "floor, and let your shoulders sink. Breathe in through your nose, feel the air move down.",
}


class Bot:
    """A loudspeaker that says a passage and falls silent while the floor is not its own."""

    def __init__(self, voice: Voice, language: Language, echo_db: float) -> None:
        self.text = PASSAGES[language]
        chunks = voice.synthesise(self.text, SpeechStyle(), lambda: False)
        spoken = int16_to_float(np.concatenate([chunk.pcm for chunk in chunks]))
        self.voice: FloatArray = soxr.resample(spoken, OUTPUT_RATE_HZ, INPUT_RATE_HZ)
        response = impulse_response(INPUT_RATE_HZ, gain_db=echo_db)
        self._echo = Echo(response, round(DEVICE_DELAY_SECS * INPUT_RATE_HZ))
        self.played = 0

    def echo(self, *, silent: bool) -> FloatArray:
        """What comes back during one more window."""
        block = np.zeros(WINDOW_SAMPLES, np.float32)
        if not silent:
            said = self.voice[self.played : self.played + WINDOW_SAMPLES]
            block[: len(said)] = said
            self.played += WINDOW_SAMPLES
        return self._echo.feed(block)

    def levels_dbfs(self) -> list[float]:
        """Of what is played next, as playout tells them."""
        slot = round(SLOT_SECS * INPUT_RATE_HZ)
        ahead = float_to_int16(self.voice[self.played : self.played + PROGRESS_SLOTS * slot])
        return [level_dbfs(ahead[at : at + slot]) for at in range(0, len(ahead), slot)]

    def tell(self, machine: TurnMachine) -> None:
        """What was heard of the passage, as if its characters were equally long."""
        chars = round(len(self.text) * min(1.0, self.played / len(self.voice)))
        machine.on_playout_progress(self.text[:chars], self.text[chars:], all_said=False)


async def play(
    event: Event,
    call: EventCall,
    studio: Studio,
    silero: SileroModel,
    recogniser: Recogniser,
    voice: Voice,
) -> Overlap:
    assert call.echo_db is not None
    clip = clip_of_event(event, studio)
    caller = soxr.resample(int16_to_float(clip.samples), RATE_HZ, INPUT_RATE_HZ)
    # By then the echo has been learnt, as after the first sentence of a call.
    said_at = round((LEAD_SECS + 1.0 + event.delay_secs) * INPUT_RATE_HZ)
    caller = np.pad(caller, (said_at, round(TAIL_SECS * INPUT_RATE_HZ)))
    noise = np.random.default_rng(1).standard_normal(len(caller)) * 10 ** (NOISE_DBFS / 20)
    bot, floor = Bot(voice, call.language, call.echo_db), EchoFloor()
    machine = TurnMachine(TurnSettings(), InterruptionPolicy(sound_of=sound_of))
    machine.floor.usual_dbfs = USUAL_DBFS
    machine.respond()
    machine.on_playout_started(1)
    overlap = Overlap(call.language, machine, DecodePlanner(None, call.language))
    gate, stream = SpeechGate(), silero.open()
    for number, start in enumerate(range(0, len(caller) - WINDOW_SAMPLES + 1, WINDOW_SAMPLES)):
        at_secs = (start + WINDOW_SAMPLES) / INPUT_RATE_HZ
        silent = at_secs < LEAD_SECS or machine.floor.reply.paused or machine.reply == "none"
        if number % PROGRESS_WINDOWS == 0 and not silent:
            bot.tell(machine)
            floor.note_voice(start / INPUT_RATE_HZ, bot.levels_dbfs())
        line = (caller + noise)[start : start + WINDOW_SAMPLES] + bot.echo(silent=silent)
        window = float_to_int16(line.astype(np.float32))
        overlap.window(
            start + WINDOW_SAMPLES,
            window,
            gate.feed(window, stream.probability(window)),
            at_secs - said_at / INPUT_RATE_HZ,
            echo_dbfs=floor.hear(at_secs, level_dbfs(window)),
        )
        await overlap.recognise(recogniser, at_secs - said_at / INPUT_RATE_HZ)
    return overlap


async def test_over_its_own_echo_the_bot_hears_the_caller_and_not_itself() -> None:
    """In both languages; at -10 dB the echo is as loud as the caller, who may be missed."""
    settings = config.load().settings
    studio, silero = Studio(settings), SileroModel()
    recogniser, voice = engines.load_recogniser(settings), engines.load_speaker(settings)
    wrong: list[str] = []
    try:
        for call in load_calls(["echo", "command over echo"]):
            assert call.echo_db is not None
            for event in call.events:
                name = f"{event.event_id} at {call.echo_db} dB"
                overlap = await play(event, call, studio, silero, recogniser, voice)
                if not event.stops:
                    # Before the echo is learnt its first words pause the bot, and no more.
                    assert overlap.paused_at is None or overlap.paused_at < 0.0, name
                stopped = overlap.stopped_at is not None
                if stopped != event.stops and (stopped or call.echo_db < LOUD_ECHO_DB):
                    wrong.append(name)
    finally:
        await recogniser.close()
    assert wrong == []
