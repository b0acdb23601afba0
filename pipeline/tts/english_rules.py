"""English readings that the normalising library leaves out or gets wrong.

Each rule rewrites a text before the library reads it, in order. Seen with hibari 0.2.1:
telephone and room numbers read as quantities, 8/10 as eight tenths, the dots of addresses
as pauses, 5'7" as fifty seven, and e.g. letter by letter.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

_Reader: TypeAlias = Callable[[re.Match[str]], str]

_HOST_NAME = r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*"
# Endings by which a host is known without its https://; others read as the end of a sentence.
_TOP_DOMAINS = "com|org|net|edu|gov|info|io|app|cn|tw|hk|uk|eu|de|jp|kr|au|ca|us"
HOST = rf"(?<![A-Za-z0-9@._-]){_HOST_NAME}\.(?:{_TOP_DOMAINS})(?![A-Za-z0-9-])"
EMAIL = rf"[A-Za-z0-9][\w.+-]*@{_HOST_NAME}(?:\.[A-Za-z0-9-]+)"

_SIGNS = {".": " dot ", "@": " at ", "_": " underscore ", "-": " dash ", "+": " plus "}
_ABBREVIATIONS = {
    "e.g.": "for example", "i.e.": "that is", "etc.": "et cetera", "apt.": "apartment",
    "b/c": "because", "w/o": "without",
}  # fmt: skip
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_FEW_DIGITS = 2  # up to so many within an address are read as a number


def _digits(match: re.Match[str]) -> str:
    return ", ".join(" ".join(group) for group in re.findall(r"\d+", match.group()))


def _room(match: re.Match[str]) -> str:
    return " ".join(match.group()).replace("0", "O")


def _address(match: re.Match[str]) -> str:
    """jane.doe@x.org: jane dot doe at x dot org."""
    spoken = re.sub(r"[.@_+-]", lambda sign: _SIGNS[sign.group()], match.group())
    return re.sub(
        r"\d+",
        lambda digits: (
            f" {digits.group()} " if len(digits.group()) <= _FEW_DIGITS else f" {_digits(digits)} "
        ),
        spoken,
    ).strip()


def _out_of(match: re.Match[str]) -> str:
    return f"{match['number']} out of {match['most']}"


def _days(match: re.Match[str]) -> str:
    """May 5-7: May 5th to 7th."""
    return f"{match['month']} {_ordinal(match['first'])} to {_ordinal(match['last'])}"


def _ordinal(number: str) -> str:
    ends = {"1": "st", "2": "nd", "3": "rd"}
    return number + ("th" if number[:-1] == "1" else ends.get(number[-1], "th"))


def _height(match: re.Match[str]) -> str:
    inches = "inch" if match["inches"] == "1" else "inches"
    return f"{match['feet']} feet {match['inches']} {inches}"


_RULES: tuple[tuple[re.Pattern[str], _Reader], ...] = tuple(
    (re.compile(pattern), reader)
    for pattern, reader in (
        (EMAIL, _address),
        (HOST, _address),
        # telephone: 1-800-273-8255, (555) 123-4567, call 116 123
        (r"(?<![\w.-])(?:\+?1[ -])?\(?\d{3}\)?[ -]\d{3}-\d{4}(?!\d)", _digits),
        (
            r"(?<=[Cc]all )\d{3}(?:[ -]\d{3})*\b|(?<=[Tt]ext )\d{3,6}\b|(?<=[Dd]ial )\d{3}\b",
            _digits,
        ),
        (r"[Tt]ext \w+ to \d{3,6}\b", lambda match: re.sub(r"\d+", _digits, match.group())),
        (r"(?<=[Rr]oom )\d{3,4}\b", _room),
        (r"24/7", lambda match: "24 7"),
        # marks: 8/10 in my mood, but 1/10 of it; rated 4/5
        (r"(?<![\w./])(?P<number>\d{1,3}(?:\.\d)?)/(?P<most>10|100)(?![\w./]| of\b)", _out_of),
        (r"(?<=[Rr]ated )(?P<number>\d(?:\.\d)?)/(?P<most>\d)(?![\w./])", _out_of),
        (r"(?<![\w.])(?P<feet>\d)['’′] ?(?P<inches>\d{1,2})(?:[\"”″]|'')", _height),
        (rf"\b(?P<month>{_MONTHS}) (?P<first>\d{{1,2}})[-–](?P<last>\d{{1,2}})\b", _days),
        *(
            (rf"(?<![\w.]){re.escape(short)}(?!\w)", lambda match: _ABBREVIATIONS[match.group()])
            for short in _ABBREVIATIONS
        ),
    )
)


def read_by_english_rule(text: str) -> str:
    """`text` with those stretches written as they are said, for the library to read."""
    for pattern, reader in _RULES:
        text = pattern.sub(reader, text)
    return text
