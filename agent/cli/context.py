"""What every command gets from the options before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from agent.config import Resolved, Settings


@dataclass(frozen=True, slots=True)
class Invocation:
    """Options given before the command: `qingting --config FILE --set A.B=C command …`."""

    config_file: Path | None = None
    flags: Mapping[str, Any] = field(default_factory=dict)


def resolve(
    ctx: typer.Context, flags: Mapping[str, Any] | None = None, *, quiet: bool = False
) -> Resolved:
    """Resolve the settings of this run and set up the log.

    Args:
        ctx: Of the command.
        flags: The command's own flags, dotted path to value; None values were not given.
        quiet: Log warnings and errors alone unless a level was chosen: for commands whose
            output is read by a person while they run.

    Raises:
        ConfigError: See `agent.config.load`.
    """
    from agent import config, logs

    invocation = ctx.find_object(Invocation) or Invocation()
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    resolved = config.load(invocation.config_file, {**invocation.flags, **given})
    logging = resolved.settings.logging
    if quiet and resolved.origins["logging.level"] == "default":
        logging = logging.model_copy(update={"level": "warning"})
    logs.configure(logging)
    return resolved


def settings_of(
    ctx: typer.Context, flags: Mapping[str, Any] | None = None, *, quiet: bool = False
) -> Settings:
    """`resolve`, for commands that need no origins."""
    return resolve(ctx, flags, quiet=quiet).settings
