"""Cuts the microphone's stream into windows and says of each whether somebody speaks."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from pipecat.frames.frames import Frame, InputAudioRawFrame
from pipecat.processors.frame_processor import FrameDirection

from pipeline.audio import INPUT_RATE_HZ, WINDOW_SAMPLES, Int16Array, pcm_to_int16
from pipeline.frames import WindowFrame
from pipeline.stage import Stage
from pipeline.vad.gate import SpeechGate


class VoiceActivityStream(Protocol):
    """One call's voice activity model state."""

    def probability(self, window: Int16Array) -> float:
        """Probability of speech in the next window of 512 samples at 16 kHz."""
        ...


class VoiceActivity(Protocol):
    """A voice activity model loaded once per process."""

    def open(self) -> VoiceActivityStream:
        """State for one call."""
        ...


class VadStage(Stage):
    """Consumes `InputAudioRawFrame`s of any length, pushes `WindowFrame`s.

    The model runs on the event loop: 0.2 ms per 32 ms of audio is less than a hand-over
    to a thread and back costs on two busy cores. pipecat's own VAD waits 0.2 s before it
    reports either edge and reports no silence in between, hence our own gate.
    """

    def __init__(self, stream: VoiceActivityStream, gate: SpeechGate) -> None:
        super().__init__(name="vad")
        self._stream = stream
        self._gate = gate
        self._rest = np.zeros(0, dtype=np.int16)
        self._end_sample = 0

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        if not isinstance(frame, InputAudioRawFrame):
            await self.push_frame(frame, direction)
            return
        samples = np.concatenate((self._rest, pcm_to_int16(frame.audio)))
        # The frame's last sample has just arrived; earlier ones came before it.
        arrived_at = self.now()
        n_windows, n_rest = divmod(len(samples), WINDOW_SAMPLES)
        for index in range(n_windows):
            window = samples[index * WINDOW_SAMPLES : (index + 1) * WINDOW_SAMPLES]
            self._end_sample += WINDOW_SAMPLES
            behind_samples = len(samples) - (index + 1) * WINDOW_SAMPLES
            state = self._gate.feed(window, self._stream.probability(window))
            await self.push_frame(
                WindowFrame(
                    window, self._end_sample, arrived_at - behind_samples / INPUT_RATE_HZ, state
                )
            )
        self._rest = samples[len(samples) - n_rest :]
