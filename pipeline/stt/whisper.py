"""Whisper on CTranslate2, on a window as long as the speech.

faster-whisper's `transcribe` pads every call to 30 s: 0.70 s for 5 s of speech whatever
its options say. Its loader, feature extractor and tokenizer are used here with
CTranslate2's own `encode` and `generate`; the same clip then takes about 0.1 s.
"""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import Literal, TypeAlias

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer

from pipeline.audio import INPUT_RATE_HZ, FloatArray
from pipeline.computing import Computing
from pipeline.errors import (
    AudioFormatError,
    ModelCorruptError,
    ModelMissingError,
    RecognitionError,
)
from pipeline.stt.base import Hypothesis, Priority, Script
from pipeline.stt.guards import Decoded, cut_loop, rejection, voiced_secs
from pipeline.stt.queue import DecodeQueue
from pipeline.stt.script import ScriptNormaliser, as_whisper_writes
from pipeline.text import Language, units

ComputeType: TypeAlias = Literal["int8", "int8_float16", "int8_float32", "float16", "float32"]

MODEL_FILES = ("config.json", "model.bin", "tokenizer.json")
LANGUAGES: tuple[Language, ...] = ("zh", "en")
MAX_WINDOW_SECS = 28.0  # with the padding this fills the encoder's 30 s
# Whisper was trained on 30 s and repeats itself on short windows. One second of silence
# behind the speech is the least; on 24 one-word answers a window of 2 s loops on 12, of
# 4 s on 3, of 8 s on none, and on 18 sentences the error falls from 6.2 % to what the
# full 30 s give. A second of window costs the encoder about 7 ms.
PADDING_SECS = 1.0
MIN_WINDOW_SECS = 8.0
# In favour of the language expected. Of 170 passages of Mandarin callers (0.3 to 5 s, as after a
# pause) Whisper alone takes 9 % for English, of those under 0.8 s 38 %; with these odds 2 and
# 10 %. Of as many English ones after Mandarin 2 % are then taken for Mandarin, instead of 1
# (`python -m agent.bench.languages`).
EXPECTED_ODDS = 10.0
POSITION_SECS = 0.02  # one encoder position
MAX_TEXT_TOKENS = 448  # Whisper's text context
MAX_PROMPT_TOKENS = 64  # about 45 characters; Whisper allows 223
# The fastest speech is under 9 units a second, and a Chinese character is up to 2 tokens.
# A loop that runs to the model's own 448 tokens would take 2 s.
MAX_TOKENS_PER_SEC, FREE_TOKENS = 16, 8
ALIGNMENT_FILTER_WIDTH = 7  # openai/whisper, `timing.py`


class WhisperRecogniser:
    """Any Whisper in CTranslate2 form, multilingual or `.en`, of any size.

    Greedy, one pass: temperature fallback costs 10 s and more on unintelligible audio, so
    a doubtful result is judged once and dropped (`guards`). int8 and float32 give the same
    text on the test clips and int8 takes 0.6 of the time.
    """

    def __init__(
        self,
        model_dir: Path,
        *,
        script: Script,
        threads: int = 1,
        compute_type: ComputeType = "int8",
        device: str = "cpu",
        computing: Computing | None = None,
    ) -> None:
        """Load the model; blocks for about a second.

        Args:
            model_dir: Directory with MODEL_FILES.
            script: How Chinese is written.
            threads: CPU threads per decode; at most two decodes run at once.
            compute_type: CTranslate2's; float16 kinds need a GPU.
            device: "cpu", "cuda" or "auto".
            computing: Where decodes are counted while they run.

        Raises:
            ModelMissingError: A file is not there.
            ModelCorruptError: The files cannot be loaded.
        """
        for name in MODEL_FILES:
            # faster-whisper would fetch a missing tokenizer from a hub at this point.
            if not (model_dir / name).is_file():
                raise ModelMissingError(f"the Whisper model lacks {name} in {model_dir}")
        try:
            model = WhisperModel(
                str(model_dir),
                device=device,
                compute_type=compute_type,
                cpu_threads=threads,
                num_workers=2,
                local_files_only=True,
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise ModelCorruptError(f"cannot load the Whisper model in {model_dir}") from error
        self._model = model.model
        self._features = model.feature_extractor
        codes = LANGUAGES if self._model.is_multilingual else ("en",)
        self._tokenizers: dict[Language, Tokenizer] = {
            code: Tokenizer(
                model.hf_tokenizer, self._model.is_multilingual, task="transcribe", language=code
            )
            for code in codes
        }
        self._normalise = ScriptNormaliser(script)
        self._queue: DecodeQueue[Hypothesis] = DecodeQueue("whisper")
        self._computing = computing or Computing()

    async def decode(
        self,
        audio: FloatArray,
        *,
        language: Language | None = None,
        expected: Language | None = None,
        prompt: str = "",
        timed: bool = False,
        priority: Priority = "final",
    ) -> Hypothesis:
        """See `Recogniser.decode`.

        Raises:
            AudioFormatError: The audio is longer than MAX_WINDOW_SECS or not one-dimensional.
        """
        if audio.ndim != 1 or len(audio) > MAX_WINDOW_SECS * INPUT_RATE_HZ:
            raise AudioFormatError(f"a window is mono and at most {MAX_WINDOW_SECS:g} s long")
        return await self._queue.run(
            lambda: self._decode(audio, language, expected, prompt, timed), priority
        )

    async def close(self) -> None:
        """See `Recogniser.close`."""
        await asyncio.to_thread(self._queue.close)

    def _decode(
        self,
        audio: FloatArray,
        language: Language | None,
        expected: Language | None,
        prompt: str,
        timed: bool,
    ) -> Hypothesis:
        if not voiced_secs(audio):
            return Hypothesis("", language or expected or self._fallback(), 0.0, "silence")
        try:
            with self._computing.at_work():
                return self._recognise(audio, language, expected, prompt, timed)
        except (RuntimeError, ValueError) as error:  # what CTranslate2 raises
            raise RecognitionError("speech recognition failed on a window") from error

    def _recognise(
        self,
        audio: FloatArray,
        language: Language | None,
        expected: Language | None,
        prompt: str,
        timed: bool,
    ) -> Hypothesis:
        encoded, frames = self._encode(audio)
        if language not in self._tokenizers:
            language = self._detect(encoded, expected)
        tokenizer = self._tokenizers[language]
        speech_secs = voiced_secs(audio)
        start = [*_previous(tokenizer, prompt), *tokenizer.sot_sequence, tokenizer.no_timestamps]
        budget = round(speech_secs * MAX_TOKENS_PER_SEC) + FREE_TOKENS
        result = self._model.generate(
            encoded,
            [start],
            beam_size=1,
            max_length=min(len(start) + budget, MAX_TEXT_TOKENS),
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        tokens: list[int] = [token for token in result.sequences_ids[0] if token < tokenizer.eot]
        raw = cut_loop(tokenizer.decode(tokens), speech_secs)
        text = self._normalise(raw)
        confidence = math.exp(min(0.0, result.scores[0]))
        refused = rejection(Decoded(text, speech_secs, result.scores[0], result.no_speech_prob))
        if refused or not units(text):
            return Hypothesis("", language, confidence, refused)
        ends = self._unit_ends(encoded, frames, tokenizer, tokens, raw) if timed else ()
        if len(ends) != len(units(text)):
            ends = ()  # the script changed the number of units
        return Hypothesis(text, language, confidence, None, ends)

    def _encode(self, audio: FloatArray) -> tuple[ctranslate2.StorageView, int]:
        """Encoder output, and the number of mel frames it was made of."""
        padding_secs = max(PADDING_SECS, MIN_WINDOW_SECS - len(audio) / INPUT_RATE_HZ)
        mel = self._features(np.pad(audio, (0, round(padding_secs * INPUT_RATE_HZ))))
        features = np.ascontiguousarray(mel[np.newaxis], dtype=np.float32)
        view = ctranslate2.StorageView.from_array(features)
        return self._model.encode(view), features.shape[-1]

    def _detect(self, encoded: ctranslate2.StorageView, expected: Language | None) -> Language:
        """The likelier of the languages we speak, given the one expected; about 10 ms."""
        if not self._model.is_multilingual:
            return "en"
        probabilities: dict[str, float] = dict(self._model.detect_language(encoded)[0])
        odds = {code: EXPECTED_ODDS if code == expected else 1.0 for code in LANGUAGES}
        return max(LANGUAGES, key=lambda code: odds[code] * probabilities.get(f"<|{code}|>", 0.0))

    def _fallback(self) -> Language:
        return next(iter(self._tokenizers))

    def _unit_ends(
        self,
        encoded: ctranslate2.StorageView,
        frames: int,
        tokenizer: Tokenizer,
        tokens: list[int],
        text: str,
    ) -> tuple[float, ...]:
        """When each unit of `text` ends, by the decoder's cross-attention; about 20 ms."""
        alignment = self._model.align(
            encoded,
            tokenizer.sot_sequence,
            [tokens],
            frames,
            median_filter_width=ALIGNMENT_FILTER_WIDTH,
        )[0].alignments
        positions: dict[int, int] = {}
        for token, position in alignment:  # both rise
            positions[token] = position + 1
        pieces, groups = tokenizer.split_tokens_on_unicode(tokens)
        ends: list[float] = []  # of every character
        last = 0
        for piece, group in zip(pieces, groups, strict=True):
            last += len(group)
            ends += [positions.get(last - 1, 0) * POSITION_SECS] * len(piece)
        return tuple(ends[unit.end - 1] for unit in units(text) if unit.end <= len(ends))


def _previous(tokenizer: Tokenizer, prompt: str) -> list[int]:
    """Tokens of what was said before, its end if it is long."""
    if not prompt:
        return []
    return [
        tokenizer.sot_prev,
        *tokenizer.encode(f" {as_whisper_writes(prompt)}")[-MAX_PROMPT_TOKENS:],
    ]
