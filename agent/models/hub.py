"""Model files from a hub repository, at a pinned commit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent.models.manifest import Hub, ModelFile
from pipeline.errors import FetchError


def download_file(
    hub: Hub, file: ModelFile, folder: Path, hub_url: str | None, on_bytes: Callable[[int], None]
) -> Path:
    """Fetch one file; a half one in `folder` is resumed.

    Args:
        hub: Repository and commit.
        file: File of the repository.
        folder: Existing folder; the file lands at `folder / file.path`.
        hub_url: Address of a mirror of the hub, or None for the hub itself.
        on_bytes: Hears how many more bytes have arrived.

    Raises:
        FetchError: The hub cannot be reached, refuses, or has no such file or commit.
        OSError: The disk is full or cannot be written.
    """
    import httpx  # both load slowly, and most commands never fetch
    from huggingface_hub import errors, hf_hub_download
    from tqdm.auto import tqdm

    class Bar(tqdm):  # type: ignore[misc]
        """Hands the library's progress on instead of drawing it."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.pop("name", None)
            on_bytes(int(kwargs.get("initial", 0)))  # what an earlier fetch left
            super().__init__(*args, **{**kwargs, "disable": True})

        def update(self, n: float | None = 1) -> bool | None:
            on_bytes(int(n or 0))
            return None

    what = f"{file.path} of {hub.repository}"
    try:
        path = hf_hub_download(
            hub.repository,
            file.path,
            revision=hub.revision,
            local_dir=folder,
            endpoint=hub_url,
            tqdm_class=Bar,
        )
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        raise FetchError(
            f"the hub has no {hub.repository} at {hub.revision[:12]}, or it needs a login",
            retryable=False,
        ) from error
    except errors.RemoteEntryNotFoundError as error:
        raise FetchError(f"the hub has no {what}", retryable=False) from error
    except (errors.LocalEntryNotFoundError, errors.HfHubHTTPError, httpx.HTTPError) as error:
        raise FetchError(
            f"the hub could not be reached for {what}; what was complete is kept"
        ) from error
    return Path(path)
