"""Figures of the barge-in bench, from notes made by hand."""

from __future__ import annotations

from typing import Any

import pytest

from agent.bench.barge_in.caller import Note, Observation
from agent.bench.barge_in.measure import EventResult, heard_error, measure, summarise
from agent.bench.barge_in.script import Event, Kind

PASSAGE = "resp_reply_1"
SOUND_AT = 100.0
# Ten chunks of 100 ms, two characters each.
SPANS = [(index * 2_400, 2 * index, 2 * index + 2) for index in range(10)]
TOTAL = 24_000


def observed(*notes: tuple[float, str, dict[str, Any]], played: int = 0) -> Observation:
    event = Event("command/zh/1", "command", True, "停。", 1, 0.0, 2.0)
    made = [
        Note(SOUND_AT + at, {"type": f"qingting.{name}", "response_id": PASSAGE, **more})
        for at, name, more in notes
    ]
    return Observation(event, SOUND_AT, PASSAGE, made, played)


def heard(text: str, status: str = "interrupted") -> dict[str, Any]:
    return {"heard_text": text, "status": status}


def test_a_stop_is_timed_from_the_sound() -> None:
    """Pause, then flush: both in milliseconds after the first audible sample."""
    result = measure(
        observed(
            (0.1, "playout.pause", {}),
            (0.45, "playout.flush", {}),
            (0.46, "reply.heard", heard("我们先做一")),
            played=6_000,
        ),
        SPANS,
        TOTAL,
    )
    assert result.stopped
    assert (result.pause_ms, result.decide_ms, result.gap_ms) == (100.0, 450.0, None)
    assert result.heard_error_chars == 0


def test_a_resume_costs_a_gap() -> None:
    """The silence between the orders, all of them together."""
    result = measure(
        observed(
            (0.1, "playout.pause", {}),
            (0.5, "playout.resume", {}),
            (0.9, "playout.pause", {}),
            (1.1, "playout.resume", {}),
            (2.0, "reply.heard", heard("我们", "cancelled")),
        ),
        SPANS,
        TOTAL,
    )
    assert not result.stopped
    assert result.gap_ms == pytest.approx(600.0)
    assert (result.pauses, result.heard_error_chars) == (2, None)


def test_a_sound_into_silence_does_not_count() -> None:
    """The bot had finished before it began."""
    event = Event("cough/zh/1", "cough", False, "", 1, 0.0, 2.0)
    assert not measure(Observation(event), SPANS, TOTAL).valid


@pytest.mark.parametrize(
    ("heard_chars", "played", "error"),
    [
        (4, 4_800, 0),
        (5, 4_800, 0),  # the next chunk has begun, or would have within the tolerance
        (7, 4_800, 1),
        (3, 4_800, -1),
        (20, TOTAL, 0),
        (19, TOTAL, -1),
        (0, 0, 0),
    ],
)
def test_the_error_is_what_a_client_can_prove(heard_chars: int, played: int, error: int) -> None:
    """Whole chunks must be counted, the chunk under way may be."""
    assert heard_error(heard_chars, SPANS, TOTAL, played) == error


def test_a_passage_without_audio_has_no_characters_to_hear() -> None:
    """Nothing came before the call broke down."""
    assert heard_error(0, [], 0, 0) == 0
    assert heard_error(3, [], 0, 0) == 3


def result(kind: Kind, *, stops: bool, stopped: bool, **more: Any) -> EventResult:
    return EventResult(f"{kind}/zh/1", kind, stops, valid=True, stopped=stopped, **more)


def test_the_summary_names_what_was_missed() -> None:
    """Shares over the events they are about."""
    summary = summarise(
        [
            result("command", stops=True, stopped=True, pause_ms=100.0, heard_error_chars=0),
            result("correction", stops=True, stopped=False, pause_ms=120.0, pauses=1),
            result("backchannel", stops=False, stopped=False, pauses=1, gap_ms=400.0),
            result("cough", stops=False, stopped=True, pauses=1, heard_error_chars=2),
            result("echo", stops=False, stopped=False, pauses=2),
            EventResult("cough/zh/2", "cough", False, valid=False),
        ]
    )
    assert (summary.events, summary.valid) == (6, 5)
    assert (summary.recall, summary.precision) == (0.5, 0.5)
    assert (summary.noises_silenced, summary.resumed) == (0.5, 0.5)
    assert (summary.self_interruptions, summary.echo_pauses) == (0, 2)
    assert summary.heard_within_1_char == 0.5
    met = summary.as_json()["targets_met"]
    assert met["commands_stopped"] is False
    assert met["self_interruptions"] is True


def test_nothing_measured_is_no_figure() -> None:
    """None, not zero."""
    summary = summarise([])
    assert summary.pause_p95_ms is None
    assert summary.as_json()["targets_met"]["pause_p95_ms"] is None
