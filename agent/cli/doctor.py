"""`qingting doctor`: is this machine fit for calls?"""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated

import typer

from agent.cli.context import resolve

_MARKS = {"ok": "[green]✓[/]", "note": "[yellow]·[/]"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(
    ctx: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    port: Annotated[bool, typer.Option(help="Check that the server's port is free.")] = True,
) -> None:
    """Check Python, processor, models, engines, port and microphone.

    Exits with 2 and one line on stderr for each thing that is wrong.
    """
    from rich.console import Console
    from rich.markup import escape

    from agent.config import flatten
    from agent.doctor import examine

    resolved = resolve(ctx)
    findings = examine(resolved.settings, port=port)
    faults = [finding for finding in findings if finding.level == "fault"]
    values = flatten(resolved.settings)
    if as_json:
        report = {
            "ok": not faults,
            "findings": [dataclasses.asdict(finding) for finding in findings],
            "settings": values,
            "origins": resolved.origins,
        }
        typer.echo(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        console = Console(highlight=False, soft_wrap=True)
        for finding in findings:
            if finding.level != "fault":  # those go to stderr, one line each
                line = f"{finding.name:<24} {finding.detail}"
                console.print(f"{_MARKS[finding.level]} {escape(line)}")
        changed = {name: origin for name, origin in resolved.origins.items() if origin != "default"}
        console.print(f"\nsettings: {len(values)}, of which {len(changed)} are not the default")
        for name, origin in changed.items():
            console.print(f"  {name} = {values[name]} ({origin})", markup=False)
    for fault in faults:
        typer.echo(f"qingting: {fault.name}: {fault.detail}", err=True)
    if faults:
        raise typer.Exit(2)
