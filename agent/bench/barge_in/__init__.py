"""Barge-in under test: what callers and rooms do while the bot speaks, and what came of it.

events.toml ─▶ script ─▶ sounds ─▶ caller ──WebSocket──▶ server ─▶ measure
                            narrator: a persona that speaks long enough to be interrupted
"""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    from agent.bench.barge_in.command import barge_in

    app.command("barge-in")(barge_in)
