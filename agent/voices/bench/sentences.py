"""What the voices are made to say; packaged beside this file."""

from __future__ import annotations

from importlib import resources

from pipeline.text import Language


def sentences(language: Language) -> list[str]:
    """The hundred sentences of a language."""
    return _lines(f"sentences.{language}.txt")


def intonation_pairs(language: Language) -> list[tuple[str, str]]:
    """Statement and question in the same words."""
    rows = [line.split("\t") for line in _lines("intonation.txt")]
    return [(statement, question) for of, statement, question in rows if of == language]


def _lines(name: str) -> list[str]:
    written = resources.files("agent.voices.bench").joinpath(name).read_text(encoding="utf-8")
    return [line for line in written.splitlines() if line and not line.startswith("#")]
