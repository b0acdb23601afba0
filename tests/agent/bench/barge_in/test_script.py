"""The events of the barge-in bench."""

from __future__ import annotations

from collections import Counter

import pytest

from agent.bench.barge_in.script import EVENTS_PER_CALL, load_calls
from pipeline.errors import ConfigError


def test_there_are_enough_events_of_every_kind() -> None:
    """At least eighty, in both languages, and echoes at three levels."""
    calls = load_calls()
    events = [event for call in calls for event in call.events]
    kinds = Counter(event.kind for event in events)
    assert len(events) >= 80
    assert len({event.event_id for event in events}) == len(events)
    assert {call.language for call in calls} == {"zh", "en"}
    assert {call.echo_db for call in calls} == {None, -10.0, -20.0, -30.0}
    assert min(kinds.values()) >= 6
    assert max(len(call.events) for call in calls) <= EVENTS_PER_CALL


def test_every_echo_level_is_heard_in_both_languages() -> None:
    """Alone, and with a caller over it."""
    rooms = {
        (call.language, call.echo_db, event.kind)
        for call in load_calls()
        for event in call.events
        if call.echo_db is not None
    }
    assert len(rooms) == 2 * 3 * 2


def test_events_can_be_chosen() -> None:
    """By kind and by id; the bench is the same for what is left."""
    chosen = [event for call in load_calls(["cough"]) for event in call.events]
    assert {event.kind for event in chosen} == {"cough"}
    (call,) = load_calls([chosen[0].event_id])
    assert call.events == (chosen[0],)


def test_an_unknown_event_is_an_error() -> None:
    """Nothing is skipped in silence."""
    with pytest.raises(ConfigError, match="sneeze"):
        load_calls(["sneeze"])
