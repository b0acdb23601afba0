import pytest
from pydantic import ValidationError

from pipeline.events import CallOptions
from web.realtime.errors import ClientEventError
from web.realtime.session import Session, SessionPatch


def patched(session=None, **patch):
    return (session or Session()).patched(SessionPatch.model_validate(patch))


def test_an_empty_patch_changes_nothing():
    """Only fields that are named change."""
    session = patched(instructions="be brief", max_output_tokens=50)
    assert patched(session) == session


@pytest.mark.parametrize(
    ("patch", "options"),
    [
        ({"instructions": "be brief"}, CallOptions(instructions="be brief")),
        ({"instructions": ""}, CallOptions()),
        ({"temperature": 0.4}, CallOptions(temperature=0.4)),
        ({"max_output_tokens": 60}, CallOptions(max_reply_tokens=60)),
        ({"max_response_output_tokens": "inf"}, CallOptions()),
        ({"turn_detection": None}, CallOptions(turn_detection=False)),
        ({"audio": {"input": {"turn_detection": None}}}, CallOptions(turn_detection=False)),
        (
            {"audio": {"input": {"turn_detection": {"type": "semantic_vad"}}}},
            CallOptions(turn_detection=True),
        ),
        (
            {"turn_detection": {"type": "server_vad", "interrupt_response": False}},
            CallOptions(interrupt_reply=False),
        ),
        (
            {"audio": {"input": {"transcription": {"language": "zh-TW"}}}},
            CallOptions(language="zh"),
        ),
        ({"input_audio_transcription": {"language": "en"}}, CallOptions(language="en")),
        ({"input_audio_transcription": {"model": "whisper-1"}}, CallOptions()),
        ({"tools": [{"type": "function", "name": "x"}], "voice": "marin"}, CallOptions()),
    ],
)
def test_a_patch_becomes_options_of_the_call(patch, options):
    """Both shapes of the session object mean the same."""
    assert patched(**patch).options == options


def test_rates_of_both_directions_are_chosen_apart():
    """16 kHz in and 24 kHz out is legal."""
    session = patched(audio={"input": {"format": {"type": "audio/pcm", "rate": 16_000}}})
    assert (session.input_rate_hz, session.output_rate_hz) == (16_000, 24_000)


@pytest.mark.parametrize(
    "patch",
    [
        {"audio": {"input": {"format": {"type": "audio/pcm", "rate": 8_000}}}},
        {"audio": {"input": {"format": {"type": "audio/pcmu"}}}},
        {"input_audio_format": "g711_ulaw"},
        {"turn_detection": {"type": "server_vad", "create_response": False}},
        {"type": "transcription"},
        {"instructions": "x" * 8_001},
        {"temperature": 3},
        {"max_output_tokens": 0},
    ],
)
def test_what_the_server_cannot_do_is_refused(patch):
    """A client that would wait for what never comes learns so at once."""
    with pytest.raises(ValidationError):
        SessionPatch.model_validate(patch)


def test_replies_without_audio_are_refused():
    """Text-only output does not exist here."""
    with pytest.raises(ClientEventError) as caught:
        patched(output_modalities=["text"])
    assert caught.value.param == "session.output_modalities"


def test_the_session_object_shows_what_holds():
    """Turn detection null and the rates appear as the client set them."""
    shown = patched(
        turn_detection=None, audio={"output": {"format": {"type": "audio/pcm", "rate": 16_000}}}
    ).wire("sess_1", "qingting")
    assert shown["audio"]["input"]["turn_detection"] is None
    assert shown["audio"]["output"]["format"]["rate"] == 16_000
    assert shown["tools"] == []
