"""`qingting voices audition`, `speaker` and `pull-chattts`: what only ChatTTS needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.cli.context import settings_of


def add_commands(group: typer.Typer) -> None:
    """Add the commands to the group `voices`."""
    group.command()(audition)
    group.command("pull-chattts")(pull_chattts)
    speaker = typer.Typer(help="ChatTTS's speakers: draw, keep, share.", no_args_is_help=True)
    speaker.command()(save)
    speaker.command()(load)
    speaker.command()(share)
    speaker.command()(show)
    group.add_typer(speaker, name="speaker")


def audition(
    ctx: typer.Context,
    seeds: Annotated[str, typer.Option(help="Seeds and ranges, such as 0-7,42.")] = "0-7",
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the samples.")] = Path(
        "runs/audition"
    ),
    text: Annotated[
        list[str] | None,
        typer.Option(help="What they say; repeat for more. Unset: both languages."),
    ] = None,
) -> None:
    """Let ChatTTS's speakers of several seeds say the same, to choose one."""
    settings = settings_of(ctx)

    import dataclasses

    from agent.voices import audition as auditions
    from agent.voices import chattts
    from pipeline.tts.base import Voice
    from pipeline.tts.chattts.speaker_file import SpeakerEmbedding

    chosen = auditions.parse_seeds(seeds)
    voice = chattts.load_chattts(settings, settings.voice.threads)
    from pipeline.tts.chattts.speaker_code import draw_speaker

    def cast(speaker: SpeakerEmbedding) -> Voice:
        return voice.spoken_by(dataclasses.replace(speaker, gain_db=0.0))

    for sample in auditions.audition(
        chosen, text or auditions.TEXTS, out, draw=draw_speaker, cast=cast
    ):
        typer.echo(f"{sample.clip}: {sample.secs:.1f} s")
    voice.close()
    typer.echo(f"listen: {out / 'index.html'}")
    typer.echo(f"choose: --set voice.chattts.speaker={out / 'seed-NNNN.speaker.json'}")


def pull_chattts(ctx: typer.Context) -> None:
    """Fetch ChatTTS's weights (1.2 GB) and check them against ChatTTS's own list."""
    settings = settings_of(ctx)

    from agent.voices import chattts
    from agent.voices.chattts_assets import pull
    from pipeline.tts.chattts import LICENCE
    from pipeline.tts.chattts.assets import hash_list

    folder = chattts.assets_dir(settings)
    hashes = hash_list()
    typer.echo(f"ChatTTS: {LICENCE}")
    pull(
        folder,
        hashes,
        hub_url=settings.models.hub_url,
        offline=settings.privacy.refuses_downloads,
        report=lambda file: typer.echo(f"fetching {file}"),
    )
    typer.echo(f"{folder}: complete and verified")


def save(
    ctx: typer.Context,
    seed: Annotated[int, typer.Argument(min=0, help="Which speaker to draw.")],
    file: Annotated[Path, typer.Argument(help="Speaker file to write.")],
    name: Annotated[str, typer.Option(help="What to call the speaker.")] = "",
) -> None:
    """Draw the speaker of a seed and keep it; needs no weights."""
    settings_of(ctx)

    import dataclasses

    from agent.voices.chattts import check_installed
    from pipeline.tts.chattts.speaker_file import save_speaker

    check_installed()
    from pipeline.tts.chattts.speaker_code import draw_speaker

    drawn = draw_speaker(seed)
    save_speaker(file, dataclasses.replace(drawn, name=name or drawn.name))
    typer.echo(f"{file}: {name or drawn.name}")


def load(
    ctx: typer.Context,
    code: Annotated[Path, typer.Argument(help="Text file with a speaker's code (spk_emb).")],
    file: Annotated[Path, typer.Argument(help="Speaker file to write.")],
    name: Annotated[str, typer.Option(help="What to call the speaker.")] = "",
) -> None:
    """Keep a speaker that somebody shared as ChatTTS's code."""
    settings_of(ctx)

    from agent.voices.chattts import check_installed
    from pipeline.errors import ConfigError
    from pipeline.tts.chattts.speaker_file import save_speaker

    check_installed()
    from pipeline.tts.chattts.speaker_code import from_code

    try:
        text = code.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{code} cannot be read as text") from error
    save_speaker(file, from_code(text, name))
    typer.echo(f"{file}: {name or 'a speaker without a name'}")


def share(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="Speaker file.")],
) -> None:
    """Print a speaker as ChatTTS's code, for other programs."""
    settings_of(ctx)

    from agent.voices.chattts import check_installed
    from pipeline.tts.chattts.speaker_file import load_speaker_file

    speaker = load_speaker_file(file)
    check_installed()
    from pipeline.tts.chattts.speaker_code import to_code

    typer.echo(to_code(speaker))


def show(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="Speaker file.")],
) -> None:
    """Say what a speaker file holds, and that it is whole."""
    settings_of(ctx)

    from pipeline.tts.chattts.speaker_file import load_speaker_file

    speaker = load_speaker_file(file)
    origin = "unknown" if speaker.seed is None else f"seed {speaker.seed}"
    typer.echo(f"name: {speaker.name or '-'}")
    typer.echo(f"from: {origin}")
    typer.echo(f"gain: {speaker.gain_db:+.1f} dB")
    typer.echo(f"dimensions: {len(speaker.values)}")
