"""A record in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

import rich.table
from rich.console import Console

from agent.bench.compare import Change
from agent.bench.record import Record
from agent.bench.report import rows

_VERDICT_STYLES = {"better": "green", "worse": "red", "no change": "dim"}


def show(console: Console, record: Record) -> None:
    """Print the machine, the overview and the account of speculation."""
    for line in rows.machine_lines(record):
        console.print(line, style="dim", highlight=False)
    console.print(_table(rows.overview(record)))
    speculation = rows.speculation(record)
    if speculation.rows:
        console.print(_table(speculation))


def show_changes(console: Console, changes: Sequence[Change]) -> None:
    """Print a comparison with an earlier run."""
    console.print(_table(rows.changes(changes)))


def _table(content: rows.Table) -> rich.table.Table:
    table = rich.table.Table(*content.heads)
    for row in content.rows:
        table.add_row(*row, style=_VERDICT_STYLES.get(row[-1], ""))
    return table
