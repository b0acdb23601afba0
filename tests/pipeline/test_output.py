"""The output stage: events out, marks into a measurement."""

from __future__ import annotations

from pipeline.events import CallEvent, StateChanged, TurnMeasured
from pipeline.frames import CommitAudioFrame, EventFrame, LedgerFrame, MarkFrame, MeasureFrame
from pipeline.output import OutputStage
from tests.fakes.driver import Passed, Step, drive


def run(*steps: Step) -> tuple[list[CallEvent], Passed]:
    delivered: list[CallEvent] = []
    passed = drive(OutputStage(delivered.append), *steps)
    return delivered, passed


def test_events_are_delivered_in_order():
    """And consumed."""
    states = [StateChanged("listening"), StateChanged("thinking")]
    delivered, passed = run(*map(EventFrame, states))
    assert delivered == states
    assert passed.down == []


def test_marks_become_a_measurement_when_the_reply_sounds():
    """In milliseconds after the last voiced sample, with the turn's ledger."""
    delivered, _ = run(
        MarkFrame(4, "speech_end", 10.0),
        MarkFrame(4, "first_token", 10.3),
        LedgerFrame(4, {"hits": 1.0}),
        MarkFrame(4, "first_playout", 10.45),
        MeasureFrame(4, "turn_1", "reply_1"),
    )
    (measured,) = delivered
    assert isinstance(measured, TurnMeasured)
    assert measured.marks_ms == {"speech_end": 0.0, "first_token": 300.0, "first_playout": 450.0}
    assert measured.response_latency_ms == 450.0
    assert measured.ledger == {"hits": 1.0}


def test_everything_else_passes():
    """pipecat's own frames end at its sink, not here."""
    assert run(CommitAudioFrame())[1].kinds() == [CommitAudioFrame]
