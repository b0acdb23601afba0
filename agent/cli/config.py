"""`qingting config show`: every setting, and where it came from."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from agent.cli.context import resolve


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(help="Settings.", no_args_is_help=True)
    group.command()(show)
    app.add_typer(group, name="config")


def show(
    ctx: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    explain: Annotated[bool, typer.Option(help="Say what each setting trades.")] = False,
) -> None:
    """Print the resolved settings and where each came from."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from agent.config import describe, flatten

    resolved = resolve(ctx)
    values = flatten(resolved.settings)
    if as_json:
        rows = {
            name: {"value": value, "origin": resolved.origins[name]}
            for name, value in values.items()
        }
        source = str(resolved.config_file) if resolved.config_file else None
        typer.echo(json.dumps({"file": source, "settings": rows}, ensure_ascii=False, indent=2))
        return
    table = Table(box=box.SIMPLE)
    table.add_column("setting", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("from", no_wrap=True)
    if explain:
        table.add_column("what it trades")
    for name, value in values.items():
        origin = resolved.origins[name]
        style = "dim" if origin == "default" else "bold"
        row = [name, "unset" if value is None else escape(str(value)), f"[{style}]{origin}[/]"]
        table.add_row(*row, *([escape(describe(name))] if explain else []))
    console = Console()
    console.print(f"settings file: {resolved.config_file or 'none'}", markup=False)
    console.print(table)
