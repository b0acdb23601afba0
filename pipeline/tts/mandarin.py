"""The embedded Mandarin voice: FastSpeech2 and MB-MelGAN (Baker, female) on LiteRT.

    text ─▶ reading ─▶ syllables ─▶ phonemes ─▶ spectrogram, durations ─▶ waveform, in pieces

The acoustic model tells how long it made each phoneme, so the character marks are exact
to one frame (12.5 ms).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.audio import OUTPUT_RATE_HZ, FloatArray
from pipeline.errors import ModelCorruptError, ModelMissingError
from pipeline.text import Language
from pipeline.tts.base import CharMark, SpeechChunk, SpeechStyle
from pipeline.tts.chunks import chunked
from pipeline.tts.graph import load_acoustic_graph
from pipeline.tts.levels import amplitude, shape
from pipeline.tts.litert import HOP_SAMPLES, AcousticModel, Vocoder
from pipeline.tts.normalise import normalise
from pipeline.tts.pinyin import Syllable, syllables
from pipeline.tts.polyphones import told_by_script
from pipeline.tts.reading import Reading

ACOUSTIC_FILE = "fastspeech2_quan.tflite"
VOCODER_FILE = "mb_melgan.tflite"
SYMBOLS_FILE = "baker_mapper.json"

# To `levels.TARGET_LUFS`: 20 counsellor sentences as the model gives them measure -21.6 LUFS
# together, peak 0.58. A test measures again.
GAIN_DB = 1.6

# Syllables spoken in one pass. The model was trained on read sentences of about this
# length and its position table ends; a longer text is cut at punctuation, else in a word gap.
_MAX_SYLLABLES = 40
_BREAKS = {"": "#0", "word": "#0", "phrase": "#3"}  # prosody labels of the Baker corpus


@dataclass(frozen=True, slots=True)
class _Phonemes:
    """Symbol ids of one pass, and after how many of them how much text is said."""

    ids: list[int]
    ends: list[tuple[int, int]]  # (symbols so far, source characters)


class _SymbolTable:
    """The voice's symbols: pinyin split into initial and final, tones on finals."""

    _SILENCE, _END, _RETROFLEX = "sil", "eos", "er5"

    def __init__(self, path: Path) -> None:
        try:
            table = json.loads(path.read_text(encoding="utf-8"))
            self._ids: dict[str, int] = table["symbol_to_id"]
            self._parts: dict[str, list[str]] = table["pinyin_dict"]
        except OSError as error:
            raise ModelMissingError(f"The voice file {path.name} cannot be read") from error
        except (ValueError, KeyError) as error:
            raise ModelCorruptError(f"The voice file {path.name} is not a symbol table") from error

    def encode(self, spoken: Sequence[Syllable], reading: Reading) -> _Phonemes:
        """`spoken` between two silences; syllables the voice does not know are left out."""
        ids = [self._ids[self._SILENCE]]
        ends: list[tuple[int, int]] = []
        for syllable in spoken:
            parts = self._parts.get(syllable.sound)
            if parts is None:
                continue
            initial, final = parts
            ids += [self._ids[initial], self._ids[f"{final}{syllable.tone}"]]
            if syllable.erhua:
                ids.append(self._ids[self._RETROFLEX])
            said = len(ids)  # at punctuation, without the pause behind the syllable
            ids.append(self._ids[_BREAKS[syllable.break_after]])
            if syllable.break_after != "phrase":
                said = len(ids)
            ends.append((said, reading.heard(syllable.end)))
        if ends:  # the closing silence takes the place of the last break
            ids[-1] = self._ids[self._SILENCE]
        return _Phonemes([*ids, self._ids[self._END]], ends)


class MandarinVoice:
    """Speaks Mandarin; Latin letters are spelled out by their Mandarin names.

    Several threads may speak at the same time: each model runs one piece at a time under
    its own lock, so two callers take turns every 10 to 50 ms.

    Args:
        model_dir: Folder with the three model files. The rewritten acoustic graph is kept
            there too.
        threads: Compute threads of each model.

    Raises:
        ModelMissingError: A file is not there.
        ModelCorruptError: A file is not what it should be.
    """

    name = "mandarin"
    languages: frozenset[Language] = frozenset({"zh"})
    sample_rate_hz = OUTPUT_RATE_HZ

    def __init__(self, model_dir: Path, threads: int = 1) -> None:
        self._symbols = _SymbolTable(model_dir / SYMBOLS_FILE)
        self._acoustic = AcousticModel(load_acoustic_graph(model_dir / ACOUSTIC_FILE), threads)
        self._vocoder = Vocoder(model_dir / VOCODER_FILE, threads)
        self._warm_up()

    def synthesise(
        self, text: str, style: SpeechStyle, cancelled: Callable[[], bool]
    ) -> Iterator[SpeechChunk]:
        """Speak `text`; see `Voice.synthesise`.

        Pauses at punctuation inside `text` are the model's own; `Speaker` cuts there and
        sets them by `style.pause_scale`.
        """
        gain = amplitude(GAIN_DB) * style.volume
        reading = normalise(text, "zh", style.region)
        spoken = syllables(reading.spoken, told_by_script(reading, text))
        pieces = self._speak(spoken, reading, style)
        shaped = ((shape(audio, gain), marks) for audio, marks in pieces)
        return chunked(shaped, len(text), cancelled)

    def _speak(
        self, spoken: Sequence[Syllable], reading: Reading, style: SpeechStyle
    ) -> Iterator[tuple[FloatArray, list[CharMark]]]:
        offset = 0
        for passage in _passages(spoken):
            phonemes = self._symbols.encode(passage, reading)
            if not phonemes.ends:
                continue
            made = self._acoustic.spectrogram(phonemes.ids, rate=style.rate, pitch=style.pitch)
            reached = np.cumsum(made.durations_frames) * HOP_SAMPLES
            marks = [
                CharMark(chars, offset + int(reached[symbols - 1]))
                for symbols, chars in phonemes.ends
            ]
            for audio in self._vocoder.pieces(made.mel, 0, len(made.mel)):
                offset += len(audio)
                yield audio, marks
                marks = []

    def _warm_up(self) -> None:
        """Run both models once: the first run packs their weights, which takes 0.4 s."""
        for _ in self.synthesise("你好", SpeechStyle(), lambda: False):
            pass


def _passages(spoken: Sequence[Syllable]) -> Iterator[Sequence[Syllable]]:
    """Cut a long text at the last punctuation, else word end, that fits one pass."""
    start = 0
    while len(spoken) - start > _MAX_SYLLABLES:
        window = spoken[start : start + _MAX_SYLLABLES]
        cut = next(
            (
                index + 1
                for kind in ("phrase", "word")
                for index in range(len(window) - 1, 0, -1)
                if window[index].break_after == kind
            ),
            len(window),
        )
        yield window[:cut]
        start += cut
    if start < len(spoken):
        yield spoken[start:]
