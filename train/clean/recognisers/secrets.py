"""Passwords, codes that are sent to a phone, keys of programs."""

from __future__ import annotations

import re

from train.clean.recognisers.base import HAN, NUMERALS, Recogniser, has_digit

_CODE = (
    r"(?:密\s?[码碼]|口令|[验驗][证證認认][码碼]|校[验驗][码碼]|[动動][态態][码碼]|安全[码碼]"
    r"|取[件货貨餐][码碼]|[门門]禁[码碼]|授[权權][码碼]|激活[码碼]|提取[码碼]"
    r"|(?<![A-Za-z])pin\s?[码碼])"
)
_PASSWORD = r"(?<![A-Za-z])(?:pass ?word|passwd|passcode|passphrase|pwd)(?![A-Za-z])"
_PIN = (
    r"(?<![A-Za-z])(?:otp|pin|api[_ ]?key|wi-?fi(?: key)?(?!\s*(?:password|pass|pwd))"
    r"|(?:verification|security|access|login|sms) code)(?![A-Za-z])"
)
_TOKEN = r"(?<![A-Za-z])(?:token|secret)(?![A-Za-z])"
_VALUE = r"[A-Za-z0-9!@#$%^&*_.~+/=\-]"
_SAYS = r"(?:是|为|為|[改设設换換]?[成为為]|[:=])"
# What stands where a password would, and is none.
_NO_PASSWORD = frozenset(
    {"please", "none", "null", "empty", "required", "wrong", "reset", "protected", "manager"}
    | {"here", "what", "true", "false", "undefined", "password", "not", "the", "weak", "yours"}
    | {"incorrect", "unknown", "changed", "expired", "invalid", "safe", "strong", "your"}
)


def _is_password(value: str) -> bool:
    return value.casefold().strip(".!=-") not in _NO_PASSWORD


def _is_long(value: str) -> bool:
    """Beside other words, four digits are a year or a price."""
    letters = any(character.isalpha() for character in value)
    return has_digit(value) and (letters or len(value) >= 6) and not value.startswith("20")


SECRETS = (
    Recogniser(  # announced, with a mark: any characters may be the password
        "secret",
        re.compile(
            rf"{_CODE}\s*(?:[{HAN}]{{0,4}}?)\s*{_SAYS}\s*({_VALUE}{{3,}}|[{NUMERALS}]{{4,}})",
            re.IGNORECASE,
        ),
        1,
        _is_password,
    ),
    Recogniser(
        "secret",
        re.compile(
            rf"(?:{_PASSWORD}|{_PIN}|{_TOKEN}|(?<![A-Za-z])code(?= (?:for|to) ))"
            r"(?: (?:for|to|of|on) (?:\w+ ){1,4}?)?\s*(?:is|[:=]|是)+\s*['\"“]?"
            rf"({_VALUE}{{4,}})",
            re.IGNORECASE,
        ),
        1,
        lambda value: has_digit(value) or re.search(r"[a-z][A-Z]|[!@#$%^&*]", value) is not None,
    ),
    Recogniser(  # a word may be a password if nothing comes after it
        "secret",
        re.compile(
            rf"{_PASSWORD}\s*[:=]\s*({_VALUE}{{4,}})(?=\s*(?:$|[,;!?，。)]))", re.IGNORECASE
        ),
        1,
        _is_password,
    ),
    Recogniser(  # announced, without a mark
        "secret",
        re.compile(rf"(?:{_CODE}|{_PASSWORD}|{_PIN})\s*({_VALUE}{{4,}})", re.IGNORECASE),
        1,
        has_digit,
    ),
    Recogniser(
        "secret",
        re.compile(rf"{_CODE}(?:[{HAN}]{{1,6}}?)\s*[:]?\s*({_VALUE}{{4,}})", re.IGNORECASE),
        1,
        _is_long,
    ),
    Recogniser(
        "secret",
        re.compile(
            rf"(?<![A-Za-z0-9])([A-Z0-9]{{4,8}})\s*(?:[(（【]|是|is)[{HAN}a-z ]{{0,8}}"
            rf"(?:[验驗][证證][码碼]|(?:verification|security|login) code)",
            re.IGNORECASE,
        ),
        1,
        has_digit,
    ),
    Recogniser(
        "secret",
        re.compile(
            r"(?<![A-Za-z0-9])(?:sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{20,}"
            r"|xox[abps]-[A-Za-z0-9-]{10,}|AIza[A-Za-z0-9_-]{30,}|\d{8,10}:[A-Za-z0-9_-]{35}"
            r"|AKIA[0-9A-Z]{16}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,})"
        ),
    ),
)
