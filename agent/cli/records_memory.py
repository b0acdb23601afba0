"""`qingting records memory`: what callers are remembered by, for whoever runs the server."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.context import settings_of

if TYPE_CHECKING:
    from agent.memory.desk import MemoryDesk

Tag = Annotated[str, typer.Argument(metavar="TAG", help="A caller, as `records list` names them.")]
Line = Annotated[str, typer.Argument(metavar="LINE", help="Of a line, as `show` names it.")]


def add_to(records: typer.Typer) -> None:
    """Add the group under `qingting records`."""
    group = typer.Typer(
        help="What callers who agreed are remembered by, in their own words.", no_args_is_help=True
    )
    for command in (show, edit, forget):
        group.command()(command)
    records.add_typer(group, name="memory")


def show(
    ctx: typer.Context,
    tag: Tag,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Show what a caller's next call will know."""
    lines = _desk(ctx).lines(tag, reason="read")
    if not lines:
        typer.echo("nothing is remembered of this caller", err=True)
    for line in lines:
        if as_json:
            said = {**asdict(line), "said_at": line.said_at.isoformat()}
            typer.echo(json.dumps(said, ensure_ascii=False))
        else:
            mark = "  (corrected)" if line.corrected else ""
            typer.echo(
                f"{line.line_id}  {line.said_at:%Y-%m-%d}  {line.topic:9}  {line.text}{mark}"
            )


def edit(
    ctx: typer.Context,
    tag: Tag,
    line: Line,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The caller's words for it.")],
) -> None:
    """Put other words in the place of a line; empty ones take it out."""
    _desk(ctx).correct(tag, line, text)
    typer.echo("corrected")


def forget(
    ctx: typer.Context,
    tag: Tag,
    line: Annotated[
        str | None, typer.Argument(metavar="[LINE]", help="This line alone; else everything.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget a line, or a caller, for good; records kept for other reasons stay."""
    desk = _desk(ctx)
    if line is not None:
        desk.forget_line(tag, line)
        typer.echo("forgotten: 1 line")
        return
    if not yes:
        typer.confirm("Forget everything about this caller for good?", abort=True)
    typer.echo(f"forgotten: what {desk.forget(tag)} call(s) left")


def _desk(ctx: typer.Context) -> MemoryDesk:
    from agent.memory.desk import MemoryDesk
    from agent.store.opening import open_store

    return MemoryDesk(open_store(settings_of(ctx, quiet=True)))
