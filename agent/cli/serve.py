"""`qingting serve`: the server."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.cli.context import settings_of
from agent.cli.run_models import MODEL_HELP, model_flags


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(serve)


def serve(
    ctx: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="TCP port; 0 takes any free one.")] = None,
    model: Annotated[str | None, typer.Option(help=MODEL_HELP)] = None,
) -> None:
    """Take calls on this machine until stopped with Ctrl-C."""
    from web.server import serve as serve_calls

    serve_calls(settings_of(ctx, {"server.host": host, "server.port": port, **model_flags(model)}))
