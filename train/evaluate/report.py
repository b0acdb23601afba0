"""The report of a run: one HTML file with its pictures inside."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from train.evaluate.canaries import RIVALS
from train.evaluate.measure import Evaluation
from train.run_folder import RunFolder

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{ name }}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; } td, th { padding: .2rem .8rem; text-align: right; }
td:first-child, th:first-child { text-align: left; } tr:nth-child(even) { background: #f3f3f3; }
.better { color: #0a7d28; font-weight: 600; } .worse { color: #b3261e; }
img { max-width: 100%; } .reply { border-left: 3px solid #ccc; padding-left: .8rem; margin: 1rem 0; }
dt { font-weight: 600; } dd { margin: 0 0 .4rem 1rem; white-space: pre-wrap; }
@media (prefers-color-scheme: dark) {
  body { background: #16181c; color: #e6e6e6; } tr:nth-child(even) { background: #22252b; }
}
</style>
<h1>{{ name }}</h1>
<p>{{ manifest.recipe.stage }} of <code>{{ manifest.base }}</code>,
{{ manifest.recipe.method }}, preset <code>{{ manifest.preset }}</code>, {{ manifest.created }}.
Measured in llama.cpp on {{ samples|length }} replies that training never saw{% if too_long %};
{{ too_long }} more were left out, as their question alone is too long{% endif %}.</p>
{% for picture in pictures %}<p><img alt="{{ picture.0 }}" src="{{ picture.1 }}"></p>{% endfor %}
<table>
<tr><th>figure</th><th>the person</th><th>base</th><th>tuned</th></tr>
{% for figure, row in figures.items() %}
<tr><td>{{ figure }}</td><td>{{ number(row.person) }}</td><td>{{ number(row.base) }}</td>
<td class="{{ judge(figure, row) }}">{{ number(row.tuned) }}</td></tr>
{% endfor %}
</table>
<p>Canaries planted in training: {{ planted }}, given away: {{ given_away }},
likelier than each of {{ rivals }} numbers like it: {{ preferred }}
(by chance {{ number(planted / (rivals + 1)) }}).
Memory with model and adapter: {{ '%.1f'|format(loaded_bytes / 1e9) }} GB.</p>
<p>Style distances run from 0, the person's own way, to 1. On {{ samples|length }} replies a
difference below {{ '%.2f'|format(noise) }} is chance. Cues of this kind compare; they do not grade.</p>
<h2>Who it says it is</h2>
{% for question, one, other in identity %}
<div class="reply"><dl><dt>{{ question }}</dt><dd>base: {{ one }}</dd><dd>tuned: {{ other }}</dd></dl></div>
{% endfor %}
<h2>Replies</h2>
{% for sample, one, other in replies %}
<div class="reply"><dl><dt>{{ sample.messages[-1].content }}</dt>
<dd>the person: {{ sample.reply }}</dd><dd>base: {{ one.text }}</dd><dd>tuned: {{ other.text }}</dd></dl></div>
{% endfor %}
</html>
"""  # noqa: E501  # HTML reads better in its own lines

# Of these more is better; of all others less is.
_MORE_IS_BETTER = (
    "distinct",
    "says its name",
    "admits",
    "end of turn: area",
    "end of turn: finished",
    "tokens a second",
)
_NOT_JUDGED = ("length in units", "stickers a reply")


def write_report(folder: RunFolder, evaluation: Evaluation) -> Path:
    """Write `eval/report.html`.

    Returns:
        Its path.
    """
    from train.evaluate.identity import QUESTIONS

    questions = next(
        questions
        for questions in QUESTIONS.values()
        if len(questions) == len(evaluation.base.identity_replies)
    )
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    page = environment.from_string(_PAGE).render(
        name=folder.path.name,
        manifest=folder.manifest,
        figures=evaluation.figures,
        samples=evaluation.samples,
        planted=evaluation.planted,
        too_long=evaluation.too_long,
        given_away=evaluation.given_away,
        preferred=evaluation.preferred,
        rivals=RIVALS,
        loaded_bytes=evaluation.loaded_bytes,
        noise=1 / max(1, len(evaluation.samples)) ** 0.5,
        identity=zip(
            questions,
            evaluation.base.identity_replies,
            evaluation.tuned.identity_replies,
            strict=True,
        ),
        replies=list(
            zip(
                evaluation.samples,
                evaluation.base.replies,
                evaluation.tuned.replies,
                strict=True,
            )
        ),
        pictures=_pictures(folder, evaluation),
        number=_number,
        judge=_judge,
    )
    folder.eval.mkdir(exist_ok=True)
    path = folder.eval / "report.html"
    path.write_text(page, "utf-8")
    return path


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _judge(figure: str, row: dict[str, float | None]) -> str:
    base, tuned = row["base"], row["tuned"]
    if base is None or tuned is None or base == tuned or figure in _NOT_JUDGED:
        return ""
    more = figure.startswith(_MORE_IS_BETTER)
    return "better" if (tuned > base) == more else "worse"


def _pictures(folder: RunFolder, evaluation: Evaluation) -> list[tuple[str, str]]:
    found = [("style distances", _inline(_style_picture(evaluation)))]
    for name in ("training_loss.png", "training_eval_loss.png"):
        if (folder.path / name).is_file():
            found.append((name, _inline((folder.path / name).read_bytes())))
    return found


def _style_picture(evaluation: Evaluation) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    prefix = "style distance: "
    rows = {
        name.removeprefix(prefix): row
        for name, row in evaluation.figures.items()
        if name.startswith(prefix)
    }
    figure = Figure(figsize=(7, 3.4), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    places = range(len(rows))
    axes.barh([p + 0.2 for p in places], [row["base"] or 0 for row in rows.values()], 0.38,
              label="base", color="tab:gray")  # fmt: skip
    axes.barh([p - 0.2 for p in places], [row["tuned"] or 0 for row in rows.values()], 0.38,
              label="tuned", color="tab:blue")  # fmt: skip
    axes.set_yticks(list(places), list(rows))
    axes.set_xlabel("distance from the person's own replies; 0 is the same")
    axes.legend()
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()


def _inline(picture: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"
