"""Piper voices (VITS on ONNX Runtime): one file for each speaker, many languages.

    text ─▶ reading ─▶ sentences ─▶ espeak-ng phonemes ─▶ network ─▶ resample ─▶ chunks

Piper's own `synthesize` logs the text it speaks; this takes its steps one by one. A
sentence is one run of the network, so sound comes sentence by sentence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soxr

from pipeline.audio import OUTPUT_RATE_HZ, FloatArray
from pipeline.errors import ConfigError, ModelCorruptError, ModelMissingError, SynthesisError
from pipeline.text import Language, count_units
from pipeline.tts.base import SpeechChunk, SpeechStyle
from pipeline.tts.chunks import Piece, chunked
from pipeline.tts.levels import amplitude, shape
from pipeline.tts.normalise import normalise
from pipeline.tts.proportional import SpeakingPace, estimated_marks, syllables
from pipeline.tts.reading import Reading

if TYPE_CHECKING:
    from piper import PiperVoice as Engine

# To `levels.TARGET_LUFS`: 4 sentences of en_US-joe-medium as the model gives them measure
# -25.7 LUFS together, peak 0.65. Other voices differ by a few decibels.
GAIN_DB = 5.7


_RAW_PHONEMES = re.compile(r"\[\[|\]\]")  # Piper's marks around what is not to be read
_CJK = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\U00020000-\U000323af]+")  # read as "Chinese letter"


class PiperVoice:
    """Speaks one language; several threads may speak at the same time.

    The network draws its intonation at random: a text never sounds the same twice.

    Args:
        model: The voice's `.onnx` file, or a folder with one; its `.onnx.json` lies beside.
        threads: Compute threads.
        gain_db: To the loudness of the other voices.

    Raises:
        ConfigError: The package piper-tts is not installed, or the voice speaks neither
            Mandarin nor English.
        ModelMissingError: A file is not there.
        ModelCorruptError: A file is not what it should be.
    """

    sample_rate_hz = OUTPUT_RATE_HZ

    def __init__(self, model: Path, threads: int = 1, gain_db: float = GAIN_DB) -> None:
        file = _voice_file(model)
        self.name = file.stem
        self._engine = _load(file, threads)
        self.languages: frozenset[Language] = frozenset({_language_of(self._engine)})
        (self._language,) = self.languages
        self._rate_hz: int = self._engine.config.sample_rate
        self._gain = amplitude(gain_db)
        self._pace = SpeakingPace()
        for _ in self.synthesise("好。OK.", SpeechStyle(), lambda: False):
            pass  # the first run allocates

    def synthesise(
        self, text: str, style: SpeechStyle, cancelled: Callable[[], bool]
    ) -> Iterator[SpeechChunk]:
        """Speak `text`; see `Voice.synthesise`. There is no pitch control.

        Cancelling waits for the sentence that is being computed.
        """
        reading = normalise(text, self._language, style.region)
        return chunked(self._pieces(reading, style, cancelled), len(text), cancelled)

    def _pieces(
        self, reading: Reading, style: SpeechStyle, cancelled: Callable[[], bool]
    ) -> Iterator[Piece]:
        spoken = _RAW_PHONEMES.sub(" ", reading.spoken)
        if self._language == "en":
            spoken = _CJK.sub(" ", spoken)
        if not count_units(spoken):
            return
        marks = estimated_marks(reading, self._pace.secs_per_syllable / style.rate)
        n_samples = 0
        try:
            sentences = self._engine.phonemize(spoken)
            for phonemes in sentences:
                if cancelled():
                    return
                sound = self._run(phonemes, style.rate)
                n_samples += len(sound)
                yield shape(sound, self._gain * style.volume), marks
                marks = []
        except (RuntimeError, ValueError, KeyError) as error:
            raise SynthesisError(f"The voice {self.name} failed to speak") from error
        self._pace.learn(syllables(spoken), n_samples / OUTPUT_RATE_HZ * style.rate)

    def _run(self, phonemes: list[str], rate: float) -> FloatArray:
        from piper import SynthesisConfig

        if not any(phoneme.isalpha() for phoneme in phonemes):
            return np.zeros(0, np.float32)
        ids = self._engine.phonemes_to_ids(phonemes)
        usual = self._engine.config.length_scale
        made = self._engine.phoneme_ids_to_audio(ids, SynthesisConfig(length_scale=usual / rate))
        sound = made[0] if isinstance(made, tuple) else made
        resampled: FloatArray = soxr.resample(
            np.asarray(sound, np.float32).reshape(-1), self._rate_hz, OUTPUT_RATE_HZ
        )
        return np.clip(resampled, -1.0, 1.0)


def _voice_file(model: Path) -> Path:
    if not model.is_dir():
        return model
    files = sorted(model.glob("*.onnx"))
    if len(files) != 1:
        raise ModelMissingError(f"The folder {model} does not hold one Piper voice")
    return files[0]


def _load(file: Path, threads: int) -> Engine:
    try:
        import onnxruntime as ort
        from piper import PiperConfig
        from piper import PiperVoice as Engine
    except ImportError as error:
        raise ConfigError("Piper voices need: pip install 'qingting[piper]'") from error
    config_file = file.with_name(file.name + ".json")
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    options.log_severity_level = 3  # errors; its warnings are about constant folding
    try:
        config = PiperConfig.from_dict(json.loads(config_file.read_text(encoding="utf-8")))
        model = file.read_bytes()
    except OSError as error:
        raise ModelMissingError(f"The Piper voice {file.name} or its .json is missing") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ModelCorruptError(f"{config_file.name} does not describe a Piper voice") from error
    try:
        session = ort.InferenceSession(model, options, ["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no public base class
        raise ModelCorruptError(f"{file.name} is not a network that can be run") from error
    return Engine(session=session, config=config)


def _language_of(engine: Engine) -> Language:
    """From espeak's name of the voice, such as en-us or cmn."""
    name = engine.config.espeak_voice.lower()
    if engine.config.phoneme_type == "pinyin":
        raise ConfigError("Piper voices on pinyin need g2pW, which they fetch while they speak")
    if name.startswith("en"):
        return "en"
    if name == "cmn":
        return "zh"
    raise ConfigError(f"a Piper voice for {name} speaks neither Mandarin nor English")
