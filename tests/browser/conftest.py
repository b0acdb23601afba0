"""A real server with real models, and Debian's Chromium with a microphone made of wav files.

Run with `make test-browser`. Screenshots and recordings land in `test-artifacts/browser`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

ARTIFACTS = Path(__file__).parents[2] / "test-artifacts" / "browser"

# `make test` collects every folder, but only `make test-browser` installs what these need.
if importlib.util.find_spec("playwright") is None:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def artifacts() -> Path:
    """Where what a person should look at is kept."""
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    return ARTIFACTS


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def booth(tmp_path_factory) -> AsyncIterator[object]:
    """One server for a module: its models are loaded once, not once a test."""
    from tests.browser.booth import open_booth

    async with open_booth(tmp_path_factory.mktemp("booth")) as one:
        yield one


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def _lines_are_free_again(booth) -> AsyncIterator[None]:
    """No call of one test takes a line from the next."""
    yield
    await booth.hang_up_all()
