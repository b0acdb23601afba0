"""`qingting export`: a run as files that other programs load."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(export)


def export(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    adapter: Annotated[
        bool, typer.Option("--adapter", help="GGUF LoRA beside its base; what a call loads.")
    ] = False,
    merged: Annotated[
        bool, typer.Option("--merged", help="Safetensors of base and adapter in one.")
    ] = False,
    gguf: Annotated[
        list[str] | None,
        typer.Option("--gguf", metavar="f16|q8_0|q4_k_m", help="Merged GGUF; may be repeated."),
    ] = None,
    shard_size: Annotated[str, typer.Option(help="Largest safetensors file.")] = "2GB",
) -> None:
    """Export a run. Tokens and answers are compared on the way; a difference stops it."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from agent.cli.data_view import warn
    from pipeline.errors import ConfigError
    from train.export.gguf_model import Quantisation
    from train.export.run import export as export_run
    from train.export.run import warnings
    from train.run_folder import RunFolder

    known: dict[str, Quantisation] = {"f16": "f16", "q8_0": "q8_0", "q4_k_m": "q4_k_m"}
    kinds: list[Quantisation] = []
    for name in gguf or []:
        if name.lower() not in known:
            raise ConfigError(f"--gguf {name}: there are {', '.join(known)}")
        kinds.append(known[name.lower()])
    folder = RunFolder.open(run_folder)
    for warning in warnings(folder.manifest):
        warn(warning)
    console = Console(highlight=False)
    done = export_run(
        folder,
        adapter=adapter or not (merged or kinds),
        merged=merged,
        kinds=kinds,
        shard_size=shard_size,
        report=lambda step: console.print(f"[dim]{escape(step)}[/]"),
    )
    table = Table("what", "size", "differs by", "where")
    for made in done:
        differs = "" if made.difference is None else f"{made.difference:.2g}"
        table.add_row(made.kind, f"{made.bytes / 1e6:.1f} MB", differs, escape(made.path))
    console.print(table)
