"""`qingting data`: from chat exports and dialogue sets to what training reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from train.clean.review import Review

Output = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write.")]
Force = Annotated[bool, typer.Option("--force", help="Replace what is there.")]
Records = Annotated[Path, typer.Argument(metavar="RECORDS", help="JSONL from `data import`.")]


def register(app: typer.Typer) -> None:
    """Add the command group."""
    from agent.cli.data_index import index
    from agent.cli.data_mix import mix

    group = typer.Typer(help="Training data: import, clean, mix.", no_args_is_help=True)
    group.command("import")(import_chats)
    group.command()(inspect)
    group.command()(review)
    group.command()(clean)
    group.command()(mix)
    group.command()(split)
    group.command()(export)
    group.command()(index)
    app.add_typer(group, name="data")


def import_chats(
    sources: Annotated[
        list[Path], typer.Argument(metavar="SOURCE…", help="Exports; files or folders.")
    ],
    output: Output,
    format_name: Annotated[
        str | None, typer.Option("--format", help="A format's name, if it is not recognised.")
    ] = None,
    preset: Annotated[
        str, typer.Option(help="How chats are cut: qingting, monkey, liuhen or weclone.")
    ] = "qingting",
    me: Annotated[
        list[str] | None,
        typer.Option("--me", metavar="NAME", help="Whose replies are learned; may be repeated."),
    ] = None,
    system: Annotated[
        str | None, typer.Option(help='System prompt of every row; {me} is the name, "" is none.')
    ] = None,
    quotes_only: Annotated[
        bool, typer.Option("--quotes-only", help="Only quoted texts and my replies to them.")
    ] = False,
    stickers: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="JSON object: sticker id to text, such as [抱抱]."),
    ] = None,
    markers: Annotated[
        bool, typer.Option("--markers", help="Keep [图片] and the like where they sent no text.")
    ] = False,
    same_secs: Annotated[
        float | None, typer.Option(help="Longest pause inside a turn, in place of the preset's.")
    ] = None,
    reply_secs: Annotated[float | None, typer.Option(help="Longest pause before my reply.")] = None,
    back_secs: Annotated[
        float | None, typer.Option(help="Longest pause before they speak again.")
    ] = None,
    datasets: Annotated[
        list[str] | None,
        typer.Option("--dataset", metavar="NAME", help="Of a LLaMA-Factory folder; all if none."),
    ] = None,
    force: Force = False,
) -> None:
    """Read exports of any format into one JSONL, and say what became of every row."""
    from agent.cli import data_view
    from pipeline.errors import ConfigError, DataError
    from train import importers, schema
    from train.importers.chats import ChatOptions
    from train.importers.sessions import PRESETS, scaled
    from train.tally import Tally

    if preset not in PRESETS:
        raise ConfigError(f"There is no preset {preset!r}; there are {', '.join(PRESETS)}.")
    schema.refuse_existing(output, force=force)
    chat = ChatOptions(
        preset=scaled(
            PRESETS[preset], same_secs=same_secs, reply_secs=reply_secs, back_secs=back_secs
        ),
        me=tuple(me or ()),
        system=system,
        quotes_only=quotes_only,
        stickers=data_view.read_texts(stickers) if stickers else {},
        markers=markers,
    )
    options = importers.ImportOptions(format_name, chat, tuple(datasets or ()))
    tally = Tally()
    try:
        with data_view.progress("reading", lambda: tally.rows_in) as follow:
            records = importers.import_paths(sources, options, tally)
            schema.write(output, follow(records), force=force)
    except DataError:
        if tally.rows_in:
            data_view.show_tally(tally, "messages or rows")
        raise
    data_view.write_report(output, tally.as_json())
    data_view.show_tally(tally, "messages or rows")
    data_view.done(f"{tally.records} records in {output}")


def inspect(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Any file; recognised or not.")],
    count: Annotated[int, typer.Option("--count", "-n", min=0, help="Records to print.")] = 3,
) -> None:
    """Show the format of a file, or what a JSONL holds: lengths, personal data, phrases."""
    from rich.text import Text

    from agent.cli import data_view
    from train.clean.cleaning import CleanOptions, CleanReport
    from train.clean.cleaning import clean as cleaned
    from train.importers import formats
    from train.importers.source import open_source
    from train.schema import read

    source = open_source(path)
    found = formats.detect(source)
    data_view.say(Text.assemble(f"{path.name}: ", (found.name, "bold"), f", {found.about}"))
    if found.name != "qingting":
        data_view.show_beginning(source, count)
        return
    report = CleanReport()
    shown = data_view.Overview()
    with data_view.progress("looking", lambda: report.tally.rows_in) as follow:
        looked_at = shown.watch(read(path), count)
        for _ in follow(cleaned(looked_at, CleanOptions(near=None), report)):
            pass
    shown.show()
    data_view.show_cleaning(report, masked="personal data found")


def review(
    records: Records,
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="CSV", help="Decisions; by default RECORDS.review.csv."),
    ] = None,
    threshold: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Score from which an exchange is listed.")
    ] = 0.5,
    interactive: Annotated[
        bool, typer.Option("--interactive", "-i", help="Ask about each, here and now.")
    ] = False,
) -> None:
    """List incomplete exchanges and topic jumps in a file that keeps your decisions.

    Open the CSV in any spreadsheet, write accept, drop or edit, and give it to
    `qingting data clean --review`. Decisions made before stay.
    """
    from agent.cli import data_view
    from train.clean import review as reviews
    from train.clean.fragments import fragments
    from train.schema import Conversation, read

    path = file or _review_path(records)
    decisions = reviews.load(path)
    seen, added = 0, 0
    with data_view.progress("scoring", lambda: seen) as follow:
        for record in follow(read(records)):
            seen += 1
            if isinstance(record, Conversation):
                added += decisions.add(fragments(record, threshold))
    reviews.save(decisions, path)
    if interactive:
        _decide(decisions, path)
    counts = ", ".join(f"{count} {name}" for name, count in decisions.counts().items())
    data_view.say(f"{added} new fragments in {seen} records; {path}: {counts or 'none'}")


def clean(
    records: Records,
    output: Output,
    review_file: Annotated[
        Path | None,
        typer.Option("--review", metavar="CSV", help="Decisions; RECORDS.review.csv if it exists."),
    ] = None,
    pii: Annotated[
        str, typer.Option(help="What replaces personal data: placeholder, surrogate or keep.")
    ] = "placeholder",
    find_names: Annotated[
        bool, typer.Option("--find-names/--no-find-names", help="Look for names nobody listed.")
    ] = True,
    names: Annotated[
        list[str] | None, typer.Option("--name", metavar="NAME", help="A name to mask.")
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option("--keep", metavar="NAME", help="A name that stays, such as the persona's."),
    ] = None,
    near: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Similarity of duplicates; 0 keeps them.")
    ] = 0.8,
    drop_phrases: Annotated[
        bool,
        typer.Option("--drop-phrases", help="Drop replies with a base model's brand or refusal."),
    ] = False,
    force: Force = False,
) -> None:
    """Mask personal data, drop duplicates, carry out the review, measure lengths."""
    from typing import cast, get_args

    from agent.cli import data_view
    from pipeline.errors import ConfigError, DataError
    from train import schema
    from train.clean import cleaning, refuse_high_risk
    from train.clean import review as reviews
    from train.clean.mask import Style

    if pii != "keep" and pii not in get_args(Style):
        raise ConfigError(f"--pii {pii}: write placeholder, surrogate or keep.")
    if review_file is not None and not review_file.exists():
        raise DataError(f"There is no review file {review_file}.")
    data_view.refuse_output(output, records, force=force)
    options = cleaning.CleanOptions(
        review=reviews.load(review_file or _review_path(records)),
        style=None if pii == "keep" else cast(Style, pii),
        names=frozenset({*cleaning.known_names(records), *(names or ())}),
        keep_names=frozenset(keep or ()),
        find_names=find_names,
        near=near or None,
        drop_phrases=drop_phrases,
    )
    report = cleaning.CleanReport()
    with data_view.progress("cleaning", lambda: report.tally.rows_in) as follow:
        done = cleaning.clean(schema.read(records), options, report)
        schema.write(
            output,
            follow(done),
            force=force,
            why_empty=lambda: f"Nothing is left of {records.name}: {report.tally.why_empty()}.",
        )
    left = refuse_high_risk(output, force=True)
    data_view.write_report(output, {**report.as_json(), "high_risk_left": dict(left.kinds)})
    data_view.show_tally(report.tally, "records")
    data_view.show_cleaning(report)
    if left:
        data_view.warn(left.sentence())
    data_view.done(f"{report.tally.records} records in {output}")


def split(
    records: Records,
    folder: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where to.")],
    valid: Annotated[float, typer.Option(help="Share of validation rows.")] = 0.1,
    test: Annotated[float, typer.Option(help="Share of test rows.")] = 0.0,
    order: Annotated[
        str, typer.Option("--by", help="hash, or time: the latest are held out.")
    ] = "hash",
    seed: Annotated[int, typer.Option(help="Of a split by hash.")] = 0,
    force: Force = False,
) -> None:
    """Part records into train, valid and test files that share no exchange."""
    from typing import cast, get_args

    from agent.cli import data_view
    from pipeline.errors import ConfigError
    from train.mix import split as splitting

    if order not in get_args(splitting.Order):
        raise ConfigError(f"--by {order}: write hash or time.")
    for part in splitting.PARTS:
        data_view.refuse_output(folder / f"{part}.jsonl", records, force=True)
    options = splitting.SplitOptions(valid, test, cast(splitting.Order, order), seed)
    counts = splitting.split_file(records, folder, options, force=force)
    data_view.show_counts(counts, "rows")
    data_view.done(str(folder))


def export(
    records: Annotated[
        Path, typer.Argument(metavar="RECORDS", help="A JSONL, or a folder that was split.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="PATH", help="Where to.")],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            help="alpaca, monkey, sharegpt, openai, completion, text, llama-chinese, "
            "llama-chinese-two-columns, preference or llama-factory.",
        ),
    ],
    force: Force = False,
) -> None:
    """Write records for LLaMA-Factory, mlx-lm, Llama-Chinese and others.

    What still holds personal data, or was never cleaned, is written with a warning.
    """
    from agent.cli import data_view
    from pipeline.errors import DataError
    from train.clean import high_risk
    from train.mix import rendering
    from train.tally import Tally

    tally = Tally()
    files = sorted(records.glob("*.jsonl")) if records.is_dir() else [records]
    if not files:
        raise DataError(f"{records} holds no .jsonl file.")
    warnings = [warning for file in files for warning in high_risk(file).warnings()]
    if to == "llama-factory":
        rendering.export_llama_factory(files, output, tally, force=force)
    elif records.is_dir():
        for file in files:
            target = output / f"{file.stem}{rendering.by_name(to).suffix}"
            data_view.refuse_output(target, file, force=force)
        warnings += rendering.export_files(files, output, to, tally, force=force)
    else:
        data_view.refuse_output(output, records, force=force)
        rendering.export_file(records, output, to, tally, force=force)
    data_view.show_tally(tally, "records")
    for warning in warnings:
        data_view.warn(warning)
    data_view.done(f"{tally.records} rows in {output}")


def _review_path(records: Path) -> Path:
    return records.with_name(f"{records.name.removesuffix('.jsonl')}.review.csv")


def _decide(decisions: Review, path: Path) -> None:
    """Ask about each undecided fragment; what is decided is saved at once."""
    from rich.prompt import Prompt

    from agent.cli import data_view
    from train.clean import review as reviews

    for row in decisions.undecided():
        data_view.show_fragment(row)
        choice = Prompt.ask("accept, drop, edit, skip or quit", choices=["a", "d", "e", "s", "q"])
        if choice == "q":
            return
        if choice == "e":
            row.edited_user = Prompt.ask("user", default=row.user)
            row.edited_assistant = Prompt.ask("assistant", default=row.assistant)
            row.background = Prompt.ask("background", default="")
        row.decision = {"a": "accept", "d": "drop", "e": "edit", "s": ""}[choice]  # type: ignore[assignment]
        reviews.save(decisions, path)
