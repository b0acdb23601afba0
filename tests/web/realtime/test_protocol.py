import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.events import CallOptions, ReplyAudio, ReplyStarted, StateChanged
from tests.fakes.call import FakeCall
from web.metrics import Metrics
from web.realtime.protocol import RealtimeProtocol
from web.realtime.session import Session


def protocol(port=None):
    """A protocol on a fake call, and the list that it speaks into."""
    sent = []
    session = Session()
    one = RealtimeProtocol(
        port or FakeCall("call_1", session.options),
        session,
        lambda outgoing: sent.append(json.loads(outgoing.text)),
        metrics=Metrics(),
        model="qingting",
        max_message_bytes=1 << 20,
    )
    return one, sent


def kinds(sent):
    return [event["type"] for event in sent]


def test_our_events_need_a_hello():
    """Before it they are dropped, after it they come."""
    one, sent = protocol()
    one.begin()
    one.follow(StateChanged("thinking"))
    one.take('{"type": "qingting.hello", "version": 1}')
    one.follow(StateChanged("speaking"))
    assert kinds(sent) == ["session.created", "qingting.hello", "qingting.state"]
    assert sent[1]["state"] == "thinking"


@pytest.mark.parametrize("able", [True, False])
def test_a_client_says_whether_it_plays_acknowledgements(able):
    """One that does not is given none by the call."""
    port = FakeCall("call_1", CallOptions())
    one, _ = protocol(port)
    hello = {"type": "qingting.hello", "version": 1, "acknowledgements": able}
    one.take(json.dumps(hello))
    assert port.options.plays_acknowledgements is able


def test_only_what_was_sent_of_the_latest_reply_can_be_truncated():
    """As in the original: nobody has heard more than there is, and the past is past."""
    port = FakeCall("call_1", CallOptions())
    one, sent = protocol(port)

    def truncate(number, audio_end_ms):
        event = {"item_id": f"item_reply_{number}", "content_index": 0}
        cut = {"type": "conversation.item.truncate", "audio_end_ms": audio_end_ms, **event}
        one.take(json.dumps(cut))
        return sent[-1].get("error", {}).get("param")

    one.follow(ReplyStarted("reply_1", None))
    one.follow(ReplyAudio("reply_1", 0, bytes(2 * 2_390), 0, 0, 1))
    assert truncate(1, 101) == "audio_end_ms"
    assert truncate(1, 100) is None
    one.follow(ReplyStarted("reply_2", None))
    assert truncate(1, 50) == "item_id"
    assert truncate(2, 0) is None
    assert port.asked == [("truncate", "reply_1", 100), ("truncate", "reply_2", 0)]


def test_a_reply_is_under_way_until_the_client_was_told_of_its_end():
    """The server's drain waits for it."""
    one, _ = protocol()
    assert not one.reply_under_way
    one.follow(ReplyStarted("reply_1", None))
    assert one.reply_under_way


messages = st.sampled_from(
    [
        '{"type": "input_audio_buffer.append", "audio": "AAAA"}',
        '{"type": "input_audio_buffer.append", "audio": "AAA"}',
        '{"type": "input_audio_buffer.commit"}',
        '{"type": "input_audio_buffer.clear"}',
        '{"type": "response.create"}',
        '{"type": "response.cancel"}',
        '{"type": "session.update", "session": {"turn_detection": null}}',
        '{"type": "session.update", "session": {"audio": {"input": {"format": {"rate": 16000}}}}}',
        '{"type": "conversation.item.truncate", "item_id": "item_reply_1", "content_index": 0,'
        ' "audio_end_ms": 10}',
        '{"type": "qingting.hello", "version": 1, "reports_playout": true}',
        '{"type": "qingting.playout.report", "response_id": "resp_reply_1", "samples": 99999}',
        '{"type": "qingting.ping"}',
        "not json",
    ]
)


@given(st.lists(messages, max_size=30))
def test_any_order_of_messages_is_answered_and_none_breaks_the_protocol(order):
    """Events of the call come in between, as they would."""
    port = FakeCall("call_1", CallOptions())
    one, sent = protocol(port)
    one.begin()
    for text in order:
        one.take(text)
        for event in port.drain():
            one.follow(event)
    ids = [event["event_id"] for event in sent]
    assert len(set(ids)) == len(ids)
    assert kinds(sent).count("response.created") - kinds(sent).count("response.done") in (0, 1)
    assert kinds(sent).count("error") >= order.count("not json")


def test_a_typed_item_may_be_answered_while_the_reply_it_interrupts_still_ends():
    """The two messages come together; the end of the old reply takes a moment."""
    port = FakeCall("call_1", CallOptions())
    one, sent = protocol(port)
    one.follow(ReplyStarted("reply_1", None))
    content = [{"type": "input_text", "text": "等等"}]
    item = {"type": "message", "role": "user", "content": content}
    one.take(json.dumps({"type": "conversation.item.create", "item": item}))
    one.take('{"type": "response.create"}')
    assert "error" not in kinds(sent)
    assert port.asked == [("text", "等等"), ("respond",)]
    one.follow(ReplyStarted("reply_2", None))
    one.take('{"type": "response.create"}')
    assert kinds(sent)[-1] == "error"


def test_a_commit_over_the_bot_may_be_answered_while_its_reply_still_ends():
    """As with a typed item; a second request is refused."""
    port = FakeCall("call_1", CallOptions())
    one, sent = protocol(port)
    one.follow(ReplyStarted("reply_1", None))
    audio = b64encode(bytes(960)).decode()
    one.take(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
    one.take('{"type": "input_audio_buffer.commit"}')
    one.take('{"type": "response.create"}')
    assert "error" not in kinds(sent)
    assert port.asked == [("commit",), ("respond",)]
    one.take('{"type": "response.create"}')
    assert kinds(sent)[-1] == "error"
