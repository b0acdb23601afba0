"""The conversations of a run, parted as training parted them."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import DataError
from train import schema
from train.rows import hold_out, read_records, refuse_leak
from train.run_folder import RunFolder, file_sha256


def records_of(
    folder: RunFolder, data: Path | None
) -> tuple[list[schema.Record], list[schema.Conversation]]:
    """Held-out records to measure by, and what was learned from.

    Args:
        folder: The run.
        data: File to measure by; None takes what the run held back.

    Raises:
        DataError: The run's data are not there any more or have changed, or `data` holds
            what was learned.
    """
    manifest = folder.manifest
    read: dict[str, list[schema.Record]] = {"training": [], "validation": []}
    for file in manifest.data:
        path = Path(file.path)
        if not path.is_file() or file_sha256(path) != file.sha256:
            raise DataError(f"{path} is not there any more, or has changed since training")
        read[file.role] += read_records(path, manifest.recipe.stage)
    training, held_out = read["training"], read["validation"]
    if not held_out:
        training, held_out = hold_out(training, manifest.recipe.validation_share, manifest.parting)
    learned = [record for record in training if isinstance(record, schema.Conversation)]
    if data is None:
        return held_out, learned
    given = read_records(data, "sft")
    refuse_leak(learned, given)
    return given, learned
