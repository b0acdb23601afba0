"""The index of what was said: what is found, and which files are refused."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

import pytest

from agent.recall.index import Fact, FactIndex, write_index
from pipeline.errors import ConfigError, DataError

FACTS = (
    Fact("a:1", "我家的狗叫旺财，养了七年了", "你养宠物吗"),
    Fact("a:2", "我老家在四川绵阳", "你是哪里人"),
    Fact("b:1", "小時候最喜歡外婆做的紅豆湯"),
    Fact("c:1", "I worked as a night nurse for nine years", "What was your job?"),
    Fact("c:2", "We lived in a small house by the sea"),
    Fact("d:1", "上次去四川吃火锅，辣得我一晚上睡不着"),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "history.db"
    assert write_index(path, FACTS) == len(FACTS)
    return path


def ids(path: Path, question: str, most: int = 3) -> list[str]:
    index = FactIndex.open(path)
    try:
        return [fact.id for fact in index.search(question, most)]
    finally:
        index.close()


@pytest.mark.parametrize(
    ("question", "best"),
    [
        ("你家的狗多大了", "a:1"),
        ("你养过宠物没有", "a:1"),
        ("你老家是什么地方的", "a:2"),
        ("你喜歡喝紅豆湯嗎", "b:1"),
        ("你喜欢喝红豆汤吗", "b:1"),
        ("have you ever been a nurse", "c:1"),
        ("were you working nights", "c:1"),
        ("did you have houses near the sea", "c:2"),
    ],
)
def test_the_best_find_is_about_the_same(path: Path, question: str, best: str):
    """In either script, in either language, by what was asked or by what was said."""
    assert ids(path, question)[0] == best


def test_no_more_is_found_than_asked_for(path: Path):
    """Of two that fit, one is enough where one is wanted."""
    assert len(ids(path, "四川有什么好吃的火锅，老家绵阳", most=1)) == 1


@pytest.mark.parametrize("question", ["", "嗯", "你是谁啊", 'OR "NEAR( *', "股票今天涨停"])
def test_nothing_is_found_where_nothing_fits(path: Path, question: str):
    """Silence, function words, the index's own query language, other subjects."""
    assert ids(path, question) == []


def test_a_long_story_is_a_legal_question(path: Path):
    """Its last words count."""
    assert ids(path, "今天天气晴朗" * 500 + "说到旺财") == ["a:1"]


def test_the_file_is_for_its_owner_alone(path: Path):
    """It holds a person's words in the clear."""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nothing_is_overwritten_or_half_written(path: Path):
    """Without force the file stays; when the source fails, with it too."""
    before = path.read_bytes()
    with pytest.raises(DataError, match="exists already"):
        write_index(path, FACTS)

    def breaks_off():
        yield FACTS[0]
        raise DataError("line 2 is broken")

    with pytest.raises(DataError, match="broken"):
        write_index(path, breaks_off(), force=True)
    with pytest.raises(DataError, match="nothing to look up"):
        write_index(path, [Fact("e:1", "嗯。")], force=True)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_other_files_are_refused(tmp_path: Path):
    """A missing file, a text and another database each get a sentence."""
    text, database = tmp_path / "text.db", tmp_path / "other.db"
    text.write_text("我家的狗叫旺财" * 100, "utf-8")
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE facts (id)")
    connection.close()
    for path, reason in (
        (tmp_path / "missing.db", "there is no file"),
        (text, "cannot be read"),
        (database, "no index of this version"),
    ):
        with pytest.raises(ConfigError, match=reason):
            FactIndex.open(path)


def test_what_everything_shares_finds_nothing(tmp_path: Path):
    """In a long history a term of every fact is passed over, and a rare one still counts."""
    path = tmp_path / "long.db"
    write_index(path, (Fact(f"f:{n}", f"猫咪日记第{n}页") for n in range(300)))
    assert ids(path, "猫咪日记") == []
    assert ids(path, "猫咪日记第17页") == ["f:17"]
