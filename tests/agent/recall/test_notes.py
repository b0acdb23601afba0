"""What was found, as the model gets to read it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.config import RagSettings
from agent.recall.index import Fact, FactIndex, write_index
from agent.recall.notes import RecalledNotes, note_sources, open_history

FACTS = (
    Fact("a:1", "我家的狗叫旺财，\n养了七年了", "你养宠物吗"),
    Fact("a:2", "那只宠物是我从街上捡回来的，当时它又冷又饿，我抱着它走了三条街才到家"),
    Fact("a:3", "宠物比人好懂得多"),
)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[FactIndex]:
    path = tmp_path / "history.db"
    write_index(path, FACTS)
    opened = FactIndex.open(path)
    yield opened
    opened.close()


def test_the_note_names_its_sources(index: FactIndex):
    """One line a find, each on a line of its own, and its ids beside the text."""
    note = RecalledNotes(index, "zh-Hans", len, RagSettings(note_tokens=500)).note("你的宠物呢")
    assert note is not None
    assert set(note.sources) == {"a:1", "a:2", "a:3"}
    assert "- 你养宠物吗 → 我家的狗叫旺财， 养了七年了" in note.text.splitlines()
    assert len(note.text.splitlines()) == 1 + len(note.sources)


def test_what_does_not_fit_gives_its_place_to_the_next(index: FactIndex):
    """The budget holds, and a short find is told although a longer one is not."""
    limits = RagSettings(note_tokens=40)
    note = RecalledNotes(index, "zh-Hans", len, limits).note("你的宠物呢")
    assert note is not None
    assert len(note.text) <= limits.note_tokens
    assert "a:2" not in note.sources
    assert note.sources


def test_nothing_found_is_no_note(index: FactIndex):
    """Nor is a find that no budget lets through."""
    assert RecalledNotes(index, "en", len, RagSettings()).note("股票") is None
    assert RecalledNotes(index, "en", len, RagSettings(note_tokens=16)).note("宠物") is None


def test_without_a_setting_nothing_is_looked_up():
    """Retrieval is off by default."""
    assert open_history(RagSettings()) is None
    assert note_sources(None, "en", len, RagSettings()) == ()
