"""Splits that share nothing."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import DataError
from tests.train.mix.test_rows import talk
from train.mix.split import SplitOptions, assign, part_of, split_file
from train.schema import Document, read, write

LONG = "这是一个足够长的问题，谁都认得出来"


def exchanges(records):
    """All telling exchanges of records."""
    return {
        (record.messages[at].content, record.messages[at + 1].content)
        for record in records
        for at in range(0, len(record.messages), 2)
    }


@given(
    chats=st.lists(
        st.lists(st.integers(0, 12), min_size=1, max_size=4, unique=True), min_size=2, max_size=15
    ),
    shares=st.tuples(st.floats(0, 0.4), st.floats(0, 0.4)),
    seed=st.integers(0, 5),
)
def test_no_exchange_is_in_two_parts(chats, shares, seed):
    """However conversations overlap, parts share no exchange, and every row is in one part."""
    records = {
        record.id: record
        for record in (
            talk(*(text for at in chat for text in (f"{LONG}{at}", f"回答{at}"))) for chat in chats
        )
    }
    parts = assign(records.values(), SplitOptions(*shares, seed=seed))
    by_part = {part: [] for part in ("train", "valid", "test")}
    for identity, record in records.items():
        by_part[parts[identity]].append(record)
    seen = [exchanges(rows) for rows in by_part.values()]
    for one, other in itertools.combinations(seen, 2):
        assert not one & other
    assert sum(map(len, by_part.values())) == len(records)


def test_shares_are_kept(tmp_path):
    """A tenth of 100 rows is ten rows, in files that together are the whole set."""
    path, folder = tmp_path / "set.jsonl", tmp_path / "split"
    records = [talk(f"{LONG}{at}", f"回答{at}") for at in range(100)]
    write(path, records)
    assert split_file(path, folder, SplitOptions(0.1, 0.2)) == {
        "train": 70,
        "valid": 10,
        "test": 20,
    }
    together = [r for name in ("train", "valid", "test") for r in read(folder / f"{name}.jsonl")]
    assert sorted(record.id for record in together) == sorted(record.id for record in records)


def test_a_split_survives_a_re_import():
    """The same rows in another order are split the same."""
    records = [talk(f"{LONG}{at}", f"回答{at}") for at in range(40)]
    assert assign(records, SplitOptions()) == assign(records[::-1], SplitOptions())
    assert assign(records, SplitOptions()) != assign(records, SplitOptions(seed=1))


def test_only_the_persons_rows_are_held_out(tmp_path):
    """Identity, behaviour and general rows train; a spoken copy never crosses, whatever falls."""
    own = [talk(f"{LONG}{at}", f"回答{at}") for at in range(20)]
    copies = [
        record.model_copy(update={"id": f"{record.id}-spoken", "tags": ("spoken",)})
        for record in own
    ]
    extra = [talk(f"你是谁{at}", "小安", tags=("identity",)) for at in range(20)]
    parts = assign([*own, *copies, *extra], SplitOptions(0.3))
    assert {part_of(record, parts) for record in extra} == {"train"}
    for record, copy in zip(own, copies, strict=True):
        expected = "train" if part_of(record, parts) == "train" else None
        assert part_of(copy, parts) == expected


def test_split_by_time_holds_out_the_latest():
    """The rows that are held out are later than all that are trained on."""
    records = []
    for at in range(20):
        record = talk(f"{LONG}{at}", f"回答{at}")
        first = record.messages[0].model_copy(update={"time": 1000.0 * at})
        records.append(record.model_copy(update={"messages": (first, *record.messages[1:])}))
    parts = assign(records, SplitOptions(0.25, order="time"))
    held_out = [at for at, record in enumerate(records) if parts[record.id] == "valid"]
    assert held_out == [15, 16, 17, 18, 19]


def test_impossible_splits_are_refused(tmp_path):
    """No share that leaves nothing, no time split without times, no file overwritten."""
    path = tmp_path / "set.jsonl"
    write(path, [talk("a", "b"), Document(id="d", source="t", text="x")])
    with pytest.raises(DataError, match="below 1 together"):
        split_file(path, tmp_path / "out", SplitOptions(0.5, 0.5))
    with pytest.raises(DataError, match="no times"):
        split_file(path, tmp_path / "out", SplitOptions(order="time"))
    split_file(path, tmp_path / "out", SplitOptions())
    with pytest.raises(DataError, match="exists already"):
        split_file(path, tmp_path / "out", SplitOptions())
