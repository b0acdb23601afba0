"""Reading text, CSV and JSON whatever is in them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from train.importers import source as reading
from train.importers.source import Broken, csv_rows, json_arrays, json_rows, open_source

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


def rows_of(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "file.json"
    path.write_bytes(text.encode(encoding))
    return list(json_rows(open_source(path)))


@given(
    values=st.lists(
        st.dictionaries(st.text(max_size=4), VALUES, max_size=3), min_size=1, max_size=6
    ),
    indent=st.sampled_from([None, 1, 4]),
    chunk=st.integers(1, 40),
)
def test_arrays_are_read_in_pieces_of_any_size(tmp_path_factory, values, indent, chunk):
    """However the file is cut into pieces, its values are those that json reads at once."""
    path = tmp_path_factory.mktemp("json") / "file.json"
    path.write_text(json.dumps(values, ensure_ascii=False, indent=indent), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_CHUNK_CHARS", chunk)
        assert [value for _, value in json_rows(open_source(path))] == values


def test_lines_of_an_indented_array(tmp_path):
    """Every value knows the line it begins on."""
    text = json.dumps([{"a": 1}, {"a": "x\ny"}, {"a": 3}], indent=2)
    assert [line for line, _ in rows_of(tmp_path, text)] == [2, 5, 8]


@pytest.mark.parametrize("indent", [None, 2])
def test_one_broken_value_costs_one_value(tmp_path, indent):
    """A value with nested arrays that breaks off in the middle leaves its neighbours alone."""
    good = {"conversations": [{"from": "human", "value": "嗨"}, {"from": "gpt", "value": "嗨"}]}
    bad = json.dumps(good, ensure_ascii=False, indent=indent).replace('"嗨"', '"嗨" oops', 1)
    whole = json.dumps([good, "HERE", good, good], ensure_ascii=False, indent=indent)
    rows = [value for _, value in rows_of(tmp_path, whole.replace('"HERE"', bad))]
    assert isinstance(rows[1], Broken)
    assert [row for row in rows if not isinstance(row, Broken)] == [good, good, good]


def test_a_file_that_breaks_off_keeps_what_is_whole(tmp_path):
    """An export that was cut short gives its whole values and one that is broken."""
    text = json.dumps([{"a": 1}, {"a": 2}])[:-4]
    rows = [value for _, value in rows_of(tmp_path, text)]
    assert rows[0] == {"a": 1}
    assert isinstance(rows[1], Broken)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_encodings(tmp_path, encoding):
    """UTF-8 with or without a mark, UTF-16 and GB18030 are told apart."""
    assert rows_of(tmp_path, '[{"a": "在吗，吃饭了没有"}]', encoding) == [
        (1, {"a": "在吗，吃饭了没有"})
    ]


def test_json_lines_may_be_arrays(tmp_path):
    """A line that is an array is a row, not the beginning of one large array."""
    text = '["t", "我", "a"]\n["t", "他", "b"]\n'
    assert rows_of(tmp_path, text) == [(1, ["t", "我", "a"]), (2, ["t", "他", "b"])]


def test_arrays_under_a_key(tmp_path):
    """Each array comes with the text that stood before it."""
    path = tmp_path / "file.json"
    path.write_text('{"name": "a", "m": [1, 2], "next": {"name": "b", "m": []}}', encoding="utf-8")
    found = [
        (before, [v for _, v in values]) for before, values in json_arrays(open_source(path), "m")
    ]
    assert [values for _, values in found] == [[1, 2], []]
    assert '"name": "b"' in found[1][0]


def test_csv_rows_keep_line_breaks_and_lines(tmp_path):
    """A field of several lines is one row, and the next row knows where it begins."""
    path = tmp_path / "file.csv"
    path.write_text('a,b,c\n1,"x\ny ""z""",3\n2,w,4\n', encoding="utf-8")
    assert list(csv_rows(open_source(path))) == [
        (1, ["a", "b", "c"]),
        (2, ["1", 'x\ny "z"', "3"]),
        (4, ["2", "w", "4"]),
    ]


def test_one_object_over_many_lines(tmp_path):
    """An indented object is one row, and so are several behind each other."""
    row = {"messages": [{"role": "user", "content": "嗨"}]}
    text = json.dumps(row, ensure_ascii=False, indent=2)
    assert rows_of(tmp_path, text) == [(1, row)]
    assert [value for _, value in rows_of(tmp_path, f"{text}\n{text}\n")] == [row, row]


def test_a_broken_first_line_of_json_lines(tmp_path):
    """The lines behind a broken first line are read, each with its number."""
    rows = rows_of(tmp_path, '{"a": {"b": 1\n{"a": 2}\n{"a": 3}\n')
    assert isinstance(rows[0][1], Broken)
    assert rows[1:] == [(2, {"a": 2}), (3, {"a": 3})]


@pytest.mark.parametrize("bad", ["9" * 5000, "[" * 100_000], ids=["digits", "brackets"])
@pytest.mark.parametrize("in_array", [True, False])
def test_what_json_cannot_hold_costs_itself(tmp_path, bad, in_array):
    """A number of thousands of digits and brackets without end are broken rows, no more."""
    good = '{"a":1}'
    text = f"[{good},\n{{{bad}}},\n{good}]" if in_array else f"{good}\n{{{bad}\n{good}\n"
    values = [value for _, value in rows_of(tmp_path, text)]
    assert [value for value in values if not isinstance(value, Broken)] == [{"a": 1}, {"a": 1}]
    assert any(isinstance(value, Broken) for value in values)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_columns_are_parted_as_a_spreadsheet_parts_them(tmp_path, delimiter):
    """Excel writes semicolons or tabs where the system's numbers have commas."""
    rows = [["id", "who", "text"], ["1", "我", 'a, b; "c"'], ["2", "她", "d"]]
    quoted = (['"' + cell.replace('"', '""') + '"' for cell in row] for row in rows)
    path = tmp_path / "file.csv"
    path.write_text("\n".join(delimiter.join(row) for row in quoted), "utf-8")
    assert [row for _, row in csv_rows(open_source(path))] == rows


CSV_HEADER = "id,who,text\n"


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        ('1,a,"open\nx,b,y\nz,b,w\n', [["x", "b", "y"], ["z", "b", "w"]]),
        ('1,a,say "hi\n2,b,y\n', [["1", "a", 'say "hi'], ["2", "b", "y"]]),
        ('1,a,"open\nx,b,y\n3,c,"shut"\n', [["x", "b", "y"], ["3", "c", "shut"]]),
        ('1,a,"one\n2\nthree"\n2,b,y\n', [["1", "a", "one\n2\nthree"], ["2", "b", "y"]]),
    ],
    ids=["never closed", "no mark of a field", "closed by another's", "several lines"],
)
def test_a_quotation_mark_costs_the_line_it_stands_on(tmp_path, body, rows):
    """Whatever an open mark swallowed is read again; a mark inside a plain field is text."""
    path = tmp_path / "file.csv"
    path.write_text(CSV_HEADER + body, encoding="utf-8")
    _, *found = csv_rows(open_source(path))
    assert [row for _, row in found if not isinstance(row, Broken)] == rows
    assert [line for line, row in found if isinstance(row, Broken)] == [2] * (
        len(found) - len(rows)
    )


def test_an_open_mark_does_not_hold_the_file(tmp_path, monkeypatch):
    """A field is given up when it is longer than any can be, not at the end of the file."""
    monkeypatch.setattr(reading, "_LONGEST_OPEN_CHARS", 50)
    path = tmp_path / "file.csv"
    path.write_text(CSV_HEADER + '1,a,"open\n' + "x,b,y\n" * 100, encoding="utf-8")
    _, (line, broken), *rows = csv_rows(open_source(path))
    assert (line, isinstance(broken, Broken), len(rows)) == (2, True, 100)


@pytest.mark.parametrize("before", ["sep=;\n", "\n\n", '"sep=,"\r\n'])
def test_what_stands_before_the_header_of_a_csv(tmp_path, before):
    """A spreadsheet's note on the separator and blank lines are no header."""
    path = tmp_path / "file.csv"
    path.write_text(f"{before}id;who;text\n1;a;b\n", encoding="utf-8")
    assert [row for _, row in csv_rows(open_source(path))] == [
        ["id", "who", "text"],
        ["1", "a", "b"],
    ]
