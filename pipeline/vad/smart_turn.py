"""smart-turn v3.2: how finished a turn sounds; one ONNX session for the whole process."""

from __future__ import annotations

import threading
from importlib import resources

import numpy as np
import onnxruntime
from pipecat.audio.turn.smart_turn._whisper_features import compute_whisper_log_mel_features

from pipeline.audio import INPUT_RATE_HZ, FloatArray

HORIZON_SECS = 8.0  # the model's input; longer turns are heard from their end
HORIZON_SAMPLES = round(HORIZON_SECS * INPUT_RATE_HZ)


class SmartTurn:
    """The model bundled with pipecat.

    `LocalSmartTurnAnalyzerV3` loads its own 30 MB session per call and decides by a fixed
    threshold; this shares one session and returns the bare probability. Loading takes
    about 300 ms and a call about 50 ms on one thread: keep both off the event loop.
    """

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.inter_op_num_threads = 1
        options.intra_op_num_threads = 1
        data = resources.files("pipecat.audio.turn.smart_turn.data")
        path = str(data.joinpath("smart-turn-v3.2-cpu.onnx"))
        self._session = onnxruntime.InferenceSession(
            path, sess_options=options, providers=["CPUExecutionProvider"]
        )
        # One run at a time: four at once took 390 ms on two cores and starved the call.
        self._lock = threading.Lock()

    def probability(self, audio: FloatArray) -> float:
        """Probability that the speaker has finished their turn.

        Args:
            audio: The turn so far, float32, shape (n_samples,), range [-1, 1], mono,
                16 kHz. Only the last HORIZON_SECS count; shorter audio is preceded by
                silence, and empty audio is legal.

        Any thread may call this; calls wait for each other.
        """
        audio = audio[-HORIZON_SAMPLES:]
        padded = np.pad(audio, (HORIZON_SAMPLES - len(audio), 0))
        features = compute_whisper_log_mel_features(padded, do_normalize=True)
        with self._lock:
            output = self._session.run(None, {"input_features": features[np.newaxis]})
        return float(np.asarray(output[0]).reshape(-1)[0])
