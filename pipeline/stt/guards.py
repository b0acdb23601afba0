"""What Whisper says when nobody spoke, told apart from speech. Pure.

Whisper always answers: with a favourite word over silence, a subtitle credit over music,
one phrase over and over when it is lost. Measured with Whisper base on one to six seconds
of digital silence, white and brown noise, mains hum, tones and clicks: mean log
probability −1.5 to −8, no-speech probability 0.46 to 0.87; real clips lie at −0.07 to
−0.25 and 0.01 to 0.16.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.audio import INPUT_RATE_HZ, FloatArray
from pipeline.stt.base import Rejection
from pipeline.text import keys, units

MIN_LOG_PROBABILITY = -1.0  # openai/whisper, `logprob_threshold`
MAX_NO_SPEECH_PROBABILITY = 0.6  # openai/whisper, `no_speech_threshold`
# A word on its own scores low though it is right (谢谢 −1.3, Okay −1.4), with little doubt
# that it is speech: each 0.1 of that buys 0.2 of log probability.
SPEECH_CREDIT = 2.0
UNSURE_LOG_PROBABILITY = -0.5  # p 0.6: sure enough to outweigh a no-speech vote

# 停 alone lasts under half a second and scores far lower (−1.3 to −2.3), sometimes as one of
# the words that sound like it, but is never what Whisper makes of coughs and clicks.
_LONE_COMMANDS = frozenset(keys(word) for word in ("停", "停停", "平", "亭", "挺"))
LONE_COMMAND_LOG_PROBABILITY = -3.0

# Nobody speaks faster: quick Mandarin is 7 syllables a second, quick English 5 words.
MAX_UNITS_PER_SEC = 9.0
FREE_UNITS = 3
BRISK_UNITS_PER_SEC = 6.0  # ordinary speech stays below; above it repetition is suspect
MAX_REPEATED_UNITS = 12  # longest phrase looked at for a loop
ECHO_UNITS = 4  # too fast to be speech, and these many units come again: the second is a loop

LEVEL_FRAME_SAMPLES = round(0.02 * INPUT_RATE_HZ)
MIN_PEAK_DBFS = -60.0
MIN_LEVEL_RANGE_DB = 3.0  # white noise and hum stay within 2 dB, speech spans 20 and more
PEAK_RANGE_DB = 35.0  # voice lies within this of the loudest frame, echo below

# Subtitle credits: never said to a counsellor.
_CREDITS = re.compile(
    r"字幕(?:由|by|志愿|组|組|提供|制作|製作|校对|校對)|明[镜鏡][与與][点點][点點]"
    r"|请不吝点赞|請不吝點[贊讚]|点赞订阅|點[贊讚]訂閱|打[赏賞]支持"
    r"|amara\s?\.?\s?org|subtitles? by|transcri(?:bed|ption) by"
    r"|ご視聴ありがとう|시청해주셔서",
    re.IGNORECASE,
)
# Sign-offs that a person could also say: a phantom only when the model is unsure.
_SIGN_OFFS = frozenset(
    keys(phrase)
    for phrase in (
        "谢谢观看",
        "謝謝觀看",
        "谢谢大家",
        "謝謝大家",
        "感谢观看",
        "感謝觀看",
        "多谢收看",
        "下期再见",
        "thank you for watching",
        "thanks for watching",
        "thank you",
        "please subscribe",
        "bye bye",
        "you",
    )
)
SIGN_OFF_LOG_PROBABILITY = -0.35  # p 0.7
_KANA_OR_HANGUL = re.compile("[\u3040-\u30ff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class Decoded:
    """What there is to judge a decode by.

    Attributes:
        text: What was decoded after the prefix.
        speech_secs: Length of the speech, prefix included (`voiced_secs`).
        mean_log_probability: Of the decoded tokens, 0.0 or less.
        no_speech_probability: Whisper's own, 0.0 to 1.0.
    """

    text: str
    speech_secs: float
    mean_log_probability: float
    no_speech_probability: float


def rejection(decoded: Decoded) -> Rejection | None:
    """Why the text is not to be believed, or None."""
    score = decoded.mean_log_probability
    if decoded.no_speech_probability > MAX_NO_SPEECH_PROBABILITY and score < UNSURE_LOG_PROBABILITY:
        return "silence"
    credit = SPEECH_CREDIT * max(0.0, MAX_NO_SPEECH_PROBABILITY - decoded.no_speech_probability)
    lowest = MIN_LOG_PROBABILITY - credit
    if keys(decoded.text) in _LONE_COMMANDS:
        lowest = min(lowest, LONE_COMMAND_LOG_PROBABILITY)
    if score < lowest:
        return "unlikely"
    if _KANA_OR_HANGUL.search(decoded.text) and score < UNSURE_LOG_PROBABILITY:
        return "unlikely"
    if _CREDITS.search(decoded.text):
        return "phantom"
    if keys(decoded.text) in _SIGN_OFFS and score < SIGN_OFF_LOG_PROBABILITY:
        return "phantom"
    if len(units(decoded.text)) > _plausible_units(decoded.speech_secs):
        return "loop"
    return None


def voiced_secs(audio: FloatArray) -> float:
    """Time from the first to the last sound that may be voice; 0.0 spares the decode.

    Args:
        audio: float32, shape (n_samples,), range [-1, 1], 16 kHz.

    Returns:
        Seconds; 0.0 when all of it is too quiet or too even to hold speech.
    """
    whole = len(audio) // LEVEL_FRAME_SAMPLES * LEVEL_FRAME_SAMPLES
    if not whole:
        return 0.0
    frames = audio[:whole].astype(np.float64).reshape(-1, LEVEL_FRAME_SAMPLES)
    levels = 10.0 * np.log10(np.mean(np.square(frames), axis=1) + 1e-12)
    low, high = np.percentile(levels, (5, 95))
    if levels.max() < MIN_PEAK_DBFS or high - low < MIN_LEVEL_RANGE_DB:
        return 0.0
    (voiced,) = np.nonzero(levels > max(low + MIN_LEVEL_RANGE_DB, levels.max() - PEAK_RANGE_DB))
    return float(voiced[-1] - voiced[0] + 1) * LEVEL_FRAME_SAMPLES / INPUT_RATE_HZ


def cut_loop(text: str, speech_secs: float) -> str:
    """`text` up to the end of the first round of a repetition loop; unchanged without one.

    Short words may well be said a few times (对对对, no no no), and phrases twice; how
    often, the time decides: a loop repeats faster than anybody speaks.
    """
    found = units(text)
    names = [unit.text.casefold() for unit in found]
    end = _adjacent_loop(names, in_a_hurry=len(found) > BRISK_UNITS_PER_SEC * speech_secs)
    if end is None and len(found) > _plausible_units(speech_secs):
        end = _first_echo(names)
    return text if end is None else text[: found[end - 1].end]


def _plausible_units(speech_secs: float) -> float:
    return FREE_UNITS + MAX_UNITS_PER_SEC * speech_secs


def _allowed_rounds(length: int, in_a_hurry: bool) -> int:
    if length == 1:
        return 3 if in_a_hurry else 6
    if length <= 3:
        return 2 if in_a_hurry else 4
    return 1 if in_a_hurry else 2


def _adjacent_loop(names: Sequence[str], in_a_hurry: bool) -> int | None:
    """Number of units to keep when a phrase is repeated too often in a row."""
    for start in range(len(names)):
        for length in range(1, min(MAX_REPEATED_UNITS, (len(names) - start) // 2) + 1):
            phrase = names[start : start + length]
            rounds, position = 1, start + length
            while names[position : position + length] == phrase:
                rounds, position = rounds + 1, position + length
            if rounds > _allowed_rounds(length, in_a_hurry):
                return start + length
    return None


def _first_echo(names: Sequence[str]) -> int | None:
    """Number of units before a phrase of ECHO_UNITS comes for the second time."""
    seen: set[tuple[str, ...]] = set()
    for start in range(len(names) - ECHO_UNITS + 1):
        phrase = tuple(names[start : start + ECHO_UNITS])
        if phrase in seen:
            return start
        seen.add(phrase)
    return None
