"""Writes the sides to a folder: JSON, one page that needs no other file, and its pictures."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from agent.conversations.measure import FIGURES, Figure
from agent.conversations.report.plots import (
    clauses_picture,
    faults_picture,
    latency_picture,
    shares_picture,
)
from agent.conversations.script import LOCALES
from agent.conversations.sides import SideResult
from pipeline.errors import ConfigError

RESULTS_FILE = "conversations.json"
PAGE_FILE = "conversations.html"
# Of a call's own figures, those that its row in the report shows.
CALL_FIGURES = (
    "clean",
    "questions_per_turn",
    "clause_units",
    "repeated",
    "parrot",
    "advice",
    "probes",
    "elicited",
    "captured",
)


@dataclass(frozen=True, slots=True)
class Setup:
    """How the calls were held, for the page's first lines.

    Attributes:
        spoken: Over the wire, in real time; else in writing.
        seed: Of the replies.
        started_at: ISO 8601.
        duration_secs: Of everything.
    """

    spoken: bool
    seed: int
    started_at: str
    duration_secs: float


def results(setup: Setup, sides: Sequence[SideResult]) -> dict[str, Any]:
    """Everything, in a form that JSON takes."""
    return {
        "spoken": setup.spoken,
        "seed": setup.seed,
        "started_at": setup.started_at,
        "duration_secs": setup.duration_secs,
        "sides": [side.as_json() for side in sides],
    }


def write_report(folder: Path, setup: Setup, sides: Sequence[SideResult]) -> Path:
    """Write everything.

    Returns:
        The page.

    Raises:
        ConfigError: The folder cannot be written.
    """
    pictures = {
        "shares": shares_picture(sides),
        "faults": faults_picture(sides),
        "first_clauses": clauses_picture(sides),
        "latency": latency_picture(sides),
    }
    drawn = {name: picture for name, picture in pictures.items() if picture is not None}
    page = folder / PAGE_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, picture in drawn.items():
            (folder / f"{name}.png").write_bytes(picture)
        written = json.dumps(results(setup, sides), ensure_ascii=False)
        (folder / RESULTS_FILE).write_text(written + "\n", "utf-8")
        page.write_text(render_page(setup, sides, drawn), "utf-8")
    except OSError as error:
        raise ConfigError(f"the report cannot be written to {folder}: {error.strerror}") from error
    return page


def render_page(
    setup: Setup, sides: Sequence[SideResult], pictures: Mapping[str, bytes] | None = None
) -> str:
    """The page as HTML, pictures (PNG, by name) embedded."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("agent.conversations", "report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("page.html.j2").render(
        setup=setup,
        sides=sides,
        locales=[locale for locale in LOCALES if any(locale in s.by_locale for s in sides)],
        figures=FIGURES,
        call_figures=CALL_FIGURES,
        shown=shown,
        verdict=verdict,
        pictures={
            name: base64.b64encode(picture).decode("ascii")
            for name, picture in (pictures or {}).items()
        },
    )


def shown(name: str, value: float | None) -> str:
    """A figure as people read it; empty where there was no case."""
    if value is None:
        return ""
    return f"{value:.0%}" if FIGURES[name].is_share else f"{value:.4g}"


def verdict(name: str, value: float | None, other: float | None) -> str:
    """Whether a value is "better" or "worse" than another side's; "" where neither."""
    figure: Figure = FIGURES[name]
    if value is None or other is None or value == other or not figure.better:
        return ""
    return "better" if (value > other) == (figure.better == "more") else "worse"
