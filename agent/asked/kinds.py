"""What a caller may ask for that is answered by heart."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

About: TypeAlias = Literal["human", "name", "pills", "diagnosis", "secrecy", "goodbye"]
"""human: is this a person? name: who is this? pills: may I take, stop or mix medicine?
diagnosis: what illness have I? secrecy: who hears this? goodbye: the caller ends the call."""

ABOUTS: tuple[About, ...] = get_args(About)
