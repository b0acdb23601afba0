"""`qingting data mix`: the person's rows with identity, behaviour, general and spoken rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from train.mix.blend import Extra
    from train.mix.identity import Identity
    from train.schema import Conversation, Record, Traits


def mix(
    records: Annotated[
        Path, typer.Argument(metavar="RECORDS", help="JSONL from `data import` or `data clean`.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to write.")],
    identity: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="TOML or JSON: name, author, facts, system."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Instead of a file: the persona's name.")] = None,
    author: Annotated[str | None, typer.Option(help="Who made it.")] = None,
    locales: Annotated[
        list[str] | None,
        typer.Option("--locale", metavar="LOCALE", help="zh-Hans, zh-Hant, en; all if none."),
    ] = None,
    identity_ratio: Annotated[
        float | None,
        typer.Option(min=0.0, help="Identity rows for each of the person's; all if none."),
    ] = None,
    behaviour: Annotated[
        list[Path] | None,
        typer.Option("--behaviour", metavar="FILE", help="Machine-Mindset files, or their JSONL."),
    ] = None,
    mbti: Annotated[str | None, typer.Option(help="The type they are for, such as INFJ.")] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(
            "--behaviour-pairs",
            metavar="FILE",
            help="Write preferences for DPO here: the type's answer against the opposite one's.",
        ),
    ] = None,
    behaviour_ratio: Annotated[
        float, typer.Option(min=0.0, help="Behaviour rows for each row of the person's.")
    ] = 0.2,
    general: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Instruction rows; built-in ones if none is given."),
    ] = None,
    general_ratio: Annotated[
        float, typer.Option(min=0.0, help="General rows for each row of the person's.")
    ] = 0.15,
    spoken: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of rows with a copy as it is spoken.")
    ] = 0.3,
    labels: Annotated[
        str, typer.Option(help="Emotions and traits: carry, system, control or strip.")
    ] = "carry",
    traits: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="TOML or JSON: personality, occupation, interests, mbti."
        ),
    ] = None,
    emotion: Annotated[str | None, typer.Option(help="Label of all conversations.")] = None,
    system: Annotated[
        str | None,
        typer.Option(help="System prompt of all rows but general ones: what will be served."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of every choice by chance.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
) -> None:
    """Add identity, behaviour, general and spoken rows to the person's own."""
    from collections import Counter
    from typing import cast, get_args

    from agent.cli import data_view
    from pipeline.errors import ConfigError
    from train import schema
    from train.mix import behaviour as behaviours
    from train.mix.blend import Extra, MixOptions, overweight
    from train.mix.blend import mix as mixed
    from train.mix.general import general_rows
    from train.mix.identity import LOCALES, Locale, identity_rows
    from train.mix.labels import LabelUse

    if labels not in get_args(LabelUse):
        raise ConfigError(f"--labels {labels}: write {', '.join(get_args(LabelUse))}.")
    wanted = tuple(locales or LOCALES)
    for locale in wanted:
        if locale not in LOCALES:
            raise ConfigError(f"--locale {locale}: there are {', '.join(LOCALES)}.")
    spoken_in = cast(tuple[Locale, ...], wanted)
    data_view.refuse_output(output, records, force=force)
    own_traits = data_view.read_model(traits, schema.Traits) if traits else None
    extras: list[Extra] = []
    who = _identity(identity, name, author, system)
    if who is not None:
        extras.append(Extra("identity", identity_rows(who, spoken_in), identity_ratio))
    if behaviour:
        rows = list(_conversations(behaviour))
        kind = _type(mbti)
        prompt = system or (who.system if who else None)
        extras.append(
            Extra("behaviour", behaviours.of_type(rows, kind, system=prompt), behaviour_ratio)
        )
        if pairs is not None:
            schema.write(pairs, behaviours.preferences(rows, kind), force=force)
    if general_ratio > 0:
        count = round(general_ratio * sum(1 for _ in schema.read(records)))
        rows_of = _records(general) if general else general_rows(count, spoken_in, seed=seed)
        extras.append(Extra("general", _tagged(rows_of, "general"), general_ratio))
    own = _labelled(schema.read(records), own_traits, emotion, system)
    counts: Counter[str] = Counter()
    options = MixOptions(cast(LabelUse, labels), spoken, seed=seed)
    written = schema.write(
        output,
        mixed(own, extras, options, counts),
        force=force,
        why_empty=lambda: f"There is nothing to mix: {records} holds no rows.",
    )
    warning = overweight(counts)
    figures = {"rows": dict(counts), "seed": seed, "labels": labels}
    data_view.write_report(output, {**figures, "warnings": [warning] if warning else []})
    data_view.show_counts(counts, "rows")
    if warning:
        data_view.warn(warning)
    data_view.done(f"{written} records in {output}")


def _identity(
    path: Path | None, name: str | None, author: str | None, system: str | None
) -> Identity | None:
    from agent.cli import data_view
    from pipeline.errors import ConfigError
    from train.mix.identity import Fact, Identity

    if path is None and name is None:
        return None
    values = data_view.read_table(path) if path else {}
    facts = []
    for fact in values.get("facts", []):
        if isinstance(fact, str):
            facts.append(Fact(fact))
        elif isinstance(fact, dict) and isinstance(fact.get("answer"), str):
            facts.append(Fact(fact["answer"], fact.get("question")))
        else:
            raise ConfigError(f"{path}: a fact is a text, or a question and an answer.")
    called, made_by = name or values.get("name"), author or values.get("author")
    if not isinstance(called, str) or not isinstance(made_by, str):
        raise ConfigError("An identity needs a name and an author.")
    return Identity(called, made_by, tuple(facts), system or values.get("system"))


def _labelled(
    records: Iterable[Record], traits: Traits | None, emotion: str | None, system: str | None
) -> Iterator[Record]:
    from train.mix.labels import labelled
    from train.schema import Conversation

    for record in records:
        if isinstance(record, Conversation):
            own = labelled(record, traits=traits, emotion=emotion)
            yield own if system is None else own.model_copy(update={"system": system or None})
        else:
            yield record


def _type(mbti: str | None) -> str:
    from pipeline.errors import ConfigError

    if mbti is None:
        raise ConfigError("--behaviour needs --mbti, the type whose rows are to be used.")
    return mbti


def _records(path: Path) -> Iterator[Record]:
    """Records of a file in any format."""
    from train.importers import ImportOptions, import_paths
    from train.tally import Tally

    return import_paths([path], ImportOptions(), Tally())


def _conversations(paths: Iterable[Path]) -> Iterator[Conversation]:
    from train.schema import Conversation

    for path in paths:
        for record in _records(path):
            if isinstance(record, Conversation):
                yield record


def _tagged(records: Iterable[Record], tag: str) -> Iterator[Record]:
    for record in records:
        tags = record.tags if tag in record.tags else (*record.tags, tag)
        yield record.model_copy(update={"tags": tags})
