"""From what a caller observed to figures. Pure.

Milliseconds count from the last audible sample of the turn as it was played; see
`agent.caller_report`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from agent.bench.plan import System
from agent.bench.scripts import Kind, Turn
from agent.bench.voices import Take
from agent.caller_report import AnswerReport, TurnReport
from pipeline.stt.script import ScriptNormaliser
from pipeline.text import edit_distance, keys, language_of, units
from pipeline.tts.normalise import normalise

MISSED_END_MS = 10_000.0  # nobody waits longer; the slowest baseline needs about half of it
AUDIBLE_GAP_MS = 40.0  # shorter breaks pass for the end of a syllable
# A server may say that a reply begins just before it sends the words that it answers: ours by
# up to 27 ms in 300 turns. Two ends of one turn lie further apart than this.
SAME_MOMENT_MS = 100.0

TextLanguage: TypeAlias = Literal["zh", "en", "mixed"]

_simplified = ScriptNormaliser("simplified")


@dataclass(frozen=True, slots=True)
class TurnResult:
    """What one turn with one system came to.

    Attributes:
        turn_id: Of the script.
        kind: Of the script.
        audio: Digest of what was said; only results of the same audio are comparable.
        latency_ms: To the first audible sample of the reply that answered the whole turn;
            None if none did. A reply to words of which none came after the last pause is none.
        missed: No such reply within `MISSED_END_MS`, and no premature one either.
        pauses: Silences inside the turn, and `cut_pauses` those taken for its end.
        premature: A commit before the turn was over, in a scripted pause or not, or one after
            which what was said last was never recognised.
        edits, reference_units: Of the transcript, in text units.
        failed_replies: Replies that the server gave up, whatever it said instead.
        gaps_ms: Audible breaks of its replies.
        client_marks_ms, server_marks_ms: Marks of design section 4, from either side.
        ledger: The server's account of speculation.
        acknowledged_ms: To the first audible sample of an acknowledgement (嗯) before the
            reply; None if there was none.
    """

    turn_id: str
    kind: Kind
    audio: str
    reference: str
    transcript: str
    reply: str
    language: TextLanguage
    latency_ms: float | None
    missed: bool
    pauses: int
    cut_pauses: int
    premature: bool
    edits: int
    reference_units: int
    failed_replies: int = 0
    gaps_ms: tuple[float, ...] = ()
    client_marks_ms: Mapping[str, float] = field(default_factory=dict)
    server_marks_ms: Mapping[str, float] = field(default_factory=dict)
    ledger: Mapping[str, float] = field(default_factory=dict)
    acknowledged_ms: float | None = None

    @property
    def first_sound_ms(self) -> float | None:
        """To the first audible sample of the bot, be it an acknowledgement or that reply."""
        if self.latency_ms is None or self.acknowledged_ms is None:
            return self.latency_ms
        return min(self.acknowledged_ms, self.latency_ms)

    @property
    def recognition_ms(self) -> float | None:
        """By the server's marks, from the last soft end to the final transcript.

        A baseline's soft end is its decision to recognise. None for a turn that was cut off.
        """
        marks = self.server_marks_ms
        if self.premature or "soft_end" not in marks or "transcript_final" not in marks:
            return None
        return marks["transcript_final"] - marks["soft_end"]


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of the latencies of answered turns; milliseconds."""

    p50: float
    p95: float
    mean: float
    worst: float


@dataclass(frozen=True, slots=True)
class Summary:
    """One system's figures.

    Attributes:
        turns: Held.
        answered: With a latency: those whose reply answered all of them.
        latency_ms: None if nothing was answered.
        pauses, cut_pauses: Silences inside turns, and those taken for the end.
        premature: Turns that were cut off.
        missed: Turns without a reply in time.
        failed_replies: Replies that the server gave up.
        error_rates: Edits per reference unit, by language of the turn.
        gaps: Audible breaks of playout, and the longest.
        ledger: Sums of the turns' accounts.
        failures: Calls that broke down, and codes of `error` events.
        first_sound_ms: Of the same turns as `latency_ms`.
    """

    turns: int
    answered: int
    latency_ms: Percentiles | None
    pauses: int
    cut_pauses: int
    premature: int
    missed: int
    failed_replies: int
    error_rates: Mapping[TextLanguage, float]
    gaps: int
    longest_gap_ms: float
    ledger: Mapping[str, float]
    failures: tuple[str, ...] = ()
    first_sound_ms: Percentiles | None = None


@dataclass(frozen=True, slots=True)
class SystemResult:
    """All turns with one system, and what they sum up to."""

    system: System
    turns: tuple[TurnResult, ...]
    summary: Summary


def measure_turn(take: Take, report: TurnReport) -> TurnResult:
    """One turn's figures, from the caller's report of it."""
    reference = take.turn.text
    wanted, got = spoken_units(reference), spoken_units(report.transcript)
    whole = _reaches_last_passage(take.turn, wanted, got)
    answer = _answer(report) if whole else None
    latency_ms = answer.audible_ms if answer else None
    early = _premature_commits_ms(report.commits_ms, whole=whole)
    said_ms = take.clip.speech_end / take.clip.rate_hz * 1000
    cut = {_pause_before(said_ms + commit_ms, take) for commit_ms in early} - {None}
    return TurnResult(
        turn_id=take.turn.turn_id,
        kind=take.turn.kind,
        audio=take.digest,
        reference=reference,
        transcript=report.transcript,
        reply=report.reply_text,
        language=text_language(reference),
        latency_ms=latency_ms,
        missed=not early and (latency_ms is None or latency_ms > MISSED_END_MS),
        pauses=len(take.pauses),
        cut_pauses=len(cut),
        premature=bool(early),
        edits=edit_distance(got, wanted),
        reference_units=len(wanted),
        failed_replies=sum(one.status == "failed" for one in report.answers),
        gaps_ms=tuple(gap for one in report.answers for gap in one.gaps_ms if gap > AUDIBLE_GAP_MS),
        client_marks_ms=report.client_marks_ms,
        server_marks_ms=report.server_marks_ms,
        ledger=report.ledger,
        acknowledged_ms=report.acknowledged_ms,
    )


def summarise(turns: Sequence[TurnResult], failures: Iterable[str] = ()) -> Summary:
    """One system's figures."""
    latencies = [turn.latency_ms for turn in turns if turn.latency_ms is not None]
    sounds = [turn.first_sound_ms for turn in turns if turn.first_sound_ms is not None]
    gaps = [gap for turn in turns for gap in turn.gaps_ms]
    ledger: dict[str, float] = {}
    for turn in turns:
        for entry, amount in turn.ledger.items():
            ledger[entry] = round(ledger.get(entry, 0.0) + amount, 1)
    return Summary(
        turns=len(turns),
        answered=len(latencies),
        latency_ms=percentiles(latencies) if latencies else None,
        pauses=sum(turn.pauses for turn in turns),
        cut_pauses=sum(turn.cut_pauses for turn in turns),
        premature=sum(turn.premature for turn in turns),
        missed=sum(turn.missed for turn in turns),
        failed_replies=sum(turn.failed_replies for turn in turns),
        error_rates=_error_rates(turns),
        gaps=len(gaps),
        longest_gap_ms=max(gaps, default=0.0),
        ledger=ledger,
        failures=tuple(failures),
        first_sound_ms=percentiles(sounds) if sounds else None,
    )


def percentiles(latencies_ms: Sequence[float]) -> Percentiles:
    """Of at least one latency, rounded to a tenth."""
    p50, p95 = np.percentile(latencies_ms, (50, 95))
    mean, worst = np.mean(latencies_ms), max(latencies_ms)
    return Percentiles(*(round(float(value), 1) for value in (p50, p95, mean, worst)))


def paired_ratio(ours: Sequence[TurnResult], theirs: Sequence[TurnResult]) -> float | None:
    """Our median latency over theirs, on the turns that both answered; None without any."""
    mine, yours = _latencies(ours), _latencies(theirs)
    common = mine.keys() & yours.keys()
    if not common:
        return None
    medians = [float(np.median([own[key] for key in common])) for own in (mine, yours)]
    return round(medians[0] / medians[1], 3)


def spoken_units(text: str) -> tuple[str, ...]:
    """Text units as they sound: simplified characters, numbers as words.

    三十二 and 32 are the same words; which of them a recogniser writes is taste.
    """
    language = language_of(text)
    return keys(normalise(_simplified(text), language).spoken)


def text_language(text: str) -> TextLanguage:
    """Which error rate a text belongs to."""
    kinds = {unit.kind for unit in units(text)}
    if {"cjk", "word"} <= kinds:
        return "mixed"
    return "en" if "word" in kinds else "zh"


def _reaches_last_passage(turn: Turn, wanted: Sequence[str], got: Sequence[str]) -> bool:
    """Whether anything after the last pause was understood, if anything was at all.

    What was understood is laid on the beginning of the turn that it differs least from. Of
    beginnings that differ alike the longest is taken: a last word that was misheard was heard.
    """
    if not got:
        return True

    def difference(length: int) -> tuple[int, int]:
        return edit_distance(got, wanted[:length]), -length

    last_units = max(1, len(spoken_units(turn.passages[-1].text)))  # none if it ends in a pause
    return min(range(len(wanted) + 1), key=difference) > len(wanted) - last_units


def _answer(report: TurnReport) -> AnswerReport | None:
    """The reply to the whole turn: the first audible one after it and after its last commit."""
    committed_ms = report.commits_ms[-1] if report.commits_ms else 0.0
    since_ms = max(0.0, committed_ms - SAME_MOMENT_MS)
    begun = (one for one in report.answers if one.begun_ms >= since_ms)
    return next((one for one in begun if one.audible_ms is not None), None)


def _premature_commits_ms(commits_ms: Sequence[float], *, whole: bool) -> list[float]:
    """Commits before the turn was over, and those after which there was more of it.

    Args:
        commits_ms: Of one turn, in order.
        whole: Whether the last of them held what was said last.
    """
    last = len(commits_ms) - 1 if whole else len(commits_ms)
    return [at for index, at in enumerate(commits_ms) if at < 0 or index < last]


def _pause_before(clip_ms: float, take: Take) -> tuple[int, int] | None:
    """The scripted pause that a commit fell into, or came from with a delay."""
    sample = clip_ms / 1000 * take.clip.rate_hz
    begun = [pause for pause in take.pauses if pause[0] <= sample]
    return begun[-1] if begun else None


def _latencies(turns: Sequence[TurnResult]) -> dict[tuple[str, str], float]:
    return {(t.turn_id, t.audio): t.latency_ms for t in turns if t.latency_ms is not None}


def _error_rates(turns: Sequence[TurnResult]) -> dict[TextLanguage, float]:
    languages: tuple[TextLanguage, ...] = ("zh", "en", "mixed")
    rates: dict[TextLanguage, float] = {}
    for language in languages:
        of_language = [turn for turn in turns if turn.language == language]
        wanted = sum(turn.reference_units for turn in of_language)
        if wanted:
            rates[language] = round(sum(turn.edits for turn in of_language) / wanted, 4)
    return rates
