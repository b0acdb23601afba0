"""Tells the end of an ordinary call from a farewell to life, for the second opinion.

    thanks, I have to go now       the second opinion hears a farewell: nothing is asked
    I will go now. Goodbye.        may be either: asked about softly
    goodbye, and forgive me        no mere leave-taking: as it was

Pure. Only for a caller who was not asked about anything yet: whoever turns away from a question
about danger is not let go so easily (`protocol`).
"""

from __future__ import annotations

import re
from dataclasses import replace

from agent.safety.detector import SECOND_OPINION, Assessment
from agent.safety.fold import fold
from agent.safety.rulebook import LANGUAGES, LeaveTaking, rulebook
from pipeline.text import count_units

# Nobody needs more words to hang up; longer ones are a story, and cost time to look through.
MOST_UNITS = 24

_NOTHING = Assessment("none", None, ())
_BETWEEN = re.compile(r"\W+")


def leniently(found: Assessment, text: str, *, alone: bool = True) -> Assessment:
    """What is left of a sign that only the second opinion found, if all of `text` takes leave.

    Args:
        found: What is a sign.
        text: The caller's turn.
        alone: The turn itself is the sign, not what was said before it.
    """
    if found.tier == "none" or any(sign.rule_id != SECOND_OPINION for sign in found.signs):
        return found
    folded = fold(text)
    ways = [
        way
        for way in (rulebook(language).leave_taking for language in LANGUAGES)
        if _takes_leave(folded, way)
    ]
    if not ways:
        return found
    # The surest of its opinions is worth a question all the same.
    ordinary = any(way.ordinary.search(folded) for way in ways)
    if alone and ordinary and found.tier == "concern":
        return _NOTHING
    signs = tuple(replace(sign, tier="concern") for sign in found.signs)
    return Assessment("concern", found.category, signs, faint=True)


# Of who was asked about danger: what comes before a goodbye, and what is one by itself.
_GIVES_UP = re.compile(
    r"我?不(?:想|要)?再?(?:跟你)?(?:说|讲|聊|谈)了|(?:没事|算了|就这样|没什么)(?:了|吧|啦)*|"
    r"不?打扰你了|"
    r"\b(?:never mind|forget it|whatever|it is fine|i am fine|sorry for bothering you|"
    r"i am hanging up)\b"
)
_ENDS = re.compile(
    r"^(?:就这样|先这样)(?:了|吧)*$|不打扰你了|\bi am hanging up\b|\bsorry for bothering you\b"
)


def takes_leave(text: str) -> bool:
    """Whether the whole turn ends the call, in whatever sense."""
    folded = fold(text)
    if count_units(folded) > MOST_UNITS:
        return False
    if _ENDS.search(folded):
        return True
    rest = _GIVES_UP.sub("", folded).strip("， ")
    return any(
        _takes_leave(one, rulebook(language).leave_taking)
        for one in {folded, rest}
        for language in LANGUAGES
    )


def _takes_leave(folded: str, way: LeaveTaking) -> bool:
    """Whether it does so from end to end."""
    if count_units(folded) > MOST_UNITS or not way.leaving.search(folded):
        return False
    return not _BETWEEN.sub("", way.any_part.sub("", folded))
