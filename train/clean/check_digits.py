"""Check digits: what tells a card or an identity number from any other number."""

from __future__ import annotations

import re

_TAIWAN_LETTERS = "ABCDEFGHJKLMNPQRSTUVXYWZIO"  # A is 10, B is 11, …
_CARD_NETWORKS = re.compile(r"[3-6]|2[2-7]")  # ISO/IEC 7812; dates and order numbers begin 20


def mainland_id(value: str) -> bool:
    """GB 11643: 17 weighted digits, modulo 11."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    body = value.replace(" ", "")
    total = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=False))
    return "10X98765432"[total % 11] == body[17].upper()


def taiwan_id(value: str) -> bool:
    """National and resident numbers: letter as two digits, weights 1 9 8 … 1 1, modulo 10."""
    code = _TAIWAN_LETTERS.index(value[0].upper()) + 10
    second = value[1].upper()
    if second.isalpha():  # resident certificates until 2021: only its last digit counts
        second = str((_TAIWAN_LETTERS.index(second) + 10) % 10)
    digits = f"{code}{second}{value[2:]}"
    weights = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)
    return sum(int(d) * weight for d, weight in zip(digits, weights, strict=True)) % 10 == 0


def hong_kong_id(value: str) -> bool:
    """One or two letters, six digits, a check digit that may be A; modulo 11."""
    body = re.sub(r"[()]", "", value).upper()
    padded = body if len(body) == 9 else f" {body}"
    total = 0
    for weight, character in zip(range(9, 0, -1), padded, strict=True):
        if character == " ":
            number = 36
        elif character.isdigit():
            number = int(character)
        elif weight == 1:
            number = 10
        else:
            number = ord(character) - ord("A") + 10
        total += weight * number
    return total % 11 == 0


def bank_card(value: str) -> bool:
    """Luhn's sum, on a number that a card network gives out."""
    digits = [int(character) for character in value if character.isdigit()]
    if _CARD_NETWORKS.match("".join(map(str, digits))) is None or len(set(digits)) == 1:
        return False
    doubled = [sum(divmod(2 * d, 10)) if i % 2 else d for i, d in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def iban(value: str) -> bool:
    """ISO 13616: country and check digits moved to the end, letters as numbers, modulo 97."""
    body = re.sub(r"[ -]", "", value).upper()
    if not 15 <= len(body) <= 34:
        return False
    return int("".join(str(int(char, 36)) for char in body[4:] + body[:4])) % 97 == 1
