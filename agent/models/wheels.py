"""Weights out of package wheels: pip fetches them, zipfile opens them, nothing is installed."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from agent.models.manifest import Wheel
from agent.models.verify import sha256_of
from pipeline.errors import FetchError

_POLL_SECS = 0.2  # between two looks at how far pip is
_BLOCK_BYTES = 1 << 20


def download_wheel(wheel: Wheel, folder: Path, on_bytes: Callable[[int], None]) -> Path:
    """Fetch one wheel with pip in hash-checking mode, without its dependencies.

    A wheel that lies in `folder` already is kept if its hash is right and deleted if not.

    Args:
        wheel: Package, version and hash.
        folder: Existing folder to put it in.
        on_bytes: Hears how many more bytes have arrived; they sum up to `wheel.size_bytes`.

    Returns:
        Path of the wheel.

    Raises:
        FetchError: No index, no such package, another hash, or no space.

    An interrupt (KeyboardInterrupt) ends pip and passes on; the half wheel is deleted.
    """
    have = find_wheel(wheel, folder)
    if have is not None:
        if sha256_of(have) == wheel.sha256:
            on_bytes(wheel.size_bytes)
            return have
        have.unlink()
    with TemporaryDirectory(dir=folder) as scratch:
        _run_pip(wheel, folder, Path(scratch), on_bytes)
    have = find_wheel(wheel, folder)
    if have is None:
        raise FetchError(f"pip brought no wheel for {wheel.package} {wheel.version}")
    return have


def find_wheel(wheel: Wheel, folder: Path) -> Path | None:
    """The wheel's file in `folder`, whatever its hash, or None."""
    for path in folder.glob("*.whl"):
        if path.name.lower().startswith(wheel.filename_prefix):
            return path
    return None


def extract_member(path: Path, member: str, target: BinaryIO) -> None:
    """Append one member of a wheel to an open file.

    Raises:
        FetchError: Not a wheel, or it does not have that member.
        OSError: The target cannot be written.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open(member) as source:
            while block := source.read(_BLOCK_BYTES):
                target.write(block)
    except (zipfile.BadZipFile, KeyError) as error:
        raise FetchError(f"{path.name} has no {member}", retryable=False) from error


def _run_pip(wheel: Wheel, folder: Path, scratch: Path, on_bytes: Callable[[int], None]) -> None:
    requirements = scratch / "requirements.txt"
    requirements.write_text(
        f"{wheel.package}=={wheel.version} --hash=sha256:{wheel.sha256}\n", "utf-8"
    )
    log = scratch / "log.txt"
    arriving = scratch / "arriving"  # pip downloads into TMPDIR first: its growth is our progress
    arriving.mkdir()
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    command += ["download", "--no-deps", "--require-hashes", "--only-binary=:all:"]
    command += ["--no-cache-dir", "--progress-bar=off", "-d", str(folder), "-r", str(requirements)]
    seen = 0
    with (
        log.open("wb") as sink,
        subprocess.Popen(
            command, stdout=sink, stderr=sink, env={**os.environ, "TMPDIR": str(arriving)}
        ) as pip,
    ):
        try:
            while True:
                try:
                    status = pip.wait(_POLL_SECS)
                    break
                except subprocess.TimeoutExpired:
                    arrived = min(_size_bytes(arriving), wheel.size_bytes)
                    if arrived > seen:
                        on_bytes(arrived - seen)
                        seen = arrived
        except BaseException:
            pip.terminate()
            raise
    if status != 0:
        raise _fault(wheel, folder, log.read_text("utf-8", errors="replace"))
    on_bytes(wheel.size_bytes - seen)


def _size_bytes(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):  # passes over a folder that pip removed meanwhile
        for name in names:
            try:
                total += (Path(parent) / name).stat().st_size
            except OSError:  # pip moved it meanwhile
                continue
    return total


def _fault(wheel: Wheel, folder: Path, log: str) -> FetchError:
    """What pip's complaint means to the user."""
    what = f"{wheel.package} {wheel.version}"
    if "DO NOT MATCH THE HASHES" in log:
        return FetchError(
            f"{what} from the package index has another hash than the manifest names; "
            "it was deleted",
            retryable=False,
        )
    if "No space left" in log:
        return FetchError(f"the disk of {folder} is full; what was complete is kept")
    if "No module named pip" in log:
        return FetchError("this Python has no pip; run: python -m ensurepip", retryable=False)
    if "No matching distribution" in log or "Could not find a version" in log:
        return FetchError(f"the package index cannot be reached or has no {what}")
    complaints = [line for line in log.splitlines() if line.startswith("ERROR: ")]
    reason = complaints[-1].removeprefix("ERROR: ") if complaints else "the network was lost"
    return FetchError(f"{what} could not be fetched: {reason}; what was complete is kept")
