"""What stands in place of personal data: the same thing for the same value, everywhere.

`placeholder` writes ⟦PHONE_1⟧, which nobody mistakes for data. `surrogate` writes a value of
the same form from ranges that belong to nobody, so that a persona does not learn to say
placeholders; the recognisers know these and do not report them again.

The map from value to replacement lives in memory only and is never written.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

from train.clean.names import NameFinder
from train.clean.pii import HIGH_RISK, Finding, Kind, find, folded

Style: TypeAlias = Literal["placeholder", "surrogate"]

_NICKNAMES = ("小林", "阿哲", "小雨", "阿明", "小青", "阿宁", "小夏", "阿远", "小禾", "阿岚")
_FIRST_NAMES = ("Alex", "Sam", "Robin", "Jamie", "Casey", "Morgan", "Taylor", "Jordan")

_SURROGATES: Mapping[Kind, Callable[[str, int], str]] = {
    "url_token": lambda _, n: f"https://example.org/{n}",
    "email": lambda _, n: f"user{n}@example.org",  # RFC 2606
    "secret": lambda _, n: f"password-{_letters(n)}",
    "id_card": lambda _, n: f"ID-{_letters(n)}",
    "bank_card": lambda _, n: f"CARD-{_letters(n)}",
    "phone": lambda old, n: _phone(old, n),
    "address": lambda old, n: "Example Street" if old.isascii() else f"幸福路{_letters(n)}宅",
    "account": lambda _, n: f"account-{_letters(n)}",
    "plate": lambda _, n: f"PLATE-{_letters(n)}",
    "ip": lambda _, n: f"192.0.2.{n % 256}",  # RFC 5737
    "name": lambda old, n: _name(old, n),
}
# Numbers above that look like data: what `leftover` must not count.
_RESERVED = re.compile(
    r"1990000\d{4}|0900000\d{3}|\+?1?555\d{3}01\d{2}|192\.0\.2\.\d+|.*@example\.org"
    r"|@?(?:account|password|ID|CARD|PLATE)-[A-Z]+"
)
_PLACEHOLDER = re.compile(r"⟦[A-Z_]+_\d+⟧")


class Masker:
    """Replaces personal data and counts it.

    Args:
        names: Finds names; None leaves them.
        style: What to write in place of data.

    Attributes:
        masked: Replacements made, by kind.
    """

    def __init__(self, names: NameFinder | None = None, style: Style = "placeholder") -> None:
        self._names = names
        self._style = style
        self._replacements: dict[tuple[Kind, str], str] = {}
        self._numbers: Counter[Kind] = Counter()
        self.masked: Counter[Kind] = Counter()

    def mask(self, text: str, *, counted: bool = True) -> str:
        """`text` with every finding replaced; text without findings is returned as it is."""
        findings = findings_in(text, self._names)
        if not findings:
            return text
        pieces, at = [], 0
        for finding in findings:
            pieces += [text[at : finding.start], self._replace(finding, text)]
            at = finding.end
            self.masked[finding.kind] += counted
        return "".join([*pieces, text[at:]])

    def _replace(self, finding: Finding, text: str) -> str:
        value = text[finding.start : finding.end]
        canonical = (
            self._names.person(value)
            if self._names is not None and finding.kind == "name"
            else _canonical(finding.kind, value)
        )
        key = finding.kind, canonical
        if key not in self._replacements:
            self._numbers[finding.kind] += 1
            number = self._numbers[finding.kind]
            self._replacements[key] = (
                f"⟦{finding.kind.upper()}_{number}⟧"
                if self._style == "placeholder"
                else _SURROGATES[finding.kind](value, number)
            )
        return self._replacements[key]


def findings_in(text: str, names: NameFinder | None = None) -> list[Finding]:
    """Personal data with names, in order; a name inside other data is part of that."""
    findings = [one for one in find(text) if not _is_replacement(text[one.start : one.end])]
    if names is None:
        return findings
    covered = [(one.start, one.end) for one in findings]
    covered += [found.span() for found in _PLACEHOLDER.finditer(text)]
    for name in names.find(text):
        if all(name.end <= start or name.start >= end for start, end in covered):
            findings.append(name)
    return sorted(findings, key=lambda one: one.start)


def high_risk_in(text: str) -> list[Finding]:
    """What must not be trained on."""
    return [one for one in findings_in(text) if one.kind in HIGH_RISK]


def _is_replacement(value: str) -> bool:
    return _RESERVED.fullmatch(re.sub(r"[\s()]|(?<=\d)-", "", value)) is not None


def _canonical(kind: Kind, value: str) -> str:
    """The same number written in another way is the same number."""
    value = folded(value)
    if kind in ("phone", "bank_card"):
        digits = re.sub(r"\D", "", value)
        return re.sub(r"^(?:00)?(?:86(?=1\d{10}$)|886(?=9))", "", digits).lstrip("0")
    return value.casefold()


def _letters(number: int) -> str:
    """A, B, … Z, AA: letters, so that no recogniser takes it for a number."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _phone(old: str, number: int) -> str:
    digits = re.sub(r"\D", "", old)
    if digits.startswith(("09", "8869")):
        return f"0900-000-{number % 1000:03d}"
    if old.startswith("+1") or re.fullmatch(r"\(?[2-9]\d{2}\)?[-. ]\d{3}[-. ]?\d{4}", old):
        return f"555-{number // 100 % 1000:03d}-01{number % 100:02d}"
    return f"1990000{number % 10_000:04d}"


def _name(old: str, number: int) -> str:
    pool = _FIRST_NAMES if old.isascii() else _NICKNAMES
    repeat = (number - 1) // len(pool)
    return pool[(number - 1) % len(pool)] + (_letters(repeat) if repeat else "")
