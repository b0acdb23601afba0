"""Writes a run to a folder: the record, and one page with every voice to listen to."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
import soundfile

from agent.voices.bench import rows
from agent.voices.bench.record import to_json
from agent.voices.bench.run import Bench, Clip
from pipeline.errors import ConfigError
from pipeline.text import Language

RECORD_FILE = "voices.json"
PAGE_FILE = "voices.html"
# A hundred MP3s of three seconds are 0.7 MB; more sentences to compare are not listened to.
_MAX_ROWS = 40


@dataclass(frozen=True, slots=True)
class _Player:
    """One cell: the sound as a data address, and how the recogniser took it."""

    address: str
    heard: str
    edits: int


@dataclass(frozen=True, slots=True)
class _Table:
    """One language: a sentence a row, a voice a column; None where a voice failed."""

    language: Language
    voices: tuple[str, ...]
    rows: tuple[tuple[str, tuple[_Player | None, ...]], ...]


def write_report(folder: Path, bench: Bench) -> Path:
    """Write record and page; the page needs no other file.

    Returns:
        The page.

    Raises:
        ConfigError: The folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / RECORD_FILE).write_text(to_json(bench.record) + "\n", encoding="utf-8")
        page = folder / PAGE_FILE
        page.write_text(render_page(bench), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"the report cannot be written to {folder}: {error.strerror}") from error
    return page


def render_page(bench: Bench) -> str:
    """The page as HTML, its sounds embedded as MP3."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("agent.voices", "bench"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    languages = dict.fromkeys(result.language for result in bench.record.results)
    return environment.get_template("page.html.j2").render(
        machine=rows.machine_lines(bench.record),
        heads=rows.heads(bench.record),
        figures=rows.figures(bench.record),
        tables=[_table(bench, language) for language in languages],
    )


def _table(bench: Bench, language: Language) -> _Table:
    results = [one for one in bench.record.results if one.language == language]
    clips = {
        one.voice: {clip.spoken.text: clip for clip in bench.clips[one.voice, language]}
        for one in results
    }
    texts = list(dict.fromkeys(text for of_voice in clips.values() for text in of_voice))
    worst_first = sorted(texts, key=lambda text: -_edits(text, list(clips.values())))
    return _Table(
        language,
        tuple(one.voice for one in results),
        tuple(
            (
                text,
                tuple(_player(clips[one.voice].get(text), one.sample_rate_hz) for one in results),
            )
            for text in worst_first[:_MAX_ROWS]
        ),
    )


def _edits(text: str, clips: Sequence[dict[str, Clip]]) -> int:
    return max((of_voice[text].edits for of_voice in clips if text in of_voice), default=0)


def _player(clip: Clip | None, rate_hz: int) -> _Player | None:
    if clip is None:
        return None
    sound = io.BytesIO()
    soundfile.write(sound, clip.spoken.pcm, rate_hz, format="MP3")
    encoded = base64.b64encode(sound.getvalue()).decode("ascii")
    return _Player(f"data:audio/mpeg;base64,{encoded}", clip.heard, clip.edits)
