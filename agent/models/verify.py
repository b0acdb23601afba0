"""Hashing model files, once: a stamp remembers what was verified.

A stamp is JSON: file path to [size, mtime_ns, sha256]. A file is trusted without reading
it again only while size and time of change stand as stamped and the manifest still names
the stamped hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeAlias

from agent.models.manifest import ModelFile

FileState: TypeAlias = Literal["present", "missing", "corrupt"]
_BLOCK_BYTES = 1 << 20


def sha256_of(path: Path, on_bytes: Callable[[int], None] | None = None) -> str:
    """SHA-256 of a file in hexadecimal; `on_bytes` hears the size of every block read.

    Raises:
        OSError: The file cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            if on_bytes:
                on_bytes(len(block))
    return digest.hexdigest()


class Stamp:
    """What was verified of one model, kept in a small file.

    Args:
        path: The stamp file; a missing or unreadable one counts as empty.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            stamped = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            stamped = {}
        self._files: dict[str, list[object]] = stamped if isinstance(stamped, dict) else {}

    def state(self, root: Path, file: ModelFile, *, full: bool = False) -> FileState:
        """Whether `file` under `root` is what the manifest says.

        Args:
            root: The model's folder.
            file: What it should be.
            full: Read and hash it even if it is stamped.

        Raises:
            OSError: The file is there but cannot be read.
        """
        path = root / file.path
        if not path.is_file():
            return "missing"
        status = path.stat()
        if status.st_size != file.size_bytes:
            return "corrupt"
        mark: list[object] = [status.st_size, status.st_mtime_ns, file.sha256]
        if not full and self._files.get(file.path) == mark:
            return "present"
        if sha256_of(path) != file.sha256:
            self._files.pop(file.path, None)
            self._save()
            return "corrupt"
        self._files[file.path] = mark
        self._save()
        return "present"

    def _save(self) -> None:
        # A read-only home only costs the hashing at the next start.
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(json.dumps(self._files), "utf-8")
        except OSError:
            pass
