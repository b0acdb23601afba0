"""Silero speech probability: one ONNX session per process, one small state per call.

pipecat's `SileroVADAnalyzer` builds a session for every call (about 10 MB and 100 ms on
the event loop), so only its bundled model file and session settings are used here.
"""

from __future__ import annotations

from importlib import resources

import numpy as np
from pipecat.audio.vad.silero import SileroOnnxModel

from pipeline.audio import INPUT_RATE_HZ, WINDOW_SAMPLES, FloatArray, Int16Array, int16_to_float
from pipeline.errors import AudioFormatError

CONTEXT_SAMPLES = 64  # the model sees the end of the window before, 4 ms at 16 kHz
STATE_SHAPE = (2, 1, 128)

# Non-speech lingers in the recurrent state and hides the speech that follows it. As in
# pipecat 1.14 (`audio/vad/silero.py`) the state is cleared about every two seconds, but
# only after 160 ms of windows that cannot be the inside of a word.
RESET_AFTER_WINDOWS = round(2.0 * INPUT_RATE_HZ / WINDOW_SAMPLES)
RESET_QUIET_WINDOWS = 5
RESET_QUIET_PROBABILITY = 0.1


class SileroModel:
    """The model bundled with pipecat, on one thread; `open` gives each call its state.

    Loading takes about 100 ms: do it at start-up, not on the event loop. Several threads
    may run streams of one model at the same time.
    """

    def __init__(self) -> None:
        path = resources.files("pipecat.audio.vad.data").joinpath("silero_vad.onnx")
        self._session = SileroOnnxModel(str(path)).session  # type: ignore[no-untyped-call]

    def open(self) -> SileroStream:
        """A stream that has heard nothing yet."""
        return SileroStream(self)

    def run(self, samples: FloatArray, state: FloatArray) -> tuple[float, FloatArray]:
        """One step of the network.

        Args:
            samples: float32, shape (1, CONTEXT_SAMPLES + WINDOW_SAMPLES), 16 kHz.
            state: float32, shape STATE_SHAPE.

        Returns:
            Speech probability, and the state for the next step.
        """
        rate = np.array(INPUT_RATE_HZ, dtype=np.int64)
        probability, state = self._session.run(None, {"input": samples, "state": state, "sr": rate})
        return float(probability[0, 0]), state


class SileroStream:
    """Speech probability along one call's audio."""

    def __init__(self, model: SileroModel) -> None:
        self._model = model
        self._quiet_windows = 0
        self.reset()

    def reset(self) -> None:
        """Forget the audio heard so far."""
        self._state: FloatArray = np.zeros(STATE_SHAPE, dtype=np.float32)
        self._context: FloatArray = np.zeros(CONTEXT_SAMPLES, dtype=np.float32)
        self._windows_since_reset = 0

    def probability(self, window: Int16Array) -> float:
        """Probability that the window is speech; takes about 0.2 ms.

        Args:
            window: int16, shape (WINDOW_SAMPLES,), mono, 16 kHz, following the last one.

        Raises:
            AudioFormatError: The window has another length.
        """
        if window.shape != (WINDOW_SAMPLES,):
            raise AudioFormatError(f"Silero needs {WINDOW_SAMPLES} samples, got {window.shape}")
        samples = np.concatenate((self._context, int16_to_float(window)))
        probability, self._state = self._model.run(samples[np.newaxis], self._state)
        self._context = samples[-CONTEXT_SAMPLES:]
        self._reset_when_quiet(probability)
        return probability

    def _reset_when_quiet(self, probability: float) -> None:
        self._windows_since_reset += 1
        quiet = probability < RESET_QUIET_PROBABILITY
        self._quiet_windows = self._quiet_windows + 1 if quiet else 0
        due = self._windows_since_reset >= RESET_AFTER_WINDOWS
        if due and self._quiet_windows >= RESET_QUIET_WINDOWS:
            self.reset()
