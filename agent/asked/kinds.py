"""What a caller may ask for that is answered by heart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

About: TypeAlias = Literal[
    "human", "name", "pills", "diagnosis", "secrecy", "goodbye", "there", "errand", "emergency"
]
"""human: is this a person? name: who is this? pills: may I take, stop or mix medicine?
diagnosis: what illness have I? secrecy: who hears this? goodbye: the caller ends the call.
there: is anybody on the line? errand: do something in the world that a listener cannot do.
emergency: fetch the police or an ambulance; rules alone find it, and it goes before all else."""

ABOUTS: tuple[About, ...] = get_args(About)

Group: TypeAlias = Literal["listener", "line"]
# Each group is told apart by weights of its own: what is learnt of one leaves the other alone.
GROUPS: Mapping[Group, tuple[About, ...]] = {
    "listener": ("human", "name", "pills", "diagnosis", "secrecy", "goodbye"),
    "line": ("there", "errand"),
}
