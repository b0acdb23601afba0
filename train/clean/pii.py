r"""Personal data in Chinese and English text, found beside Chinese characters too.

`\b` finds no border between a Chinese character and a digit (both are `\w`), which is how
public tools miss "我电话13812345678你记下": every pattern here looks at the neighbouring
characters instead. What has a check digit is checked, so that order numbers pass.

Full-width digits, invisible characters and numerals (一三八…) are read as what they stand for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
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

_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}  # full-width ASCII
_NUMERALS = str.maketrans("零〇一二三四五六七八九幺壹贰叁肆伍陆柒捌玖", "001234567891123456789")
_NUMERAL_RUN = re.compile("[零〇一二三四五六七八九幺壹贰叁肆伍陆柒捌玖]{7,}")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")


@dataclass(frozen=True, slots=True)
class Finding:
    """One piece of personal data: `text[start:end]` of the text that was searched."""

    kind: Kind
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Recogniser:
    kind: Kind
    pattern: re.Pattern[str]
    group: int = 0
    valid: Callable[[str], bool] = bool
    needs: re.Pattern[str] | None = None  # a quick look, where the pattern itself is slow


def _mainland_id(value: str) -> bool:
    """GB 11643: 17 weighted digits, modulo 11."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(value, weights, strict=False))
    return "10X98765432"[total % 11] == value[17].upper()


_TAIWAN_LETTERS = "ABCDEFGHJKLMNPQRSTUVXYWZIO"  # A is 10, B is 11, …


def _taiwan_id(value: str) -> bool:
    """National and resident numbers: letter as two digits, weights 1 9 8 … 1 1, modulo 10."""
    code = _TAIWAN_LETTERS.index(value[0].upper()) + 10
    second = value[1].upper()
    if second.isalpha():  # resident certificates until 2021: only its last digit counts
        second = str((_TAIWAN_LETTERS.index(second) + 10) % 10)
    digits = f"{code}{second}{value[2:]}"
    weights = (1, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1)
    return sum(int(d) * weight for d, weight in zip(digits, weights, strict=True)) % 10 == 0


def _hong_kong_id(value: str) -> bool:
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


def _luhn(value: str) -> bool:
    digits = [int(character) for character in value if character.isdigit()]
    doubled = [sum(divmod(2 * d, 10)) if i % 2 else d for i, d in enumerate(reversed(digits))]
    return len(set(digits)) > 1 and sum(doubled) % 10 == 0


def _mixed(value: str) -> bool:
    """A password, not a word that stands where one would: it has a digit."""
    return any(character.isdigit() for character in value)


_TOKEN_KEYS = (
    "token|access_token|key|api_?key|secret|sig|signature|code|session|sid|auth|password|pwd"
)
_ROAD = rf"[{_HAN}A-Za-z0-9]{{1,8}}?(?:路|街|大道|巷|胡同|弄)"
_AREA = (
    rf"(?:[{_HAN}]{{2,7}}?(?:省|自治[区區]|特[别別]行政[区區]))?"
    rf"(?:[{_HAN}]{{2,7}}?[市縣县州盟])?(?:[{_HAN}]{{1,6}}?[區区縣县旗市])?"
    rf"(?:[{_HAN}]{{1,6}}?(?:鄉|乡|鎮|镇|街道|里|村))?"
)
_NUMBER = r"[0-9一二三四五六七八九十百]+"
_HOUSE = (
    rf"(?:{_NUMBER}段)?(?:{_NUMBER}巷)?(?:{_NUMBER}弄)?"
    rf"{_NUMBER}(?:[之\-]\d+)?(?:號|号)(?:之\d+)?"
    rf"(?:[{_HAN}A-Za-z0-9]{{0,12}}?{_NUMBER}(?:樓|楼|室|[栋棟幢座]|[单單]元)(?:之\d+)?(?:\d+室)?)*"
)
_ESTATE = (
    rf"[{_HAN}]{{2,12}}?(?:小[区區]|花[园園]|公寓|新村|家[园園]|[苑城])"
    rf"{_NUMBER}(?:[栋棟幢座]|号楼|號樓)(?:{_NUMBER}[单單]元)?(?:{_NUMBER}(?:室|[号號]|[楼樓]))?"
)
_IS = r"\s*(?:[号號]碼?|[号號]码|id|ID|账号|帳號|帐号)?\s*(?:是|为|為|就是|叫|[:：=])?\s*"

_RECOGNISERS: tuple[_Recogniser, ...] = (
    _Recogniser(
        "url_token",
        re.compile(
            rf"(?:https?|wss?|ftp)://(?:[^\s/@{_HAN}]+:[^\s/@{_HAN}]+@[^\s{_HAN}]+"
            rf"|[^\s{_HAN}]*?[?&#](?:{_TOKEN_KEYS})=[^\s{_HAN}]+|[^\s{_HAN}]*/[A-Za-z0-9_-]{{32,}}[^\s{_HAN}]*)",
            re.IGNORECASE,
        ),
    ),
    _Recogniser(
        "email",
        re.compile(
            r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*"
            r"\.[A-Za-z]{2,}(?![A-Za-z0-9])"
        ),
    ),
    _Recogniser(
        "secret",
        re.compile(
            r"(?:密\s?[码碼]|口令|[验驗][证證][码碼]"
            r"|(?<![A-Za-z])(?:password|passwd|passcode|pwd|otp|pin|token|api[_ ]?key|secret)"
            r"(?![A-Za-z]))"
            r"\s*(?:是|为|為|is|改成|[:：=])?\s*([A-Za-z0-9!@#$%^&*_.~+/=\-]{4,})",
            re.IGNORECASE,
        ),
        1,
        _mixed,
    ),
    _Recogniser(
        "secret",
        re.compile(
            r"(?<![A-Za-z0-9])(?:sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{20,}"
            r"|AKIA[0-9A-Z]{16}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,})"
        ),
    ),
    _Recogniser(
        "id_card",
        re.compile(
            r"(?<![0-9A-Za-z])[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
            r"\d{3}[\dXx](?![0-9A-Za-z])"
        ),
        valid=_mainland_id,
    ),
    _Recogniser(
        "id_card",
        re.compile(r"(?<![0-9A-Za-z])[A-Za-z][1289A-Da-d]\d{8}(?![0-9A-Za-z])"),
        valid=_taiwan_id,
    ),
    _Recogniser(
        "id_card",
        re.compile(r"(?<![0-9A-Za-z])[A-Za-z]{1,2}\d{6}(?:\([0-9Aa]\)|[0-9Aa])(?![0-9A-Za-z])"),
        valid=_hong_kong_id,
    ),
    _Recogniser(  # US social security, without the numbers that are never given out
        "id_card",
        re.compile(r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])"),
    ),
    _Recogniser(  # said to be one: a slip in the check digit makes it no less personal
        "id_card",
        re.compile(
            rf"(?:身[份分][证證]|[证證]件|居留[证證]|護照|护照|HKID|ID card){_IS}"
            r"([A-Za-z]{0,2}\d{6,17}(?:\([0-9Aa]\)|[0-9Xx]))(?![0-9A-Za-z])",
            re.IGNORECASE,
        ),
        1,
    ),
    _Recogniser(
        "bank_card",
        re.compile(
            rf"(?:[银銀]行卡|信用卡|卡[号號]|帳[號号戶]|账[号户]|card number|account number){_IS}"
            r"(\d(?:[ -]?\d){9,18})(?!\d)",
            re.IGNORECASE,
        ),
        1,
    ),
    _Recogniser("bank_card", re.compile(r"(?<![\d+-])\d(?:[ -]?\d){13,18}(?![\d-])"), valid=_luhn),
    _Recogniser(
        "phone",
        re.compile(
            r"(?<![\d.])(?:"
            r"(?:(?:\+|00)?86[-\s]?)?1[3-9]\d[-\s]?\d{4}[-\s]?\d{4}"  # mainland, mobile
            r"|(?:\(?(?:\+|00)?886\)?[-\s]?0?9\d{2}|09\d{2})[-\s]?\d{3}[-\s]?\d{3}"  # TW, mobile
            r"|(?:\(0\d{1,3}\)\s?|(?:\+?886[-\s]?|0)(?:2|3|37|4|49|5|6|7|8|82|826|836|89)[-\s])"
            r"\d{3,4}[-\s]?\d{4}(?:#\d{1,5})?"  # TW, landline
            r"|0(?:10|2\d|[3-9]\d{2})[-\s]\d{7,8}"  # mainland, landline
            r"|(?:(?:\+|00)852[-\s]?|852[-\s])[2-9]\d{3}[-\s]?\d{4}"  # Hong Kong
            r"|(?:\+1[-.\s]?[2-9]\d{2}[-.\s]?|(?:1[-.])?(?:\([2-9]\d{2}\)\s?|[2-9]\d{2}[-.]))"
            r"[2-9]\d{2}[-.\s]?\d{4}"  # North America
            r"|\+[1-9]\d{0,2}[-\s]?\d(?:[-\s]?\d){6,11}"  # anywhere else
            r")(?!\d)"
        ),
    ),
    _Recogniser(
        "phone",
        re.compile(
            r"(?:[电電][话話]|手[机機]|[号號][码碼]|call me (?:at|on)|phone|tel|whatsapp)"
            r"\s*(?:[号號][码碼]?)?\s*(?:是|为|為|is|[:：.])?\s*(\+?\d(?:[-\s]?\d){6,14})(?!\d)",
            re.IGNORECASE,
        ),
        1,
    ),
    _Recogniser(
        "address",
        re.compile(rf"{_AREA}{_ROAD}{_HOUSE}"),
        needs=re.compile(rf"(?:路|街|大道|巷|胡同|弄){_NUMBER}.{{0,12}}?[號号]"),
    ),
    _Recogniser(
        "address",  # 道 ends a road's name in Hong Kong, and 知道 everywhere
        re.compile(rf"(?:香港|九[龍龙]|新界)[{_HAN}]{{2,12}}?道{_HOUSE}"),
    ),
    _Recogniser(
        "address",
        re.compile(rf"{_AREA}{_ESTATE}"),
        needs=re.compile(rf"{_NUMBER}(?:[栋棟幢座]|号楼|號樓)"),
    ),
    _Recogniser(
        "address",
        re.compile(
            r"(?<![A-Za-z0-9])\d{1,5}\s+(?:[A-Z][A-Za-z]+\s){1,3}(?:Street|St|Road|Rd|Avenue|Ave"
            r"|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct)(?![A-Za-z])"
        ),
    ),
    _Recogniser("account", re.compile(r"(?<![A-Za-z0-9_])wxid_[a-z0-9]{6,24}(?![A-Za-z0-9_])")),
    _Recogniser(
        "account",
        re.compile(
            rf"(?:微信|wechat|weixin|vx|wx|v信|薇信|威信|加v){_IS}([A-Za-z][-_A-Za-z0-9]{{5,19}})"
            r"(?![-_A-Za-z0-9])",
            re.IGNORECASE,
        ),
        1,
    ),
    _Recogniser(
        "account",
        re.compile(
            r"(?:(?<![A-Za-z])line|[加的]我?[賴赖])\s*(?:id|帳號|账号)?\s*(?:是|[:：=])\s*(@?[A-Za-z0-9._-]{4,20})",
            re.IGNORECASE,
        ),
        1,
    ),
    _Recogniser(
        "account",
        re.compile(rf"(?<![A-Za-z])(?:qq|扣扣|企鹅){_IS}([1-9]\d{{4,10}})(?!\d)", re.IGNORECASE),
        1,
    ),
    _Recogniser(
        "plate",
        re.compile(
            r"(?<![A-Za-z0-9])[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]"
            r"[A-HJ-NP-Z][·•\s]?(?=[A-HJ-NP-Z0-9]*\d)[A-HJ-NP-Z0-9]{4,5}[A-HJ-NP-Z0-9挂学警港澳]"
            r"(?![A-Za-z0-9])"
        ),
    ),
    _Recogniser(
        "plate",
        re.compile(
            r"[车車]牌\s*(?:[号號][码碼]?)?\s*(?:是|[:：])?\s*"
            r"([A-Z]{2,3}-\d{3,4}|\d{3,4}-[A-Z]{2,3}|(?=[A-Z]*\d)[A-Z0-9]{2,4}-?[A-Z0-9]{2,4})"
            r"(?![A-Za-z0-9])"
        ),
        1,
    ),
    _Recogniser(
        "ip",
        re.compile(
            r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.]\d)"
        ),
    ),
)
# Of an address, the words before it that a greedy pattern takes along.
_LED_BY = re.compile(
    r"^(?:我們|我们|我|他|她|你|您|家|住|在|是|到|去|來|来|於|于|的|就|從|从|寄|送|請|请|了|地址|搬|和|跟)+"
)
# Words that most texts lack and every recogniser needs one of, so that most texts are quick.
_MAYBE = re.compile(
    r"[0-9@]|://|[号號樓楼室栋棟]|微信|wechat|weixin|vx|wx|v信|薇信|加v|line|[賴赖]|akia",
    re.IGNORECASE,
)


def find(text: str) -> list[Finding]:
    """All personal data but names, in order, none overlapping another.

    Args:
        text: Any text; offsets count its own characters, folded or not.
    """
    folded, positions = _fold(text)
    if _MAYBE.search(folded) is None:
        return []
    taken: list[Finding] = []
    for recogniser in _RECOGNISERS:
        if recogniser.needs is not None and recogniser.needs.search(folded) is None:
            continue
        for found in recogniser.pattern.finditer(folded):
            value = found[recogniser.group]
            start, end = found.span(recogniser.group)
            if recogniser.kind == "address" and (led := _LED_BY.match(value)) is not None:
                start += led.end()
            free = all(end <= other.start or start >= other.end for other in taken)
            if free and recogniser.valid(value):
                taken.append(Finding(recogniser.kind, start, end))
    if positions is not None:
        taken = [
            Finding(one.kind, positions[one.start], positions[one.end - 1] + 1) for one in taken
        ]
    return sorted(taken, key=lambda one: one.start)


def folded(text: str) -> str:
    """Text as the recognisers read it: digits of all kinds as 0 to 9, nothing invisible."""
    return _fold(text)[0]


def by_kind(findings: Iterable[Finding]) -> Mapping[Kind, int]:
    """How many of each kind there are, kinds in their order of risk."""
    counts = dict.fromkeys(KINDS, 0)
    for finding in findings:
        counts[finding.kind] += 1
    return {kind: count for kind, count in counts.items() if count}


def _fold(text: str) -> tuple[str, list[int] | None]:
    """Text as the patterns read it, and where its characters stood if their number changed."""
    positions: list[int] | None = None
    if _INVISIBLE.search(text) is not None:
        positions = [at for at, char in enumerate(text) if not _INVISIBLE.match(char)]
        text = "".join(text[at] for at in positions)
    if not text.isascii():
        text = text.translate(_WIDE)
        text = _NUMERAL_RUN.sub(lambda found: found[0].translate(_NUMERALS), text)
    return text, positions
