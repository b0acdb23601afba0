"""Everything about one caller, or one call, as files that anybody can open."""

from __future__ import annotations

import json
import wave
from pathlib import Path
from typing import Any

from agent.store.kept import CallRecord, Item, ItemKind
from agent.store.records import RecordStore
from pipeline.audio import INPUT_RATE_HZ, OUTPUT_RATE_HZ, SAMPLE_BYTES
from pipeline.errors import StoreError

_RATES_HZ: dict[ItemKind, int] = {"caller_audio": INPUT_RATE_HZ, "bot_audio": OUTPUT_RATE_HZ}


def export(store: RecordStore, records: list[CallRecord], folder: Path) -> list[Path]:
    """Write each record to a folder of its own: `record.json`, and a WAV for each voice.

    Args:
        store: Where the records are; its audit log notes every export.
        records: What to write.
        folder: Made when missing; files of the same name are replaced.

    Returns:
        The files written. They are not encrypted any more.

    Raises:
        StoreError: A record cannot be opened, or a file cannot be written.
    """
    written: list[Path] = []
    for record in records:
        items = store.items(record.call_id, reason="exported")
        try:
            target = folder / record.call_id
            target.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = target / "record.json"
            file.write_text(as_json(record, items) + "\n", "utf-8")
            written.append(file)
            written += [
                _write_voice(target / f"{kind}.wav", items, kind, rate_hz)
                for kind, rate_hz in _RATES_HZ.items()
                if any(item.kind == kind for item in items)
            ]
        except OSError as error:
            raise StoreError(f"The export to {folder} failed: {error.strerror}") from error
    return written


def as_json(record: CallRecord, items: list[Item]) -> str:
    """A record with its words and marks; audio is left to the WAV files."""
    lines = [
        {
            "at": item.at.isoformat(),
            "kind": item.kind,
            **_content(item),
        }
        for item in items
        if item.kind not in _RATES_HZ
    ]
    return json.dumps({**record.model_dump(mode="json"), "lines": lines}, ensure_ascii=False)


def _content(item: Item) -> dict[str, Any]:
    if item.kind == "mark":
        return dict(json.loads(item.content))
    if item.kind in ("intake", "memory"):
        return {"record": json.loads(item.content)}
    return {"text": item.text}


def _write_voice(path: Path, items: list[Item], kind: ItemKind, rate_hz: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(SAMPLE_BYTES)
        file.setframerate(rate_hz)
        for item in items:
            if item.kind == kind:
                file.writeframes(item.content)
    return path
