import numpy as np
import pytest

from agent.caller_clip import clip_of, load_clip, window_levels_dbfs
from pipeline.audio import level_dbfs
from pipeline.errors import AudioFormatError
from tests.fakes.call import tone

RATE_HZ = 16_000


def samples(*pieces):
    return np.concatenate([np.asarray(piece, dtype=np.int16) for piece in pieces])


def voice(secs):
    return np.frombuffer(tone(secs, RATE_HZ), dtype=np.int16)


def silence(secs):
    return np.zeros(int(secs * RATE_HZ), dtype=np.int16)


def test_speech_is_between_the_first_and_the_last_loud_window():
    """Silence around the voice does not count, a pause inside it does."""
    clip = clip_of(
        samples(silence(0.3), voice(0.2), silence(0.5), voice(0.1), silence(1.0)), RATE_HZ
    )
    assert clip.speech_start == pytest.approx(0.3 * RATE_HZ, abs=160)
    assert clip.speech_end == pytest.approx(1.1 * RATE_HZ, abs=160)


def test_a_quiet_room_is_not_speech():
    """Noise 30 dB below the loudest window lies outside."""
    noise = np.random.default_rng(1).normal(0, 8192 / 2**0.5 / 10**1.5, 16_000)
    clip = clip_of(samples(voice(0.5), noise), RATE_HZ)
    assert clip.speech_end == pytest.approx(0.5 * RATE_HZ, abs=160)


def test_the_level_can_be_stated():
    """A stated level is taken as it is."""
    clip = clip_of(samples(voice(0.5), voice(0.5) // 10), RATE_HZ, speech_level_dbfs=-50.0)
    assert clip.speech_level_dbfs == -50.0
    assert clip.speech_end == RATE_HZ


def test_silence_ends_where_it_ends():
    """A clip without a voice has no end of speech before its own."""
    clip = clip_of(silence(0.5), RATE_HZ)
    assert (clip.speech_start, clip.speech_end) == (0, len(clip.samples))


def test_window_levels_agree_with_the_level_of_each_window():
    """The fast form and the plain one measure the same."""
    audio = samples(voice(0.05), silence(0.02), voice(0.03) // 7)
    plain = [level_dbfs(audio[start : start + 160]) for start in range(0, len(audio), 160)]
    assert window_levels_dbfs(audio, 160) == pytest.approx(plain, abs=1e-6)


def test_a_file_that_is_no_audio_is_named(tmp_path):
    """The message has the path."""
    path = tmp_path / "notes.wav"
    path.write_text("not audio")
    with pytest.raises(AudioFormatError, match=r"notes\.wav"):
        load_clip(path, RATE_HZ)
