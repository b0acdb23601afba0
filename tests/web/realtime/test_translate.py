import base64
from typing import get_args

import pytest
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

from pipeline import events as call
from tests.fakes.call import tone
from web.realtime import server_events as wire
from web.realtime.translate import Translator

STANDARD = TypeAdapter(get_args(RealtimeServerEvent)[0])

HELP = call.HelpLine("988 Lifeline", "988", "24/7")
SPEECH = (
    call.SpeechStarted("turn_1", 0.5),
    call.TranscriptUpdated("turn_1", "我最近", "睡"),
    call.TranscriptUpdated("turn_1", "我最近睡", "不"),
    call.SpeechStopped("turn_1", 1.75),
    call.TranscriptCompleted("turn_1", "我最近睡不好", "zh"),
)
REPLY = (
    call.ReplyStarted("reply_1", "turn_1"),
    call.ReplyText("reply_1", "听起来", 0),
    call.ReplyAudio("reply_1", 0, tone(0.1), 0, 0, 3),
)


def finished(status="completed", heard="听起来"):
    return call.ReplyFinished("reply_1", status, "听起来", heard, False, 0.1)


def translate(*events, translator=None):
    translator = translator or Translator("conv_1")
    return [out for event in events for out in translator.translate(event)]


def kinds(events, *, ours=True):
    return [e.type for e in events if ours or not e.type.startswith("qingting.")]


def only(events, kind):
    return [event for event in events if isinstance(event, kind)]


def test_a_spoken_turn_in_the_protocols_order():
    """Speech, its words, and only then the item of the turn."""
    assert kinds(translate(*SPEECH), ours=False) == [
        "input_audio_buffer.speech_started",
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.delta",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
    ]


def test_transcription_deltas_join_to_the_transcript():
    """Committed words are sent once, the rest at the end."""
    events = translate(*SPEECH)
    assert "".join(e.delta for e in only(events, wire.TranscriptionDelta)) == "我最近睡不好"
    (completed,) = only(events, wire.TranscriptionCompleted)
    assert (completed.transcript, completed.usage.seconds) == ("我最近睡不好", 1.25)


def test_a_reply_in_the_protocols_order():
    """Created, its parts, its audio, and every end."""
    assert kinds(translate(*REPLY, finished()), ours=False) == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_audio_transcript.delta",
        "response.output_audio.delta",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "conversation.item.done",
        "response.done",
    ]


def test_items_are_chained():
    """Each item names the one before it."""
    items = only(translate(*SPEECH, *REPLY, finished()), wire.ItemAdded)
    assert [(e.item.id, e.previous_item_id) for e in items] == [
        ("item_turn_1", None),
        ("item_reply_1", "item_turn_1"),
    ]


@pytest.mark.parametrize(
    ("status", "shown", "reason"),
    [
        ("completed", "completed", None),
        ("interrupted", "cancelled", "turn_detected"),
        ("cancelled", "cancelled", "client_cancelled"),
        ("failed", "failed", None),
    ],
)
def test_how_a_reply_ended_is_told_in_the_protocols_words(status, shown, reason):
    """Barge-in is `cancelled` by `turn_detected`."""
    (done,) = only(translate(*REPLY, finished(status)), wire.ResponseDone)
    assert (done.response.status, done.response.status_details.reason) == (shown, reason)


def test_heard_text_is_told_apart_from_written_text():
    """`qingting.reply.heard` comes before `response.done`."""
    events = translate(*REPLY, finished("interrupted", "听"))
    assert kinds(events)[-2:] == ["qingting.reply.heard", "response.done"]
    assert (events[-2].text, events[-2].heard_text) == ("听起来", "听")


def test_what_a_client_says_late_is_told_again():
    """The last `qingting.reply.heard` of a reply holds; a standard client gets nothing new."""
    amended = call.ReplyAmended("reply_1", "听起来", "听", 0.1)
    (told,) = translate(amended)
    assert (told.type, told.heard_text, told.status) == (
        "qingting.reply.heard",
        "听",
        "interrupted",
    )
    assert not told.estimated


def test_every_audio_delta_follows_its_span():
    """The span says what the very next delta carries."""
    events = translate(*REPLY)
    where = kinds(events).index("qingting.audio_span")
    assert kinds(events)[where + 1] == "response.output_audio.delta"
    assert base64.b64decode(events[where + 1].delta) == tone(0.1)


def test_a_client_at_16_khz_gets_its_offsets_at_16_khz():
    """Audio, spans and resume points use one rate."""
    translator = Translator("conv_1")
    translator.output_rate_hz = 16_000
    second = call.ReplyAudio("reply_1", 1, tone(0.1), 2_400, 3, 5)
    events = translate(*REPLY, second, call.PlayoutResumed("reply_1", 2_400), translator=translator)
    assert [e.start_sample for e in only(events, wire.AudioSpan)] == [0, 1_600]
    assert only(events, wire.PlayoutResume)[0].from_sample == 1_600
    samples = sum(len(base64.b64decode(e.delta)) // 2 for e in only(events, wire.AudioDelta))
    assert samples == 3_200
    assert translator.to_call_samples(1_600) == 2_400


def test_a_rate_change_waits_for_the_next_reply():
    """One reply keeps one rate, or its offsets would lie."""
    translator = Translator("conv_1")
    translate(REPLY[0], translator=translator)
    translator.output_rate_hz = 16_000
    (delta,) = only(translate(REPLY[2], translator=translator), wire.AudioDelta)
    assert base64.b64decode(delta.delta) == tone(0.1)


@pytest.mark.parametrize("rate_hz", [16_000, 24_000])
def test_an_acknowledgement_comes_whole_and_at_the_clients_rate(rate_hz):
    """It belongs to no response; a reply under way keeps its own stream."""
    translator = Translator("conv_1")
    translator.output_rate_hz = rate_hz
    (event,) = translate(call.Acknowledged("嗯", tone(0.4)), translator=translator)
    assert event.type == "qingting.acknowledgement"
    assert event.text == "嗯"
    assert len(base64.b64decode(event.audio)) == 2 * round(0.4 * rate_hz)


def test_standard_events_are_what_the_official_client_expects():
    """The openai package's own strict types accept each of them."""
    translator = Translator("conv_1")
    events = [
        *translator.user_text("item_text_1", "你好"),
        *translate(*SPEECH, *REPLY, finished("interrupted"), translator=translator),
        *translate(call.CallFailed("engine_error", "the voice failed"), translator=translator),
    ]
    for event in events:
        if not event.type.startswith("qingting."):
            parsed = STANDARD.validate_json(event.model_dump_json())
            assert parsed.type == event.type


def test_every_event_of_a_call_is_translated():
    """None is forgotten when one is added."""
    samples = {
        call.StateChanged: call.StateChanged("speaking"),
        call.BackchannelNoted: call.BackchannelNoted("嗯"),
        call.Acknowledged: call.Acknowledged("嗯", tone(0.4)),
        call.ReplyAmended: call.ReplyAmended("reply_1", "听起来", "听", 0.1),
        call.PlayoutPaused: call.PlayoutPaused("reply_1"),
        call.PlayoutResumed: call.PlayoutResumed("reply_1", 0),
        call.PlayoutFlushed: call.PlayoutFlushed("reply_1"),
        call.TurnMeasured: call.TurnMeasured("turn_1", "reply_1", {}, None),
        call.CallFailed: call.CallFailed("engine_error", "x"),
        call.CrisisNoted: call.CrisisNoted("elevated", "suicide", (HELP,)),
        call.CallEnded: call.CallEnded("hangup"),
        **{type(event): event for event in (*SPEECH, *REPLY, finished())},
    }
    assert set(samples) == set(get_args(call.CallEvent))
    for event in samples.values():
        assert translate(event)


def test_the_callers_words_come_in_the_pages_script():
    """Traditional for a Traditional page, partials too; the bot's own are not touched."""
    one = Translator("conv_1", "zh-Hant")
    events = [
        *one.translate(call.TranscriptUpdated("turn_1", "我听", "说了")),
        *one.translate(call.TranscriptCompleted("turn_1", "我听说了", "zh")),
        *one.translate(call.ReplyStarted("reply_1", "turn_1")),
        *one.translate(call.ReplyText("reply_1", "听起来", 0)),
    ]
    said = [getattr(event, "transcript", None) or getattr(event, "delta", None) for event in events]
    assert [text for text in said if text] == ["我聽", "說了", "我聽說了", "听起来"]
