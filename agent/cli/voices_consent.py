"""`qingting voices consent`: ask before a person's voice is imitated, and record the answer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.errors import ConfigError


def consent(
    clip: Annotated[Path, typer.Argument(metavar="CLIP", help="Recording of the person's voice.")],
    speaker: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who speaks in it; asked for if missing.")
    ] = None,
    agreed: Annotated[
        bool, typer.Option("--agreed", help="They have agreed; without it you are asked.")
    ] = False,
) -> None:
    """Record that a person lets this program imitate their voice; no voice does it without.

    The record lies beside the clip. To take the consent back, delete it.
    """
    from agent.voices.consent import STATEMENT, record_consent

    if not clip.is_file():
        raise ConfigError(f"there is no clip {clip}")
    name = speaker or typer.prompt("Who speaks in this clip?")
    if not agreed:
        typer.echo(STATEMENT)
        if not typer.confirm("Is that so?"):
            raise ConfigError("without consent the voice is not imitated; nothing was recorded")
    typer.echo(f"recorded in {record_consent(clip, name)}")
