"""How ChatTTS is told to speak: speed, breaks, hesitation, laughter.

ChatTTS offers its levels `oral`, `laugh` and `break` only to the pass that rewrites the
text before it is spoken. That pass costs as much as the speech and changes the words, so it
is off. The same levels place the tokens that the pass would have placed, by rule:

    token        where                                                       from level
    [uv_break]   after 。 inside a text                                       break 1
    [uv_break]   after ， inside a text                                       break 4
    [lbreak]     after 。 inside a text, in place of [uv_break]               break 6
    [uv_break]   after an opening word (嗯, 其实, well)                        oral 1
    [uv_break]   before a joining word (但是, 因为, because)                    oral 5
    [laugh]      after written laughter (哈哈, haha)                          laugh 1
    [laugh]      after an exclamation                                         laugh 2

Only `speed` goes to the speaking pass itself.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from pipeline.tts.base import SpeechStyle

MAX_ORAL = 9  # the tokenizer's tokens end at [oral_9], [laugh_2], [break_7] and [speed_9]
MAX_LAUGH = 2
MAX_BREAK = 7
MAX_SPEED = 9
_PLAIN_SPEED = 5  # ChatTTS's default
_SPEED_STEPS_PER_OCTAVE = 4  # half speed is [speed_1], double speed [speed_9]

_SHORT_BREAK, _LONG_BREAK, _LAUGH = "[uv_break]", "[lbreak]", "[laugh]"

_LAUGHTER = re.compile(r"哈{2,}|呵{2,}|嘿{2,}|嘻{2,}|\b(?:ha){2,}\b", re.IGNORECASE)
_OPENING = re.compile(
    r"(?:^|(?<=[，。,.!！]))\s*"
    r"(?:嗯+|唔|哦|噢|那|其实|也许|可能|有时候|\b(?:well|so|you know|maybe|perhaps|actually)\b)",
    re.IGNORECASE,
)
_JOINING = re.compile(
    r"(?<=[\u4e00-\u9fff])(?=但是|可是|不过|因为|所以|而且|然后)"
    r"|(?<=[a-z]) (?=(?:but|because|although|and then)\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Manner:
    """Levels of ChatTTS's own controls.

    Attributes:
        oral: Hesitation, 0 (none) to 9.
        laugh: Laughter, 0 (none) to 2.
        breaks: Pauses, 0 (the model's own) to 7.
    """

    oral: int = 0
    laugh: int = 0
    breaks: int = 2

    def __post_init__(self) -> None:
        for name, level, most in (
            ("oral", self.oral, MAX_ORAL),
            ("laugh", self.laugh, MAX_LAUGH),
            ("breaks", self.breaks, MAX_BREAK),
        ):
            if not 0 <= level <= most:
                raise ValueError(f"{name} must lie between 0 and {most}, got {level}")


def speed_token(rate: float) -> str:
    """The token for a `SpeechStyle.rate`; equal ratios are equal steps."""
    level = round(_PLAIN_SPEED + _SPEED_STEPS_PER_OCTAVE * math.log2(rate))
    return f"[speed_{min(MAX_SPEED, max(0, level))}]"


def scaled(manner: Manner, style: SpeechStyle) -> Manner:
    """`manner` with its breaks stretched by the style's `pause_scale`."""
    breaks = min(MAX_BREAK, round(manner.breaks * style.pause_scale))
    return Manner(manner.oral, manner.laugh, breaks)


def control_tokens(text: str, manner: Manner) -> dict[int, str]:
    """Tokens to insert: position in `text` to the tokens before its character there.

    None stands at the start or behind the last word: what follows a text is the
    speaker's business.

    Args:
        text: As it will be spoken, with its punctuation.
        manner: Levels.
    """
    found: dict[int, str] = {}

    def insert(at: int, token: str) -> None:
        if text[:at].strip() and token not in found.get(at, ""):
            found[at] = found.get(at, "") + token

    if manner.laugh >= 1:
        for match in _LAUGHTER.finditer(text):
            insert(match.end(), _LAUGH)
    for at, mark in enumerate(text, start=1):
        if mark in "!！" and manner.laugh >= 2:
            insert(at, _LAUGH)
        if not text[at:].strip("，。,.!！?？、 "):
            continue  # nothing is said any more
        if mark in "。.!！?？" and manner.breaks >= 1:
            insert(at, _LONG_BREAK if manner.breaks >= 6 else _SHORT_BREAK)
        elif mark in "，、," and manner.breaks >= 4:
            insert(at, _SHORT_BREAK)
    if manner.oral >= 1:
        for match in _OPENING.finditer(text):
            if text[match.end() :].strip("，。,. "):
                insert(match.end(), _SHORT_BREAK)
    if manner.oral >= 5:
        for match in _JOINING.finditer(text):
            insert(match.end(), _SHORT_BREAK)
    return found
