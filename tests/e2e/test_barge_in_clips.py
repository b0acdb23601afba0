"""The clips of the barge-in bench in stream time: a busy machine cannot spoil the verdicts.

Voice activity, recogniser, turn machine and policy are the real ones; only the recogniser's
time is fixed, at what it takes on two idle cores. The bench measures the same over the wire.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
import soxr

from agent import config, engines
from agent.bench.barge_in.run import clip_of_event
from agent.bench.barge_in.script import Event, load_calls
from agent.bench.voices import RATE_HZ, Studio
from pipeline.audio import INPUT_RATE_HZ, WINDOW_SAMPLES, Int16Array, float_to_int16, level_dbfs
from pipeline.interruption import InterruptionPolicy
from pipeline.sounds import sound_of
from pipeline.stt.base import Hypothesis, Recogniser
from pipeline.stt.planner import DecodePlanner, DecodeRequest
from pipeline.text import Language
from pipeline.turn.actions import Action, BeginTurn, BeginUtterance, Discard, Pause, SoftEnd
from pipeline.turn.endpointing import TurnSettings
from pipeline.turn.machine import TurnMachine
from pipeline.vad.gate import SpeechGate, VadState
from pipeline.vad.silero import SileroModel

pytestmark = [pytest.mark.models, pytest.mark.slow]

DECODE_SECS = 0.12
LEAD_SECS, TAIL_SECS = 2.0, 3.0
NOISE_DBFS, USUAL_DBFS = -65.0, -25.0
BOT = {
    "zh": ("我们先做一个放松的练习。", "请你找一个舒服的位置坐好，"),
    "en": ("Let us try a small exercise together. ", "Find a comfortable seat,"),
}


@dataclass
class Overlap:
    """A clip over the bot, window by window.

    Attributes:
        paused_at, stopped_at: Stream seconds after the clip's first audible sample.
    """

    language: Language
    machine: TurnMachine
    planner: DecodePlanner
    paused_at: float | None = None
    stopped_at: float | None = None
    turn_id: str = ""
    soft_end: int | None = None
    waiting: list[tuple[float, DecodeRequest, Hypothesis]] = field(default_factory=list)

    def carry_out(self, actions: list[Action], at: float) -> None:
        for action in actions:
            match action:
                case BeginUtterance(turn_id, start_sample, overlap):
                    self.turn_id, self.soft_end = turn_id, None
                    self.planner.begin(start_sample, urgent=overlap)
                case SoftEnd(generation):
                    self.soft_end = generation
                case Discard():
                    self.planner.end()
                case Pause() if self.paused_at is None:
                    self.paused_at = at
                case BeginTurn() if self.stopped_at is None:
                    self.stopped_at = at

    def window(
        self,
        end: int,
        samples: Int16Array,
        vad: VadState,
        at: float,
        echo_dbfs: float | None = None,
    ) -> None:
        suspected = vad.suspected is not None and self.machine.reply != "none"
        self.planner.push(samples, vad.last_voiced_sample)
        actions = self.machine.on_window(
            end / INPUT_RATE_HZ,
            speaking=vad.speaking or suspected,
            silence_secs=0.0 if suspected else vad.silence_secs,
            onset_sample=vad.suspected if suspected else vad.onset,
            last_voiced_sample=vad.last_voiced_sample,
            level_dbfs=level_dbfs(samples),
            echo_dbfs=echo_dbfs,
        )
        self.carry_out(actions, at)

    async def recognise(self, recogniser: Recogniser, at: float) -> None:
        """Take the answers that are due, and ask for the next."""
        for answer in [answer for answer in self.waiting if answer[0] <= at]:
            self.waiting.remove(answer)
            state = self.planner.apply(answer[1], answer[2])
            self._tell(None, state.text, at)
        request = self.planner.plan()
        if request is None and self.soft_end is not None:
            request = self.planner.final_request(self.planner.last_voiced_sample)
        if request is not None:
            hypothesis = await recogniser.decode(
                request.audio, language=request.language, prompt=request.prompt,
                priority=request.priority,
            )  # fmt: skip
            self.waiting.append((at + DECODE_SECS, request, hypothesis))
        if self.soft_end is not None and self.planner.active and self.planner.state.complete:
            generation, self.soft_end = self.soft_end, None
            self._tell(generation, self.planner.state.text, at)

    def _tell(self, generation: int | None, text: str, at: float) -> None:
        actions = self.machine.on_transcript(self.turn_id, generation, text, self.language)
        self.carry_out(actions, at)


async def play(
    event: Event, language: Language, studio: Studio, silero: SileroModel, recogniser: Recogniser
) -> Overlap:
    clip = clip_of_event(event, studio)
    spoken = soxr.resample(clip.samples / np.float32(32_768), RATE_HZ, INPUT_RATE_HZ)
    margins = (round(LEAD_SECS * INPUT_RATE_HZ), round(TAIL_SECS * INPUT_RATE_HZ))
    line = np.pad(spoken, margins)
    noise = np.random.default_rng(1).standard_normal(len(line)) * 10 ** (NOISE_DBFS / 20)
    samples = float_to_int16((line + noise).astype(np.float32))
    policy = InterruptionPolicy(sound_of=sound_of)
    machine = TurnMachine(TurnSettings(), policy)
    machine.floor.usual_dbfs = USUAL_DBFS  # as after the caller's first turn
    machine.respond()
    machine.on_playout_started(1)
    machine.on_playout_progress(*BOT[language], all_said=False)
    overlap = Overlap(language, machine, DecodePlanner(None, language))
    gate, stream = SpeechGate(), silero.open()
    first_at = LEAD_SECS + clip.speech_start / RATE_HZ
    for start in range(0, len(samples) - WINDOW_SAMPLES + 1, WINDOW_SAMPLES):
        window = samples[start : start + WINDOW_SAMPLES]
        end = start + WINDOW_SAMPLES
        at = end / INPUT_RATE_HZ - first_at
        overlap.window(end, window, gate.feed(window, stream.probability(window)), at)
        await overlap.recognise(recogniser, at)
    return overlap


async def test_the_bench_is_passed_in_stream_time() -> None:
    """Commands stop, backchannels and noises do not, and the pause comes at once."""
    settings = config.load().settings
    studio, silero = Studio(settings), SileroModel()
    recogniser = engines.load_recogniser(settings)
    heard: list[tuple[Event, Overlap]] = []
    try:
        for call in load_calls():
            if call.echo_db is None:
                for event in call.events:
                    overlap = await play(event, call.language, studio, silero, recogniser)
                    heard.append((event, overlap))
    finally:
        await recogniser.close()
    wanted = [overlap.stopped_at is not None for event, overlap in heard if event.stops]
    unwanted = [event.event_id for event, one in heard if not event.stops and one.stopped_at]
    assert np.mean(wanted) >= 0.97
    assert len(unwanted) <= 0.03 * sum(not event.stops for event, _ in heard), unwanted
    pauses = [
        overlap.paused_at
        for event, overlap in heard
        if event.kind in ("command", "correction", "backchannel")
    ]
    assert None not in pauses
    assert np.percentile([at for at in pauses if at is not None], 95) <= 0.13  # 20 ms for the wire
