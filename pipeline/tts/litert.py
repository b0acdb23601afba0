"""The Mandarin voice's two LiteRT models: phonemes to spectrogram, spectrogram to sound."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from pipeline.audio import FloatArray
from pipeline.errors import ModelCorruptError, ModelMissingError, SynthesisError

HOP_SAMPLES = 300  # 12.5 ms at 24 kHz: one spectrogram frame, `hop_size` of the Baker recipe
MEL_BANDS = 80

# Frames of context on each side after which a piece of the vocoder's output is bit-equal
# to that part of the whole: the reach of its convolutions, 3 frames for the first layer,
# 40/3 + 40/15 + 40/75 for the dilated stacks, the rest for upsampling. 18 is not enough.
CONTEXT_FRAMES = 20

# The vocoder reflects 27 of its 3-per-frame steps at the borders and fails below this.
MIN_FRAMES = 10

# Frames vocoded at a time: little first, so that sound comes early, then more, because
# every piece pays for its context once. A clause of 2 s costs about 1.4 times one pass.
FIRST_PIECES_FRAMES = (12, 20, 40)
LATER_PIECE_FRAMES = 80


@dataclass(frozen=True, slots=True)
class Spectrogram:
    """What the acoustic model made of a phoneme sequence.

    Attributes:
        mel: float32, shape (n_frames, 80), normalised log-mel.
        durations_frames: int32, shape (n_phonemes,); sums to n_frames.
    """

    mel: FloatArray
    durations_frames: npt.NDArray[np.int32]


class _Graph:
    """One interpreter and its lock.

    An interpreter holds the tensors of the run under way, so only one thread may use it.
    The lock is held for one run, not for one text: two callers take turns piece by piece.
    """

    def __init__(self, content: bytes, threads: int) -> None:
        try:
            self._interpreter = Interpreter(model_content=content, num_threads=threads)
        except (RuntimeError, ValueError) as error:
            raise ModelCorruptError("A voice model cannot be loaded by LiteRT") from error
        self._inputs: list[int] = [d["index"] for d in self._interpreter.get_input_details()]
        self._outputs: list[int] = [d["index"] for d in self._interpreter.get_output_details()]
        self._lock = threading.Lock()

    def run(self, inputs: Sequence[npt.NDArray[Any]], outputs: Sequence[int]) -> list[Any]:
        """Copies of the outputs numbered `outputs`; the first input may change its shape.

        Raises:
            SynthesisError: LiteRT failed.
        """
        with self._lock:
            try:
                self._interpreter.resize_tensor_input(self._inputs[0], inputs[0].shape)
                self._interpreter.allocate_tensors()
                for index, value in zip(self._inputs, inputs, strict=True):
                    self._interpreter.set_tensor(index, value)
                self._interpreter.invoke()
                return [self._interpreter.get_tensor(self._outputs[n]) for n in outputs]
            except (RuntimeError, ValueError) as error:
                raise SynthesisError("The Mandarin voice failed to speak") from error


class AcousticModel:
    """FastSpeech2: phoneme ids to a spectrogram, with the durations it decided on."""

    _SPEAKER = np.array([0], np.int32)  # the Baker voice is the only one in the file
    _ENERGY = np.array([1.0], np.float32)
    _MEL_OUTPUT, _DURATION_OUTPUT = 1, 2  # after the postnet; predicted frames per phoneme

    def __init__(self, graph: bytes, threads: int) -> None:
        self._graph = _Graph(graph, threads)

    def spectrogram(self, ids: Sequence[int], *, rate: float, pitch: float) -> Spectrogram:
        """Speak `ids`.

        Args:
            ids: Symbols of the voice's table.
            rate: Speed; 2.0 halves every duration.
            pitch: Ratio applied to the predicted fundamental frequency.

        Raises:
            SynthesisError: LiteRT failed.
        """
        mel, durations = self._graph.run(
            [
                np.asarray([ids], np.int32),
                self._SPEAKER,
                np.array([1.0 / rate], np.float32),  # the graph scales durations, not speed
                np.array([pitch], np.float32),
                self._ENERGY,
            ],
            [self._MEL_OUTPUT, self._DURATION_OUTPUT],
        )
        return Spectrogram(mel[0], durations[0])


class Vocoder:
    """MB-MelGAN: spectrogram to waveform, whole or piece by piece with equal samples."""

    def __init__(self, path: Path, threads: int) -> None:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ModelMissingError(f"The voice model {path.name} cannot be read") from error
        self._graph = _Graph(content, threads)

    def waveform(self, mel: FloatArray) -> FloatArray:
        """float32, shape (n_frames * 300,), 24 kHz, range [-1, 1], for `mel` (n_frames, 80).

        Raises:
            SynthesisError: LiteRT failed.
        """
        frames = len(mel)
        if frames < MIN_FRAMES:
            mel = np.pad(mel, ((0, MIN_FRAMES - frames), (0, 0)), mode="edge")
        (audio,) = self._graph.run([mel[np.newaxis]], [0])
        waveform: FloatArray = audio[0, : frames * HOP_SAMPLES, 0]
        return waveform

    def pieces(self, mel: FloatArray, start: int, end: int) -> Iterator[FloatArray]:
        """Waveform of frames `start` to `end` of `mel` in pieces that join sample-exactly.

        Together they equal `waveform(mel)[start * 300 : end * 300]` bit for bit.
        """
        sizes = iter(FIRST_PIECES_FRAMES)
        while start < end:
            stop = min(end, start + next(sizes, LATER_PIECE_FRAMES))
            first = max(0, min(start - CONTEXT_FRAMES, len(mel) - MIN_FRAMES))
            last = min(len(mel), stop + CONTEXT_FRAMES)
            audio = self.waveform(mel[first:last])
            yield audio[(start - first) * HOP_SAMPLES : (stop - first) * HOP_SAMPLES]
            start = stop
