"""The command `qingting`.

Every module of this package with a `register(app)` is a command or a group of commands.
Modules import what they need inside the command, so that `qingting --help` is quick.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import pkgutil
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from agent.cli.context import Invocation
from pipeline.errors import ConfigError, VoiceError

EXIT_FAULT = 2


class Commands(TyperGroup):
    """The one place where an error of ours becomes a line on stderr and an exit code."""

    def invoke(self, ctx: Any) -> Any:  # the context type is private to typer
        """Run the command.

        Raises:
            typer.Exit: With code 2, when the command raised a VoiceError.
        """
        try:
            return super().invoke(ctx)
        except VoiceError as error:
            typer.echo(f"qingting: {error.message}", err=True)
            raise typer.Exit(EXIT_FAULT) from error


app = typer.Typer(
    cls=Commands,
    help="Qingting 倾听: a voice that listens, on your own machine. No therapist.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"qingting {importlib.metadata.version('qingting')}")
        raise typer.Exit


@app.callback()
def options(
    ctx: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Settings file (TOML)."),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="SECTION.FIELD=VALUE",
            help="Any setting, for this run only; may be repeated. "
            "`qingting config show` lists them.",
        ),
    ] = None,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print it."),
    ] = False,
) -> None:
    """Options of all commands."""
    flags = {}
    for assignment in assignments or []:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise ConfigError(f"--set {assignment}: write it as SECTION.FIELD=VALUE")
        flags[name.strip()] = value
    ctx.obj = Invocation(config, flags)


for _module in pkgutil.iter_modules(__path__):
    _register = getattr(importlib.import_module(f"{__name__}.{_module.name}"), "register", None)
    if _register is not None:
        _register(app)


def main() -> None:
    """Entry point of the command."""
    app(prog_name="qingting")
