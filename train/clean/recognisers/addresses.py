"""Where somebody lives, from the road or the estate to the last part after the room."""

from __future__ import annotations

import re

from train.clean.recognisers.base import HAN, Recogniser

_NUMBER = r"[0-9一二三四五六七八九十百]{1,6}"
_UNIT = r"(?! ?[點点時时月日年元块塊圆圓分人个個次歲岁天路公万萬号號班线線樓楼])"

_AREA = (
    rf"(?:[{HAN}]{{2,7}}?(?:省|自治[区區]|特[别別]行政[区區]))?"
    rf"(?:[{HAN}]{{2,7}}?[市縣县州盟])?(?:[{HAN}]{{1,6}}?[区區縣县旗市])?"
    rf"(?:[{HAN}]{{1,6}}?(?:鄉|乡|鎮|镇|街道|里|村))?"
)
_ROAD = rf"[{HAN}A-Za-z0-9]{{1,8}}?(?:路|街|大道|巷|胡同|弄)"
_NO_ROAD = re.compile(r"[这這那哪每有几幾两兩一][条條]|[走赶趕带帶让讓迷问問修]路")
# The parts of a house, then a number that follows them without a word: 3单元502, 5樓之3.
_PART = (
    rf"(?:{_NUMBER}|[A-Z])(?:[号號][樓楼院]|[樓楼室房栋棟幢座塔层層户戶門门]|[单單]元|[号號]房"
    r"|F(?![A-Za-z]))(?:之\d+)?"
)
_ROOM = rf"(?:[- 之]?[A-Z]?\d{{1,5}}(?:-\d{{1,4}}){{0,2}}[A-Z]?(?:室|房|[号號]房?)?(?!\d){_UNIT})?"
_INSIDE = rf"(?:[,， ]?[{HAN}A-Za-z0-9]{{0,12}}?{_PART})*{_ROOM}"
_HOUSE = (
    rf"(?:{_NUMBER}段)?(?:{_NUMBER}巷)?(?:{_NUMBER}弄)?"
    rf"[甲乙丙丁]?{_NUMBER}(?:[之\-]\d+)?[號号](?:之\d+)?{_INSIDE}"
)
_ESTATE = (
    rf"[{HAN}]{{2,12}}?(?:小[区區]|花[园園]|公寓|新村|家[园園]|宿舍|大[厦廈]|[苑城])"
    rf"(?:{_NUMBER}(?:期|[区區]))?"
    rf"{_NUMBER}(?:[栋棟幢座]|[号號][楼樓]){_INSIDE}"
)
_ENGLISH_ROAD = (
    r"(?:Street|St|Road|Rd|Avenue|Ave|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Terrace|Place"
    r"|Crescent|Way|Close|Square|Parkway|Pkwy|Highway|Hwy)(?![A-Za-z])\.?"
)
_ENGLISH_REST = (
    r"(?: (?:NW|NE|SW|SE|N|S|E|W)(?![A-Za-z]))?"
    r"(?:,? (?:Apartment|Apt|Unit|Suite|Ste|Flat|Floor|Room|Rm|#)\.? ?[A-Za-z0-9-]{1,6}(?![a-z]))?"
    r"(?:,? (?:[A-Z][a-z]+ ?){1,3},? (?:[A-Z]{2} \d{5}(?:-\d{4})?"
    r"|[A-Z]{1,2}\d[A-Z0-9]? ?\d[A-Z]{2}))?"
)

ADDRESSES = (
    Recogniser(
        "address",
        re.compile(rf"{_AREA}{_ROAD}{_HOUSE}"),
        valid=lambda value: _NO_ROAD.match(value) is None,
        needs=re.compile(rf"(?:路|街|大道|巷|胡同|弄)[甲乙丙丁]?{_NUMBER}.{{0,12}}?[号號]"),
    ),
    Recogniser(
        "address",  # 道 ends a road's name in Hong Kong, and 知道 everywhere
        re.compile(rf"(?:香港|九[龍龙]|新界)[{HAN}]{{2,12}}?道{_HOUSE}"),
    ),
    Recogniser(
        "address",
        re.compile(rf"{_AREA}{_ESTATE}"),
        needs=re.compile(rf"{_NUMBER}(?:[栋棟幢座]|[号號]?[楼樓])"),
    ),
    Recogniser(
        "address",
        re.compile(
            rf"{_AREA}[{HAN}]{{1,6}}?[村屯庄莊](?:{_NUMBER}[组組队隊鄰邻])?{_NUMBER}[號号]{_INSIDE}"
        ),
        needs=re.compile(rf"[村屯庄莊]{_NUMBER}"),
    ),
    Recogniser(
        "address",  # a building whose road is left out
        re.compile(
            rf"(?<![0-9])(?:{_NUMBER}(?:[栋棟幢]|[号號][楼樓])|[A-Z][座栋棟])(?:{_NUMBER}[单單]元)?"
            rf"(?:{_NUMBER}[层層樓楼])?[A-Z]?\d{{3,4}}(?:室|房|[号號])?(?!\d){_UNIT}"
        ),
        needs=re.compile(r"[栋棟幢座楼樓单單元]\d{3}"),
    ),
    Recogniser(
        "address",
        re.compile(
            r"(?<![A-Za-z0-9])(?:(?:Flat|Apt|Apartment|Unit) [A-Za-z0-9]{1,4},? )?\d{1,5}[A-Z]?"
            r"\s+(?:[A-Z][A-Za-z']+\s|\d{1,3}(?:st|nd|rd|th)\s){1,3}"
            rf"{_ENGLISH_ROAD}{_ENGLISH_REST}"
        ),
    ),
    Recogniser("address", re.compile(r"(?<![A-Za-z])P\.? ?O\.? Box \d{2,6}(?!\d)", re.IGNORECASE)),
)
# What a greedy pattern takes along at the head of an address.
LED_BY = re.compile(
    r"^(?:我們|我们|我|他|她|你|您|家|住|在|是|到|去|來|来|於|于|的|就|從|从|寄|送|請|请|了|地址|搬|和(?!平)|跟"
    r"|给|給|收件|也|都|还|還)+"
)
