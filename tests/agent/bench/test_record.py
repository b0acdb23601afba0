"""Records."""

import json

import pytest

from agent.bench.record import FIGURES, read_record, to_json
from pipeline.errors import ConfigError
from tests.agent.bench.results import record, turn, turns

RECORD = record(ours=turns([300.0, 500.0]), stock=turns([1000.0, 3000.0]))


def test_a_record_is_one_line_and_comes_back_as_it_was(tmp_path):
    """Written, read, equal."""
    line = to_json(RECORD)
    assert "\n" not in line
    assert json.loads(line)["version"] == 1
    path = tmp_path / "bench.json"
    path.write_text(line, encoding="utf-8")
    assert read_record(path) == RECORD


@pytest.mark.parametrize("content", ["", "{}", '{"version": 2}', "no JSON"])
def test_what_is_no_record_is_refused(tmp_path, content):
    """With the file's name."""
    path = tmp_path / "old.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"old\.json is not a record"):
        read_record(path)


def test_a_missing_record_is_an_error(tmp_path):
    """Not a crash."""
    with pytest.raises(ConfigError, match="cannot be read"):
        read_record(tmp_path / "none.json")


def test_figures_are_those_that_can_be_required():
    """Percentages, milliseconds and ratios of our own side."""
    figures = RECORD.figures()
    assert set(figures) <= set(FIGURES)
    assert (figures["p50_ms"], figures["ratio_stock"]) == (400.0, 0.2)
    cut = record(ours=[*turns([300.0] * 3), turn(premature=True, pauses=4, cut_pauses=1)])
    assert cut.figures()["premature_percent"] == 25.0
    assert cut.figures()["cut_pauses_percent"] == 25.0


def test_what_was_not_measured_has_no_figure():
    """No pauses, no rate of cut pauses; no answer, no latency; no turns of ours, nothing."""
    figures = record(ours=turns([None])).figures()
    assert {"p50_ms", "cut_pauses_percent", "ratio_stock"}.isdisjoint(figures)
    assert record(stock=turns([1.0])).figures() == {}
