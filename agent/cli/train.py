"""`qingting train`: plan, run, resume and plot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.context import settings_of

if TYPE_CHECKING:
    from rich.console import Console

    from agent.config import Settings
    from train.plan import Plan
    from train.run_folder import RunFolder
    from train.start import Prepared, RunRequest

DataFiles = Annotated[
    list[Path], typer.Argument(metavar="DATA…", help="JSONL as `qingting data` writes it.")
]
ValidationFile = Annotated[
    Path | None,
    typer.Option(
        "--validation",
        help="JSONL to measure by; else valid.jsonl beside train.jsonl, else some of DATA is "
        "held back.",
    ),
]
BaseModelName = Annotated[
    str | None,
    typer.Option(
        "--base", help="Known model, GGUF, model folder, or owner/name on the hub; "
        "default: the language model of your settings.",
    ),
]  # fmt: skip
PresetName = Annotated[str, typer.Option("--preset", help="Recipe to begin with.")]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="Change the recipe; may be repeated."),
]
LlamaFactory = Annotated[
    str | None,
    typer.Option("--llama-factory", metavar="FILE|LINE", help="Take LLaMA-Factory's settings."),
]
StartFrom = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="RUN",
        help="Go on from the adapter of a finished run, a GGUF adapter, or a persona's (listener).",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Train although personal data remains.")]
Canaries = Annotated[
    int, typer.Option(min=0, help="Invented secrets to plant; `qingting eval` looks for them.")
]
Threads = Annotated[int | None, typer.Option(min=1, help="Compute threads on a processor.")]


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(help="Tune the model to a way of talking.", no_args_is_help=True)
    group.command()(plan)
    group.command()(run)
    group.command()(resume)
    group.command()(plot)
    group.command()(presets)
    group.command()(adopt)
    app.add_typer(group, name="train")


def plan(
    ctx: typer.Context,
    data: DataFiles,
    validation: ValidationFile = None,
    base: BaseModelName = None,
    preset: PresetName = "qingting-cpu",
    changes: Changes = None,
    llama_factory: LlamaFactory = None,
    start_from: StartFrom = None,
    force: Force = False,
    threads: Threads = None,
    price: Annotated[float | None, typer.Option(help="Price of an hour here.")] = None,
) -> None:
    """Say what a run would take and do, and what is wrong with it. Writes nothing."""
    from rich.console import Console

    start = _adapter(ctx, base, start_from)
    request = _request(ctx, data, validation, base, preset, changes, llama_factory, force)
    request = replace(request, start_from=start)
    console = Console(highlight=False)
    prepared, forecast = _forecast(request, threads, price)
    _show_plan(console, prepared, forecast)
    _show_elsewhere(console, prepared, forecast.steps)
    forecast.require_feasible()


def run(
    ctx: typer.Context,
    data: DataFiles,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run; must not exist.")],
    validation: ValidationFile = None,
    base: BaseModelName = None,
    preset: PresetName = "qingting-cpu",
    changes: Changes = None,
    llama_factory: LlamaFactory = None,
    start_from: StartFrom = None,
    force: Force = False,
    canaries: Canaries = 0,
    threads: Threads = None,
) -> None:
    """Train. Ctrl-C stops after the step under way; `qingting train resume` goes on."""
    from rich.console import Console

    from train.model_loading import require_training
    from train.render import coloured
    from train.run_folder import refuse_existing
    from train.start import create, first_row

    refuse_existing(out)
    require_training()
    start = _adapter(ctx, base, start_from)
    request = _request(ctx, data, validation, base, preset, changes, llama_factory, force)
    request = replace(request, canaries=canaries, start_from=start)
    console = Console(highlight=False)
    prepared, forecast = _forecast(request, threads, None)
    _show_plan(console, prepared, forecast)
    forecast.require_feasible()
    console.print("\nOne row; what is learned is [bold green]green[/]:")
    console.print(coloured(first_row(prepared), prepared.form.tokens))
    _train(console, create(out, prepared), threads, resuming=False)


def resume(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the run.")],
    threads: Threads = None,
) -> None:
    """Go on with a run that was interrupted or killed."""
    from rich.console import Console

    from train.run_folder import RunFolder

    _train(Console(highlight=False), RunFolder.open(run_folder), threads, resuming=True)


def plot(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the run.")],
) -> None:
    """Draw the loss curves of a run, finished or not, and judge them."""
    from train import finish
    from train.run_folder import RunFolder

    folder = RunFolder.open(run_folder)
    verdict = finish.plot(folder)
    typer.echo(f"{verdict.name}: {verdict.advice}")
    if verdict.best_step is not None:
        typer.echo(f"best checkpoint: step {verdict.best_step}")
    typer.echo(str(folder.path / "training_loss.png"))


def presets() -> None:
    """List the recipes."""
    from rich.console import Console
    from rich.table import Table

    from train.presets import PRESETS

    table = Table(box=None, padding=(0, 1, 0, 0))
    for heading in (
        "preset",
        "method",
        "rank",
        "alpha",
        "rate",
        "epochs",
        "batch",
        "tokens",
        "learns",
    ):
        table.add_column(heading, no_wrap=True)
    for name, recipe in PRESETS.items():
        table.add_row(
            name,
            recipe.method,
            str(recipe.rank),
            f"{recipe.alpha:g}",
            f"{recipe.learning_rate:g}",
            f"{recipe.max_steps} steps" if recipe.max_steps else f"{recipe.epochs:g}",
            f"{recipe.batch} x {recipe.accumulation}",
            str(recipe.max_tokens),
            recipe.learn,
        )
    Console().print(table)


def adopt(
    ctx: typer.Context,
    adapter: Annotated[Path, typer.Argument(metavar="FOLDER", help="Adapter of mlx-lm.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write; must not exist.")],
    base: BaseModelName = None,
) -> None:
    """Make an adapter of mlx-lm one of PEFT, and a GGUF for the call."""
    from train.base import locate
    from train.export.adapter import write_adapter
    from train.export.mlx import adopt as adopt_mlx
    from train.run_folder import refuse_existing

    refuse_existing(out)
    settings = settings_of(ctx)
    tuned = locate(
        _base(settings, base),
        offline=settings.privacy.refuses_downloads,
        hub_url=settings.models.hub_url,
    )
    config = tuned.folder / "config.json"
    adopt_mlx(adapter, out)
    write_adapter(out, config, out / "adapter.gguf", name=out.name)
    typer.echo(f"qingting --set models.llm_adapter={out / 'adapter.gguf'} chat")


def _base(settings: Settings, name: str | None) -> str:
    """Path of a known model, or what the user wrote."""
    from agent.models.store import ModelStore

    store = ModelStore(settings.models_dir)
    named = name or settings.models.llm
    return str(store.path(named)) if named in store.manifest else named


def _adapter(ctx: typer.Context, base: str | None, given: Path | None) -> Path | None:
    """The folder or file given, or the adapter of the persona of that name."""
    from agent.persona import persona_folder
    from pipeline.errors import ConfigError

    if given is None or given.exists():
        return given
    settings = settings_of(ctx)
    model = base or settings.models.llm
    if given.name == str(given) and Path(model).name == model:  # names, no paths
        own = persona_folder(given.name, settings.persona.directory) / f"{model}.gguf"
        if own.is_file():
            return own
    raise ConfigError(f"--from {given}: no run, no file, and no persona tuned for {model}")


def _request(
    ctx: typer.Context,
    data: list[Path],
    validation: Path | None,
    base: str | None,
    preset: str,
    changes: list[str] | None,
    llama_factory: str | None,
    force: bool,
) -> RunRequest:
    from pipeline.errors import ConfigError
    from train.elsewhere import from_llama_factory
    from train.start import RunRequest, validation_beside

    given: dict[str, Any] = from_llama_factory(llama_factory) if llama_factory else {}
    for change in changes or []:
        name, equals, value = change.partition("=")
        if not equals:
            raise ConfigError(f"--set {change}: write it as FIELD=VALUE")
        given[name.strip()] = value.strip()
    settings = settings_of(ctx)
    return RunRequest(
        tuple(data),
        validation or validation_beside(data),
        _base(settings, base),
        preset,
        given,
        force,
        offline=settings.privacy.refuses_downloads,
        hub_url=settings.models.hub_url,
    )


def _forecast(
    request: RunRequest, threads: int | None, price: float | None
) -> tuple[Prepared, Plan]:
    from train.base import shape_of
    from train.machine import this_machine
    from train.plan import plan as plan_of
    from train.start import figures, prepare

    prepared = prepare(request)
    forecast = plan_of(
        shape_of(request.base),
        prepared.recipe,
        figures(prepared),
        this_machine(threads),
        price_per_hour=price,
    )
    return prepared, forecast


def _show_plan(console: Console, prepared: Prepared, forecast: Plan) -> None:
    from rich.markup import escape

    counts, held_out = prepared.rows.counts(), prepared.request.validation
    console.print(
        f"[bold]{escape(prepared.base.name)}[/]  {prepared.recipe.stage} {prepared.recipe.method}, "
        f"preset {prepared.request.preset}"
    )
    console.print(
        f"rows     {counts['training']} to train on, {counts['validation']} to measure by"
        f"{f' ({escape(held_out.name)})' if held_out else ''}; "
        f"{counts['tokens']} tokens, {counts['learned_tokens']} learned, "
        f"longest {counts['longest']}"
    )
    console.print(f"memory   about {forecast.memory_bytes / 1e9:.1f} GB")
    console.print(f"time     about {_duration(forecast.secs)} for {forecast.steps} steps")
    if forecast.cost is not None:
        console.print(f"cost     about {forecast.cost:.2f}")
    for name, value in prepared.recipe.model_dump().items():
        suits = f"   [cyan]suits so many rows: {advised}[/]" if (
            advised := forecast.advice.get(name)) else ""  # fmt: skip
        console.print(f"  [dim]{name:<20}[/] {escape(_short(value))}{suits}")
    if prepared.earlier is not None:
        console.print(f"start    the adapter of {escape(str(prepared.earlier.path))}, in its shape")
    for warning in (*prepared.warnings, *forecast.warnings):
        console.print(f"[yellow]warning[/]  {escape(warning)}")


def _show_elsewhere(console: Console, prepared: Prepared, steps: int) -> None:
    import json

    from pipeline.errors import ConfigError
    from train.elsewhere import llama_factory_command, llama_factory_template, mlx_commands

    if prepared.earlier is not None:
        return  # they would begin from the bare model
    base = str(prepared.base.folder)
    kind = json.loads((prepared.base.folder / "config.json").read_text("utf-8"))["model_type"]
    console.print(
        "\nThe same with LLaMA-Factory (qingting data export … --to llama-factory -o data):"
    )
    template = llama_factory_template(kind, prepared.form.source)
    try:
        # `data export` registers each file by its stem.
        sets = ",".join(path.stem for path in prepared.request.data)
        held_out = prepared.request.validation.stem if prepared.request.validation else None
        command = llama_factory_command(prepared.recipe, base, template, sets, steps, held_out)
        console.print(command, markup=False, soft_wrap=True)
    except ConfigError as error:
        console.print(error.message, markup=False)
    console.print(
        "\nThe same on an Apple machine with mlx-lm (qingting data export … --to openai -o data):"
    )
    rows = len(prepared.rows.training)
    try:
        for command in mlx_commands(prepared.recipe, base, "data", rows):
            console.print(command, markup=False, soft_wrap=True)
    except ConfigError as error:
        console.print(error.message, markup=False)


def _train(console: Console, folder: RunFolder, threads: int | None, *, resuming: bool) -> None:
    from train import finish, sft

    outcome = sft.train(folder, resume=resuming, threads=threads)
    if outcome.state == "interrupted":
        console.print(
            f"stopped after step {outcome.steps}; to go on: qingting train resume {folder.path}",
            markup=False,
        )
        return
    verdict = finish.finish(folder)
    loss = "" if outcome.eval_loss is None else f", evaluation loss {outcome.eval_loss:.3f}"
    console.print(f"{outcome.steps} steps in {_duration(outcome.secs)}{loss}")
    console.print(f"loss curve: {verdict.name}. {verdict.advice}")
    console.print(f"talk to it: qingting chat --model {folder.path}", markup=False)


def _duration(secs: float) -> str:
    if secs < 90:
        return f"{secs:.0f} s"
    return f"{secs / 60:.0f} min" if secs < 5400 else f"{secs / 3600:.1f} h"


def _short(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
