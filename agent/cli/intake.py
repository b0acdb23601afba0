"""`qingting intake`: what callers told, for them to check and for their counsellor to read."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from agent.cli.context import settings_of
from pipeline.errors import StoreError

if TYPE_CHECKING:
    from agent.intake.desk import IntakeDesk
    from agent.intake.evaluation import Evaluation, Score
    from agent.intake.record import Entry
    from agent.intake.sheet import SheetFacts

# What a call takes down; the rules alone; the language model alone; a call with `intake.read`.
Extractor: TypeAlias = Literal["call", "rules", "model", "both"]
CallId = Annotated[
    str,
    typer.Argument(
        metavar="CALL", help="Id of a call, or `last`: the newest that is over and has a record."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(
        help="The intake record: what a caller told, in their own words.", no_args_is_help=True
    )
    for command in (show, strike, export):
        group.command()(command)
    group.command("eval")(evaluate)
    app.add_typer(group, name="intake")


def show(
    ctx: typer.Context,
    call: CallId = "last",
    as_json: Annotated[bool, typer.Option("--json", help="JSON as `export` writes it.")] = False,
) -> None:
    """Show a record with the numbers by which `strike` knows its entries."""
    from agent.intake import sheet

    desk = _desk(ctx)
    facts = desk.facts(_call_id(desk, call))
    typer.echo(sheet.as_json(facts) if as_json else _as_text(facts))


def strike(
    ctx: typer.Context,
    call: CallId,
    entries: Annotated[list[int], typer.Argument(metavar="NUMBER...", help="Entries to take out.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take entries out of a record for good. The transcript of the call stays as it is."""
    desk = _desk(ctx)
    call_id = _call_id(desk, call)
    if not yes:
        # `last` may be another call by now than the one that was shown.
        facts = desk.facts(call_id)
        for number in entries:
            facts.record.without(number)  # says what is not there before it asks
        chosen = [entry for entry in facts.record.entries if entry.entry_id in entries]
        typer.echo("\n".join([_heading(facts), *(_line(entry, facts) for entry in chosen)]))
        typer.confirm("Strike this out for good?", abort=True)
    typer.echo(_as_text(desk.strike(call_id, entries)))


def export(
    ctx: typer.Context,
    call: CallId,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Its ending says how: .html, .pdf or .json.")
    ],
) -> None:
    """Write the one-page record for the counsellor. The file is not encrypted any more."""
    from agent.intake import sheet

    desk = _desk(ctx)
    facts = desk.facts(_call_id(desk, call), reason="exported")
    match file.suffix.lower():
        case ".html":
            content = sheet.as_html(facts).encode()
        case ".pdf":
            content = sheet.as_pdf(facts)
        case ".json":
            content = sheet.as_json(facts).encode()
        case _:
            raise StoreError(f"{file.name}: end the name in .html, .pdf or .json")
    try:
        file.write_bytes(content)
        file.chmod(0o600)
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {error.strerror}") from error
    typer.echo(str(file))


def evaluate(
    ctx: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE.jsonl", help="Scripted callers; see tests/data/intake."),
    ],
    extractor: Annotated[Extractor, typer.Option(help="What to measure.")] = "call",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on one line.")] = False,
    show_mistakes: Annotated[
        bool, typer.Option("--mistakes", help="Also print what was made up or missed.")
    ] = False,
) -> None:
    """Measure the extraction on scripted callers whose answers are known."""
    import json

    from agent.intake import evaluation

    callers = evaluation.read_callers(file)
    if extractor in ("call", "rules"):
        propose = evaluation.by_call if extractor == "call" else evaluation.by_rules
        result = asyncio.run(evaluation.evaluate(callers, propose))
    else:
        from agent.engines import load_language_model

        model = load_language_model(settings_of(ctx, quiet=as_json))
        result = asyncio.run(evaluation.with_model(callers, model, alone=extractor == "model"))
    if as_json:
        typer.echo(json.dumps(evaluation.figures(result), ensure_ascii=False))
        return
    for mistake in result.mistakes if show_mistakes else ():
        kind = "made up" if mistake.invented else "missed "
        typer.echo(f"{kind}  {mistake.caller_id} {mistake.turn}  {mistake.field}: {mistake.quote}")
    typer.echo(_table(result))


def _as_text(facts: SheetFacts) -> str:
    from agent.intake.fields import FIELDS
    from agent.intake.sheet.render import field_names, state_names

    record = facts.record
    names, states = field_names(record.locale), state_names(record.locale)
    lines = [_heading(facts)]
    for field in FIELDS:
        lines += [_line(entry, facts) for entry in record.of(field)]
        if record.state(field) != "told" and field != "risk":
            lines.append(f"  -           {names[field]}: ({states[record.state(field)]})")
    lines += [_line(entry, facts) for entry in record.of("other")]
    if record.struck:
        lines.append(f"struck out by the caller: {record.struck}")
    return "\n".join(lines)


def _heading(facts: SheetFacts) -> str:
    return f"{facts.call_id}  {facts.began_at.astimezone():%Y-%m-%d %H:%M}"


def _line(entry: Entry, facts: SheetFacts) -> str:
    from agent.intake.sheet.render import field_names, when

    locale = facts.record.locale
    name, time = field_names(locale)[entry.field], when(entry, locale)
    grave = f"  [{entry.tier}]" if entry.tier else ""
    return f"{entry.entry_id:>3}  {time:>7}  {name}: {entry.quote}{grave}"


def _table(result: Evaluation) -> str:
    def line(name: str, score: Score) -> str:
        precision, recall = _percent(score.precision), _percent(score.recall)
        counts = f"{score.right} right, {score.wrong} made up, {score.missed} missed"
        return f"{name:<11} precision {precision:>6}  recall {recall:>6}  {counts}"

    rows = [line(field, score) for field, score in result.by_field.items()]
    return "\n".join(
        [f"{result.callers} callers, {result.turns} turns", *rows, line("all", result.total)]
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _desk(ctx: typer.Context) -> IntakeDesk:
    from agent.intake.desk import IntakeDesk
    from agent.store.opening import open_store

    return IntakeDesk(open_store(settings_of(ctx, quiet=True)))


def _call_id(desk: IntakeDesk, call: str) -> str:
    return desk.last().call_id if call == "last" else call
