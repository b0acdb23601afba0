"""What an intake record can hold, in the order in which a counsellor reads it.

After the semi-structured intake interviews of counselling services: presenting problem
first, then person, history, resources, risk and consent.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

Field: TypeAlias = Literal[
    "concern",  # what brings them
    "since",  # since when, or how long
    "intensity",  # how strongly, how often
    "tried",  # what they have tried, professional help included
    "goals",  # what they hope for
    "name",  # what they want to be called
    "age",
    "work",  # work or study
    "family",  # family, partner, household
    "supports",  # who stands by them, or that nobody does
    "strengths",  # what they are good at, what keeps them going
    "health",  # body, sleep and appetite as told
    "medication",  # as told, never checked
    "risk",  # what the crisis protocol heard
    "consent",  # what they said about who may read this
    "other",  # whole turns of which nothing was found for a heading
]

# The headings.
FIELDS: tuple[Field, ...] = tuple(field for field in get_args(Field) if field != "other")

# Of these a person has one at a time: two different answers are worth a second look.
SINGLE: frozenset[Field] = frozenset(("name", "age"))
