"""Which feelings a reply names, and whether the caller told them.

A good listener may name a feeling that nobody told. A small model that learns to do so names
one anywhere (中风了，你很难过, to a caller who was only tired), so `train.counsellor` lets it
learn only those that were told. Words of general sympathy (辛苦, that's hard) name none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from pipeline.text import language_of


class _Feeling(NamedTuple):
    named: re.Pattern[str]  # in a reply
    told: re.Pattern[str]  # by a caller: more, since what shows a feeling tells it


def _feeling(named: str, told: str) -> _Feeling:
    return _Feeling(re.compile(named), re.compile(f"{named}|{told}"))


_MANDARIN = (
    _feeling("[难難][过過受]|[伤傷]心|心[疼酸]|心[里裡].{0,2}[疼痛]", "哭|泪|淚|崩[溃潰]"),
    _feeling("怕|慌|不安|焦[虑慮]|[担擔]心|[着著]急|[紧緊][张張]", "不敢|恐|心跳|睡不着|睡不著"),
    _feeling(
        "(?<![天客语語运運空脾和口力福习習电電])生?[气氣](?![球候温溫])|[恼惱]火|[烦煩]|火大",
        "[骂罵]|吼|吵|恨|火",
    ),
    _feeling("孤|寂寞", "一[个個]人|[没沒]人|自己住|[独獨]"),
    _feeling("委屈|不公平", "冤|[凭憑][什甚]|不公"),
    _feeling("[内內]疚|自[责責]|愧", "[对對]不起|怪(我|自己)|都是我"),
    _feeling("羞|[丢丟][脸臉]", "不好意思|面子|[丑醜]|笑我"),
    _feeling("失望|[绝絕]望|[无無]助|[无無]力", "[没沒]用|[没沒]希望|[没沒][办辦]法"),
    _feeling("[舍捨]不得|想念", "想[他她它牠妳你]|[离離]"),
)
_ENGLISH = (
    _feeling(r"\b(sad|heartbreaking|hurts?|painful|grief)\b", r"\b(cry\w*|tears|upset|miss\w*)\b"),
    _feeling(
        r"\b(afraid|scared|scary|frightening|anxious|worried|worry|fear)\b",
        r"\b(nervous|panic\w*|terrif\w*|dread\w*|can't sleep)\b",
    ),
    _feeling(r"\b(angry|anger|frustrat\w*|furious)\b", r"\b(mad|annoy\w*|pissed|rage|hate\w*)\b"),
    _feeling(r"\b(lonely|alone)\b", r"\b(nobody|no one|by myself|on my own)\b"),
    _feeling(r"\b(guilty|guilt)\b", r"\b(fault|blame|should have|sorry)\b"),
    _feeling(r"\b(ashamed|shame|embarrass\w*|humiliat\w*)\b", r"\b(stupid|laugh\w*)\b"),
    _feeling(r"\b(hopeless|helpless|lost)\b", r"\b(no hope|pointless|useless)\b"),
)
_FEELINGS: Mapping[str, tuple[_Feeling, ...]] = {"zh": _MANDARIN, "en": _ENGLISH}


def names_untold(reply: str, told: str) -> bool:
    """Whether `reply` names a feeling that the caller's words so far, `told`, do not show."""
    said, heard = reply.lower(), told.lower()
    return any(
        feeling.named.search(said) and not feeling.told.search(heard)
        for feeling in _FEELINGS[language_of(reply)]
    )
