"""Whether a whole turn says only that the caller has no answer, or no words. Pure.

Who has just been asked something and says 说不清 or "I don't know where to start" has told nothing
that could be taken up: a small model repeats it, and asks on. A turn with anything else in it
(我不知道他怎么想的, "I don't know if I can go on") tells something, and is not meant here. Nor is
who cannot remember, which may say much, or does not know how to begin with somebody else
(不知道怎么开口), or asks how to say it.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal, TypeAlias

from pipeline.text import count_units

Loss: TypeAlias = Literal["unsure", "wordless"]
"""unsure: has no answer to what was asked. wordless: does not know how to say it, or where to
begin."""

# Longer turns tell something. It also bounds the work.
_MOST_UNITS = 24
_UNKNOWN = re.compile("不知道|不晓得")


@dataclass(frozen=True, slots=True)
class Wordings:
    """What is searched for, in both languages at once, since callers mix them.

    Attributes:
        beside: Any number of words that tell nothing.
        loss: Has the group "wordless" where it is that.
    """

    beside: re.Pattern[str]
    loss: re.Pattern[str]


def at_a_loss(folded: str) -> Loss | None:
    """What the caller lacks; None where the turn tells or asks anything else, or is empty.

    Args:
        folded: A turn as `agent.safety.fold.fold` leaves it, in either language.
    """
    if count_units(folded) > _MOST_UNITS:
        return None
    known = wordings()
    found = [*known.loss.finditer(folded)]
    if not found or known.beside.fullmatch(known.loss.sub("，", folded)) is None:
        return None
    return "wordless" if any(one["wordless"] is not None for one in found) else "unsure"


def knows_no_answer(folded: str) -> bool:
    """The same of who was asked about themselves: a bare 不知道 is theirs, then."""
    if at_a_loss(folded) is not None:
        return True
    short = count_units(folded) <= _MOST_UNITS and _UNKNOWN.search(folded) is not None
    return short and wordings().beside.fullmatch(folded) is not None


@cache
def wordings() -> Wordings:
    """`at_a_loss.toml`, read and compiled once."""
    data = tomllib.loads(resources.files("agent").joinpath("at_a_loss.toml").read_text("utf-8"))
    words: dict[str, str] = data["words"]

    def any_of(table: dict[str, Any]) -> str:
        return "|".join(_filled(one, words) for rows in table.values() for one in rows)

    beside = rf"(?:{any_of(data['beside'])}|[，\s])*+"
    loss = rf"(?P<wordless>{any_of(data['wordless'])})|(?:{any_of(data['unsure'])})"
    return Wordings(re.compile(beside), re.compile(loss))


def _filled(pattern: str, words: dict[str, str]) -> str:
    for name, choice in words.items():
        pattern = pattern.replace(f"<{name}>", choice)
    return pattern
