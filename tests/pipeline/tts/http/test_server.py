"""Voices over real connections: what is asked, what comes back, and every way it fails."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from pipeline.audio import OUTPUT_RATE_HZ
from pipeline.errors import SynthesisError
from pipeline.tts.base import SpeechStyle
from pipeline.tts.http.gptsovits import GptSovitsOptions, GptSovitsVoice
from pipeline.tts.http.server import ServerOptions
from tests.fakes import voice_servers as fakes
from tests.fakes.speech import SYLLABLE_SECS
from tests.fakes.voice_servers import GptSovits, OpenAiSpeech
from tests.pipeline.tts.http.conftest import CLIP, MakeGptSovits, MakeRemote
from tests.pipeline.tts.speech import check_contract, marks, say, sound

TEXT = "我在听，你慢慢说。"
PADDING_SECS = 0.1  # silence the fakes add
SECS = len(TEXT) * SYLLABLE_SECS + PADDING_SECS


def secs_of(chunks) -> float:
    return len(sound(chunks)) / OUTPUT_RATE_HZ


@pytest.mark.parametrize("mode", [0, 1, 2, 3])
@pytest.mark.parametrize("rate_hz", [24_000, 32_000, 48_000])
def test_every_mode_and_rate_gives_the_whole_sound(
    gptsovits: MakeGptSovits, mode: int, rate_hz: int
):
    """v1 to v4 of the model, whole files and streams cut in the middle of samples."""
    voice, _ = gptsovits(GptSovits(rate_hz), streaming_mode=mode)
    chunks = say(voice, TEXT)
    check_contract(chunks, TEXT)
    assert secs_of(chunks) == pytest.approx(SECS, abs=0.001)


def test_what_api_v2_is_asked(gptsovits: MakeGptSovits):
    """Its own names; numbers are read here, stickers left out, speed and pauses passed on."""
    voice, board = gptsovits(seed=7, top_k=5)
    say(voice, "我今年25岁[委屈]", SpeechStyle(rate=0.8, pause_scale=2.0))
    (path, asked) = board.requests[0]
    assert path == "/tts"
    wanted = {
        "text": "我今年二十五岁", "text_lang": "zh", "ref_audio_path": CLIP.path,
        "prompt_text": CLIP.text, "prompt_lang": "zh", "media_type": "wav", "seed": 7,
        "speed_factor": 0.8, "streaming_mode": 2, "top_k": 5, "fragment_interval": 0.6,
        "text_split_method": "cut0",
    }  # fmt: skip
    assert {name: asked[name] for name in wanted} == wanted


def test_english_is_asked_for_as_english(gptsovits: MakeGptSovits):
    """A sentence with Chinese in it is Chinese, whose reader knows English words."""
    voice, board = gptsovits()
    for text in ("I hear you.", "我hear你"):
        say(voice, text)
    assert [asked["text_lang"] for _, asked in board.requests] == ["en", "zh"]


def test_a_long_text_is_cut_by_the_server(gptsovits: MakeGptSovits):
    """Its model loses words in long sentences."""
    voice, board = gptsovits()
    check_contract(say(voice, TEXT * 12), TEXT * 12)
    assert board.requests[0][1]["text_split_method"] == "cut5"


def test_a_server_that_knows_no_numbered_modes(gptsovits: MakeGptSovits):
    """It is asked again in the older form, and nobody hears of it."""
    voice, board = gptsovits(GptSovits(knows_modes=False))
    assert secs_of(say(voice, TEXT)) == pytest.approx(SECS, abs=0.001)
    assert [asked["streaming_mode"] for _, asked in board.requests] == [2, True]


def test_the_older_api(gptsovits: MakeGptSovits):
    """`api.py` has other names, and another way to load weights."""
    voice, board = gptsovits(api="v1", gpt_weights="a.ckpt", sovits_weights="b.pth")
    chunks = say(voice, TEXT, SpeechStyle(rate=1.2))
    check_contract(chunks, TEXT)
    assert board.weights == {"gpt": "a.ckpt", "sovits": "b.pth"}
    asked = board.requests[-1][1]
    assert (asked["text_language"], asked["refer_wav_path"], asked["speed"]) == (
        "zh", CLIP.path, 1.2,
    )  # fmt: skip
    expected = len(TEXT) * SYLLABLE_SECS / 1.2 + PADDING_SECS
    assert secs_of(chunks) == pytest.approx(expected, abs=0.001)


def test_weights_are_loaded_once_and_again_after_a_lost_connection(gptsovits: MakeGptSovits):
    """The server may have been started anew with its own."""
    voice, board = gptsovits(gpt_weights="a.ckpt", sovits_weights="b.pth")
    say(voice, TEXT)
    say(voice, TEXT)
    loads = ["/set_gpt_weights", "/set_sovits_weights"]
    assert [path for path, _ in board.requests] == [*loads, "/tts", "/tts"]
    board.faults.append(fakes.breaks_off)
    with pytest.raises(SynthesisError):
        say(voice, TEXT)
    say(voice, TEXT)
    assert [path for path, _ in board.requests[5:]] == [*loads, "/tts"]


def test_weights_that_are_not_there(gptsovits: MakeGptSovits):
    """The sentence says what was refused; trying again is no use."""
    voice, board = gptsovits(gpt_weights="missing.ckpt")
    with pytest.raises(SynthesisError, match="set_gpt_weights") as failure:
        say(voice, TEXT)
    assert not failure.value.retryable
    assert board.spoken == []


def test_what_an_openai_server_is_asked(remote: MakeRemote):
    """The protocol's fields, the key as bearer token."""
    voice, board = remote(api_key="sk-1")
    say(voice, "3.5%", SpeechStyle(rate=1.5))
    assert board.requests[0][1] == {
        "model": "tts-1", "voice": "alloy", "input": "百分之三点五", "response_format": "wav",
        "speed": 1.5,
    }  # fmt: skip
    assert board.headers_seen[0]["authorization"] == "Bearer sk-1"


@pytest.mark.parametrize("form", ["wav", "pcm"])
@pytest.mark.parametrize("rate_hz", [16_000, 24_000, 44_100])
def test_openai_sound_in_both_forms(remote: MakeRemote, form: str, rate_hz: int):
    """PCM's rate is taken from the answer where it names one."""
    voice, _ = remote(OpenAiSpeech(rate_hz), sound_format=form)
    chunks = say(voice, TEXT)
    check_contract(chunks, TEXT)
    assert secs_of(chunks) == pytest.approx(SECS, abs=0.001)


def test_pcm_without_a_named_rate_is_what_the_settings_say(remote: MakeRemote):
    """OpenAI itself names none."""
    voice, board = remote(sound_format="pcm", pcm_rate_hz=48_000)
    board.faults.append(fakes.sends("audio/pcm", board.sound("我")))
    assert secs_of(say(voice, "我")) == pytest.approx((SYLLABLE_SECS + PADDING_SECS) / 2, abs=0.001)


@pytest.mark.parametrize(
    ("kind", "begins", "sentence"),
    [
        ("audio/mpeg", b"\xff\xfb\x90\x64", "another kind of sound"),
        ("audio/ogg", b"OggS", "another kind of sound"),
        ("audio/pcm", b"ID3\x04", "a file"),
        ("application/octet-stream", b"OggS", "a file"),
    ],
)
def test_a_file_in_the_place_of_pcm(remote: MakeRemote, kind: str, begins: bytes, sentence: str):
    """Servers that know no pcm send MP3: it is refused, not played as noise."""
    voice, board = remote(sound_format="pcm")
    board.faults.append(fakes.sends(kind, begins + bytes(range(256)) * 20))
    with pytest.raises(SynthesisError, match=sentence):
        say(voice, TEXT)
    check_contract(say(voice, TEXT), TEXT)


@pytest.mark.parametrize("text", ["", "  ", "[委屈]", "😀😀", "……"])
def test_nothing_to_say_is_not_sent(gptsovits: MakeGptSovits, text: str):
    """One empty chunk, and no request."""
    voice, board = gptsovits()
    (chunk,) = say(voice, text)
    assert len(chunk.pcm) == 0
    assert board.requests == []


FAULTS = {
    "refused": (fakes.refuses(400), "refused the request", False),
    "overloaded": (fakes.refuses(503), "refused the request", True),
    "key": (fakes.refuses(401), "does not accept the key", False),
    "model failed, streaming": (fakes.model_fails, "broke off", True),
    "model failed, whole": (fakes.only_silence, "silence", True),
    "broken off": (fakes.breaks_off, "broke off", True),
    "shorter than named": (fakes.shorter_than_named, "shorter", True),
    "babble": (fakes.never_ends, "come to an end", True),
    "a web page": (fakes.sends("text/html", b"<html>no</html>"), "text", False),
    "JSON as 200": (fakes.sends("application/json", b"{}"), "text", False),
    "Ogg": (fakes.sends("audio/ogg", b"OggS" + bytes(99)), "no WAV", True),
    "a few samples": (
        fakes.sends("audio/wav", fakes.wav_header(24_000) + b"\1\2" * 99),
        "less sound",
        True,
    ),
    "nothing": (fakes.sends("audio/wav", b""), "no samples", True),
    "half a header": (fakes.sends("audio/wav", b"RIFF\0\0"), "no samples", True),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", ["gptsovits", "remote"])
def test_every_fault_is_an_error_with_a_sentence(
    request: pytest.FixtureRequest, kind: str, fault: str, caplog: pytest.LogCaptureFixture
):
    """It says whether to try again, and neither it nor the log repeats what was to be said."""
    voice, board = request.getfixturevalue(kind)()
    answer, sentence, retryable = FAULTS[fault]
    board.faults.append(answer)
    with pytest.raises(SynthesisError, match=sentence) as failure:
        say(voice, TEXT)
    assert failure.value.retryable is retryable
    assert "127.0.0.1" not in failure.value.message
    assert TEXT[:3] not in failure.value.message + caplog.text
    check_contract(say(voice, TEXT), TEXT)  # and the next clause is spoken again


def test_sound_before_a_failure_stays_good(gptsovits: MakeGptSovits):
    """The caller has heard it."""
    voice, board = gptsovits()
    board.faults.append(fakes.breaks_off)
    heard = []
    with pytest.raises(SynthesisError):
        heard.extend(voice.synthesise(TEXT, SpeechStyle(), lambda: False))
    assert len(sound(heard)) > 0.3 * SECS * OUTPUT_RATE_HZ


def test_a_connection_that_went_stale_is_opened_again(gptsovits: MakeGptSovits):
    """Servers close idle connections; the clause is not lost."""
    voice, board = gptsovits()
    say(voice, TEXT)
    board.faults.append(fakes.closes_at_once)
    check_contract(say(voice, TEXT), TEXT)
    assert board.spoken == [TEXT] * 3


def test_a_server_that_is_not_there():
    """Worth another try, and it names no host."""
    voice = GptSovitsVoice(ServerOptions("http://127.0.0.1:9"), GptSovitsOptions(CLIP))
    with pytest.raises(SynthesisError, match="cannot be reached") as failure:
        say(voice, TEXT)
    assert failure.value.retryable
    voice.close()


def test_a_server_that_takes_too_long(gptsovits: MakeGptSovits):
    """The timeout is for each piece of the answer."""
    voice, board = gptsovits(timeout_secs=0.2)
    for fault in (fakes.hangs, fakes.stalls):
        board.faults.append(fault)
        with pytest.raises(SynthesisError, match="too long"):
            say(voice, TEXT)


@pytest.mark.parametrize("fault", [fakes.hangs, fakes.stalls])
def test_cancelling_closes_the_connection_of_a_server_that_hangs(
    gptsovits: MakeGptSovits, fault: Callable[..., None]
):
    """Its turn is free at once: the next clause does not wait for the hanging one."""
    voice, board = gptsovits(timeout_secs=fakes.FAR)
    board.faults.append(fault)
    cancelled = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(lambda: list(voice.synthesise(TEXT, SpeechStyle(), cancelled.is_set)))
        wait_for(lambda: bool(board.spoken))
        cancelled.set()
        job.result(timeout=fakes.FAR / 2)
        check_contract(say(voice, TEXT), TEXT)


def test_leaving_the_iterator_closes_the_connection(remote: MakeRemote):
    """The server of a clause that nobody wants is told."""
    voice, board = remote()
    board.faults.append(fakes.never_ends)
    chunks = voice.synthesise(TEXT, SpeechStyle(), lambda: False)
    next(chunks)
    chunks.close()  # type: ignore[attr-defined]
    assert board.gone.wait(fakes.FAR / 2)


def test_requests_take_turns(gptsovits: MakeGptSovits, remote: MakeRemote):
    """GPT-SoVITS shares one model state; others may be asked at once. All get their own."""
    texts = ["我" * n for n in range(2, 10)]
    for voice, board in (gptsovits(), remote(at_once=3)):
        with ThreadPoolExecutor(8) as pool:
            spoken = list(pool.map(lambda text, voice=voice: say(voice, text), texts))
        for text, chunks in zip(texts, spoken, strict=True):
            expected = len(text) * SYLLABLE_SECS + PADDING_SECS
            assert secs_of(chunks) == pytest.approx(expected, abs=0.001)
        assert board.most_at_once <= (1 if isinstance(board, GptSovits) else 3)


def test_volume_and_gain(remote: MakeRemote):
    """Six decibels are a factor of two; the loudest setting bends and does not clip."""
    plain, _ = remote()
    lowered, _ = remote(gain_db=-6.02)
    loud = np.abs(sound(say(plain, TEXT)).astype(np.int32)).max()
    assert np.abs(sound(say(lowered, TEXT))).max() == pytest.approx(loud / 2, rel=0.01)
    soft = sound(say(plain, TEXT, SpeechStyle(volume=0.5)))
    assert np.abs(soft).max() == pytest.approx(loud / 2, rel=0.01)


def test_marks_learn_the_voices_pace(gptsovits: MakeGptSovits):
    """After some clauses the estimate is within a character of what is heard."""
    voice, _ = gptsovits()
    text = "我听到你说的每一句话了"
    for _ in range(10):
        say(voice, text)
    for mark in marks(say(voice, text))[:-1]:
        said = (mark.samples / OUTPUT_RATE_HZ - PADDING_SECS / 2) / SYLLABLE_SECS
        assert mark.chars == pytest.approx(said, abs=1.0)


def test_a_closed_voice_says_so(remote: MakeRemote):
    """Closing twice is harmless, speaking after is an error for good."""
    voice, _ = remote()
    say(voice, TEXT)
    voice.close()
    voice.close()
    with pytest.raises(SynthesisError) as failure:
        say(voice, TEXT)
    assert not failure.value.retryable


def test_a_voice_that_nobody_holds_ends_its_thread(remote: MakeRemote):
    """Settings that are loaded again and again leave nothing behind."""
    before = threading.active_count()
    voice = GptSovitsVoice(ServerOptions("http://127.0.0.1:9"), GptSovitsOptions(CLIP))
    assert threading.active_count() == before + 1
    del voice
    wait_for(lambda: gc.collect() >= 0 and threading.active_count() == before)


def test_closing_ends_running_requests(gptsovits: MakeGptSovits):
    """A clause under way fails instead of hanging."""
    voice, board = gptsovits(timeout_secs=fakes.FAR)
    board.faults.append(fakes.hangs)
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(say, voice, TEXT)
        wait_for(lambda: bool(board.spoken))
        voice.close()
        with pytest.raises(SynthesisError):
            job.result(timeout=fakes.FAR / 2)


def test_redirects_are_not_followed(remote: MakeRemote):
    """The text goes to the named server and nowhere else."""
    voice, board = remote()

    def elsewhere(h: fakes.Handler, _: object) -> None:
        h.send_response(307)
        h.send_header("location", f"{board.url}/v1/audio/speech")
        h.send_header("content-length", "0")
        h.end_headers()

    board.faults.append(elsewhere)
    with pytest.raises(SynthesisError, match="307"):
        say(voice, TEXT)
    assert len(board.spoken) == 1


def test_proxies_of_the_environment_are_not_used(
    remote: MakeRemote, monkeypatch: pytest.MonkeyPatch
):
    """Nor may they listen in."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    voice, _ = remote()
    check_contract(say(voice, TEXT), TEXT)


def wait_for(condition: Callable[[], bool]) -> None:
    """Until it holds; a test that waits in vain fails after half a minute."""
    until = time.monotonic() + fakes.FAR / 2
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.005)
