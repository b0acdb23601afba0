"""`qingting records`: what is kept of calls, and how it goes away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli import records_memory
from agent.cli.context import settings_of
from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from agent.store.kept import CallRecord
    from agent.store.records import RecordStore

CallId = Annotated[
    str, typer.Argument(metavar="CALL", help="Id of a call, as `list` shows it, or `last`.")
]
Caller = Annotated[str | None, typer.Option(help="Everything about this caller.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Records of calls, encrypted at rest.", no_args_is_help=True)
    group.command("list")(list_)
    for command in (show, export, delete, purge, rotate, audit):
        group.command()(command)
    records_memory.add_to(group)
    app.add_typer(group, name="records")


def list_(ctx: typer.Context, caller: Caller = None) -> None:
    """List the records, the newest first."""
    records = _store(ctx).calls(caller)
    if not records:
        typer.echo("no records; calls are kept when privacy.record is on", err=True)
    for record in records:
        ended = "running or broken off" if record.ended_at is None else f"{record.ended_at:%H:%M}"
        kept = [name for name, allowed in record.consent if allowed]
        typer.echo(
            f"{record.call_id}  {record.began_at:%Y-%m-%d %H:%M} - {ended}  "
            f"{record.caller or '-'}  {', '.join(kept) or 'nothing'}"
        )


def show(
    ctx: typer.Context,
    call: CallId,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on one line.")] = False,
) -> None:
    """Show the words and marks of one call."""
    from agent.store import export as exporting

    store = _store(ctx)
    record = _call(store, call)
    items = store.items(record.call_id)
    if as_json:
        typer.echo(exporting.as_json(record, items))
        return
    for item in items:
        if item.kind in ("caller", "bot", "mark"):
            typer.echo(f"{item.at:%H:%M:%S}  {item.kind:6}  {item.text}")


def export(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the files go.")],
    caller: Caller = None,
    call: Annotated[str | None, typer.Option(help="This call alone; an id, or `last`.")] = None,
) -> None:
    """Write records as plain files: JSON, and WAV where audio was kept."""
    from agent.store import export as exporting

    store = _store(ctx)
    for file in exporting.export(store, _chosen(store, caller, call), folder):
        typer.echo(str(file))


def delete(
    ctx: typer.Context,
    call: Annotated[
        str | None, typer.Argument(metavar="[CALL]", help="Id of a call, or `last`.")
    ] = None,
    caller: Caller = None,
    yes: Yes = False,
) -> None:
    """Delete records for good; nothing brings them back."""
    store = _store(ctx)
    chosen = _chosen(store, caller, call)
    if not yes:
        ids = ", ".join(record.call_id for record in chosen)
        typer.confirm(f"Delete {len(chosen)} record(s) for good ({ids})?", abort=True)
    typer.echo(f"deleted: {store.delete([record.call_id for record in chosen])}")


def purge(
    ctx: typer.Context,
    days: Annotated[
        float | None, typer.Option(min=0.0, help="Keep this many days instead of the setting's.")
    ] = None,
) -> None:
    """Delete what is older than the retention time."""
    settings = settings_of(ctx)
    keep_days = settings.privacy.retention_days if days is None else days
    typer.echo(f"deleted: {_store(ctx).purge(keep_days)}")


def rotate(ctx: typer.Context) -> None:
    """Replace the master key; every record stays readable, also while a server runs."""
    _store(ctx).rotate()
    typer.echo("rotated")


def audit(ctx: typer.Context) -> None:
    """Show what was done to which record."""
    for entry in _store(ctx).audit():
        typer.echo(f"{entry.at:%Y-%m-%d %H:%M:%S}  {entry.action:9}  {entry.call_id or '-'}")


def _store(ctx: typer.Context) -> RecordStore:
    from agent.store.opening import open_store

    return open_store(settings_of(ctx))


def _chosen(store: RecordStore, caller: str | None, call: str | None) -> list[CallRecord]:
    if (caller is None) == (call is None):
        raise ConfigError("name a call (--call with `export`) or --caller, one of both")
    return store.calls(caller) if call is None else [_call(store, call)]


def _call(store: RecordStore, name: str) -> CallRecord:
    """The record of an id, or of the newest call that is over."""
    if name != "last":
        return store.call(name)
    over = (record for record in store.calls(None) if record.ended_at is not None)
    record = next(over, None)
    if record is None:
        raise ConfigError("no call that is over left a record; see privacy.record")
    return record
