import io

import numpy as np
import pytest
import soundfile
from openai import AsyncOpenAI

from pipeline.audio import INPUT_RATE_HZ, OUTPUT_RATE_HZ, float_to_int16
from pipeline.errors import AudioFormatError
from pipeline.stt.base import Hypothesis
from tests.fakes.speech import SYLLABLE_SECS
from web.openai_api import media
from web.openai_api.transcription import Segment, Transcript, lines, rendered

TEXT = "你好，我在听。"
FORMATS = ["mp3", "opus", "aac", "flac", "wav", "pcm"]


def tone(secs: float) -> np.ndarray:
    at = np.arange(round(secs * OUTPUT_RATE_HZ)) / OUTPUT_RATE_HZ
    return float_to_int16((0.3 * np.sin(2 * np.pi * 440 * at)).astype(np.float32))


def file_of(samples: np.ndarray, form: str) -> bytes:
    return b"".join(media.encoded([samples[:1000], samples[1000:]], form))


@pytest.mark.parametrize("form", FORMATS)
async def test_speech_in_every_format(api, form):
    """Its type is right, and it is as long as what was spoken."""
    answer = await api.http.post(
        "/v1/audio/speech",
        json={"model": "tts-1", "voice": "alloy", "input": TEXT, "response_format": form},
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"] == media.MEDIA_TYPES[form]
    spoken_secs = SYLLABLE_SECS * sum(len(text) for text in api.voice.spoken)
    if form == "pcm":
        secs = len(answer.content) / 2 / OUTPUT_RATE_HZ
    elif form == "aac":
        assert answer.content[:1] == b"\xff"
        return
    else:
        secs = len(media.decode(answer.content, 60)) / INPUT_RATE_HZ
    assert secs == pytest.approx(spoken_secs, abs=0.1)


async def test_the_official_client_speaks_and_listens(api):
    """Streamed speech, and a file read back."""
    async with AsyncOpenAI(api_key="any", base_url=f"{api.url}/v1") as client:
        async with client.audio.speech.with_streaming_response.create(
            model="tts-1", voice="alloy", input=TEXT, response_format="flac"
        ) as answer:
            speech = b"".join([piece async for piece in answer.iter_bytes()])
        heard = await client.audio.transcriptions.create(
            model="whisper-1", file=("speech.flac", speech), language="zh"
        )
    assert heard.text is not None


@pytest.mark.parametrize("base", ["/v1", ""])
async def test_chatgpt_on_wechats_voice(api, base):
    """mp3 without asking for it; multipart with model=whisper-1 gives {"text"}."""
    body = {"model": "tts-1", "input": TEXT, "voice": "alloy"}
    speech = (await api.http.post(f"{base}/audio/speech", json=body)).content
    assert speech[:3] == b"ID3" or speech[0] == 0xFF
    files = {"file": ("voice.mp3", speech, "audio/mpeg")}
    answer = await api.http.post(
        f"{base}/audio/transcriptions", files=files, data={"model": "whisper-1"}
    )
    assert answer.status_code == 200
    assert set(answer.json()) >= {"text"}


@pytest.mark.parametrize(
    ("name", "data", "status"),
    [
        ("playlist.m3u8", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", 400),
        ("concat.txt", b"ffconcat version 1.0\nfile /etc/passwd\n", 400),
        ("notes.txt", b"hello", 400),
        ("empty.wav", b"", 400),
        ("broken.wav", b"RIFF\x00\x00\x00\x00WAVEfmt ", 400),
        ("broken.mp4", b"\x00\x00\x00\x18ftypisom" + bytes(100), 400),
        ("broken.mp3", b"\xff\xfb" + bytes(50), 400),
        ("broken.webm", b"\x1a\x45\xdf\xa3" + bytes(50), 400),
        ("large.wav", bytes((1 << 20) + 1), 413),
    ],
)
async def test_files_that_are_none(api, name, data, status):
    """A sentence, never a crash, and nothing on this machine is opened."""
    answer = await api.http.post("/v1/audio/transcriptions", files={"file": (name, data)})
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


async def test_a_form_without_a_file(api):
    """And a body that is no form at all."""
    for options in ({"data": {"file": "no file"}}, {"content": b"x"}):
        answer = await api.http.post("/v1/audio/transcriptions", **options)
        assert answer.status_code == 400


async def test_speech_wants_text(api):
    """Nothing to say, or too much, is a mistake."""
    for text in ("", "长" * 5000):
        answer = await api.http.post("/v1/audio/speech", json={"input": text})
        assert answer.status_code == 400


def test_what_unpacks_to_hours_is_refused():
    """The limit counts samples, not what the file says."""
    with pytest.raises(AudioFormatError, match="at most 2 s"):
        media.decode(file_of(tone(3), "flac"), max_secs=2)


@pytest.mark.parametrize("form", ["mp3", "opus", "flac", "wav"])
def test_files_survive_the_way_there_and_back(form):
    """Length and level, through every container we write."""
    audio = media.decode(file_of(tone(1), form), max_secs=10)
    assert len(audio) == pytest.approx(INPUT_RATE_HZ, rel=0.1)
    assert np.sqrt(np.mean(audio**2)) == pytest.approx(0.3 / np.sqrt(2), rel=0.1)


def test_a_wav_of_another_rate_and_two_channels():
    """Mixed and resampled."""
    stereo = np.repeat(tone(1)[:, None], 2, axis=1)
    file = io.BytesIO()
    soundfile.write(file, stereo, 48_000, format="WAV")
    assert len(media.decode(file.getvalue(), 10)) == pytest.approx(INPUT_RATE_HZ / 2, abs=50)


def test_subtitle_lines_end_with_sentences():
    """Their times come from the words and never fall."""
    text = "我很累。你呢？好"
    heard = Hypothesis(text, "zh", 1.0, unit_ends_secs=(0.2, 0.4, 0.9, 1.5, 1.8, 2.2))
    found = list(lines(heard, 10.0, 13.0))
    assert [segment.text for segment in found] == ["我很累。", "你呢？", "好"]
    assert [segment.end_secs for segment in found] == pytest.approx([10.9, 11.8, 12.2])
    assert found[1].start_secs == found[0].end_secs


def test_without_times_a_piece_is_one_line():
    """A recogniser may not know them."""
    assert list(lines(Hypothesis("我很累。", "zh", 1.0), 1.0, 2.0)) == [
        Segment(1.0, 2.0, "我很累。")
    ]


TRANSCRIPT = Transcript(
    "一二", "zh", 3725.5, (Segment(0, 1.25, "一"), Segment(3661.5, 3725.5, "二"))
)


def test_srt():
    """Numbered, with commas."""
    assert rendered(TRANSCRIPT, "srt") == (
        "1\n00:00:00,000 --> 00:00:01,250\n一\n\n2\n01:01:01,500 --> 01:02:05,500\n二\n"
    )


def test_vtt():
    """A heading, with points."""
    assert rendered(TRANSCRIPT, "vtt") == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.250\n一\n\n01:01:01.500 --> 01:02:05.500\n二\n"
    )


def test_text_and_json():
    """Plain, and with the details."""
    assert rendered(TRANSCRIPT, "text") == "一二\n"
    verbose = rendered(TRANSCRIPT, "verbose_json")
    assert (verbose["language"], verbose["duration"]) == ("chinese", 3725.5)
    assert verbose["segments"][1] == {"id": 1, "start": 3661.5, "end": 3725.5, "text": "二"}
