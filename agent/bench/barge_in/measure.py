"""From what a caller noted to figures. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from agent.bench.barge_in.caller import Note, Observation
from agent.bench.barge_in.script import Kind
from pipeline.playout.ledger import HEARD_TOLERANCE_SAMPLES

SpanTable = Sequence[tuple[int, int, int]]

# (name, limit, whether the figure must not exceed it): issue "barge-in", last section.
TARGETS: Mapping[str, tuple[float, str]] = {
    "pause_p95_ms": (150.0, "at most"),
    "decide_p95_ms": (500.0, "at most"),
    "commands_stopped": (0.97, "at least"),
    "noises_silenced": (0.03, "at most"),
    "resume_gap_p95_ms": (700.0, "at most"),
    "heard_within_1_char": (0.95, "at least"),
    "self_interruptions": (0.0, "at most"),
}


@dataclass(frozen=True, slots=True)
class EventResult:
    """One event's figures.

    Attributes:
        valid: The bot was speaking when the sound began.
        stopped: Whether the passage was given up for it.
        pause_ms: From the sound's first audible sample to the order to pause or to flush.
        decide_ms: Likewise, to the order to resume or to flush.
        gap_ms: How long the passage was silent, if it was paused and resumed.
        pauses: How often it was paused.
        heard_error_chars: Characters that the server counts as heard, less those whose
            audio was played; None if the passage was not cut.
        heard_text: What the server keeps of a cut passage.
    """

    event_id: str
    kind: Kind
    stops: bool
    valid: bool
    stopped: bool = False
    pause_ms: float | None = None
    decide_ms: float | None = None
    gap_ms: float | None = None
    pauses: int = 0
    heard_error_chars: int | None = None
    heard_text: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """The bench's figures; shares are 0.0 to 1.0, None where nothing counts.

    Attributes:
        events, valid: Held, and those in which the bot was speaking.
        pause_p50_ms, pause_p95_ms: Over the caller's own voice.
        decide_p50_ms, decide_p95_ms: Over the same.
        precision, recall: Of "should stop".
        commands_stopped: Commands and corrections that stopped the bot, echo or not.
        noises_silenced: Backchannels, noises and other voices that silenced it for good.
        false_pauses, resumed: Sounds of the latter kind that paused it; share resumed.
        resume_gap_p50_ms, resume_gap_p95_ms: Silence that these cost.
        heard_within_1_char: Share of cuts; and the mean and worst error.
        self_interruptions: Passages that the bot's own echo stopped.
        echo_pauses: Pauses by its own echo.
    """

    events: int
    valid: int
    pause_p50_ms: float | None
    pause_p95_ms: float | None
    decide_p50_ms: float | None
    decide_p95_ms: float | None
    precision: float | None
    recall: float | None
    commands_stopped: float | None
    noises_silenced: float | None
    false_pauses: int
    resumed: float | None
    resume_gap_p50_ms: float | None
    resume_gap_p95_ms: float | None
    heard_within_1_char: float | None
    heard_error_worst: int | None
    self_interruptions: int
    echo_pauses: int

    def as_json(self) -> dict[str, Any]:
        """The figures, and which targets they meet."""
        figures = asdict(self)
        met = {name: self.meets(name, limit) for name, (limit, _) in TARGETS.items()}
        return {**figures, "targets_met": met}

    def meets(self, name: str, limit: float) -> bool | None:
        """Whether a figure of `TARGETS` keeps to a limit; None if it was not measured."""
        figure = getattr(self, name)
        if figure is None:
            return None
        return bool(figure <= limit if TARGETS[name][1] == "at most" else figure >= limit)


def measure(observation: Observation, spans: SpanTable, total_samples: int) -> EventResult:
    """One event's figures.

    Args:
        observation: The caller's notes.
        spans: Start sample, start character and end character of each chunk of the passage.
        total_samples: Of the passage's audio received.
    """
    event = observation.event
    base = (event.event_id, event.kind, event.stops)
    sound_at, passage = observation.sound_at, observation.response_id
    if sound_at is None:
        return EventResult(*base, valid=False)
    notes = [note for note in observation.notes if note.event.get("response_id") == passage]
    by_type: dict[str, list[Note]] = {}
    for note in notes:
        by_type.setdefault(str(note.event["type"]).removeprefix("qingting."), []).append(note)
    pauses, resumes = by_type.get("playout.pause", []), by_type.get("playout.resume", [])
    flushes, endings = by_type.get("playout.flush", []), by_type.get("reply.heard", [])
    cut = next((note.event for note in endings if note.event["status"] == "interrupted"), None)
    gaps = [resumed.at - paused.at for paused, resumed in zip(pauses, resumes, strict=False)]

    def after_ms(groups: Iterable[list[Note]]) -> float | None:
        first = [group[0].at for group in groups if group]
        return round((min(first) - sound_at) * 1000, 1) if first else None

    heard_text = str(cut["heard_text"]) if cut else ""
    error = heard_error(len(heard_text), spans, total_samples, observation.played_samples)
    return EventResult(
        *base,
        valid=True,
        stopped=cut is not None,
        pause_ms=after_ms([pauses, flushes]),
        decide_ms=after_ms([resumes, flushes]),
        gap_ms=round(sum(gaps) * 1000, 1) if gaps else None,
        pauses=len(pauses),
        heard_error_chars=error if cut else None,
        heard_text=heard_text,
    )


def heard_error(heard_chars: int, spans: SpanTable, total_samples: int, played_samples: int) -> int:
    """Characters by which the server is wrong about what was heard, as its client can tell.

    A chunk says how many characters its 100 ms complete, not where. So the characters of
    chunks played to the end must be counted, those of the chunk under way may be.
    """
    ends = [*(start for start, _, _ in spans), total_samples][1:]
    fewest = most = 0
    for (start, _, end_char), end in zip(spans, ends, strict=True):
        if played_samples >= end:
            fewest = end_char
        if played_samples + HEARD_TOLERANCE_SAMPLES >= start:
            most = end_char
    return heard_chars - min(max(heard_chars, fewest), most)


def summarise(results: Sequence[EventResult]) -> Summary:
    """All events together."""
    valid = [result for result in results if result.valid]
    wanted = [result for result in valid if result.stops]
    echoes = [result for result in valid if result.kind == "echo"]
    others = [result for result in valid if not result.stops and result.kind != "echo"]
    stopped = [result for result in valid if result.stopped]
    paused = [result for result in others if result.pauses]
    voiced = [*wanted, *(result for result in others if result.kind == "backchannel")]
    errors = [abs(e) for e in (r.heard_error_chars for r in valid) if e is not None]
    return Summary(
        events=len(results),
        valid=len(valid),
        pause_p50_ms=_percentile([r.pause_ms for r in voiced], 50),
        pause_p95_ms=_percentile([r.pause_ms for r in voiced], 95),
        decide_p50_ms=_percentile([r.decide_ms for r in voiced], 50),
        decide_p95_ms=_percentile([r.decide_ms for r in voiced], 95),
        precision=_share(result.stops for result in stopped),
        recall=_share(result.stopped for result in wanted),
        commands_stopped=_share(result.stopped for result in wanted),
        noises_silenced=_share(result.stopped for result in others),
        false_pauses=len(paused),
        resumed=_share(not result.stopped for result in paused),
        resume_gap_p50_ms=_percentile([r.gap_ms for r in paused], 50),
        resume_gap_p95_ms=_percentile([r.gap_ms for r in paused], 95),
        heard_within_1_char=_share(error <= 1 for error in errors),
        heard_error_worst=max(errors, default=None),
        self_interruptions=sum(result.stopped for result in echoes),
        echo_pauses=sum(result.pauses for result in echoes),
    )


def _percentile(values: Iterable[float | None], percent: float) -> float | None:
    known = [value for value in values if value is not None]
    return round(float(np.percentile(known, percent)), 1) if known else None


def _share(flags: Iterable[bool]) -> float | None:
    known = list(flags)
    return round(sum(known) / len(known), 4) if known else None
