"""The sheet's facts as a page. HTML and PDF come from one template."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from agent.config import Locale
from agent.intake.fields import FIELDS
from agent.intake.record import Entry
from agent.intake.sheet.facts import COURSE, LEAD, SITUATION, SheetFacts
from pipeline.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Fit:
    """How much goes on the page.

    Attributes:
        quotes: Most quotes of a field; the record keeps all of them.
        font_pt: Size of the text, points.
        others: Most turns that fit no heading, and the most characters of each.
        labels: Whether the line of time says what each mark is about.
    """

    quotes: int
    font_pt: float
    others: tuple[int, int]
    labels: bool = True


# The first that leaves a single page is taken: five minutes are enough for no more.
FITS: Sequence[Fit] = (
    Fit(4, 10.5, (6, 200)),
    Fit(3, 9.5, (6, 120)),
    Fit(2, 9.0, (4, 80), labels=False),
    Fit(1, 8.0, (3, 60), labels=False),
    Fit(1, 7.0, (2, 60), labels=False),
)


def as_html(facts: SheetFacts, fit: Fit = FITS[0]) -> str:
    """A page that stands alone: no script, nothing to fetch."""
    words = _words(facts.record.locale)
    return _template().render(
        facts=facts,
        fit=fit,
        record=facts.record,
        words=words,
        when=lambda entry: when(entry, facts.record.locale),
        lead=LEAD,
        course=COURSE,
        situation=SITUATION,
    )


def as_pdf(facts: SheetFacts) -> bytes:
    """The same page on A4.

    Raises:
        ConfigError: WeasyPrint's system library, Pango, is missing.
    """
    pdf: bytes = laid_out(facts).write_pdf()
    return pdf


def laid_out(facts: SheetFacts) -> Any:
    """The sheet as a WeasyPrint document, on one page if any of `FITS` makes it one.

    Raises:
        ConfigError: See `as_pdf`.
    """
    try:
        import weasyprint
    except OSError as error:
        raise ConfigError(
            "A PDF needs Pango (libpango-1.0); install it, or print the HTML page instead"
        ) from error
    for fit in FITS:
        document = weasyprint.HTML(string=as_html(facts, fit)).render()
        if len(document.pages) == 1:
            break
    return document


def as_json(facts: SheetFacts) -> str:
    """The sheet for another program: the record with every field's state."""
    data: dict[str, Any] = {
        "call_id": facts.call_id,
        "began_at": facts.began_at.isoformat(),
        "ended_at": None if facts.ended_at is None else facts.ended_at.isoformat(),
        "caller": facts.caller,
        "risk_tier": facts.tier,
        "fields": {
            field: {
                "state": facts.record.state(field),
                "entries": [
                    entry.model_dump(mode="json", exclude={"field"})
                    for entry in facts.record.of(field)
                ],
            }
            for field in FIELDS
        },
        "other": [
            entry.model_dump(mode="json", exclude={"field"}) for entry in facts.record.of("other")
        ],
        "differing": list(facts.record.differing),
        "struck": facts.record.struck,
        "turns": facts.record.turns,
        "locale": facts.record.locale,
    }
    return json.dumps(data, ensure_ascii=False, indent=2)


def field_names(locale: Locale) -> dict[str, str]:
    """What the fields are called in a locale."""
    names: dict[str, str] = _words(locale)["fields"]
    return names


def state_names(locale: Locale) -> dict[str, str]:
    """What is said of a field without an entry, by its state."""
    names: dict[str, str] = _words(locale)["sections"]
    return names


def when(entry: Entry, locale: Locale) -> str:
    """Minutes and seconds of the recording, or the number of the turn."""
    if entry.at_secs is None:
        return str(_words(locale)["turn"]).format(number=entry.turn + 1)
    minutes, secs = divmod(int(entry.at_secs), 60)
    return f"{minutes}:{secs:02d}"


@cache
def _words(locale: Locale) -> dict[str, Any]:
    folder = resources.files("agent.intake.sheet")
    return tomllib.loads((folder / "words" / f"{locale}.toml").read_text("utf-8"))


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("agent.intake.sheet", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("sheet.html.j2")
