"""The embedded English voice: hibari, a small ONNX model with its own phonemiser.

    text ─▶ reading ─▶ phonemes, word by word ─▶ spectrum, durations ─▶ waveform

hibari's network decides how long each phoneme is but does not give it away. The graph is
loaded with that tensor as one more output, so the word marks are exact.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from hibari import dsp
from hibari.voices import voice_path

from pipeline.audio import OUTPUT_RATE_HZ, FloatArray
from pipeline.errors import ModelCorruptError, ModelMissingError, SynthesisError
from pipeline.text import Language
from pipeline.tts.base import CharMark, SpeechChunk, SpeechStyle
from pipeline.tts.chunks import chunked
from pipeline.tts.levels import amplitude, shape
from pipeline.tts.normalise import normalise
from pipeline.tts.phonemes import EnglishPhonemes, Word, passages
from pipeline.tts.reading import Reading

BUNDLED_VOICE = "heart"  # American, female; the only one inside the package

# To `levels.TARGET_LUFS`: 20 counsellor sentences as the model gives them measure -25.8 LUFS
# together, peak 0.47. A test measures again.
GAIN_DB = 5.8

_DURATIONS_TENSOR = "/Cast_32_output_0"  # int64, shape (n_phonemes,), in units of two frames
_UNIT_SAMPLES = 2 * dsp.HOP  # 25 ms
_PAD_ID = 0  # the network wants one before and one after
_NOISE_SEED = 0  # of the breath in the sound; fixed, so that a text always sounds the same

# Phonemes of one pass, about 8 s of speech: long enough to keep a sentence's melody, short
# enough for first audio. The network itself takes 400 (hibari.tts.MAX_PHONEMES).
_MAX_PHONEMES = 160


class EnglishVoice:
    """Speaks English; characters it cannot read, such as CJK, are skipped.

    Several threads may speak at the same time: ONNX Runtime sessions are shared freely,
    and each text brings its own noise generator.

    Args:
        threads: Compute threads.

    Raises:
        ModelMissingError: The hibari package holds no voice.
        ModelCorruptError: The voice is not the graph this expects.
    """

    name = "english"
    languages: frozenset[Language] = frozenset({"en"})
    sample_rate_hz = OUTPUT_RATE_HZ

    def __init__(self, threads: int = 1) -> None:
        try:
            model = Path(voice_path(BUNDLED_VOICE, download_missing=False)).read_bytes()
            vocabulary = resources.files("hibari").joinpath("assets/vocab.json")
            self._ids: dict[str, int] = json.loads(vocabulary.read_text(encoding="utf-8"))
        except OSError as error:
            raise ModelMissingError("The English voice is missing from hibari-tts") from error
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = threads
        options.log_severity_level = 3  # errors; its warnings are about constant folding
        try:
            self._session = ort.InferenceSession(
                model + _extra_output(_DURATIONS_TENSOR), options, ["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's errors share no public base class
            raise ModelCorruptError("The English voice is not the expected graph") from error
        self._phonemes = EnglishPhonemes()
        for _ in self.synthesise("Hello.", SpeechStyle(), lambda: False):
            pass  # the first run allocates

    def synthesise(
        self, text: str, style: SpeechStyle, cancelled: Callable[[], bool]
    ) -> Iterator[SpeechChunk]:
        """Speak `text`; see `Voice.synthesise`. The model has no pitch control."""
        gain = amplitude(GAIN_DB) * style.volume
        pieces = self._speak(normalise(text, "en"), style)
        shaped = ((shape(audio, gain), marks) for audio, marks in pieces)
        return chunked(shaped, len(text), cancelled)

    def _speak(
        self, reading: Reading, style: SpeechStyle
    ) -> Iterator[tuple[FloatArray, list[CharMark]]]:
        noise = np.random.default_rng(_NOISE_SEED)
        offset = 0
        for words in passages(self._words(reading), _MAX_PHONEMES):
            ids, ends = [_PAD_ID], []
            for word in words:
                ids += [self._ids[symbol] for symbol in word.symbols]
                ends.append(len(ids))
            audio, durations = self._run([*ids, _PAD_ID], style.rate, noise)
            reached = np.cumsum(durations) * _UNIT_SAMPLES
            marks = [
                CharMark(word.end, offset + int(reached[end - 1]))
                for word, end in zip(words, ends, strict=True)
            ]
            offset += len(audio)
            yield audio, marks

    def _run(
        self, ids: list[int], rate: float, noise: np.random.Generator
    ) -> tuple[FloatArray, npt.NDArray[np.int64]]:
        """Sound of `ids`, and the duration of each in units of 25 ms."""
        inputs = {"ids": np.array([ids], np.int64), "speed": np.array([rate], np.float32)}
        try:
            *spectrum, durations = self._session.run(None, inputs)
        except Exception as error:  # onnxruntime's errors share no public base class
            raise SynthesisError("The English voice failed to speak") from error
        return dsp.synth(*(part[0] for part in spectrum), noise), durations

    def _words(self, reading: Reading) -> list[Word]:
        """Words the network has symbols for, by source characters; none without a sound."""
        found: list[Word] = []
        for word in self._phonemes.words(reading.spoken):
            known = "".join(symbol for symbol in word.symbols if symbol in self._ids)
            if known.strip():
                found.append(Word(known, reading.heard(word.end)))
        return found if any(word.sounds for word in found) else []


def _extra_output(tensor: str) -> bytes:
    """Bytes that, put behind a serialised ONNX model, make `tensor` one more output.

    Two protocol-buffer messages set one behind the other parse as their merger, and a
    repeated field, such as a graph's outputs, grows by it. So this is the message
    ModelProto(graph=GraphProto(output=[ValueInfoProto(name=tensor)])).
    """
    graph, output, name = 7, 12, 1  # field numbers of onnx.proto
    message = tensor.encode()
    for number in (name, output, graph):
        assert len(message) < 0x80, "a length of one byte"
        message = bytes([number << 3 | 2, len(message)]) + message
    return message
