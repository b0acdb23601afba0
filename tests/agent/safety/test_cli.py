"""`qingting safety hotlines`."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from agent.cli import app
from agent.safety.hotlines import REGIONS, hotlines


def test_every_number_is_listed_with_its_source() -> None:
    """Without a region, all of them."""
    shown = CliRunner().invoke(app, ["safety", "hotlines"])
    assert shown.exit_code == 0
    for line in hotlines():
        assert line.number in shown.stdout
        assert line.source in shown.stdout


@pytest.mark.parametrize("region", REGIONS)
def test_a_region_shows_its_own_numbers_only(region: str) -> None:
    """One entry a number, headed by its region."""
    shown = CliRunner().invoke(app, ["safety", "hotlines", "--region", region]).stdout
    heads = [line for line in shown.splitlines() if not line.startswith(" ")]
    assert [head.split()[0] for head in heads] == [region] * len(heads)
    assert len(heads) == sum(line.region == region for line in hotlines())


def test_an_unknown_region_is_refused_in_a_sentence() -> None:
    """With exit code 2."""
    refused = CliRunner().invoke(app, ["safety", "hotlines", "--region", "XX"])
    assert refused.exit_code == 2
    assert "safety.region" in refused.stderr
