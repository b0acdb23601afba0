"""Text in either language, or both, to the symbols of Kokoro-82M.

    text ─▶ reading ─┬▶ ideographs ─▶ syllables ─▶ IPA or zhuyin ─┬▶ words, in order
                     └▶ the rest ─▶ misaki's English phonemes ────┘

No espeak-ng (GPL) is needed and nothing is fetched: the syllables are those of the
embedded Mandarin voice, the English phonemes those of hibari, which has Kokoro's alphabet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from pipeline.text import Language
from pipeline.tts.base import Region
from pipeline.tts.kokoro_symbols import Alphabet, symbols_of
from pipeline.tts.normalise import normalise
from pipeline.tts.phonemes import EnglishPhonemes, Word
from pipeline.tts.pinyin import syllables
from pipeline.tts.polyphones import told_by_script

_REST = re.compile(r"[^〇\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]+")
_UNREAD = "\x00"  # holds the place of what is no ideograph
_MARKS = str.maketrans("，、。．！？：；～–", ",,..!?:;…—")
_WORD_GAP: Mapping[Alphabet, str] = {"ipa": " ", "zhuyin": "/"}


@dataclass(frozen=True, slots=True)
class _Part:
    """A syllable, an English word or a mark, in the spoken text."""

    symbols: str
    end: int
    is_syllable: bool
    ends_word: bool


class KokoroText:
    """Symbols of a network; threads may share it.

    Args:
        vocabulary: Token of each symbol the network knows.
        british: How English is pronounced.

    Attributes:
        alphabet: In which the network reads Mandarin.
    """

    def __init__(self, vocabulary: Mapping[str, int], *, british: bool = False) -> None:
        self._known = frozenset(vocabulary)
        self.alphabet: Alphabet = "zhuyin" if "ㄅ" in vocabulary else "ipa"
        self._english = EnglishPhonemes(british=british)

    def words(self, text: str, language: Language, region: Region = "mainland") -> list[Word]:
        """What is said for `text`, by its characters as written; none without a sound.

        Args:
            text: As written, in one language or mixed.
            language: In which numbers and signs are read.
            region: As in `SpeechStyle`.

        Raises:
            SynthesisError: The text cannot be read.
        """
        reading = normalise(text, language, region)
        told = told_by_script(reading, text) if language == "zh" else {}
        found: list[Word] = []
        for part in self._parts(reading.spoken.translate(_MARKS), told):
            symbols = "".join(symbol for symbol in part.symbols if symbol in self._known)
            if symbols.strip():
                found.append(Word(symbols, reading.heard(part.end)))
        return found if any(word.sounds for word in found) else []

    def _parts(self, spoken: str, told: Mapping[int, str]) -> list[_Part]:
        found: list[_Part] = []
        for match in _REST.finditer(spoken):
            for word in self._english.words(match.group()):
                if word.symbols.strip():
                    end = match.start() + word.end
                    found.append(_Part(word.symbols, end, is_syllable=False, ends_word=True))
        ideographs = _REST.sub(lambda match: _UNREAD * len(match.group()), spoken)
        # v1.0 learned from unchanged dictionary tones, and changes them itself.
        for syllable in syllables(ideographs, told, sandhi=self.alphabet == "zhuyin"):
            symbols = symbols_of(syllable, self.alphabet)
            found.append(_Part(symbols, syllable.end, True, bool(syllable.break_after)))
        found.sort(key=lambda part: part.end)
        return [
            *(self._spaced(part, following) for part, following in pairwise(found)),
            *found[-1:],
        ]

    def _spaced(self, part: _Part, following: _Part) -> _Part:
        """`part` with what its network expects between it and `following`."""
        gap = ""
        if part.is_syllable and following.is_syllable:
            gap = _WORD_GAP[self.alphabet] if part.ends_word else ""
        elif part.is_syllable:
            gap = " " if any(symbol.isalpha() for symbol in following.symbols) else ""
        elif following.is_syllable and not part.symbols.endswith(" "):
            gap = " "
        return replace(part, symbols=part.symbols + gap)
