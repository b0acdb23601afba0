"""Text in whatever encoding, and files that are none."""

from __future__ import annotations

import pytest

from pipeline.errors import DataError
from train.importers.encoding import encoding_of, refuse_binary
from train.importers.source import open_source

CHAT = "2024-01-02 10:00:00,小美,你在嗎？我有點累\n2024-01-02 10:00:05,我,在的，怎麼了\n"


@pytest.mark.parametrize(
    "codec",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030", "big5"],
)
def test_text_is_read_in_its_own_encoding(codec: str):
    """With a mark or without one, in the encodings of both scripts."""
    encoded = CHAT.encode(codec)
    assert encoded.decode(encoding_of(encoded)) == CHAT


@pytest.mark.parametrize("codec", ["gb18030", "gbk"])
def test_simplified_text_is_not_taken_for_traditional(codec: str):
    """Both encodings can decode it; only one makes sense of it."""
    text = "你在吗？我有点累\n在的，怎么了\n"
    assert text.encode(codec).decode(encoding_of(text.encode(codec))) == text


def test_one_damaged_line_changes_nothing():
    """Bytes of another encoding in a single line are the line's own fault."""
    damaged = CHAT.encode() + "坏".encode("gbk") + b"\n" + CHAT.encode()
    assert encoding_of(damaged) == "utf-8"


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"\xd0\xcf\x11\xe0rest", "Excel"),
        (b"SQLite format 3\0", "database"),
        (b"PK\x03\x04rest", "zip"),
        (b"\x1f\x8b\x08", "compressed"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\xff\xd8\xff\xe0", "picture"),
        (bytes(range(256)) * 4, "no text"),
        (b"\0" * 100, "no text"),
    ],
)
def test_what_is_no_text_is_named(tmp_path, head: bytes, what: str):
    """Archives, documents and unknown binaries are refused whatever they are called."""
    path = tmp_path / "chat.csv"
    path.write_bytes(head)
    with pytest.raises(DataError, match=what):
        open_source(path)


def test_a_stray_control_character_is_no_binary(tmp_path):
    """Exports hold one here and there."""
    refuse_binary(tmp_path, CHAT.replace("累", "\0累").encode())


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf", b"\xff\xfe", b"\xff\xfe\r\0"])
def test_a_file_without_text_is_empty(tmp_path, content: bytes):
    """A byte-order mark alone is nothing."""
    path = tmp_path / "chat.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match="is empty"):
        open_source(path)
