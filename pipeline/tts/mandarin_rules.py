"""Mandarin readings that the normalising library leaves out or gets wrong.

Each rule is a pattern over simplified, half-width text and the reading of its match, or
None where it does not hold after all. Earlier rules win. Seen with WeTextProcessing 0.1.8:
a thousands separator reads as a comma, NT$ as US dollars, 2点 and 2倍 as 二, kg as 千克,
1-10 and GPT-4 with a minus, ten out of ten as a day in October, +86 as "plus", and a
hotline as a quantity. `qingting voices reading` counts: of 114 Mandarin sentences it
reads 72 right by itself and with these rules all; cn2an 0.5.24 reads 35.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

import cn2an

from pipeline.tts.base import Region
from pipeline.tts.english_rules import EMAIL, HOST

_Reader: TypeAlias = Callable[[re.Match[str], Region], str | None]

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
_TO = "[-~–—]"  # between the ends of a range
# An end of a range; codes and days have leading zeros.
_END = r"(?:0|[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d{0,4})(?:\.\d+)?"
# What is left of it is no range: a part of a name, a telephone number, a date or a sum.
_NOTHING_BEFORE = r"(?<![A-Za-z\d.:/\-~–—])"
_NOTHING_BEHIND = r"(?![A-Za-z\d:/\-~–—]|\.\d|\s*=|等于)"
_COUNTED = re.compile(
    rf"\s?(?:{_LIANG}|[个天分秒块元人页折成粒颗片只名辆首瓶碗回场夜支集]|小时|星期)"
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_ON_DAY = (
    r"\s?(?:那天|当|这天|晚|早|上午|下午|中午|之?[前后]|以[前后]|[去来要过回出结放开]|的?国庆|双十|生日"
    r"|的?[连长]?假|周|星期|[(（])"
)


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
    upper = match.group("upper")
    amount = cardinal(match.group("number")) + (f"到{cardinal(upper)}" if upper else "")
    return amount + (match.group("scale") or "") + unit


def _price_of_time(match: re.Match[str], region: Region) -> str:
    return f"每{match.group('time')}{cardinal(match.group('number'))}元"


def _quantity(match: re.Match[str], region: Region) -> str:
    return cardinal(match.group("number"))


def _range(match: re.Match[str], region: Region) -> str | None:
    """1-10 → 一到十; a fall is a score or a sum, but 22-6点 are hours."""
    ends = match.group("number"), match.group("upper")
    lower, upper = (float(end.replace(",", "")) for end in ends)
    behind = match.string[match.end() :]
    if lower >= upper and not behind.startswith("点"):
        return None
    counts = _COUNTED.match(behind) is not None
    are_years = all(map(_YEAR.fullmatch, ends)) and (behind.startswith("年") or not counts)
    if are_years or behind.startswith("后"):  # 2019-2022, 80-90后
        return "到".join(map(digit_by_digit, ends))
    return "到".join(map(_counted if counts else cardinal, ends))


def _ordinals(match: re.Match[str], region: Region) -> str:
    return f"第{cardinal(match.group('number'))}到{cardinal(match.group('upper'))}"


def _to(match: re.Match[str], region: Region) -> str:
    """2-3kg → 两到, before the upper end and its unit."""
    return f"{_counted(match.group('number'))}到"


def _score(match: re.Match[str], region: Region) -> str:
    return f"{cardinal(match.group('number'))}比{cardinal(match.group('upper'))}"


def _local_line(match: re.Match[str], region: Region) -> str | None:
    """555-0199 and 2389 2222, but not 500-1000 and 2019-2022."""
    parts = re.findall(r"\d+", match.group("number"))
    if all(part.endswith("0") for part in parts) or all(map(_YEAR.fullmatch, parts)):
        return None
    return _telephone(match, region)


def _one_by_one(match: re.Match[str], region: Region) -> str:
    """The steps of an exercise: 5-4-3-2-1."""
    return digit_by_digit(match.group())


def _out_of_ten(match: re.Match[str], region: Region) -> str:
    return f"十分之{cardinal(match.group('number'))}"


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
    below = "零下" if match.group("minus") else ""
    return f"{below}{cardinal(match.group('number'))}到"


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


def _percentage_range(match: re.Match[str], region: Region) -> str:
    return f"百分之{cardinal(match.group('number'))}到{cardinal(match.group('upper'))}"


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
    (r"(?<![\d.:/~–-])(?P<number>\d{3,4}-\d{4}|\d{4} \d{4})(?![\d.:/~–-]|\s?[%元块])", _local_line),
    # a line called or named: 拨打12356, 1925安心专线, but not 打30分钟
    (rf"(?P<call>{_CALL})(?P<number>\d[\d-]+\d)(?![\d.%{_MEASURES}])", _telephone),
    (rf"(?<![\d.])(?P<number>\d{{3,6}})(?={_LINE})", _telephone),
    # what has digits and no quantity: 302房间, 3单元501, 307路, G1234, GPT-4, 第2名, No.1
    (r"(?<![\d.])(?P<number>\d{3,4})(?=房|室|病房|教室|病床)", _serial),
    (r"(?:(?<=单元)|(?<=号楼)|(?<=[栋幢座]))(?P<number>\d{3,4})(?!\d)", _serial),
    (r"(?<![\d.])(?P<number>\d{3})(?=路(?!程|段)|号?公[交车])", _serial),
    (r"(?<=[A-Za-z])-?(?P<number>\d+)(?![\d.:/%])", _name_part),
    (rf"第(?P<number>\d{{1,4}}){_TO}(?P<upper>\d{{1,4}})(?!\d)", _ordinals),
    (r"第(?P<number>\d+)(?!\d)", lambda match, region: f"第{cardinal(match.group('number'))}"),
    (r"[Nn][Oo]\.\s?(?P<number>\d+)", lambda match, region: f"第{cardinal(match.group('number'))}"),
    (r"(?<=[路街道])(?P<number>\d{1,2})(?=段)", _quantity),
    (r"(?<!\d)2(?=单元)", lambda match, region: "二"),
    (r"(?<![A-Za-z\d.-])\d(?:-\d){2,}(?![A-Za-z\d-])", _one_by_one),
    # shares and measures: -5%, 100%, 3‰, -10°C, 血压120/80, 5>3
    (rf"(?P<number>\d+(?:\.\d+)?)%{_TO}(?P<upper>\d+(?:\.\d+)?)%", _percentages),
    (rf"{_NOTHING_BEFORE}(?P<number>{_END}){_TO}(?P<upper>{_END})%", _percentage_range),
    (rf"(?P<minus>(?<![A-Za-z0-9.%])-)?(?P<number>{_NUMBER})(?P<sign>[%‰])", _share),
    (
        rf"(?P<minus>(?<![A-Za-z0-9.%])-)?(?P<number>\d+(?:\.\d+)?){_TO}"
        r"(?=\d+(?:\.\d+)?\s?(?:℃|°C))",
        _lower_end,
    ),
    (rf"(?P<minus>(?<![A-Za-z0-9.%])-)?(?P<number>{_NUMBER})\s?(?:℃|°C)", _temperature),
    # marks out of ten: 8/10分, 10/10的难过, but 10/10那天
    (r"(?<![\d./])(?P<number>\d(?:\.\d)?)/10(?:分(?!钟)|(?![\d./]))", _out_of_ten),
    (r"(?<![\d./])(?P<number>10)/10分(?!钟)", _out_of_ten),
    (
        rf"(?<![\d./在到于从])(?<!生日)(?<!天是)(?<!日是)(?P<number>10)/10(?![\d./]|{_ON_DAY})",
        _out_of_ten,
    ),
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
        rf"(?i:(?P<currency>{_alternation(_CURRENCIES)}))\s?(?P<number>{_NUMBER})"
        rf"(?:{_TO}(?P<upper>{_NUMBER}))?(?P<scale>[万亿]?)元?",
        _money,
    ),
    # ranges and scores: 1-10, 100-200, 6–8小时, 2-3kg, 比分3-1
    (r"(?:(?<=比分)|(?<=比分是))(?P<number>\d{1,2})-(?P<upper>\d{1,2})(?![\d-])", _score),
    (r"(?<![A-Za-z\d.-])(?P<number>\d{1,2})-(?P<upper>\d{1,2})(?=[赢输胜负平])", _score),
    (
        rf"{_NOTHING_BEFORE}(?P<number>{_END}){_TO}"
        rf"(?={_END}\s?(?:{_alternation(MEASURED_UNITS)}|[gw])(?![A-Za-z]))",
        _to,
    ),
    (
        rf"{_NOTHING_BEFORE}(?<!生日)(?<!日是)(?<!日期)"
        rf"(?P<number>{_END}){_TO}(?P<upper>{_END}){_NOTHING_BEHIND}",
        _range,
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
    (rf"(?<![\d.第/:\-~–—初月路街道])2(?={_LIANG})", lambda match, region: "两"),
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
            spoken = reader(match, region)
            if spoken is not None:
                yield match.start(), match.end(), spoken
