"""The lists of readings, and how they are scored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.cli import app
from agent.voices.reading.check import Mistake, check, sounds_of
from pipeline.errors import ConfigError


def test_the_packaged_lists_are_read_right():
    """Over 700 sentences of polyphones, over 130 of numbers; nearly all as written there."""
    scores = {score.name: score for score in check()}
    assert scores["polyphones"].sentences > 700
    assert scores["polyphones"].share_right > 0.99
    numbers = [score for name, score in scores.items() if name.startswith("numbers")]
    assert sum(score.sentences for score in numbers) > 130 + 290
    assert [score.mistakes for score in numbers] == [()] * 6


def test_the_second_lists_are_counted_apart():
    """They were written without looking at the rules."""
    scores = {score.name: score for score in check()}
    assert scores["polyphones unseen"].sentences > 230
    assert scores["polyphones unseen"].share_right > 0.99
    assert {"numbers unseen zh-Hans", "numbers unseen zh-Hant", "numbers unseen en"} <= set(scores)


def test_one_of_several_readings_is_enough(tmp_path: Path):
    """Parted by a stroke; spaces do not count."""
    file = tmp_path / "own.txt"
    file.write_text("zh-Hans\t2天\t二天|两 天\nen\t2\tthree|two\n", encoding="utf-8")
    assert [score.mistakes for score in check(numbers=file)[-2:]][1] == ()


def test_a_locale_decides_where_the_script_does_not(tmp_path: Path):
    """打119 is written alike everywhere."""
    file = tmp_path / "own.txt"
    file.write_text("zh-Hans\t打119\t打幺幺九\nzh-Hant\t打119\t打一一九\n", encoding="utf-8")
    assert all(score.share_right == 1.0 for score in check(numbers=file) if "numbers" in score.name)


def test_a_mistake_names_the_character(tmp_path: Path):
    """What was wanted and what was read; a second reading may be right too."""
    file = tmp_path / "own.txt"
    file.write_text("# comment\n\n我在银行[xing2/heng2]\n好[hao3/hao4]\n", encoding="utf-8")
    score = check(polyphones=file)[0]
    assert score.mistakes == (Mistake("我在银行", "行", "xing2", "hang2"),)
    assert (score.items, score.sentences, score.sentences_right) == (2, 2, 1)
    assert score.share_right == 0.5


@pytest.mark.parametrize("line", ["我在银行", "[xing2]我", "行[xing9]"])
def test_a_line_without_a_good_mark_is_refused(line: str, tmp_path: Path):
    """The complaint gives the line's number."""
    file = tmp_path / "own.txt"
    file.write_text(f"# comment\n{line}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="line 2"):
        check(polyphones=file)


@pytest.mark.parametrize("line", ["zh\t2\t二", "zh-Hans\t2"])
def test_a_number_needs_its_three_columns(line: str, tmp_path: Path):
    """Locale, text, reading."""
    file = tmp_path / "own.txt"
    file.write_text(line, encoding="utf-8")
    with pytest.raises(ConfigError, match="line 1"):
        check(numbers=file)


def test_a_missing_list_is_reported(tmp_path: Path):
    """By its path."""
    with pytest.raises(ConfigError, match="nowhere"):
        check(polyphones=tmp_path / "nowhere.txt")


def test_digits_have_no_sound_of_their_own():
    """25 is read as three syllables, none of which belongs to one digit."""
    assert sounds_of("25岁") == [None, None, "sui4"]


def test_the_command_prints_figures_and_mistakes(tmp_path: Path):
    """As lines for people, and as JSON."""
    file = tmp_path / "own.txt"
    file.write_text("我在银行[xing2]\n", encoding="utf-8")
    arguments = ["voices", "reading", "--polyphones", str(file)]
    shown = CliRunner().invoke(app, [*arguments, "--mistakes"])
    assert shown.exit_code == 0
    assert "行 xing2, not hang2" in shown.stdout
    rows = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    assert rows[0]["share_right"] == 0.0
