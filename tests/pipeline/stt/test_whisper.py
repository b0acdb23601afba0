"""Whisper base itself, on real clips and on sounds that are no speech."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
import soundfile

from pipeline.audio import INPUT_RATE_HZ, FloatArray, float_to_int16
from pipeline.errors import AudioFormatError, ModelCorruptError, ModelMissingError
from pipeline.stt.planner import DecodePlanner
from pipeline.stt.whisper import MAX_WINDOW_SECS, MODEL_FILES, WhisperRecogniser
from pipeline.text import Language, count_units, unit_error_rate
from pipeline.vad.gate import SpeechGate
from pipeline.vad.silero import SileroModel

pytestmark = pytest.mark.models

HOME = Path(os.environ.get("QINGTING_HOME", "~/.local/share/qingting")).expanduser()
DATA = Path(__file__).parents[2] / "data"
MANDARIN = ("aishell1-BAC009S0724W0121.wav", "广州市房地产中介协会分析")
ENGLISH = (
    "librispeech-1995-1837-0001.wav",
    "it was the first great sorrow of his life it was not so much the loss of the cotton "
    "itself but the fantasy the hopes the dreams built around it",
)
# Base hears 佛地产 for 房地产 and 中间 for 中介 on the Mandarin clip: 2 of 12.
BOUNDS = {MANDARIN: 0.17, ENGLISH: 0.02}
CLIPS = sorted(BOUNDS)
CLIP_IDS = ["mandarin", "english"]


def load(name: str) -> FloatArray:
    audio, rate = soundfile.read(DATA / name, dtype="float32")
    assert rate == INPUT_RATE_HZ
    return audio


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def recogniser() -> AsyncIterator[WhisperRecogniser]:
    recogniser = WhisperRecogniser(HOME / "models" / "whisper-base", script="simplified")
    yield recogniser
    await recogniser.close()


@pytest.mark.parametrize("clip", CLIPS, ids=CLIP_IDS)
@pytest.mark.asyncio(loop_scope="module")
async def test_real_clips_are_transcribed(recogniser: WhisperRecogniser, clip: tuple[str, str]):
    """Language is detected, the script is the configured one, errors stay within bounds."""
    name, reference = clip
    hypothesis = await recogniser.decode(load(name))
    assert unit_error_rate(hypothesis.text, reference) <= BOUNDS[clip]
    assert hypothesis.language == ("zh" if clip == MANDARIN else "en")
    assert hypothesis.confidence > 0.7


@pytest.mark.parametrize("clip", CLIPS, ids=CLIP_IDS)
@pytest.mark.parametrize("expected", ["zh", "en"])
@pytest.mark.asyncio(loop_scope="module")
async def test_a_plain_sentence_is_heard_in_its_language_whatever_is_expected(
    recogniser: WhisperRecogniser, clip: tuple[str, str], expected: Language
):
    """Callers may change the language; only a doubtful passage goes with the one before."""
    hypothesis = await recogniser.decode(load(clip[0]), expected=expected)
    assert hypothesis.language == ("zh" if clip == MANDARIN else "en")


@pytest.mark.asyncio(loop_scope="module")
async def test_a_doubtful_passage_is_heard_in_the_language_expected(recogniser: WhisperRecogniser):
    """A syllable and a half of Mandarin may be English for all Whisper knows."""
    syllables = load(MANDARIN[0])[round(0.3 * INPUT_RATE_HZ) : round(0.6 * INPUT_RATE_HZ)]
    heard = {
        expected: (await recogniser.decode(syllables, expected=expected)).language
        for expected in ("zh", "en")
    }
    assert heard == {"zh": "zh", "en": "en"}


@pytest.mark.parametrize("clip", CLIPS, ids=CLIP_IDS)
@pytest.mark.asyncio(loop_scope="module")
async def test_incremental_recognition_is_as_good_as_one_decode(
    recogniser: WhisperRecogniser, clip: tuple[str, str]
):
    """One more wrong unit at most, with every decode answered five windows later."""
    name, reference = clip
    text, _ = await transcribe_stream(recogniser, load(name))
    allowed = BOUNDS[clip] + 1.0 / count_units(reference)
    assert unit_error_rate(text, reference) <= allowed


async def transcribe_stream(recogniser: WhisperRecogniser, clip: FloatArray) -> tuple[str, int]:
    """Final text of a stream with a second of room around the clip, and the decodes it took."""
    room = np.random.default_rng(0).normal(0.0, 3e-4, len(clip) + 2 * INPUT_RATE_HZ)
    room[INPUT_RATE_HZ:-INPUT_RATE_HZ] += clip
    samples = float_to_int16(room.astype(np.float32))
    stream, gate, planner = SileroModel().open(), SpeechGate(), DecodePlanner()
    under_way, decodes = [], 0
    for index in range(len(samples) // 512):
        window = samples[index * 512 : (index + 1) * 512]
        vad = gate.feed(window, stream.probability(window))
        planner.push(window, vad.last_voiced_sample)
        if vad.onset is not None and not planner.active:
            planner.begin(vad.onset)
        if under_way and under_way[0][0] <= index:
            _, request, hypothesis = under_way.pop(0)
            planner.apply(request, hypothesis)
        if request := planner.plan():
            decodes += 1
            hypothesis = await recogniser.decode(
                request.audio,
                language=request.language,
                prompt=request.prompt,
                timed=request.timed,
            )
            under_way.append((index + 5, request, hypothesis))
    for _, request, hypothesis in under_way:
        planner.apply(request, hypothesis)
    assert planner.state.complete
    return planner.state.text, decodes


@pytest.mark.parametrize("clip", CLIPS, ids=CLIP_IDS)
@pytest.mark.asyncio(loop_scope="module")
async def test_unit_times_rise_through_the_clip(
    recogniser: WhisperRecogniser, clip: tuple[str, str]
):
    """One end per text unit, never falling, the last one inside the audio."""
    audio = load(clip[0])
    hypothesis = await recogniser.decode(audio, timed=True)
    ends = hypothesis.unit_ends_secs
    assert len(ends) == count_units(hypothesis.text)
    assert list(ends) == sorted(ends)
    assert 0.0 < ends[0] < ends[-1] <= len(audio) / INPUT_RATE_HZ + 0.3


def sounds_without_speech() -> dict[str, FloatArray]:
    rng = np.random.default_rng(0)
    secs = np.arange(6 * INPUT_RATE_HZ) / INPUT_RATE_HZ
    chord = sum(
        np.sin(2 * np.pi * hz * secs) * (np.sin(2 * np.pi * beat * secs) > 0)
        for hz, beat in ((220, 1), (277, 2), (330, 3))
    )
    sounds = {
        "digital silence": np.zeros(len(secs)),
        "white noise": rng.normal(0.0, 0.1, len(secs)),
        "room": rng.normal(0.0, 0.001, len(secs)),
        "brown noise": np.cumsum(rng.normal(0.0, 1.0, len(secs))) / 500,
        "hum": 0.1 * np.sin(2 * np.pi * 50 * secs) + 0.05 * np.sin(2 * np.pi * 100 * secs),
        "chords": 0.1 * chord,
        "clicks": 0.5 * (rng.random(len(secs)) > 0.9995),
    }
    return {name: sound.astype(np.float32) for name, sound in sounds.items()}


@pytest.mark.parametrize("language", ["zh", "en", None])
@pytest.mark.parametrize("name", sorted(sounds_without_speech()))
@pytest.mark.asyncio(loop_scope="module")
async def test_sounds_without_speech_give_no_text(
    recogniser: WhisperRecogniser, name: str, language
):
    """What got past the speech gate is still not believed."""
    sound = sounds_without_speech()[name]
    for secs in (1, 3, 6):
        hypothesis = await recogniser.decode(sound[: secs * INPUT_RATE_HZ], language=language)
        assert hypothesis.text == ""
        assert hypothesis.rejected is not None


@pytest.mark.parametrize("name", ["digital silence", "white noise", "room", "hum"])
def test_a_minute_of_noise_opens_no_turn(name: str):
    """The speech gate keeps 60 s of silence or noise away from the recogniser."""
    sound = float_to_int16(np.tile(sounds_without_speech()[name], 10))
    stream, gate = SileroModel().open(), SpeechGate()
    for index in range(len(sound) // 512):
        window = sound[index * 512 : (index + 1) * 512]
        assert gate.feed(window, stream.probability(window)).onset is None


@pytest.mark.asyncio(loop_scope="module")
async def test_empty_audio_is_legal_and_too_long_audio_is_not(recogniser: WhisperRecogniser):
    """A window is anything from nothing to what the encoder holds."""
    assert (await recogniser.decode(np.zeros(0, dtype=np.float32))).text == ""
    too_long = np.zeros(round((MAX_WINDOW_SECS + 1) * INPUT_RATE_HZ), dtype=np.float32)
    with pytest.raises(AudioFormatError):
        await recogniser.decode(too_long)


@pytest.mark.parametrize(
    ("language", "expected"), [(None, "zh"), (None, "en"), ("en", "zh")], ids=str
)
@pytest.mark.asyncio(loop_scope="module")
async def test_silence_is_in_the_language_that_is_set_or_else_expected(
    recogniser: WhisperRecogniser, language, expected
):
    """Nothing was heard that could tell another; the next turn goes by it."""
    silence = np.zeros(INPUT_RATE_HZ, dtype=np.float32)
    heard = await recogniser.decode(silence, language=language, expected=expected)
    assert heard.language == (language or expected)


@pytest.mark.asyncio(loop_scope="module")
async def test_the_longest_window_fits_the_encoder(recogniser: WhisperRecogniser):
    """28 s of audio and the padding stay within Whisper's 30 s."""
    audio = np.resize(load(ENGLISH[0]), round(MAX_WINDOW_SECS * INPUT_RATE_HZ))
    assert (await recogniser.decode(audio, language="en")).text


def test_a_missing_file_is_named(tmp_path: Path):
    """Nothing is fetched from a hub behind the user's back."""
    with pytest.raises(ModelMissingError, match=r"config\.json"):
        WhisperRecogniser(tmp_path, script="simplified")


def test_damaged_files_are_reported(tmp_path: Path):
    """Files that are no model raise an error of ours."""
    for name in MODEL_FILES:
        (tmp_path / name).write_text("{}")
    with pytest.raises(ModelCorruptError):
        WhisperRecogniser(tmp_path, script="simplified")
