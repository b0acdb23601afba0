"""Phone numbers: in the forms of the mainland, Taiwan, Hong Kong, Japan, North America, and
whatever somebody calls a number.

Public lines pass: a persona that is tuned on dialogues must go on naming help lines.
"""

from __future__ import annotations

import re

from train.clean.recognisers.base import Recogniser

_GAP = r"(?: ?[-. ]{1,2} ?)?"
_PAUSE = r"(?: ?[-. ,、]{1,2} ?)?"  # as _GAP, and as a recogniser writes what is said in groups
_MAINLAND, _TAIWAN = (rf"\(?(?:\+|00)?{code}\)?{_GAP}" for code in (86, 886))
_UNIT = r"(?! ?(?:元|块|塊|圆|圓|円|万|萬|亿|億|次|台|部|年|%|yuan|dollars|bucks|times|people))"

_WRITTEN = re.compile(
    r"(?<!\d)(?<!\d[.A-Za-z])(?<!\d[A-Za-z]{2})(?:"
    # mainland, mobile, in its usual groups
    rf"(?:{_MAINLAND})?1[3-9]\d"
    rf"(?:{_PAUSE}\d{{4}}{_PAUSE}\d{{4}}|{_GAP}\d{{3}}{_GAP}\d{{5}}"
    rf"|\d{_GAP}\d{{3}}{_GAP}\d{{4}}|\d{_GAP}\d{{4}}{_GAP}\d{{3}}|(?:{_GAP}\d{{2}}){{4}}|\d{{3}}{_GAP}\d{{5}})"
    r"|1(?P<between>[-. ])[3-9](?:(?P=between)\d){9}"  # digit by digit
    # Taiwan, mobile
    rf"|(?:{_TAIWAN}0?9\d{{2}}|09\d{{2}}){_GAP}\d{{3}}{_GAP}\d{{3}}"
    rf"|09\d{_GAP}\d{{3}}{_GAP}\d{{4}}|09{_GAP}\d{{4}}{_GAP}\d{{4}}"
    # Taiwan, landline
    rf"|(?:\(0\d{{1,3}}\)\s?|(?:{_TAIWAN}|0)"
    r"(?:2|3|37|4|49|5|6|7|8|82|826|836|89)[-. ])"
    rf"\d{{3,4}}{_GAP}\d{{4}}(?: ?(?:#|[转轉]|分[机機]|ext\.?) ?\d{{1,5}})?"
    rf"|0[5789]0{_GAP}\d{{4}}{_GAP}\d{{4}}"  # Japan, mobile
    r"|\(?0(?:10|2\d|[3-9]\d{2})\)?[-. ]?\d{7,8}"  # mainland, landline
    r"|0\d{1,4}[- ]\d{2,4}[- ]\d{3,4}|0\d{4} \d{6}"  # Japan and Britain
    r"|0[1-9]\d{7,9}"
    # Hong Kong and Macau
    r"|(?:\(?(?:\+|00)85[23]\)? ?[-. ]? ?|\(85[23]\) ?|85[23][-. ])[2-9]\d{3}[-. ]?\d{4}"
    r"|852[4-9]\d{7}"
    # North America
    r"|(?:\+1[-. ]?\(?[2-9]\d{2}\)?[-. ]?|(?:1[-. ])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[-.]))"
    r"[2-9]\d{2}[-. ]?\d{4}"
    r"|\+[1-9]\d{0,2}[-. ]?(?:\(0?\d{0,4}\)[-. ]?)?\d(?:[-. ]?\d){6,11}"  # anywhere else
    r")(?!\d)(?![.]\d)"
)
_ANNOUNCED = re.compile(
    r"(?:[电電][话話]|手[机機提]|座[机機]|[号號][码碼]|番号|携帯|联系方式|聯絡方式|聯繫方式"
    r"|[打撥拨][给給]?|致[电電]|[联聯][系繫絡络]"
    r"|(?<![A-Za-z])(?:call|phone|tel|mobile|cell|whatsapp|text|ring|dial|reach|number)"
    r"(?![A-Za-z]))"
    r"(?:[ :.,]|[号號][码碼]?|して(?:ください)?|[はにを]"
    r"|(?<![A-Za-z])(?:me|us|him|her|at|on|is|no|number|my|phone|cell)(?![A-Za-z])"
    r"|[我他她你您吧给給就请請打撥拨的是为為]|可以|这个|這個|还是|還是|换成|換成|改成)*"
    rf"((?:\+ ?)?\(?\d(?:[-. ()]{{0,2}}\d){{6,14}})(?!\d){_UNIT}",
    re.IGNORECASE,
)
_OTHER_NUMBER = re.compile(
    r"(?:[单單编編件房排列车車位序批型股][号號]?|订单|訂單|order |[帐账帳])$"
)

# Numbers that anybody may call, in the digits of the number alone.
_FREE = re.compile(
    r"1?(?:800|833|844|855|866|877|888)\d{7}|[48]00\d{7}|0(?:800|808|809|120)\d{4,7}"
)
_HELP_LINES = frozenset(
    {"01082951332", "4001619995", "4008211215", "4006701116", "0376272929", "02112320", "23892222"}
    | {"28960000", "23820000", "18111123", "116123", "131114", "85223892222", "85228960000"}
)
_DATE = re.compile(r"(?:19|20)\d{2}[-. ]?(?:0[1-9]|1[0-2])[-. ]?(?:0[1-9]|[12]\d|3[01])")
_YEARS = re.compile(r"(?:19|20)\d{2}[-. ](?:19|20)\d{2}")
_COUNTED = "01234567890123456789"


def _is_private(value: str) -> bool:
    digits = re.sub(r"\D", "", value)
    if digits in _HELP_LINES or _FREE.fullmatch(digits) or digits in _COUNTED:
        return False
    return not (_DATE.fullmatch(value) or _YEARS.fullmatch(value) or len(set(digits)) == 1)


def _is_whole(value: str) -> bool:
    """Groups that only look like a number, such as a date, are too few digits."""
    return len(re.sub(r"\D", "", value)) >= 9 and _is_private(value)


PHONES = (
    Recogniser("phone", _WRITTEN, valid=_is_whole),
    Recogniser("phone", _ANNOUNCED, 1, _is_private, not_after=_OTHER_NUMBER),
)
