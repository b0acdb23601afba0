"""Numbers that the state gives out: identity cards, passports, plates."""

from __future__ import annotations

import re

from train.clean.check_digits import hong_kong_id, mainland_id, taiwan_id
from train.clean.recognisers.base import IS, Recogniser

_ALONE = r"(?<![0-9A-Za-z])"
_ENDS = r"(?![0-9A-Za-z])"
_PLATE_CHAR = "A-HJ-NP-Z0-9"  # neither I nor O is given out
# GB/T 2260: a province, then six digits on a birthday of the living. So few other numbers look so
# that a slip of the check digit makes it no less an identity card.
_OF_A_PROVINCE = re.compile(
    r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|8[1-3])\d{4} ?(?:19[3-9]\d|20[0-2]\d)"
)

IDENTITY = (
    Recogniser(
        "id_card",
        re.compile(
            rf"{_ALONE}[1-9]\d{{5}} ?(?:19|20)\d{{2}}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]) ?"
            rf"\d{{3}}[\dXx]{_ENDS}"
        ),
        valid=lambda value: mainland_id(value) or _OF_A_PROVINCE.match(value) is not None,
    ),
    Recogniser(  # national and resident
        "id_card",
        re.compile(rf"{_ALONE}[A-Za-z][1289A-Da-d]\d{{8}}{_ENDS}"),
        valid=taiwan_id,
    ),
    Recogniser(
        "id_card",
        re.compile(rf"{_ALONE}[A-Za-z]{{1,2}}\d{{6}}(?:\([0-9Aa]\)|[0-9Aa]){_ENDS}"),
        valid=hong_kong_id,
    ),
    Recogniser(  # US social security, without the numbers that are never given out
        "id_card",
        re.compile(r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])"),
    ),
    Recogniser(  # British national insurance
        "id_card",
        re.compile(
            rf"{_ALONE}[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{{2}} ?\d{{2}} ?\d{{2}} ?[A-D]{_ENDS}"
        ),
    ),
    Recogniser(  # passports of the mainland
        "id_card", re.compile(rf"{_ALONE}(?:E[A-HJ-NP-Z]\d{{7}}|[EG]\d{{8}}){_ENDS}")
    ),
    Recogniser(  # said to be one: a slip in the check digit makes it no less personal
        "id_card",
        re.compile(
            r"(?:身[份分][证證]|[证證]件|居留[证證]|通行[证證]|台胞[证證]|臺胞[证證]|回[乡鄉][证證]|護照|护照"
            r"|[驾駕][驶駛]?[证證照]|[健医醫社]保[卡号號]?|[学學][号號]|病[历歷][号號]?|准考[证證]"
            r"|(?<![A-Za-z])(?:HKID|ID card|ARC|passport|SSN|driver'?s? licen[cs]e)(?![A-Za-z]))"
            rf"{IS}([A-Za-z]{{0,2}}\d{{6,17}}(?:\([0-9Aa]\)|[0-9A-Za-z])){_ENDS}",
            re.IGNORECASE,
        ),
        1,
    ),
    Recogniser(
        "plate",
        re.compile(
            r"(?<![A-Za-z0-9])[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]"
            rf"[A-HJ-NP-Z][·•・.\s-]?(?=[{_PLATE_CHAR}]*\d)"
            rf"[{_PLATE_CHAR}]{{4,5}}[{_PLATE_CHAR}挂学警港澳使领]{_ENDS}",
            re.IGNORECASE,
        ),
    ),
    Recogniser(
        "plate",
        re.compile(
            r"(?:[车車](?:牌|[号號])|牌照|(?<![A-Za-z])(?:licen[cs]e )?plate(?![A-Za-z]))"
            r"(?: number)?\s*(?:[号號][码碼]?)?\s*(?:是|is|[:：])?\s*"
            r"([A-Z]{2,3}-\d{3,4}|\d{3,4}-[A-Z]{2,3}|(?=[A-Z]*\d)[A-Z0-9]{2,4}[- ]?[A-Z0-9]{2,4})"
            rf"{_ENDS}"
        ),
        1,
    ),
    Recogniser(
        "plate",
        re.compile(
            r"(?:[开開停][的]?|[辆輛台部]|我的|[汽机機轿]|他的|她的)[车車][是 ]?\s?"
            rf"([A-Z]{{2,3}}-\d{{3,4}}|\d{{3,4}}-[A-Z]{{2,3}}){_ENDS}"
        ),
        1,
    ),
)
