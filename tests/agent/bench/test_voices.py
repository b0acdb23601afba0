"""The callers' voices; the real ones, since what they sound like is what is tested."""

import numpy as np
import pytest

from agent.bench.noise import QUIET_ROOM_DBFS, speech_level_dbfs
from agent.bench.scripts import Call, CallerVoice, Turn, load_calls
from agent.bench.voices import RATE_HZ, Studio
from pipeline.audio import level_dbfs
from pipeline.errors import ConfigError

VOICE = CallerVoice(rate=1.15, pitch=0.8, size=1.1)


def turn(say, voice=VOICE, **changes):
    return Turn("call/1", "story", say, voice, **changes)


@pytest.fixture
def studio(settings, tmp_path):
    return Studio(settings, tmp_path / "cache")


@pytest.mark.models
def test_pauses_are_as_long_as_written_and_silent(studio):
    """From the last audible sample before to the first one after."""
    take = studio.record(turn("我上个月换了工作，[0.5]每天都很累，[1.1]睡不好。"))
    spans_secs = [(end - start) / RATE_HZ for start, end in take.pauses]
    assert spans_secs == pytest.approx([0.5, 1.1], abs=0.011)
    for start, end in take.pauses:
        assert level_dbfs(take.clip.samples[start + RATE_HZ // 10 : end - RATE_HZ // 50]) < -60
    assert take.clip.speech_start <= round(0.03 * RATE_HZ)
    assert len(take.clip.samples) - take.clip.speech_end <= round(0.1 * RATE_HZ)


@pytest.mark.models
def test_a_take_is_the_same_from_the_cache_and_made_anew(settings, tmp_path):
    """So two machines with the same models run the same test."""
    made = Studio(settings, tmp_path / "one").record(turn("你觉得我该怎么办？"))
    cached = Studio(settings, tmp_path / "one").record(turn("你觉得我该怎么办？"))
    again = Studio(settings, tmp_path / "two").record(turn("你觉得我该怎么办？"))
    assert made.digest == cached.digest == again.digest
    assert len(list((tmp_path / "one").iterdir())) == 1


@pytest.mark.models
@pytest.mark.parametrize("text", ["我最近总是睡不好。", "I moved to this city last year."])
def test_rate_and_size_change_the_sound_independently(studio, text):
    """Faster is shorter; a larger throat lowers the spectrum and keeps the length."""
    plain = studio.record(turn(text, CallerVoice(rate=1.0, pitch=1.0, size=1.0))).clip
    fast = studio.record(turn(text, CallerVoice(rate=1.3, pitch=1.0, size=1.0))).clip
    large = studio.record(turn(text, CallerVoice(rate=1.0, pitch=1.0, size=1.2))).clip
    assert len(fast.samples) < 0.95 * len(plain.samples)
    assert len(large.samples) == pytest.approx(len(plain.samples), rel=0.12)
    assert _centroid_hz(large.samples) < 0.95 * _centroid_hz(plain.samples)


@pytest.mark.models
def test_rooms(studio):
    """As loud as the script says, relative to what is spoken."""
    take = studio.record(turn("我等一个朋友。"))
    quiet = studio.room(Call("c", (take.turn,)), [take])
    assert level_dbfs(quiet) == pytest.approx(QUIET_ROOM_DBFS, abs=0.5)
    for noise in ("white", "babble"):
        room = studio.room(Call("c", (take.turn,), noise, 15.0), [take])
        expected = speech_level_dbfs([take.clip]) - 15.0
        assert level_dbfs(room) == pytest.approx(expected, abs=0.2)


def test_the_real_recordings_are_played_as_they_are(studio):
    """Their words are the reference."""
    recorded = [t for call in load_calls() for t in call.turns if t.kind == "recorded"]
    takes = [studio.record(one) for one in recorded]
    assert [round(len(take.clip.samples) / RATE_HZ, 1) for take in takes] == [4.3, 8.7]
    assert all(take.pauses == () for take in takes)


def test_a_missing_recording_is_an_error(studio):
    """It says what to do."""
    with pytest.raises(ConfigError, match="--only"):
        studio.record(turn("好", recording="nobody.wav"))


def _centroid_hz(samples):
    spectrum = np.abs(np.fft.rfft(samples.astype(float)))
    frequencies = np.fft.rfftfreq(len(samples), 1 / RATE_HZ)
    return float((spectrum * frequencies).sum() / spectrum.sum())
