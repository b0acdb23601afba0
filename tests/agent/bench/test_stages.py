"""Where the time goes."""

import pytest

from agent.bench.stages import TO_CLIENT, waterfall
from tests.agent.bench.results import MARKS_MS, turn


def spans(*turns):
    return {span.stage: (span.start_ms, span.end_ms) for span in waterfall(turns)}


def test_stages_follow_each_other_and_end_at_the_client():
    """Playout begins when there is audio and the turn is decided."""
    found = spans(turn(latency_ms=405.0))
    assert found["first silence"] == (0.0, 120.0)
    assert found["recognition"] == (120.0, 220.0)
    assert found["turn decision"] == (120.0, 320.0)
    assert found["playout"] == (380.0, 390.0)
    assert found[TO_CLIENT] == (390.0, 405.0)


def test_spans_are_medians_over_the_turns_that_have_the_marks():
    """A turn without a mark leaves the others alone."""
    later = {mark: at + 100 if at else 0.0 for mark, at in MARKS_MS.items()}
    without = {key: at for key, at in MARKS_MS.items() if key != "transcript_final"}
    found = spans(turn(), turn(server_marks_ms=later), turn(server_marks_ms=without))
    assert found["recognition"] == (170.0, 270.0)


@pytest.mark.parametrize("changes", [{"latency_ms": None}, {"premature": True}])
def test_turns_that_went_wrong_are_left_out(changes):
    """Their marks belong to something else."""
    assert spans(turn(**changes)) == {}


def test_a_negative_span_is_left_out():
    """The server may take the end of speech for later than it was."""
    assert TO_CLIENT not in spans(turn(latency_ms=380.0))
