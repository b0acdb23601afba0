"""What a recogniser is, and the pieces that several of them are made of."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

Kind: TypeAlias = Literal[
    "url_token",
    "email",
    "secret",
    "id_card",
    "bank_card",
    "phone",
    "address",
    "account",
    "plate",
    "ip",
    "name",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
# What identifies or can be used against someone by itself; training refuses to learn it.
HIGH_RISK: frozenset[Kind] = frozenset(
    {"url_token", "email", "secret", "id_card", "bank_card", "phone", "address", "account"}
)

HAN = "\u3400-\u4dbf\u4e00-\u9fff"
NUMERALS = "零〇一二三四五六七八九"
# Between a word such as 微信 or 卡号 and what it announces. A mark says that it does.
MARK = r"(?:就是|还是|還是|应该是|是|为|為|叫|改成|改为|改為|设成|設成|换成|換成|[:=→]|->)"
NUMBER_WORD = r"(?:[号號][码碼]?|(?:id|no\.?|number|account)(?![A-Za-z])|[帐账帳][号號户戶])"
IS = rf"\s*的?\s*{NUMBER_WORD}?\s*{MARK}?\s*"


@dataclass(frozen=True, slots=True)
class Recogniser:
    """One form of personal data.

    Attributes:
        kind: What it finds.
        pattern: Where; read on folded text (`train.clean.folding`).
        group: The part of a match that is the data, the rest being what announces it.
        valid: Whether a value is one; check digits go here.
        not_after: What must not stand right before a match; it ends on `$`.
        needs: A quick look, where the pattern itself is slow.
    """

    kind: Kind
    pattern: re.Pattern[str]
    group: int = 0
    valid: Callable[[str], bool] = bool
    not_after: re.Pattern[str] | None = None
    needs: re.Pattern[str] | None = None


def has_digit(value: str) -> bool:
    """Whether a password or an id is one, and not a word that stands where one would."""
    return any(character.isdigit() for character in value)
