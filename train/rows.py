"""The rows of a run: read, part, render, check, and keep beside the run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from pipeline.errors import DataError
from train import schema
from train.base import ChatFormat
from train.mix.spoken import is_copy, original_id
from train.packing import pack
from train.recipe import Recipe
from train.render import IGNORED, PreferencePair, Renderer, Row, require_learned
from train.run_folder import Parting

# A row of a run: supervised rows are trained one by one, preferences as pairs.
AnyRow: TypeAlias = Row | PreferencePair

_KIND = {"sft": schema.Conversation, "dpo": schema.Preference, "pt": schema.Document}


@dataclass(frozen=True, slots=True)
class Example:
    """What the model is given at once: one row, or several that do not see each other.

    Attributes:
        ids: Tokens.
        labels: As many.
        positions: As many; they start at 0 with each row.
    """

    ids: tuple[int, ...]
    labels: tuple[int, ...]
    positions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RunRows:
    """Training and validation rows, and how many records gave none."""

    training: tuple[AnyRow, ...]
    validation: tuple[AnyRow, ...]
    too_long: int

    @property
    def sha256(self) -> str:
        """Of all rows in order."""
        digest = hashlib.sha256()
        for row in (*self.training, *self.validation):
            digest.update(json.dumps(_as_json(row)).encode())
        return digest.hexdigest()

    def counts(self) -> dict[str, int]:
        """Figures for `run.json` and the plan."""
        rows = [row for part in self.training for row in _singles(part)]
        return {
            "training": len(self.training),
            "validation": len(self.validation),
            "too_long": self.too_long,
            "tokens": sum(len(row.ids) for row in rows),
            "learned_tokens": sum(row.learned for row in rows),
            "longest": max((len(row.ids) for row in rows), default=0),
        }


def read_records(path: Path, stage: str) -> list[schema.Record]:
    """The records of a file that the stage can learn from.

    Raises:
        DataError: A record is of another kind, or there is none.
    """
    kind = _KIND[stage]
    records: list[schema.Record] = []
    for record in schema.read(path):
        if not isinstance(record, kind):
            raise DataError(
                f"{path} holds a {type(record).__name__} ({record.id}); "
                f"stage={stage} learns from {kind.__name__} records"
            )
        records.append(record)
    if not records:
        raise DataError(f"{path} holds no record, so there is nothing to learn from")
    return records


def hold_out(
    records: Sequence[schema.Record], share: float, parting: Parting = "originals"
) -> tuple[list[schema.Record], list[schema.Record]]:
    """Part records for training from those for validation.

    The content's hash decides, so the same conversation always falls on the same side,
    however often it occurs and whatever is added later. A spoken copy follows its original
    into training, and is left out where that is held back: nearly the same words on both
    sides would measure what was learned by heart.

    Args:
        records: All.
        share: Of validation, 0 to 0.5.
        parting: `words` lets a spoken copy fall by its own words, to read older runs.
    """
    training: list[schema.Record] = []
    validation: list[schema.Record] = []
    originals: dict[str, schema.Record] = {}
    if parting == "originals":
        originals = {record.id: record for record in records if not is_copy(record)}
    for record in records:
        original = originals.get(original_id(record), record) if is_copy(record) else record
        digest = hashlib.sha256(_content(original).encode("utf-8", "surrogatepass")).digest()
        if int.from_bytes(digest[:8]) >= share * 2**64:
            training.append(record)
        elif original is record:
            validation.append(record)
    return training, validation


def refuse_leak(training: Iterable[schema.Record], held_out: Iterable[schema.Record]) -> None:
    """Check that nothing is in both, and of nothing a spoken copy.

    Raises:
        DataError: Something is.
    """
    both = {original_id(record) for record in training} & {
        original_id(record) for record in held_out
    }
    if both:
        raise DataError(
            f"{len(both)} conversations are in both training and validation ({min(both)}); "
            "what is learned by heart measures nothing"
        )


def make_rows(
    form: ChatFormat,
    recipe: Recipe,
    training: Sequence[schema.Record],
    validation: Sequence[schema.Record],
) -> RunRows:
    """Render all records.

    Raises:
        DataError: A row teaches nothing, all are too long, or the template is unfit.
    """
    renderer = Renderer(
        form.template, form.tokens, recipe.masking, bos=form.bos, system=recipe.system
    )
    rendered = [_render(renderer, form.eos, training), _render(renderer, form.eos, validation)]
    (rows, skipped), (held_out, skipped_held_out) = rendered
    require_learned(row for part in (*rows, *held_out) for row in _singles(part))
    if not rows:
        raise DataError(
            f"no conversation fits into {recipe.max_tokens} tokens; raise max_tokens"
            if skipped
            else "nothing is left to train on; lower validation_share"
        )
    return RunRows(tuple(rows), tuple(held_out), skipped + skipped_held_out)


def examples(rows: Iterable[Row], limit: int, *, packing: bool) -> list[Example]:
    """Rows as the model is given them."""
    rows = list(rows)
    lengths = [len(row.ids) for row in rows]
    groups = pack(lengths, limit) if packing else [[index] for index in range(len(rows))]
    return [_join([rows[index] for index in group]) for group in groups]


def save_rows(path: Path, rows: Iterable[AnyRow]) -> None:
    """Keep rows as JSONL."""
    with schema.replacing(path) as out:
        for row in rows:
            out.write(json.dumps(_as_json(row)) + "\n")


def load_rows(path: Path) -> list[AnyRow]:
    """What `save_rows` kept."""
    return [_from_json(json.loads(line)) for line in path.read_text("utf-8").splitlines()]


def _render(
    renderer: Renderer, eos: int, records: Sequence[schema.Record]
) -> tuple[list[AnyRow], int]:
    rows: list[AnyRow] = []
    skipped = 0
    for record in records:
        made: list[AnyRow]
        match record:
            case schema.Conversation():
                made = list(renderer.rows(record))
            case schema.Preference():
                pair = renderer.preference(record)
                made = [pair] if pair else []
            case schema.Document():
                made = list(renderer.document(record, eos))
        rows += made
        skipped += not made
    return rows, skipped


def _join(rows: Sequence[Row]) -> Example:
    return Example(
        tuple(token for row in rows for token in row.ids),
        # The first token of a row must not be predicted from the row before it.
        tuple(label for row in rows for label in (IGNORED, *row.labels[1:])),
        tuple(position for row in rows for position in range(len(row.ids))),
    )


def _singles(row: AnyRow) -> Iterator[Row]:
    if isinstance(row, PreferencePair):
        yield row.chosen
        yield row.rejected
    else:
        yield row


def _content(record: schema.Record) -> str:
    match record:
        case schema.Conversation():
            return "\0".join(message.content for message in record.messages)
        case schema.Preference():
            return "\0".join(message.content for message in record.prompt)
        case schema.Document():
            return record.text


def _as_json(row: AnyRow) -> dict[str, object]:
    if isinstance(row, PreferencePair):
        return {"chosen": _as_json(row.chosen), "rejected": _as_json(row.rejected)}
    return {"ids": row.ids, "labels": row.labels, "source": row.source}


def _from_json(content: dict[str, object]) -> AnyRow:
    def single(part: object) -> Row:
        assert isinstance(part, dict)
        return Row(tuple(part["ids"]), tuple(part["labels"]), str(part["source"]))

    if "chosen" in content:
        return PreferencePair(single(content["chosen"]), single(content["rejected"]))
    return single(content)
