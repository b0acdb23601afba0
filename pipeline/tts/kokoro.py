"""Kokoro-82M in this process, for whoever has its files: both languages, many speakers.

    text ─▶ symbols, word by word ─▶ passages ─▶ network ─▶ chunks

One pass of the network speaks a passage whole, so sound comes passage by passage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from pipeline.audio import OUTPUT_RATE_HZ, FloatArray
from pipeline.errors import ConfigError, SynthesisError
from pipeline.text import Language, language_of
from pipeline.tts.base import CharMark, SpeechChunk, SpeechStyle
from pipeline.tts.chunks import Piece, chunked
from pipeline.tts.kokoro_files import KokoroFiles, KokoroNetwork, load_speaker, speaker_names
from pipeline.tts.kokoro_text import KokoroText
from pipeline.tts.levels import shape
from pipeline.tts.phonemes import Word, passages

_PAD = 0  # the network wants one before and one after
# Symbols of one pass, about 4 s of speech. The network takes 510, but computes half as long
# as its speech lasts (int8, two cores), and a caller waits for the pass.
_MAX_SYMBOLS = 60
_FIRST_LETTERS: dict[Language, str] = {"zh": "z", "en": "ab"}  # of speakers' names
_USUAL: dict[Language, str] = {"zh": "zf_xiaoxiao", "en": "af_heart"}  # v1.0's best known


class KokoroVoice:
    """Speaks the languages it has a speaker for; that speaker says foreign words too.

    Several threads may speak at the same time: ONNX Runtime sessions are shared freely.

    Args:
        place: Folder with the files, or the network's `.onnx` file; see `KokoroFiles`.
        mandarin: Speaker of Mandarin and mixed sentences; None takes the usual or the
            first Mandarin one.
        english: Of English, likewise.
        threads: Compute threads.

    Raises:
        ConfigError: There is no such speaker, or none at all for either language.
        ModelMissingError: A file is not there.
        ModelCorruptError: A file is not what it should be.
    """

    name = "kokoro"
    sample_rate_hz = OUTPUT_RATE_HZ

    def __init__(
        self,
        place: Path,
        mandarin: str | None = None,
        english: str | None = None,
        threads: int = 1,
    ) -> None:
        files = KokoroFiles.find(place)
        names = speaker_names(files)
        wanted: dict[Language, str | None] = {"zh": mandarin, "en": english}
        chosen = {at: _choose(names, at, name) for at, name in wanted.items()}
        speakers = {at: name for at, name in chosen.items() if name is not None}
        if not speakers:
            raise ConfigError(
                "Kokoro has no speaker of Mandarin or English there; name one of "
                f"{', '.join(names)} in voice.kokoro"
            )
        self.languages: frozenset[Language] = frozenset(speakers)
        self._styles = {at: load_speaker(files, name) for at, name in speakers.items()}
        self._network = KokoroNetwork(files, threads, names)
        vocabulary = self._network.vocabulary
        british = speakers.get("en", "").startswith("b")
        self._text = KokoroText(vocabulary, british=british)
        for _ in self.synthesise("OK.", SpeechStyle(), lambda: False):
            pass  # the first run allocates

    def synthesise(
        self, text: str, style: SpeechStyle, cancelled: Callable[[], bool]
    ) -> Iterator[SpeechChunk]:
        """Speak `text`; see `Voice.synthesise`.

        There is no pitch control, and no rate with an export that takes whole numbers only
        (v1.1-zh). Cancelling waits for the passage that is being computed.
        """
        return chunked(self._pieces(text, style, cancelled), len(text), cancelled)

    def _pieces(
        self, text: str, style: SpeechStyle, cancelled: Callable[[], bool]
    ) -> Iterator[Piece]:
        usual = next(iter(self._styles))
        default = style.language if style.language in self._styles else usual
        language = language_of(text, default)
        styles = self._styles.get(language, self._styles[usual])
        offset = 0
        for passage in passages(
            _short(self._text.words(text, language, style.region)), _MAX_SYMBOLS
        ):
            if cancelled():
                return
            sound, marks = self._speak(passage, styles, style.rate)
            moved = [CharMark(mark.chars, offset + mark.samples) for mark in marks]
            offset += len(sound)
            yield shape(sound, style.volume), moved

    def _speak(
        self, passage: Sequence[Word], styles: FloatArray, rate: float
    ) -> tuple[FloatArray, list[CharMark]]:
        """Sound of a passage, and where in it each word ends."""
        vocabulary = self._network.vocabulary
        tokens, ends = [_PAD], []
        for word in passage:
            tokens += [vocabulary[symbol] for symbol in word.symbols]
            ends.append(len(tokens))
        tokens.append(_PAD)
        style = styles[min(len(tokens) - 2, len(styles)) - 1]
        try:
            sound, durations = self._network.run(tokens, style, rate)
        except Exception as error:  # onnxruntime's errors share no public base class
            raise SynthesisError("The voice kokoro failed to speak") from error
        if not np.isfinite(sound).all():
            raise SynthesisError("The voice kokoro made no sound of the text")
        reached = _reached(durations, len(tokens), len(sound))
        marks = [
            CharMark(word.end, int(reached[end - 1]))
            for word, end in zip(passage, ends, strict=True)
        ]
        return sound, marks


def _reached(durations: FloatArray | None, n_tokens: int, n_samples: int) -> FloatArray:
    """Samples until each token is said; without durations, as if all took equally long."""
    if durations is None or len(durations) != n_tokens or durations.sum() <= 0:
        durations = np.ones(n_tokens, np.float32)
    until = np.cumsum(durations)
    reached: FloatArray = until * (n_samples / until[-1])
    return reached


def _short(words: Sequence[Word]) -> list[Word]:
    """Words cut to what one pass takes: nobody writes such, but a caller's model may."""
    return [
        Word(word.symbols[at : at + _MAX_SYMBOLS], word.end)
        for word in words
        for at in range(0, len(word.symbols), _MAX_SYMBOLS)
    ]


def _choose(names: Sequence[str], language: Language, wanted: str | None) -> str | None:
    if wanted is not None:
        if wanted not in names:
            raise ConfigError(f"Kokoro has no speaker {wanted}; it has {', '.join(names)}")
        return wanted
    own = [name for name in names if name[:1] in _FIRST_LETTERS[language]]
    if _USUAL[language] in own:
        return _USUAL[language]
    return own[0] if own else None
