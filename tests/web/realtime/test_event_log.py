from hypothesis import given
from hypothesis import strategies as st

from web.realtime import server_events as wire
from web.realtime.event_log import EventLog, Outgoing


def log_of(*events, **bounds):
    log = EventLog(**bounds)
    for number, event in enumerate(events, start=1):
        log.note(Outgoing(number, event, f"{number}"))
    return log


def response(number):
    body = wire.Response(id=f"resp_{number}", status="in_progress", conversation_id="conv")
    return wire.ResponseCreated(response=body)


def completed(item):
    return wire.TranscriptionCompleted(
        item_id=item, transcript="", usage=wire.DurationUsage(seconds=1)
    )


def audio(number):
    return wire.AudioDelta(response_id=f"resp_{number}", item_id="item", delta="")


def words(item):
    return wire.Transcript(item_id=item, committed="", unstable="")


def test_a_client_gets_what_followed_the_number_it_names():
    """In order, and without what it has seen."""
    log = log_of(*(wire.Backchannel(text="嗯") for _ in range(5)))
    assert list(log.since(3)) == ["4", "5"]
    assert list(log.since(5)) == []


def test_a_completed_transcript_replaces_its_parts():
    """Those of another turn stay."""
    log = log_of(words("a"), words("b"), words("a"), completed("a"))
    assert list(log.since(0)) == ["2", "4"]


def test_only_the_last_replys_audio_is_kept():
    """Captions stay, sound goes: a returning client plays one reply on."""
    log = log_of(response(1), audio(1), audio(1), response(2), audio(2))
    assert list(log.since(0)) == ["1", "4", "5"]


def test_only_the_last_state_is_kept():
    """Who had the floor a minute ago does not matter."""
    log = log_of(wire.State(state="thinking"), wire.State(state="speaking"))
    assert list(log.since(0)) == ["2"]


def test_acknowledgements_are_not_kept():
    """A 嗯 of a minute ago is no comfort."""
    log = log_of(wire.Backchannel(text="嗯"), wire.Acknowledgement(text="嗯", audio=""))
    assert list(log.since(0)) == ["1"]


def test_answers_to_single_messages_are_not_kept():
    """A pong answers the socket that asked."""
    log = log_of(wire.Pong(token="x"), wire.Backchannel(text="嗯"))
    assert list(log.since(0)) == ["2"]


def test_a_log_without_space_says_so():
    """The oldest go, and a client that needs them is told."""
    log = log_of(*(wire.Backchannel(text="嗯") for _ in range(5)), max_events=2)
    assert list(log.since(0)) == ["4", "5"]
    assert not log.complete_since(2)
    assert log.complete_since(3)


events = st.sampled_from(
    [
        wire.State(state="thinking"),
        words("a"),
        completed("a"),
        response(1),
        audio(1),
        wire.Backchannel(text="嗯"),
        wire.Pong(token=""),
    ]
)


@given(st.lists(events, max_size=60), st.integers(1, 10))
def test_the_log_is_bounded_and_in_order(sequence, most):
    """Whatever happens in a call; and its account of bytes is right."""
    log = log_of(*sequence, max_events=most)
    kept = [int(text) for text in log.since(0)]
    assert kept == sorted(kept)
    assert len(kept) == len(log) <= most
    assert log.size_bytes == sum(len(str(number)) for number in kept)
