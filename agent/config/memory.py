"""Settings of what returning callers are remembered by."""

from __future__ import annotations

from pydantic import Field

from agent.config.sections import Section


class MemorySettings(Section):
    """Whether callers may be remembered, and how much of it the model is told."""

    offer: bool = Field(
        False,
        description="Let callers choose to be remembered: a few of their own sentences are kept, "
        "encrypted, for their next call, as long as `privacy.retention_days`, also without "
        "`privacy.record`. Who does not choose it is forgotten as before.",
    )
    note_tokens: int = Field(
        160,
        ge=48,
        le=1024,
        description="Longest note about earlier calls, in the model's tokens. It is evaluated anew "
        "for each turn that has one: the first two, and those that touch it.",
    )
