"""What is not believed, and what is."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.audio import INPUT_RATE_HZ
from pipeline.stt.guards import Decoded, cut_loop, rejection, voiced_secs

SURE = {"mean_log_probability": -0.1, "no_speech_probability": 0.05}


def test_confident_speech_passes():
    """A real clip's figures are accepted."""
    assert rejection(Decoded("我最近很累", 1.5, **SURE)) is None


@pytest.mark.parametrize(
    ("text", "score", "no_speech", "reason"),
    [
        ("你", -6.6, 0.69, "silence"),
        (" I'm going to put the oil on the pan.", -1.95, 0.61, "silence"),
        ("駕駛", -1.53, 0.46, "unlikely"),
        (" I'm not sure if I can do it.", -1.86, 0.58, "unlikely"),
        ("ご視聴ありがとうございました", -0.2, 0.1, "phantom"),
        ("请不吝点赞 订阅 转发", -0.1, 0.1, "phantom"),
        ("字幕由 Amara.org 社区提供", -0.1, 0.1, "phantom"),
        ("Thank you for watching!", -0.6, 0.2, "phantom"),
        ("ありがとう", -0.8, 0.1, "unlikely"),
    ],
)
def test_what_whisper_says_over_noise_is_rejected(
    text: str, score: float, no_speech: float, reason: str
):
    """Figures measured on silence, noise, clicks and hum, and the known credits."""
    assert rejection(Decoded(text, 3.0, score, no_speech)) == reason


@pytest.mark.parametrize(("text", "score"), [("停", -2.23), ("停。", -1.78), ("平", -1.25)])
def test_a_lone_stop_passes_where_another_word_would_not(text: str, score: float):
    """停 by itself is too short to score well, and must be heard."""
    assert rejection(Decoded(text, 0.36, score, 0.59)) is None
    assert rejection(Decoded("群", 0.36, score, 0.59)) == "unlikely"


@pytest.mark.parametrize(
    ("text", "score"), [("谢谢", -1.29), ("Okay", -1.4), ("Thank you.", -0.24)]
)
def test_short_true_answers_pass(text: str, score: float):
    """A word on its own scores low but hardly sounds like no speech."""
    assert rejection(Decoded(text, 0.6, score, 0.15)) is None


def test_more_words_than_fit_the_time_are_a_loop():
    """Nobody says forty characters in a second."""
    assert rejection(Decoded("我" * 40, 1.0, **SURE)) == "loop"


@pytest.mark.parametrize(
    ("text", "secs", "kept"),
    [
        ("停停停停停停停停停停", 0.5, "停"),
        ("Stop. Stop. Stop. Stop. Stop. Stop. Stop. Stop.", 1.0, "Stop"),
        ("等一下，我不是这个意思。等一下，我不是这个意思。", 1.8, "等一下，我不是这个意思"),
        ("对对对", 0.8, "对对对"),
        ("no no no", 1.0, "no no no"),
        ("我不知道，我不知道", 2.0, "我不知道，我不知道"),
        ("大学生利用漏洞免费吃肯德基或行大学生利用漏洞免", 1.5, "大学生利用漏洞免费吃肯德基或行"),
        ("", 0.0, ""),
    ],
)
def test_cut_loop(text: str, secs: float, kept: str):
    """A loop keeps its first round; what people do repeat stays."""
    assert cut_loop(text, secs) == kept


def _noise(level: float, secs: float = 2.0) -> np.ndarray:
    samples = np.random.default_rng(0).normal(0.0, level, round(secs * INPUT_RATE_HZ))
    return samples.astype(np.float32)


@pytest.mark.parametrize(
    "audio",
    [
        np.zeros(INPUT_RATE_HZ, dtype=np.float32),
        np.zeros(0, dtype=np.float32),
        _noise(0.1),
        0.1 * np.sin(2 * np.pi * 50 * np.arange(32_000) / INPUT_RATE_HZ).astype(np.float32),
    ],
    ids=["silence", "empty", "white noise", "hum"],
)
def test_even_sound_has_no_voice(audio: np.ndarray):
    """Silence, noise and hum are known by their even level, without a decode."""
    assert voiced_secs(audio) == 0.0


def test_voice_is_timed_from_its_first_to_its_last_sound():
    """A second of sound inside three seconds of room noise is a second."""
    audio = _noise(0.001, 3.0)
    audio[INPUT_RATE_HZ : 2 * INPUT_RATE_HZ] += _noise(0.1, 1.0)
    assert voiced_secs(audio) == pytest.approx(1.0, abs=0.05)
