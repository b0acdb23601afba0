import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.realtime import client_events
from web.realtime.client_events import parse
from web.realtime.errors import ClientEventError


def refusal(message):
    text = message if isinstance(message, str) else json.dumps(message)
    with pytest.raises(ClientEventError) as caught:
        parse(text)
    return caught.value


def test_fields_of_a_later_protocol_are_tolerated_in_standard_events():
    """OpenAI adds fields; old servers must not break on them."""
    event = parse('{"type": "input_audio_buffer.commit", "event_id": "e1", "new": 1}')
    assert event == client_events.AudioCommit(type="input_audio_buffer.commit", event_id="e1")


@pytest.mark.parametrize(
    ("message", "code", "param"),
    [
        ("{", "invalid_json", None),
        ("", "invalid_json", None),
        ('{"type": "\\ud800"}', "invalid_json", None),
        ("[" * 100_000, "invalid_json", None),
        ("[]", "invalid_event", None),
        ("17", "invalid_event", None),
        ({}, "missing_type", "type"),
        ({"type": "no.such.event"}, "unknown_event", "type"),
        ({"type": 3}, "unknown_event", "type"),
        ({"type": "input_audio_buffer.append"}, "invalid_value", "audio"),
        ({"type": "input_audio_buffer.append", "audio": 5}, "invalid_value", "audio"),
        (
            {
                "type": "session.update",
                "session": {"audio": {"input": {"format": {"type": "audio/pcm", "rate": 8000}}}},
            },
            "invalid_value",
            "session.audio.input.format.rate",
        ),
        ({"type": "response.create", "response": {"conversation": "none"}}, "invalid_value",
         "response.conversation"),
        ({"type": "conversation.item.create", "item": {"type": "message", "role": "system",
          "content": []}}, "invalid_value", "item.role"),
        ({"type": "qingting.ping", "tokn": "x"}, "invalid_value", "tokn"),
        ({"type": "qingting.hello", "version": 2}, "invalid_value", "version"),
        ({"type": "qingting.playout.report", "response_id": "r", "samples": -1}, "invalid_value",
         "samples"),
        ({"type": "qingting.playout.report", "response_id": "r", "samples": 10**30},
         "invalid_value", "samples"),
    ],
)  # fmt: skip
def test_a_bad_message_is_named(message, code, param):
    """The error says which rule and which field."""
    error = refusal(message)
    assert (error.wire_code, error.param) == (code, param)


def test_a_typed_turn_has_a_length_of_its_own_however_it_is_parted():
    """Sixteen parts are no way around it."""

    def typed(*lengths):
        content = [{"type": "input_text", "text": "很" * length} for length in lengths]
        item = {"type": "message", "role": "user", "content": content}
        return {"type": "conversation.item.create", "item": item}

    assert parse(json.dumps(typed(2_000, 2_000))).item.text.count("很") == 4_000
    for lengths in ((4_001,), (2_000, 2_001)):
        error = refusal(typed(*lengths))
        assert (error.wire_code, error.param) == ("invalid_value", "item.content")


def test_the_clients_event_id_comes_back():
    """A client finds the message that was wrong."""
    assert refusal({"type": "nonsense", "event_id": "mine"}).event_id == "mine"


def test_the_error_does_not_repeat_what_was_typed():
    """Words of a caller do not leak into messages that may be logged."""
    secret = "我的秘密"
    item = {"type": "message", "role": "user", "content": [{"type": secret, "text": [secret]}]}
    assert secret not in refusal({"type": "conversation.item.create", "item": item}).message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
known_types = st.sampled_from(
    [
        kind.model_fields["type"].annotation.__args__[0]
        for kind in client_events.ClientEvent.__args__
    ]
)


def outcome(text):
    """The type of the event, or the code of the refusal; any other exception is a bug."""
    try:
        return parse(text).type
    except ClientEventError as error:
        return error.wire_code


REFUSALS = {"invalid_json", "invalid_event", "missing_type", "unknown_event", "invalid_value"}


@given(st.text() | json_values.map(json.dumps))
def test_any_text_is_an_event_or_an_error(text):
    """Nothing else comes out of the parser."""
    assert outcome(text) in REFUSALS


@given(known_types, st.dictionaries(st.sampled_from(
    ["event_id", "session", "audio", "item", "item_id", "content_index", "audio_end_ms",
     "response", "response_id", "version", "samples", "token"]), json_values))  # fmt: skip
def test_known_types_with_any_fields_are_an_event_or_an_error(kind, fields):
    """Fuzzed from the schema: right names, wrong values."""
    assert outcome(json.dumps({**fields, "type": kind})) in {kind, "invalid_value", "invalid_json"}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-1", "1e400"])
def test_a_temperature_that_is_no_temperature_is_refused(number):
    """JSON libraries let more through than JSON allows."""
    text = f'{{"type": "session.update", "session": {{"temperature": {number}}}}}'
    assert outcome(text) in {"invalid_value", "invalid_json"}
