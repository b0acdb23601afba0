"""The table, the pictures and the page."""

import dataclasses
import io
import json
import re

import numpy as np
import pytest
from matplotlib import image
from rich.console import Console

from agent.bench.compare import compare
from agent.bench.record import to_json
from agent.bench.report import rows
from agent.bench.report.page import claim_folder, write_report
from agent.bench.report.plots import distribution_picture, waterfall_picture
from agent.bench.report.terminal import show, show_changes
from pipeline.errors import ConfigError
from tests.agent.bench.results import record, turn, turns

OURS = [
    *turns([300.0, 400.0, 500.0], ledger={"hits": 1.0}),
    turn(turn_id="call/9", transcript="<b>"),
]
RECORD = record(ours=OURS, sequential=turns([4000.0]), stock=turns([None]))


def table_of(table):
    return {row[0]: row[1:] for row in table.rows}


def test_the_overview_has_a_column_for_each_system():
    """In the order of the record; what there is not is a dash."""
    overview = rows.overview(RECORD)
    assert overview.heads == ("", "ours", "sequential", "stock")
    shown = table_of(overview)
    assert shown["turns"] == ("4", "1", "1")
    assert shown["reply p50 [95 %], ms"][0].startswith("400 [")
    assert shown["reply p50 [95 %], ms"][2] == rows.NONE
    assert shown["our median over theirs, same turns"] == (rows.NONE, "0.07", rows.NONE)
    assert all(len(row) == 4 for row in overview.rows)


def test_several_calls_at_once_tell_how_long_they_were():
    """They end one after the other; earlier records do not say."""
    several = dataclasses.replace(RECORD, at_once=4, all_under_way_percent={"ours": 86.4})
    shown = table_of(rows.overview(several))["all calls under way"]
    assert shown == ("86 % of the time", rows.NONE, rows.NONE)
    assert "all calls under way" not in table_of(rows.overview(RECORD))


def test_the_machine_is_named():
    """Processor, cores, load before and after, models, versions, revision."""
    text = "\n".join(rows.machine_lines(RECORD))
    for detail in ("Some CPU", "2 cores", "0.10 0.20 0.30", "1.00 0.50", "a-model", "abc1234"):
        assert detail in text


@pytest.mark.parametrize(("load", "busy"), [(0.2, False), (1.4, True)])
def test_a_machine_that_was_busy_before_is_told(load, busy):
    """Its figures are not its best."""
    machine = dataclasses.replace(RECORD.machine, load_at_start=(load, 0.1, 0.1))
    lines = rows.machine_lines(dataclasses.replace(RECORD, machine=machine))
    assert any("busy" in line for line in lines) == busy


def test_speculation_is_the_ledgers_and_the_servers_counters():
    """Sums over all turns."""
    assert rows.speculation(RECORD).rows == (
        ("hits", "3"),
        ("qingting_speculation_drafts_total hit", "3"),
    )


@pytest.mark.parametrize("picture", [waterfall_picture, distribution_picture])
@pytest.mark.parametrize("results", [RECORD, record(ours=turns([None], server_marks_ms={}))])
def test_pictures_are_png_images_with_something_on_them(picture, results):
    """Also when nothing was answered."""
    pixels = image.imread(io.BytesIO(picture(results)), format="png")
    assert pixels.shape[0] >= 100
    assert pixels.shape[1] >= 1000
    if results is RECORD:
        assert np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0).shape[0] > 3


def test_the_page_needs_nothing_else(tmp_path):
    """Pictures are inside, nothing is loaded from anywhere, and words cannot break it."""
    page = write_report(tmp_path / "out", RECORD, compare(OURS, OURS)).read_text("utf-8")
    assert page.count("data:image/png;base64,") == 2
    assert not re.search(r"""(src|href)\s*=\s*["'](?!data:)""", page)
    assert "&lt;b&gt;" in page
    assert "Compared with the earlier run" in page
    files = {path.name for path in (tmp_path / "out").iterdir()}
    assert files == {"report.html", "bench.json", "waterfall.png", "latency.png"}
    assert json.loads((tmp_path / "out" / "bench.json").read_text("utf-8")) == json.loads(
        to_json(RECORD)
    )


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    """Say so, with its name."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="file"):
        write_report(tmp_path / "file", RECORD)
    with pytest.raises(ConfigError, match=r"no report can be written to .*file"):
        claim_folder(tmp_path / "file")


def test_a_folder_is_claimed_and_left_empty(tmp_path):
    """Before there is anything to write."""
    claim_folder(tmp_path / "new" / "out")
    assert list((tmp_path / "new" / "out").iterdir()) == []


def test_the_terminal_shows_the_same():
    """Machine, overview, speculation, comparison."""
    console = Console(file=io.StringIO(), width=200)
    show(console, RECORD)
    show_changes(console, compare(OURS, OURS))
    text = console.file.getvalue()
    for detail in ("Some CPU", "400 [", "hits", "too few turns"):
        assert detail in text
