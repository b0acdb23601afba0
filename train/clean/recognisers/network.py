"""Links with keys in them, mail and network addresses."""

from __future__ import annotations

import ipaddress
import re

from train.clean.recognisers.base import HAN, Recogniser

_REST = rf"[^\s{HAN}，。；！？、）】」』]"  # a link ends where Chinese goes on
_KEY = (
    r"(?:[\w-]*(?:token|secret|signature|credential|password|passwd|pwd)"
    r"|(?:api|access|auth|private|share)?[_-]?key|sig|code|session(?:_?id)?|sid|auth|pass|ticket)"
)
_BYTE = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"


def _is_ipv6(value: str) -> bool:
    try:
        ipaddress.IPv6Address(value)
    except ValueError:
        return False
    return any(character.isdigit() for character in value)


NETWORK = (
    Recogniser(
        "url_token",
        re.compile(
            rf"(?:https?|wss?|ftp)://(?:[^\s/@{HAN}]+:[^\s/@{HAN}]+@{_REST}+"
            rf"|{_REST}{{0,500}}?[?&#]{_KEY}={_REST}+|{_REST}{{0,500}}/[A-Za-z0-9_-]{{32,}}{_REST}*)"
            rf"|(?<![A-Za-z0-9.@-])(?:[A-Za-z0-9-]{{1,63}}\.){{1,8}}[A-Za-z]{{2,24}}/{_REST}{{0,500}}?[?&#]{_KEY}={_REST}+",
            re.IGNORECASE,
        ),
    ),
    Recogniser(
        "email",
        re.compile(
            r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*"
            r"\.[A-Za-z]{2,}(?![A-Za-z0-9])"
        ),
    ),
    Recogniser(
        "email",  # as people hide it from robots
        re.compile(
            r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{2,} ?[(\[（【]at[)\]）】] ?[A-Za-z0-9-]+"
            r"(?:(?:\.| ?[(\[（【]dot[)\]）】] ?)[A-Za-z0-9-]+)+(?![A-Za-z0-9])",
            re.IGNORECASE,
        ),
    ),
    Recogniser(
        "ip",
        re.compile(rf"(?<![\d.])(?:{_BYTE}\.){{3}}{_BYTE}(?!\d)(?![.]\d)"),
        not_after=re.compile(
            r"(?:版本[号號]?|version|(?<![A-Za-z])ver\.?|(?<![A-Za-z])v) ?:? ?$", re.I
        ),
    ),
    Recogniser(
        "ip",
        re.compile(r"(?<![0-9A-Za-z:])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![0-9A-Za-z:])"),
        valid=_is_ipv6,
    ),
)
