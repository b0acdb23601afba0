"""Fixtures of the scenarios."""

from __future__ import annotations

import pytest

from tests.fakes import speech


@pytest.fixture(autouse=True)
def _as_loud_as_if_alone() -> None:
    """What earlier tests said decides about no loudness in this one."""
    speech.forget()
