"""The report of a comparison."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.config import Settings
from agent.conversations.call import HeldTurn
from agent.conversations.measure import judge
from agent.conversations.report.page import (
    PAGE_FILE,
    RESULTS_FILE,
    Setup,
    render_page,
    shown,
    verdict,
    write_report,
)
from agent.conversations.sides import SideResult, result_of, side_of
from pipeline.errors import ConfigError
from tests.agent.conversations.calls import call, script, turn

SETUP = Setup(spoken=False, seed=7, started_at="2026-11-21T10:00:00+00:00", duration_secs=12.0)


def side(name: str, *turns: HeldTurn) -> SideResult:
    return result_of(name, [judge(call(*turns, script=script(goal="<b>Talk</b>")))])


GOOD = side("tuned", turn("one", "Long days. What wears you out?"), turn("two", "I hear you."))
POOR = side(
    "base", turn("one", "You should get some rest."), turn("two", "You should get some rest.")
)


def test_the_page_needs_no_other_file(tmp_path: Path) -> None:
    """Pictures are inside, words are escaped, and nothing is fetched."""
    page = write_report(tmp_path / "out", SETUP, [GOOD, POOR]).read_text("utf-8")
    assert page.count("data:image/png;base64,") == 3
    assert "<b>Talk</b>" not in page
    assert 'src="http' not in page
    assert "href=" not in page
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        PAGE_FILE, RESULTS_FILE, "shares.png", "faults.png", "first_clauses.png",
    }  # fmt: skip


def test_spoken_calls_get_a_picture_of_their_latency(tmp_path: Path) -> None:
    """Where any turn has one."""
    write_report(tmp_path, SETUP, [side("tuned", turn("one", "Oh.", latency_ms=400.0))])
    assert (tmp_path / "latency.png").is_file()


def test_the_file_holds_every_turn(tmp_path: Path) -> None:
    """What was said, by whom, and what is wrong with it."""
    write_report(tmp_path, SETUP, [POOR])
    kept = json.loads((tmp_path / RESULTS_FILE).read_text("utf-8"))
    turns = kept["sides"][0]["calls"][0]["turns"]
    assert [one["faults"] for one in turns] == [["advice"], ["advice", "repeated", "same opening"]]
    assert kept["sides"][0]["figures"]["clean"] == 0.0
    assert set(kept["sides"][0]["by_locale"]) == {"en"}


def test_one_side_alone_is_not_coloured() -> None:
    """There is nothing to be better than."""
    assert 'class="number better"' not in render_page(SETUP, [GOOD])
    assert 'class="number better"' in render_page(SETUP, [GOOD, POOR])


@pytest.mark.parametrize(
    ("name", "value", "other", "expected"),
    [
        ("clean", 0.9, 0.2, "better"),
        ("parrot", 0.9, 0.2, "worse"),
        ("reply_units", 9.0, 2.0, ""),
        ("clean", None, 0.2, ""),
        ("clean", 0.2, 0.2, ""),
    ],
)
def test_which_way_is_better(
    name: str, value: float | None, other: float | None, expected: str
) -> None:
    """Some figures have no better."""
    assert verdict(name, value, other) == expected


def test_figures_are_shown_as_people_read_them() -> None:
    """Shares in percent, lengths as they are, nothing where there was no case."""
    assert [shown("clean", 0.875), shown("reply_units", 12.5), shown("clean", None)] == [
        "88%", "12.5", "",
    ]  # fmt: skip


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """By its name."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="file"):
        write_report(tmp_path / "file", SETUP, [GOOD])


def test_a_side_is_named_after_model_and_tuning(settings: Settings, tmp_path: Path) -> None:
    """A run by its folder, since all runs call their adapter alike."""

    def named(**models: str) -> str:
        return side_of(
            settings.model_copy(update={"models": settings.models.model_copy(update=models)})
        ).name

    assert named(llm="a-model", llm_adapter="none") == "a-model"
    assert named(llm=str(tmp_path / "b.gguf"), llm_adapter="none") == "b"
    assert named(llm="a-model", llm_adapter="/runs/first/adapter.gguf") == "a-model + first"
    assert named(llm="a-model", llm_adapter="/own/a-model.gguf") == "a-model, tuned"
