"""Speech under way that may become a turn: its voice, its words, what the models say of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log10
from typing import Literal

from pipeline.text import Language, same_words
from pipeline.turn import lexicon
from pipeline.turn.calibration import JudgedBy
from pipeline.turn.endpointing import Evidence


@dataclass
class Utterance:
    """What is known about the speech under way.

    Attributes:
        turn_id: Name of the turn that it is or may become.
        began_secs: Stream time at which the speech gate opened.
        overlap: It began over the bot and is no turn yet.
        phase: "waiting" from a soft end until the caller goes on.
        forced_at_secs: Stream time at which the client said that it ends; what still arrives
            is no part of it. None before.
        soft_end: Generation of its latest soft end, None before the first.
        text: Words so far.
        language: Language of the words.
        answered: The recogniser has said something, if only that there are no words.
        is_final: All words up to the latest soft end are known.
        voiced_secs: Voice in it; over the bot, since its last silence.
    """

    turn_id: str
    began_secs: float
    overlap: bool
    phase: Literal["speaking", "waiting"] = "speaking"
    forced_at_secs: float | None = None
    soft_end: int | None = None
    text: str = ""
    language: Language = "zh"
    answered: bool = False
    is_final: bool = False
    voiced_secs: float = 0.0
    _voiced_windows: int = 0
    _voiced_power: float = 0.0  # sum over those windows, full scale is 1
    _caller_words: Callable[[str], str] = str
    _judged: tuple[str, float, JudgedBy] | None = None
    _smart_turn: float | None = None

    @property
    def forced(self) -> bool:
        """Whether the client has ended it."""
        return self.forced_at_secs is not None

    # -- voice ------------------------------------------------------------------------

    def note_voice(self, secs: float, level_dbfs: float) -> None:
        """A window of `secs` had voice in it."""
        self.voiced_secs += secs
        self._voiced_windows += 1
        self._voiced_power += 10.0 ** (level_dbfs / 10.0)

    @property
    def level_dbfs(self) -> float | None:
        """Mean level of its voiced windows; None without any."""
        if not self._voiced_windows:
            return None
        return 10.0 * log10(self._voiced_power / self._voiced_windows + 1e-12)

    def note_soft_end(self, generation: int) -> None:
        """A short silence began; its words and its melody are yet to be judged."""
        self.phase, self.soft_end = "waiting", generation
        self.is_final, self._smart_turn = False, None

    # -- words ------------------------------------------------------------------------

    def note_words(self, text: str, language: Language) -> None:
        """The recogniser has heard `text` so far."""
        self.text, self.language, self.answered = self.words_of(text), language, True

    def keep_words(self, caller_words: Callable[[str], str]) -> None:
        """Of what was heard so far and will be, only what `caller_words` leaves is its own.

        Args:
            caller_words: Takes a transcript from the beginning of the speech and gives
                back all of it, or its end.
        """
        self._caller_words = caller_words
        self.text = self.words_of(self.text)

    def words_of(self, transcript: str) -> str:
        """What of a transcript counts: all of it, or its end."""
        return self._caller_words(transcript)

    # -- opinions ---------------------------------------------------------------------

    def note_judged(self, text: str, probability: float, judge: JudgedBy) -> None:
        """The judge's opinion whether the words `text` are a complete turn."""
        self._judged = (text, probability, judge)

    def note_smart_turn(self, generation: int, probability: float) -> None:
        """The audio model's opinion; one about an earlier silence is not kept."""
        if generation == self.soft_end:
            self._smart_turn = probability

    @property
    def complete_probability(self) -> float | None:
        """The judge's opinion of the words as they are now; None if it has none."""
        if self._judged is None or not same_words(self._judged[0], self.text):
            return None
        return self._judged[1]

    @property
    def is_judged_by_encoder(self) -> bool:
        """Whether an encoder has judged the words as they are now."""
        judged_by_encoder = self._judged is not None and self._judged[2] == "encoder"
        return judged_by_encoder and self.complete_probability is not None

    def evidence(self) -> Evidence:
        """All that speaks for or against its being over."""
        return Evidence(
            complete=self.complete_probability,
            judge=self._judged[2] if self._judged else "llm",
            smart_turn=self._smart_turn,
            ending=lexicon.ending_of(self.text),
            mark=lexicon.mark_of(self.text),
            language=self.language,
            asks_for_time=lexicon.asks_for_time(self.text),
            discloses_feeling=lexicon.discloses_feeling(self.text),
        )
