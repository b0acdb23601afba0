"""What is answered by heart: what a caller may ask for, and who has nothing to say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

from agent.at_a_loss import Loss

Asked: TypeAlias = Literal[
    "human",
    "name",
    "pills",
    "diagnosis",
    "secrecy",
    "goodbye",
    "there",
    "errand",
    "emergency",
    "cross",
]
"""human: is this a person? name: who is this? pills: may I take, stop or mix medicine?
diagnosis: what illness have I? secrecy: who hears this? goodbye: the caller ends the call.
there: is anybody on the line? errand: do something in the world that a listener cannot do.
emergency: fetch the police or an ambulance. cross: swears at the listener, or says that it does not
listen, which is asked for nothing but better. Rules go before all else for these two, and alone
find emergencies."""

About: TypeAlias = Asked | Loss

ASKED: tuple[Asked, ...] = get_args(Asked)
ABOUTS: tuple[About, ...] = (*ASKED, *get_args(Loss))

BY_RULE: tuple[Asked, ...] = ("emergency", "cross")

Group: TypeAlias = Literal["listener", "line", "manner"]
# Each group is told apart by weights of its own: what is learnt of one leaves the other alone.
GROUPS: Mapping[Group, tuple[About, ...]] = {
    "listener": ("human", "name", "pills", "diagnosis", "secrecy", "goodbye"),
    "line": ("there", "errand"),
    "manner": ("cross", "unsure", "wordless"),
}
