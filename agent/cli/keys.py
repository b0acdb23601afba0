"""`qingting keys`: who may use a server that others can reach."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.cli.context import settings_of
from agent.keys import KeyRing


def register(app: typer.Typer) -> None:
    """Add the commands."""
    keys = typer.Typer(no_args_is_help=True, help="API keys of the server: add, list, revoke.")
    keys.command("add")(add)
    keys.command("list")(show)
    keys.command("revoke")(revoke)
    app.add_typer(keys, name="keys")


def add(ctx: typer.Context, name: Annotated[str, typer.Argument(help="Who will use it.")]) -> None:
    """Make a key and show it, this once."""
    typer.echo(KeyRing(settings_of(ctx).keys_file).add(name))


def show(ctx: typer.Context) -> None:
    """Names of all keys, and when they were made."""
    entries = KeyRing(settings_of(ctx).keys_file).entries()
    if not entries:
        typer.echo("no keys yet; `qingting keys add NAME` makes one", err=True)
    for key in entries:
        typer.echo(f"{key.created_at:%Y-%m-%d %H:%M}  {key.name}")


def revoke(ctx: typer.Context, name: Annotated[str, typer.Argument(help="Key to forget.")]) -> None:
    """Refuse a key from the next request on; a running server notices by itself."""
    KeyRing(settings_of(ctx).keys_file).revoke(name)
