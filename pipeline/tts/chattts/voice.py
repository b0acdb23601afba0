"""The voice: clauses in, joined and marked speech out."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Generator, Iterator

import torch

from pipeline.audio import OUTPUT_RATE_HZ, Int16Array
from pipeline.errors import ConfigError
from pipeline.text import Language
from pipeline.tts.base import CharMark, SpeechChunk, SpeechStyle
from pipeline.tts.chattts.controls import Manner
from pipeline.tts.chattts.joins import TOKENS_PER_SEC, Batches, Joiner, audio_samples
from pipeline.tts.chattts.marks import ProportionalMarks
from pipeline.tts.chattts.model import ChatTtsModel
from pipeline.tts.chattts.prompt import CodePrompt, code_prompt
from pipeline.tts.chattts.speaker_file import SpeakerEmbedding
from pipeline.tts.chattts.worker import StepWorker
from pipeline.tts.chunks import Piece, chunked
from pipeline.tts.levels import amplitude, shape
from pipeline.tts.proportional import SpeakingPace

# A text is cut at three times the length that slow speech (3 syllables a second) needs:
# ChatTTS now and then does not find the end of a short text.
_MAX_SECS_PER_SYLLABLE = 1.0
_MAX_SILENCE_SECS = 2.0
_MAX_TOKENS = 2048  # ChatTTS's own limit, 43 s

_WARM_UP_TEXT = "你好，我在听。"


class ChatTtsVoice:
    """Speaks Mandarin and English, both in one clause too, always as the same speaker.

    Several threads may speak at the same time: one worker thread steps all texts in turn,
    token by token, each slower for the others. Volume and loudness are exact; speed is one
    of ten steps whose effect depends on the weights; pitch cannot be set.

    Args:
        model: Loaded; this voice owns it from now on.
        speaker: Who speaks, in all languages.
        manner: Levels of ChatTTS's own controls.
        batches: When audio is decoded.
        seed: Decides, with the text, how it is spoken: the same text sounds the same.
        threads: Compute threads on a CPU.

    Raises:
        ConfigError: The speaker belongs to other weights.
        SynthesisError: The model fails at its first text.
    """

    name = "chattts"
    languages: frozenset[Language] = frozenset({"zh", "en"})
    sample_rate_hz = OUTPUT_RATE_HZ

    def __init__(
        self,
        model: ChatTtsModel,
        speaker: SpeakerEmbedding,
        *,
        manner: Manner | None = None,
        batches: Batches | None = None,
        seed: int = 0,
        threads: int = 1,
    ) -> None:
        _check_fits(speaker, model)
        self._model = model
        self._speaker = speaker
        self._manner = manner or Manner()
        self._batches = batches or Batches()
        self._seed = seed
        self._pace = SpeakingPace()
        # torch keeps a team of compute threads for each thread that calls it.
        self._worker = StepWorker("chattts", lambda: torch.set_num_threads(threads))
        self._warm_up()

    def synthesise(
        self, text: str, style: SpeechStyle, cancelled: Callable[[], bool]
    ) -> Iterator[SpeechChunk]:
        """Speak `text`; see `Voice.synthesise`.

        A cancelled text stops within 20 ms here and one decoder step in the worker. Marks
        are proportional, and exact at the end of the text.
        """
        prompt = code_prompt(text, self._manner, style)
        pieces: Iterator[Piece] = iter(())
        if prompt is not None:
            pieces = self._worker.submit(self._speak(prompt, style)).listen(cancelled)
        return chunked(pieces, len(text), cancelled)

    def spoken_by(self, speaker: SpeakerEmbedding) -> ChatTtsVoice:
        """Another speaker in the same model and worker; closing one closes both.

        Raises:
            ConfigError: The speaker belongs to other weights.
        """
        _check_fits(speaker, self._model)
        other = copy.copy(self)
        other._speaker = speaker
        other._pace = SpeakingPace()
        return other

    def close(self) -> None:
        """Stop the worker; texts that are being spoken end with a SynthesisError."""
        self._worker.close()

    def _speak(
        self, prompt: CodePrompt, style: SpeechStyle
    ) -> Generator[tuple[Int16Array, list[CharMark]] | None, None, None]:
        """In the worker: one decoder step for each item, None while nothing is finished."""
        joiner = Joiner(self._batches)
        secs_per_syllable = self._pace.secs_per_syllable / style.rate
        marks = ProportionalMarks(prompt.ends, secs_per_syllable * OUTPUT_RATE_HZ)
        gain = amplitude(self._speaker.gain_db) * style.volume
        steps = self._model.generate(
            prompt, self._speaker, seed=self._seed, max_tokens=_most_tokens(prompt, style.rate)
        )
        hidden: torch.Tensor | None = None
        try:
            for hidden in steps:
                yield self._piece(joiner, marks, gain, hidden, finished=False)
        finally:
            steps.close()
        if hidden is None:
            return
        while (piece := self._piece(joiner, marks, gain, hidden, finished=True)) is not None:
            yield piece
        self._pace.learn(prompt.weight, joiner.given_samples / OUTPUT_RATE_HZ * style.rate)

    def _piece(
        self,
        joiner: Joiner,
        marks: ProportionalMarks,
        gain: float,
        hidden: torch.Tensor,
        *,
        finished: bool,
    ) -> tuple[Int16Array, list[CharMark]] | None:
        window = joiner.window(len(hidden), finished=finished)
        if window is None:
            return None
        left = audio_samples(len(hidden)) - joiner.given_samples if finished else None
        audio = joiner.join(window, self._model.decode(hidden[window.start : window.stop]))
        return shape(audio, gain), marks.advance(len(audio), left)

    def _warm_up(self) -> None:
        """Speak up to the first sound: it compiles what is compiled, and takes up the memory."""
        for _ in self.synthesise(_WARM_UP_TEXT, SpeechStyle(), lambda: False):
            break


def _check_fits(speaker: SpeakerEmbedding, model: ChatTtsModel) -> None:
    if len(speaker.values) != model.speaker_dimensions:
        raise ConfigError(
            f"the speaker has {len(speaker.values)} dimensions, "
            f"ChatTTS's weights {model.speaker_dimensions}"
        )


def _most_tokens(prompt: CodePrompt, rate: float) -> int:
    secs = _MAX_SILENCE_SECS + prompt.weight * _MAX_SECS_PER_SYLLABLE / rate
    return min(_MAX_TOKENS, math.ceil(secs * TOKENS_PER_SEC))
