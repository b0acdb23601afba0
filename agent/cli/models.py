"""`qingting models`: what there is, fetching, and checking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

import typer

from agent.cli.context import settings_of

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console
    from rich.progress import TaskID

    from agent.config import Settings
    from agent.models import ModelStore
    from agent.models.fetch import FetchProgress

_STATE_STYLE = {"present": "green", "partial": "yellow", "missing": "dim", "corrupt": "red"}


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(help="Model files.", no_args_is_help=True)
    group.command("list")(list_models)
    group.command()(pull)
    group.command()(verify)
    app.add_typer(group, name="models")


def list_models(ctx: typer.Context) -> None:
    """List the known models, their licences and whether they are here."""
    from rich.console import Console
    from rich.markup import escape

    from agent.models import ModelStore

    settings = settings_of(ctx)
    store = ModelStore(settings.models_dir)
    used = set(models_in_use(settings))
    console = Console(highlight=False, soft_wrap=True)
    for model in store.manifest.models:
        state = store.status(model.name).state
        name = f"[bold]{model.name:<20}[/]" if model.name in used else f"{model.name:<20}"
        languages = " ".join(model.languages)
        size = f"{model.size_bytes / 1e6:.0f} MB"
        console.print(
            f"{name} {model.role:<6}{languages:<6}{size:>8}  [{_STATE_STYLE[state]}]{state}[/]"
        )
        console.print(f"    {escape(model.about)}.")
        console.print(f"    [dim]{escape(f'{model.licence}: {model.allows}')}[/]")
    folder = escape(str(store.models_dir))
    console.print(f"\nIn [bold]bold[/]: what your settings name. Folder: {folder}")


def pull(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]…", help="Models; without names, those your settings use."),
    ] = None,
) -> None:
    """Fetch and verify models; what is here and right already is left alone."""
    from rich.console import Console

    from agent.adapter import adapter_for
    from agent.models import ModelStore
    from agent.models.fetch import Fetcher
    from pipeline.errors import ModelError

    settings = settings_of(ctx)
    store = ModelStore(settings.models_dir)
    wanted = names or _known_in_use(settings, store)
    for name in wanted:
        store.manifest.get(name)  # a misspelt name fails before anything is fetched
    console = Console(stderr=True)
    with _ProgressBars(console) as bars:
        fetcher = Fetcher(
            store,
            hub_url=settings.models.hub_url,
            offline=settings.privacy.refuses_downloads,
            report=bars.show,
        )
        for name in wanted:
            fetcher.fetch(name)
            console.print(f"[green]✓[/] {name}", highlight=False)
    for name in wanted:
        adapter = adapter_for(settings, name)
        try:
            _make_copy(store, name, adapter, console)
        except ModelError as error:
            if adapter is None:
                raise
            said = f"{error.message}; the adapter stays beside the model"
            console.print(said, markup=False, soft_wrap=True)
            _make_copy(store, name, None, console)


def _make_copy(store: ModelStore, name: str, adapter: Path | None, console: Console) -> None:
    """Make the model's faster copy, if it wants one and has none that is good."""
    from agent.cores import usable_cores

    copy = store.faster_copy(name, adapter)
    if copy is None or copy.is_good():
        return
    tuned = "" if adapter is None else ", with its adapter in it"
    with console.status(f"{name}: rewriting the weights for this CPU{tuned}, about a minute"):
        copy.make(store.path(name), threads=usable_cores())
    console.print(f"[green]✓[/] {name} as {copy.quantisation}{tuned}", highlight=False)


def verify(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]…", help="Models; without names, all that are here."),
    ] = None,
) -> None:
    """Hash model files again, whatever was verified before."""
    from rich.console import Console

    from agent.models import ModelStore

    store = ModelStore(settings_of(ctx).models_dir)
    console = Console()
    faults = 0
    for name in names or [model.name for model in store.manifest.models]:
        status = store.status(name, full=True)
        if status.state == "missing" and not names:
            continue
        if status.state == "present":
            console.print(f"[green]✓[/] {name}", highlight=False)
        else:
            faults += 1
            typer.echo(
                f"qingting: {name} is {status.state} ({', '.join(status.faults())}); "
                f"run: qingting models pull {name}",
                err=True,
            )
    if faults:
        raise typer.Exit(2)


def models_in_use(settings: Settings) -> list[str]:
    """Names (or paths) of the models that the settings load."""
    from agent.voices.names import voice_models

    return [settings.models.stt, settings.models.llm, *voice_models(settings)]


def _known_in_use(settings: Settings, store: ModelStore) -> list[str]:
    """The models of the manifest that the settings load; whatever else they name is a path.

    Raises:
        ConfigError: A setting names no voice.
        ModelMissingError: A setting names neither a model nor a path.
    """
    from agent.voices.names import check_voices

    check_voices(settings, store.manifest)
    names = models_in_use(settings)
    for name in names:
        if name not in store.manifest:
            store.locate(name)
    return [name for name in names if name in store.manifest]


class _ProgressBars:
    """One bar for each model that is being fetched, on a terminal or as lines without one."""

    def __init__(self, console: Console) -> None:
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        self._console = console
        self._tasks: dict[str, TaskID] = {}
        self._bars = Progress(
            TextColumn("{task.fields[model]:<20}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            TextColumn("[dim]{task.description}"),
            console=console,
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._bars.stop()

    def show(self, progress: FetchProgress) -> None:
        """Draw one step."""
        name = progress.model
        if progress.step in ("waiting", "deleted"):
            self._console.print(f"{name}: {progress.step} {progress.detail}", highlight=False)
            return
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task("", total=None, model=name)
        self._bars.update(
            self._tasks[name],
            completed=progress.done_bytes,
            total=progress.total_bytes or None,
            description=f"{progress.step} {progress.detail}".strip(),
        )
