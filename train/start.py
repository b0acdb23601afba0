"""A new run: everything is checked and written down before the first step."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.errors import DataError
from train import schema
from train.base import Base, ChatFormat, load_format, locate
from train.clean.gate import high_risk
from train.earlier import Earlier, earlier_adapter
from train.evaluate.canaries import plant
from train.plan import RowFigures
from train.presets import recipe as recipe_of
from train.recipe import Recipe
from train.render import IGNORED, PreferencePair, Row
from train.rows import (
    RunRows,
    examples,
    hold_out,
    make_rows,
    read_records,
    refuse_leak,
    save_rows,
)
from train.run_folder import DataFile, Manifest, RunFolder, file_sha256

_VERSIONS_OF = (
    "qingting",
    "torch",
    "transformers",
    "peft",
    "trl",
    "unsloth",
    "unsloth_zoo",
    "gguf",
    "llama-cpp-python",
)


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What the user asked for.

    Attributes:
        data: JSONL files to learn from.
        validation: JSONL file to measure by; None holds some of `data` back.
        base: GGUF, model folder, or name on the hub.
        preset: Named recipe.
        changes: Fields of the recipe that differ.
        force: Train although high-risk personal data was found.
        canaries: Invented secrets to plant, see `train.evaluate.canaries`.
        offline: Take no base from the hub that is not here.
        hub_url: Address of a mirror of the hub, or None for the hub itself.
        start_from: Finished run, or GGUF adapter, that is gone on from.
    """

    data: tuple[Path, ...]
    validation: Path | None
    base: str
    preset: str
    changes: Mapping[str, Any]
    force: bool = False
    canaries: int = 0
    offline: bool = False
    hub_url: str | None = None
    start_from: Path | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request with everything it needs found, read and rendered."""

    request: RunRequest
    recipe: Recipe
    base: Base
    form: ChatFormat
    rows: RunRows
    warnings: tuple[str, ...]
    records: Mapping[Path, int]
    earlier: Earlier | None = None


def prepare(request: RunRequest) -> Prepared:
    """Read, check and render everything; nothing is written.

    Raises:
        ConfigError: The recipe.
        DataError: The data; also when high-risk personal data remains in it and
            `force` is not set.
        ModelError: The base.
    """
    recipe = recipe_of(request.preset, request.changes)
    records: list[schema.Record] = []
    counts: dict[Path, int] = {}
    for path in request.data:
        read = read_records(path, recipe.stage)
        counts[path] = len(read)
        records += read
    left_out = 0
    if request.validation is None:
        training, validation = hold_out(records, recipe.validation_share)
        left_out = len(records) - len(training) - len(validation)
    else:
        training, validation = records, read_records(request.validation, recipe.stage)
        counts[request.validation] = len(validation)
        refuse_leak(training, validation)
    risks = [found.sentence() for found in map(high_risk, counts) if found]
    if risks and not request.force:
        raise DataError(risks[0])
    training += plant(request.canaries, recipe.seed, recipe.system)[1]
    base = locate(request.base, offline=request.offline, hub_url=request.hub_url)
    earlier = None
    if request.start_from is not None:
        earlier = earlier_adapter(request.start_from, base.folder)
        recipe = earlier.recipe(recipe)
    form = load_format(base.folder)
    rows = make_rows(form, recipe, training, validation)
    warnings = _warnings(rows, risks, recipe, training)
    if left_out:
        warnings.append(f"{left_out} spoken copies of held-out conversations are left out")
    if earlier is not None:
        warnings += earlier.notes
    return Prepared(request, recipe, base, form, rows, tuple(warnings), counts, earlier)


def validation_beside(data: Sequence[Path]) -> Path | None:
    """The `valid.jsonl` that `qingting data split` wrote beside the `train.jsonl` in `data`.

    Returns:
        None where there is none, it is empty, or `data` is more than that one part.
    """
    if [path.name for path in data] != ["train.jsonl"]:
        return None
    beside = data[0].with_name("valid.jsonl")
    return beside if beside.is_file() and beside.stat().st_size else None


def create(path: Path, prepared: Prepared) -> RunFolder:
    """Make the run folder.

    Raises:
        ConfigError: There is something at `path` already.
    """
    folder = RunFolder.create(path)
    folder.data.mkdir()
    save_rows(folder.data / "training.jsonl", prepared.rows.training)
    save_rows(folder.data / "validation.jsonl", prepared.rows.validation)
    (path / "rows.txt").write_text(marked(_first(prepared.rows), prepared.form), "utf-8")
    base, earlier = prepared.base, prepared.earlier
    started_sha256 = earlier.copy(folder.start) if earlier else None
    folder.save(
        Manifest(
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            base=base.name,
            base_gguf=str(base.gguf.resolve()) if base.gguf else None,
            base_folder=str(base.folder.resolve()),
            started_from=str(earlier.path.resolve()) if earlier else None,
            started_sha256=started_sha256,
            recipe=prepared.recipe,
            preset=prepared.request.preset,
            template_sha256=prepared.form.digest,
            data=tuple(
                DataFile(
                    path=str(path.resolve()),
                    role="validation" if path == prepared.request.validation else "training",
                    sha256=file_sha256(path),
                    records=count,
                )
                for path, count in prepared.records.items()
            ),
            rows_sha256=prepared.rows.sha256,
            rows=prepared.rows.counts(),
            versions=_versions(),
            machine=f"{platform.system()} {platform.machine()}",
            pii_forced=prepared.request.force,
            canaries=prepared.request.canaries,
            parting="originals",
            warnings=prepared.warnings,
        )
    )
    return folder


def figures(prepared: Prepared) -> RowFigures:
    """What the plan goes by."""
    counts = prepared.rows.counts()
    recipe = prepared.recipe
    rows = [row for row in prepared.rows.training if isinstance(row, Row)]
    packs = examples(rows, recipe.max_tokens, packing=recipe.packing)
    return RowFigures(
        rows=counts["training"],
        examples=len(packs) or counts["training"],
        tokens=counts["tokens"],
        learned_tokens=counts["learned_tokens"],
        longest=counts["longest"],
    )


def first_row(prepared: Prepared) -> Row:
    """A row to show."""
    return _first(prepared.rows)


def marked(row: Row, form: ChatFormat) -> str:
    """The row as plain text, learned stretches between ⟦ and ⟧."""
    parts: list[str] = []
    stretch: list[int] = []
    was_learned = False
    for token, label in [*zip(row.ids, row.labels, strict=True), (None, IGNORED)]:
        learned = label != IGNORED
        if (learned != was_learned or token is None) and stretch:
            text = form.tokens.decode(stretch)
            parts.append(f"⟦{text}⟧" if was_learned else text)
            stretch = []
        if token is not None:
            stretch.append(token)
        was_learned = learned
    return "".join(parts) + "\n"


def _first(rows: RunRows) -> Row:
    first = rows.training[0]
    return first.chosen if isinstance(first, PreferencePair) else first


def _warnings(
    rows: RunRows,
    risks: Sequence[str],
    recipe: Recipe,
    training: Sequence[schema.Record],
) -> list[str]:
    found = []
    if risks:
        found.append("trained by force although personal data remains")
    if rows.too_long:
        found.append(
            f"{rows.too_long} records are longer than {recipe.max_tokens} tokens and are left out"
        )
    speechless = sum(
        isinstance(record, schema.Conversation) and not (record.system or recipe.system)
        for record in training
    )
    if speechless:
        found.append(
            f"{speechless} of {len(training)} records have no system prompt, so the template's own "
            "stands there, which may name the base; give one with --set system=…"
        )
    return found


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _VERSIONS_OF:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
