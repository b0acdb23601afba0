"""Settings of the intake record."""

from __future__ import annotations

from pydantic import Field

from agent.config.sections import Section


class IntakeSettings(Section):
    """What is written down for the caller's counsellor, and asked for."""

    take: bool = Field(
        True,
        description="With `privacy.record`, fill an intake record while the caller talks. It "
        "holds quotes only, and the caller can strike out any of them.",
    )
    ask: bool = Field(
        True,
        description="Where a record is taken, and in `qingting chat`, ask for what is missing, in "
        "words of the bot's own after the answer's first sentence: at most every third turn, each "
        "thing once, not where feelings come first or nobody wants to be asked. Only with the "
        "package's own personas.",
    )
    read: bool = Field(
        False,
        description="Let the language model look for entries too, while nobody speaks. It finds "
        "more and errs more than the rules alone: see agent/intake/README.md.",
    )
    review_hours: float = Field(
        24.0,
        ge=0.0,
        description="How long after a call its page may still show the record and strike from "
        "it; `qingting intake` always may.",
    )
