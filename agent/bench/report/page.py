"""Writes a record to a folder: JSON, two pictures, and one page that holds everything."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Sequence
from pathlib import Path

import jinja2

from agent.bench.compare import Change
from agent.bench.record import Record, to_json
from agent.bench.report import rows
from agent.bench.report.plots import distribution_picture, waterfall_picture
from pipeline.errors import ConfigError

RECORD_FILE = "bench.json"
WATERFALL_FILE = "waterfall.png"
DISTRIBUTION_FILE = "latency.png"
PAGE_FILE = "report.html"


def claim_folder(folder: Path) -> None:
    """Make the folder of a report that is still to be measured.

    Raises:
        ConfigError: It cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigError(f"no report can be written to {folder}: {error.strerror}") from error


def write_report(folder: Path, record: Record, changes: Sequence[Change] = ()) -> Path:
    """Write everything; the page needs no other file.

    Returns:
        The page.

    Raises:
        ConfigError: The folder cannot be written.
    """
    waterfall, distribution = waterfall_picture(record), distribution_picture(record)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / RECORD_FILE).write_text(to_json(record) + "\n", encoding="utf-8")
        (folder / WATERFALL_FILE).write_bytes(waterfall)
        (folder / DISTRIBUTION_FILE).write_bytes(distribution)
        page = folder / PAGE_FILE
        page.write_text(render_page(record, changes, waterfall, distribution), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"the report cannot be written to {folder}: {error.strerror}") from error
    return page


def render_page(
    record: Record, changes: Sequence[Change], waterfall: bytes, distribution: bytes
) -> str:
    """The page as HTML, pictures (PNG) embedded."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("agent.bench", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("page.html.j2").render(
        record=record,
        machine=rows.machine_lines(record),
        overview=rows.overview(record),
        changes=rows.changes(changes) if changes else None,
        speculation=rows.speculation(record),
        waterfall=base64.b64encode(waterfall).decode("ascii"),
        distribution=base64.b64encode(distribution).decode("ascii"),
        turns=[(result.system, rows.turns(result)) for result in record.systems],
    )
