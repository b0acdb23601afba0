r"""Personal data in Chinese and English text, found beside Chinese characters too.

`\b` finds no border between a Chinese character and a digit (both are `\w`), which is how
public tools miss "我电话13812345678你记下": every pattern of `train.clean.recognisers` looks at
the neighbouring characters instead. What has a check digit is checked, so that order numbers
pass.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from train.clean.folding import fold, span_in
from train.clean.recognisers import HIGH_RISK, KINDS, LED_BY, RECOGNISERS, Kind, Recogniser

__all__ = ["HIGH_RISK", "KINDS", "Finding", "Kind", "find", "folded"]

# Every recogniser needs one of these, so that most texts are quick.
_MAYBE = re.compile(
    r"[0-9@]|://|[号號樓楼室栋棟码碼]|口令|passw|pwd|wechat|weixin|vx|wx"
    r"|[微薇威维維徽]信|v信|[加➕+]\s?.{0,2}[v薇微]|line|[賴赖]|telegram|tg|ig|insta|twitter|discord"
    r"|skype|facebook|t\.me|\.com/|小[红紅][书書]|抖音|微博|推特|[(\[（【]at[)\]）】]",
    re.IGNORECASE,
)
_BEFORE_CHARS = 16  # as far back as `Recogniser.not_after` has to look


@dataclass(frozen=True, slots=True)
class Finding:
    """One piece of personal data: `text[start:end]` of the text that was searched."""

    kind: Kind
    start: int
    end: int


def find(text: str) -> list[Finding]:
    """All personal data but names, in order, none overlapping another.

    Args:
        text: Any text; offsets count its own characters, folded or not.
    """
    plain, positions = fold(text)
    if _MAYBE.search(plain) is None:
        return []
    taken: list[tuple[Kind, int, int]] = []
    for recogniser in RECOGNISERS:
        if recogniser.needs is not None and recogniser.needs.search(plain) is None:
            continue
        for found in recogniser.pattern.finditer(plain):
            start, end = _span(recogniser, found)
            if (
                all(end <= first or start >= last for _, first, last in taken)
                and recogniser.valid(plain[start:end])
                and not _stands_after(recogniser.not_after, plain, found.start())
            ):
                taken.append((recogniser.kind, start, end))
    findings = [
        Finding(kind, *span_in(text, first, last, positions)) for kind, first, last in taken
    ]
    return sorted(findings, key=lambda one: one.start)


def folded(text: str) -> str:
    """Text as the recognisers read it: digits of all kinds as 0 to 9, nothing invisible."""
    return fold(text)[0]


def _span(recogniser: Recogniser, found: re.Match[str]) -> tuple[int, int]:
    start, end = found.span(recogniser.group)
    if recogniser.kind == "address" and (led := LED_BY.match(found[recogniser.group])) is not None:
        start += led.end()
    return start, end


def _stands_after(what: re.Pattern[str] | None, text: str, at: int) -> bool:
    return what is not None and what.search(text, max(0, at - _BEFORE_CHARS), at) is not None
