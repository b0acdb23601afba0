"""Settings of retrieval from a person's own history."""

from __future__ import annotations

from pydantic import Field

from agent.config.kinds import UserPath
from agent.config.sections import Section


class RagSettings(Section):
    """What the persona may look up from what its person said before."""

    index: UserPath | None = Field(
        None,
        description="File of `qingting data index`; unset looks nothing up. It holds a person's "
        "words in the clear: keep it as you keep the chats.",
    )
    max_facts: int = Field(
        3, ge=1, le=20, description="Finds told at once; more of them confuse a small model."
    )
    note_tokens: int = Field(
        120,
        ge=16,
        le=1024,
        description="Longest note, in the model's tokens. They are evaluated anew for each turn, "
        "about a second for 120 on two cores, mostly while the caller still speaks.",
    )
