"""`qingting eval conversations`: simulated callers talk to the persona."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.context import settings_of
from agent.cli.run_models import MODEL_HELP, model_flags
from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from agent.config import Settings
    from agent.conversations.prompts import Prompt
    from agent.conversations.script import Cast
    from agent.conversations.sides import Side, SideResult

DEFAULT_OUT = Path("runs/conversations")
VOTE_PAGE = "side_by_side.html"
VOTE_KEY = "blind_key.json"
_SEED = 7


def add_to(group: typer.Typer) -> None:
    """Add the command to `qingting eval`."""
    group.command()(conversations)


def conversations(
    ctx: typer.Context,
    model: Annotated[str | None, typer.Option(help=MODEL_HELP)] = None,
    adapter: Annotated[
        str | None, typer.Option(metavar="none|auto|FILE", help="As models.llm_adapter.")
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            metavar="none|auto|FILE|MODEL|RUN",
            help="Also hold every call with this: another adapter of the same model (none, auto, "
            "a GGUF file), another model by name, or a run; may be repeated.",
        ),
    ] = None,
    audio: Annotated[
        bool,
        typer.Option("--audio", help="By voice, over the wire, in real time; else in writing."),
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Only this caller, locale or kind of probe; may be repeated."
        ),
    ] = None,
    callers: Annotated[
        int | None, typer.Option(min=0, help="At most so many callers, evenly from all locales.")
    ] = None,
    prompts: Annotated[
        int | None,
        typer.Option(
            min=0, help="Moments of the blind comparison; all 60 with --against, none by voice."
        ),
    ] = None,
    scripts: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Callers of your own; see agent/conversations/callers."),
    ] = None,
    at_once: Annotated[int, typer.Option(min=1, max=8, help="Written calls at the same time.")] = 4,
    seed: Annotated[int, typer.Option(help="Of the replies and of the blind page.")] = _SEED,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the report.")] = DEFAULT_OUT,
    as_json: Annotated[
        bool, typer.Option("--json", help="Everything as one JSON line on standard output.")
    ] = False,
    votes: Annotated[
        Path | None, typer.Option(help="Count votes saved by the page in DIR instead.")
    ] = None,
) -> None:
    """Let simulated callers talk to the persona, and judge what can be counted."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False, markup=False)
    if votes is not None:
        _count(console, out / VOTE_KEY, votes)
        return
    flags = {**model_flags(model), **({"models.llm_adapter": adapter} if adapter else {})}
    sides = _sides(ctx, flags, against or [])
    if audio and prompts:
        raise ConfigError("--prompts: moments are answered in writing, without --audio")
    compare = len(sides) > 1 and not audio
    casts, moments = _chosen(scripts, only or [], callers, prompts, compare=compare)

    import time
    from datetime import UTC, datetime

    from agent.conversations.report.page import Setup, results, write_report

    started, started_at = time.monotonic(), datetime.now(UTC).isoformat(timespec="seconds")

    def setup() -> Setup:
        return Setup(audio, seed, started_at, round(time.monotonic() - started, 1))

    def keep(held: Sequence[SideResult]) -> None:
        console.print(f"report: {write_report(out, setup(), held)}")

    held = asyncio.run(
        _hold(
            sides,
            casts,
            moments,
            audio=audio,
            at_once=at_once,
            seed=seed,
            say=console.print,
            keep=keep,
        )
    )
    if len(held) > 1 and moments:
        _write_vote_page(out, moments, held[1].replies, held[0].replies, seed)
    if as_json:
        typer.echo(json.dumps(results(setup(), held), ensure_ascii=False))
    else:
        _show(Console(highlight=False, markup=False), held)


def _sides(ctx: typer.Context, flags: Mapping[str, Any], against: Sequence[str]) -> list[Side]:
    settings = [settings_of(ctx, flags, quiet=True)]
    for other in against:
        path = Path(other).expanduser()
        is_adapter = other in ("none", "auto") or path.is_file()
        changed = {**flags, "models.llm_adapter": other} if is_adapter else model_flags(other)
        settings.append(settings_of(ctx, changed, quiet=True))

    # After the log is set up: pipecat greets on stderr when it is imported before.
    from agent.conversations.sides import side_of

    sides = [side_of(one) for one in settings]
    if len({side.name for side in sides}) < len(sides):
        raise ConfigError(f"--against: {sides[-1].name} would be compared with itself")
    if len({_reads_a_copy(one) for one in settings} - {None}) > 1:
        typer.echo(
            "one side reads its model as published, another from the copy for this CPU: words and "
            "delays differ by that, too; qingting --set models.llm_adapter=none models pull "
            "makes the copy that is missing",
            err=True,
        )
    return sides


def _reads_a_copy(settings: Settings) -> bool | None:
    """Whether the language model is read from a faster copy; None for one that wants none."""
    from agent.adapter import weights_of
    from agent.models import ModelStore

    store = ModelStore(settings.models_dir)
    name = store.known_name(settings.models.llm)
    copy = None if name is None else store.faster_copy(name)
    return None if copy is None else weights_of(settings).file.parent == copy.folder


def _chosen(
    scripts: Path | None,
    only: Sequence[str],
    callers: int | None,
    prompts: int | None,
    *,
    compare: bool,
) -> tuple[tuple[Cast, ...], tuple[Prompt, ...]]:
    from agent.conversations.prompts import prompts as all_prompts
    from agent.conversations.prompts import spread as spread_prompts
    from agent.conversations.script import PACKAGED, load_casts, spread

    casts = spread(load_casts(scripts or PACKAGED, only), callers)
    count = prompts if prompts is not None or compare else 0
    return casts, spread_prompts(all_prompts(), count)


async def _hold(
    sides: Sequence[Side],
    casts: Sequence[Cast],
    moments: Sequence[Prompt],
    *,
    audio: bool,
    at_once: int,
    seed: int,
    say: Callable[[str], None],
    keep: Callable[[Sequence[SideResult]], None],
) -> list[SideResult]:
    """Every side in turn; `keep` gets what is there after each, as a run may take an hour."""
    from agent import engines
    from agent.conversations.sides import speak_all, write_all

    held: list[SideResult] = []
    load = engines.load_language_model
    for side in sides:
        say(f"calling {side.name}")
        if audio:
            result = await speak_all(side, casts, seed=seed, say=say)
        else:
            result = await write_all(
                side, load, casts, moments, at_once=at_once, seed=seed, say=say
            )
        held.append(result)
        keep(held)
    return held


def _write_vote_page(
    out: Path, moments: Sequence[Prompt], base: Sequence[str], tuned: Sequence[str], seed: int
) -> None:
    from train.evaluate.side_by_side import blind_page
    from train.run_folder import write_json

    shown = [moment.shown() for moment in moments]
    page, key = blind_page(shown, base, tuned, seed=seed, store=f"qingting conversations {seed}")
    (out / VOTE_PAGE).write_text(page, "utf-8")
    write_json(out / VOTE_KEY, key.model_dump())


def _count(console: Console, key: Path, votes: Path) -> None:
    from train.evaluate.side_by_side import result_of

    result = result_of(key, votes)
    console.print(
        f"first side {result.tuned}, second {result.base}, no difference {result.even}; "
        f"by chance with probability {result.chance:.2g}"
    )


def _show(console: Console, held: Sequence[SideResult]) -> None:
    from rich.table import Table

    from agent.conversations.measure import FIGURES
    from agent.conversations.report.page import shown

    table = Table("figure", *(side.name for side in held))
    for name, figure in FIGURES.items():
        values = [side.figures[name] for side in held]
        if any(value is not None for value in values):
            table.add_row(figure.text, *(shown(name, value) for value in values))
    console.print(table)
