"""Fetching ChatTTS's weights: nine files of its hub repository, each checked before it counts.

The manifest pins commits; ChatTTS's own list pins the bytes, which is stricter. So the
repository's newest commit is asked, and a file that changed there is refused.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from pipeline.errors import FetchError
from pipeline.tts.chattts.assets import FILES, TOTAL_BYTES, faults

REPOSITORY = "2Noise/ChatTTS"


def pull(
    folder: Path,
    hashes: dict[str, str],
    *,
    hub_url: str | None,
    offline: bool = False,
    report: Callable[[str], None] = lambda file: None,
) -> None:
    """Bring the files that are missing or damaged; finished ones stay when it fails.

    Args:
        folder: Gets the `asset` folder.
        hashes: File to SHA-256, as `assets.hash_list`.
        hub_url: Address of a mirror of the model hub, or None for the hub itself.
        offline: Refuse to download.
        report: Hears each file's name before it is fetched.

    Raises:
        FetchError: Refused, not reachable, no room, or not what the list names.
    """
    missing, corrupt = faults(folder, hashes)
    wanted = [file for file in FILES if file in missing or file in corrupt]
    if not wanted:
        return
    if offline:
        raise FetchError(
            "ChatTTS's weights are not here and privacy.offline refuses downloads", retryable=False
        )
    arriving = folder / ".downloads"
    try:
        arriving.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(folder).free < TOTAL_BYTES:
            raise FetchError(f"{folder} has no room for ChatTTS's {TOTAL_BYTES / 1e9:.1f} GB")
        for file in wanted:
            report(file)
            fetched = _download(file, arriving, hub_url)
            if faults(arriving, {file: hashes[file]}) != ([], []):
                fetched.unlink()
                raise FetchError(
                    f"the hub's {file} is not the one that this version of ChatTTS names; "
                    "it was deleted",
                    retryable=False,
                )
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            fetched.replace(folder / file)
        shutil.rmtree(arriving, ignore_errors=True)
    except OSError as error:
        raise FetchError(
            f"{error.filename or folder} cannot be written: {error.strerror}"
        ) from error


def _download(file: str, folder: Path, hub_url: str | None) -> Path:
    import httpx  # both load slowly
    from huggingface_hub import errors, hf_hub_download

    try:
        return Path(hf_hub_download(REPOSITORY, file, local_dir=folder, endpoint=hub_url))
    except (errors.RepositoryNotFoundError, errors.RemoteEntryNotFoundError) as error:
        raise FetchError(f"the hub has no {file} of {REPOSITORY}", retryable=False) from error
    except (errors.LocalEntryNotFoundError, errors.HfHubHTTPError, httpx.HTTPError) as error:
        raise FetchError(
            f"the hub could not be reached for {file}; what was complete is kept"
        ) from error
