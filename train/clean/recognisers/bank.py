"""Bank cards and accounts."""

from __future__ import annotations

import re

from train.clean.check_digits import bank_card, iban
from train.clean.recognisers.base import IS, Recogniser


def _printed(layout: str) -> Recogniser:
    """A card's number in the groups it is printed in, or without gaps.

    It is looked for at every place where one may begin and ends with its last digit: what is
    written beside it, such as 12/27, would go into the sum of a longer run.
    """
    return Recogniser(
        "bank_card",
        re.compile(rf"(?<![\d+])(?<!\d-)(?=({layout})(?!\d))"),
        1,
        valid=bank_card,
        needs=re.compile(r"\d(?:[ .-]?\d){13}"),
    )


BANK = (
    Recogniser(
        "bank_card",
        re.compile(
            r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?"
            r"(?![A-Za-z0-9])",
            re.IGNORECASE,
        ),
        valid=iban,
    ),
    Recogniser(
        "bank_card",
        re.compile(
            r"(?:[银銀]行卡|信用卡|储蓄卡|儲蓄卡|工资卡|卡[号號]|帳[號号戶]|[账帐][号户]|[银銀]行|[工农農建中招交邮郵]行卡?"
            r"|[匯汇]款(?:到|至|给|給)?|转[账帐](?:到|至|给)?|轉[帳賬](?:到|至|給)?"
            r"|(?<![A-Za-z])(?:card|account)(?: number| no\.?)?(?![A-Za-z]))"
            rf"(?: is)?{IS}(\d(?:[ -]?\d){{9,18}})(?!\d)(?! ?[元块塊圆圓])",
            re.IGNORECASE,
        ),
        1,
    ),
    _printed(r"\d{4}([ .-]?)\d{4}\2\d{4}\2\d{4}\2\d{3}"),  # UnionPay, Maestro
    Recogniser(  # UnionPay: nothing else is as long and begins so, a slip of a digit or not, but
        # the second group of another card (4000 6200 …) with what is written behind it
        "bank_card",
        re.compile(r"(?<![\d+-])(?<!\d{4}[ .-])62(?:[ -]?\d){14}(?:(?:[ -]?\d){3})?(?![\d-])"),
    ),
    _printed(r"\d{4}([ .-]?)\d{4}\2\d{4}\2\d{4}"),
    _printed(r"3[47]\d{2}([ .-]?)\d{6}\2\d{5}"),  # American Express
    _printed(r"3[0689]\d{2}([ .-]?)\d{6}\2\d{4}"),  # Diners Club
    Recogniser(
        "bank_card", re.compile(r"(?<![\d+-])\d(?:[ .-]?\d){13,18}(?![\d-])"), valid=bank_card
    ),
    Recogniser(  # the three or four digits on the back, which pay without the card
        "bank_card",
        re.compile(
            r"(?:(?<![A-Za-z])(?:cvv|cvc|cvn)2?(?![A-Za-z])|背面末[三四]碼|背面(?:后|後)?三位(?:数|數)?)"
            r"(?: code)?(?: is)?\s*(?:是|[:])?\s*(\d{3,4})(?!\d)",
            re.IGNORECASE,
        ),
        1,
    ),
)
