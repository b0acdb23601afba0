"""The one page that a counsellor reads, as HTML, PDF or JSON."""

from agent.intake.sheet.facts import SheetFacts
from agent.intake.sheet.render import as_html, as_json, as_pdf

__all__ = ["SheetFacts", "as_html", "as_json", "as_pdf"]
