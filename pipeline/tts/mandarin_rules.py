"""Mandarin readings that the normalising library leaves out or gets wrong.

Each rule is a pattern over simplified, half-width text and the reading of its match.
Earlier rules win. Seen with WeTextProcessing 0.1.8: a thousands separator reads as a
comma, NT$ as US dollars, 2点 and 2倍 as 二, kg as 千克, +86 as "plus", GPT-4 as minus four,
and a hotline as a quantity. `qingting voices reading` counts: of 114 Mandarin sentences it
reads 72 right by itself and with these rules all; cn2an 0.5.24 reads 35.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

import cn2an

from pipeline.tts.base import Region
from pipeline.tts.english_rules import EMAIL, HOST

_Reader: TypeAlias = Callable[[re.Match[str], Region], str]

_DIGITS = dict(zip("0123456789", "零一二三四五六七八九", strict=True))
_NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"
_SHORT_NAME_DIGITS = 2  # of F-16, read as a number; those of A380 one by one
_MAX_CARDINAL_DIGITS = 16  # what cn2an reads; anything longer is no quantity but a serial number

_CURRENCIES = {
    "NT$": "元", "NTD": "元", "TWD": "元", "NT": "元", "RMB": "元", "CNY": "元", "¥": "元",
    "$": "美元", "US$": "美元", "USD": "美元", "HK$": "港元", "HKD": "港元", "JPY": "日元",
    "€": "欧元", "EUR": "欧元", "£": "英镑", "GBP": "英镑",
}  # fmt: skip
MEASURED_UNITS = {
    "km/h": "公里每小时", "kph": "公里每小时", "km": "公里", "kg": "公斤", "cm": "厘米",
    "mm": "毫米", "mg": "毫克", "ml": "毫升", "mL": "毫升", "kcal": "千卡", "bpm": "下每分钟",
    "min": "分钟", "hr": "小时", "h": "小时", "GB": "G B", "MB": "兆", "mb": "兆", "lbs": "磅",
    "㎡": "平方米", "m²": "平方米",
}  # fmt: skip
_TAIWAN_UNITS = {
    "MB": "M B",
    "mb": "M B",
    "cm": "公分",
    "mm": "公厘",
    "㎡": "平方公尺",
    "m²": "平方公尺",
}
_AT = {"mainland": "艾特", "taiwan": "小老鼠"}  # what @ is called
_SIGNS = {"=": "等于", ">": "大于", "<": "小于", "x": "乘", "X": "乘", "×": "乘", "*": "乘"}
# Measure words before which 2 is 两 and which the library does not know as such.
_LIANG = (
    "点|倍|种|份|段|句|件|条|张|本|位|岁|家|次|遍|趟|声|口|杯|顿|双|对|米|公里|公斤|周|年(?!级)"
    "|台|部|间|门|步|包|剂|项|副|群"
)
_CALL = (
    r"(?:拨打|拨|致电|电话|热线|专线|生命线|张老师|号码|手机|联系|联络|打"
    r"|验证码|密码|编号|账号|帐号|学号|工号|邮编|邮递区号|QQ号?|微信号?"
    r"|房间号|房号|门牌号?|车牌号?|卡号|单号|尾号|分机号?|桌号|取餐号)(?:是|为|给|到|[:： ])?"
)
_MEASURES = "个次分点年月日元块万折岁小天秒下页人"  # after them a number is a quantity after all
_LINE = r"(?:热线|专线|安心|心理|求助)"


def digit_by_digit(text: str, *, yao: bool = False) -> str:
    """The digits of `text` one by one, without anything between them.

    Args:
        text: Digits and separators.
        yao: Whether 1 reads 幺, as in mainland telephone numbers, and not 一.
    """
    read = "".join(_DIGITS[character] for character in text if character in _DIGITS)
    return read.replace("一", "幺") if yao else read


def cardinal(number: str) -> str:
    """A quantity: 1,250.5 → 一千两百五十点五."""
    plain = number.replace(",", "")
    whole = plain.partition(".")[0]
    if len(whole) > _MAX_CARDINAL_DIGITS:
        return digit_by_digit(plain)
    read: str = cn2an.an2cn(plain, "low")
    return re.sub(r"(?<![十点])二(?=[百千万亿])", "两", read)


def _telephone(match: re.Match[str], region: Region) -> str:
    number = match.group("number")
    read = digit_by_digit(number, yao=region == "mainland")
    plus = "加" if number.startswith("+") else ""
    return (match.groupdict().get("call") or "") + plus + read


def _money(match: re.Match[str], region: Region) -> str:
    unit = _CURRENCIES[match.group("currency").upper()]
    if region == "taiwan" and match.group("currency") == "$":
        unit = "元"  # a bare $ is the local dollar there
    return cardinal(match.group("number")) + (match.group("scale") or "") + unit


def _price_of_time(match: re.Match[str], region: Region) -> str:
    return f"每{match.group('time')}{cardinal(match.group('number'))}元"


def _quantity(match: re.Match[str], region: Region) -> str:
    return cardinal(match.group("number"))


def _range(match: re.Match[str], region: Region) -> str:
    upper = match.group("upper")
    return f"{_counted(match.group('number'))}到{_counted(upper)}"


def _counted(number: str) -> str:
    """As before a measure word: 2 is 两."""
    return "两" if number == "2" else cardinal(number)


def _one_or_the_next(match: re.Match[str], region: Region) -> str:
    """2、3天 → 两三天; 1、3天 stays an enumeration."""
    lower, upper = match.group("number"), match.group("upper")
    if int(upper) != int(lower) + 1:
        return f"{_counted(lower)}、{_counted(upper)}"
    return (cardinal(lower) if match.group("ten") else _counted(lower)) + cardinal(upper)


def _unit(match: re.Match[str], region: Region) -> str:
    number, unit = match.group("number"), match.group("unit")
    name = MEASURED_UNITS[unit]
    if region == "taiwan":
        name = _TAIWAN_UNITS.get(unit, name)
    return _counted(number) + name


def _grams(match: re.Match[str], region: Region) -> str:
    return _counted(match.group("number")) + ("克" if region == "mainland" else "公克")


def _ten_thousands(match: re.Match[str], region: Region) -> str:
    """1.5w, as young people write 一点五万."""
    return cardinal(match.group("number")) + "万"


def _temperature(match: re.Match[str], region: Region) -> str:
    below = "零下" if match.group("minus") else ""
    name = "摄氏度" if region == "mainland" else "度"
    return below + cardinal(match.group("number")) + name


def _lower_end(match: re.Match[str], region: Region) -> str:
    return cardinal(match.group("number")) + "到"


def _day_or_share(match: re.Match[str], region: Region) -> str:
    first, second = match.group("number"), match.group("upper")
    if int(first) > int(second):
        return f"{cardinal(first)}月{cardinal(second)}日"
    return f"{cardinal(second)}分之{cardinal(first)}"


def _share(match: re.Match[str], region: Region) -> str:
    minus = "负" if match.group("minus") else ""
    whole = "千" if match.group("sign") == "‰" else "百"
    number = match.group("number")
    return f"{minus}{whole}分之{'百' if number == '100' else cardinal(number)}"


def _pressure(match: re.Match[str], region: Region) -> str:
    number, upper = cardinal(match.group("number")), cardinal(match.group("upper"))
    return f"{match.group('call')}{number}比{upper}"


def _name_part(match: re.Match[str], region: Region) -> str:
    """The number in a name of letters: GPT-4, F-16, A380."""
    number = match.group("number")
    return cardinal(number) if len(number) <= _SHORT_NAME_DIGITS else _serial(match, region)


def _sign(match: re.Match[str], region: Region) -> str:
    return _SIGNS[match.group("sign")]


def _percentages(match: re.Match[str], region: Region) -> str:
    return f"百分之{cardinal(match.group('number'))}到百分之{cardinal(match.group('upper'))}"


def _serial(match: re.Match[str], region: Region) -> str:
    return digit_by_digit(match.group("number"), yao=region == "mainland")


def _address(match: re.Match[str], region: Region) -> str:
    """An e-mail address or a host: digits one by one, letters for the voice to spell."""
    named = match.group().replace("@", _AT[region]).replace(".", "点").replace("_", "下划线")
    yao = region == "mainland"
    return re.sub(r"\d+", lambda digits: digit_by_digit(digits.group(), yao=yao), named)


def _alternation(words: dict[str, str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_RULES: tuple[tuple[str, _Reader], ...] = (
    # addresses: before the telephone, whose digits they may hold
    (EMAIL, _address),
    (HOST, _address),
    # telephone: +86 138-1234-5678, 138 1234 5678, 0912-345-678, 02-2345-6789, 400-161-9995
    (r"(?<![\d.])(?P<number>\+\d{1,3}[ -]?\d{2,4}(?:[ -]?\d{3,4}){1,3})(?!\d)", _telephone),
    (r"(?<![\d.])(?P<number>1[3-9]\d[ -]?\d{4}[ -]?\d{4})(?!\d)", _telephone),
    (r"(?<![\d.])(?P<number>09\d{2}[ -]?\d{3}[ -]?\d{3})(?!\d)", _telephone),
    (r"(?<![\d.])(?P<number>0\d{1,3}[ -]\d{3,4}[ -]?\d{3,4})(?!\d)", _telephone),
    (r"(?P<number>\(0\d{1,2}\) ?\d{3,4}-?\d{4})(?!\d)", _telephone),
    (r"(?<![\d.])(?P<number>[48]00-\d{3,4}-\d{3,4})(?!\d)", _telephone),
    # a line called or named: 拨打12356, 1925安心专线, but not 打30分钟
    (rf"(?P<call>{_CALL})(?P<number>\d[\d-]+\d)(?![\d.%{_MEASURES}])", _telephone),
    (rf"(?<![\d.])(?P<number>\d{{3,6}})(?={_LINE})", _telephone),
    # what has digits and no quantity: 302房间, 3单元501, 307路, G1234, GPT-4, 第2名, No.1
    (r"(?<![\d.])(?P<number>\d{3,4})(?=房|室|病房|教室|病床)", _serial),
    (r"(?:(?<=单元)|(?<=号楼)|(?<=[栋幢座]))(?P<number>\d{3,4})(?!\d)", _serial),
    (r"(?<![\d.])(?P<number>\d{3})(?=路(?!程|段)|号?公[交车])", _serial),
    (r"(?<=[A-Za-z])-?(?P<number>\d+)(?![\d.:/%])", _name_part),
    (r"第(?P<number>\d+)(?!\d)", lambda match, region: f"第{cardinal(match.group('number'))}"),
    (r"[Nn][Oo]\.\s?(?P<number>\d+)", lambda match, region: f"第{cardinal(match.group('number'))}"),
    (r"(?<=[路街道])(?P<number>\d{1,2})(?=段)", _quantity),
    (r"(?<!\d)2(?=单元)", lambda match, region: "二"),
    # shares and measures: -5%, 100%, 3‰, -10°C, 血压120/80, 5>3
    (r"(?P<number>\d+(?:\.\d+)?)%[-~](?P<upper>\d+(?:\.\d+)?)%", _percentages),
    (rf"(?P<minus>(?<![A-Za-z0-9.%])-)?(?P<number>{_NUMBER})(?P<sign>[%‰])", _share),
    (r"(?P<number>\d+(?:\.\d+)?)[-~](?=\d+(?:\.\d+)?\s?(?:℃|°C))", _lower_end),
    (rf"(?P<minus>(?<![A-Za-z0-9.%])-)?(?P<number>{_NUMBER})\s?(?:℃|°C)", _temperature),
    # the month comes first in 7/2; the seventh half of something is nobody's
    (r"(?<![\d./])(?P<number>[1-9]|1[0-2])/(?P<upper>[1-9])(?![\d./])", _day_or_share),
    (
        r"(?P<call>血压[^\d，。！？]{0,4})(?P<number>\d{2,3})/(?P<upper>\d{2,3})(?!\d)",
        _pressure,
    ),
    (r"(?<=\d)\s?(?P<sign>[=<>xX×*])\s?(?=\d)", _sign),
    (r"(?P<number>\d+(?:\.\d+)?)w(?![A-Za-z])", _ten_thousands),
    # money: NT$1,200, $3.50, ¥20万
    (
        rf"(?i:(?P<currency>{_alternation(_CURRENCIES)}))\s?(?P<number>{_NUMBER})(?P<scale>[万亿]?)元?",
        _money,
    ),
    # quantities: 1,250, 民国113年, 10-12点, 2点, 2倍, 5km
    (r"(?P<number>\d{1,3}(?:,\d{3})+)元/(?P<time>[年月周天日时]|小时)", _price_of_time),
    (r"(?<![\d.,])(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?)(?![\d,])", _quantity),
    # emergency numbers that count something after all: 心率110次
    (rf"(?<![\d.-])(?P<number>1(?:10|19|20|22))(?=[{_MEASURES}])", _quantity),
    (r"(?<=[次个里米块])/(?=分|秒|天|周|月|年|小时|人)", lambda match, region: "每"),
    (
        rf"(?<![\d.、])(?P<number>[1-9])、(?P<upper>[1-9])(?=(?P<ten>十)|[百千万{_MEASURES}])",
        _one_or_the_next,
    ),
    (r"(?<=月)2(?=[日号])", lambda match, region: "二"),
    (r"(?<=民国)(?P<number>\d{1,3})(?=年)", _quantity),
    (r"(?<![\d.:/-])(?P<number>\d{1,2})[-~](?P<upper>\d{1,2})(?=[点折成岁页次人])", _range),
    (rf"(?<![\d.第/:\-~初月路街道])2(?={_LIANG})", lambda match, region: "两"),
    (
        rf"(?<![\d.])(?P<number>{_NUMBER})\s?(?P<unit>{_alternation(MEASURED_UNITS)})(?![A-Za-z])",
        _unit,
    ),
    (rf"(?<![\d.])(?P<number>{_NUMBER})\s?g(?![A-Za-z]|手机|网|信号|套餐|时代)", _grams),
    (r"(?<![\d.])24/7(?!\d)", lambda match, region: "全天候"),
)
_COMPILED = tuple((re.compile(pattern), reader) for pattern, reader in _RULES)


def read_by_rule(text: str, region: Region) -> list[tuple[int, int, str]]:
    """(start, end, reading) of every stretch a rule covers, in order and disjoint."""
    claimed: list[tuple[int, int, str]] = []
    for start, end, spoken in _matches(text, region):
        if all(end <= other[0] or start >= other[1] for other in claimed):
            claimed.append((start, end, spoken))
    return sorted(claimed)


def _matches(text: str, region: Region) -> Iterator[tuple[int, int, str]]:
    if not any(character.isdigit() or character in "@." for character in text):
        return
    for pattern, reader in _COMPILED:
        for match in pattern.finditer(text):
            yield match.start(), match.end(), reader(match, region)
