"""In which encoding a file's text is, told from its beginning; and what is no text at all."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import DataError

_BINARY = {
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (.xls), whatever its name says; save it as CSV",
    b"PK\x03\x04": "a zip archive or an Excel workbook; unpack it, or save it as CSV",
    b"SQLite format 3": "a database; export the chat from the program that reads it",
    b"\x1f\x8b": "compressed; unpack it first",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive; unpack it first",
    b"Rar!\x1a\x07": "a rar archive; unpack it first",
    b"%PDF-": "a PDF; export the chat as text or CSV",
    b"\x89PNG": "a picture; only text can be read",
    b"\xff\xd8\xff": "a picture; only text can be read",
}
# Of UTF-16 text the high bytes of digits, separators and line ends are zero: a timestamp and
# its commas make a quarter of a message. A byte in twenty is enough to tell.
_UTF16_ZEROS = 1 / 20
# A damaged export has a stray control character here and there; an unknown binary is full of them.
_MOST_CONTROLS = 1 / 20
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\b\x1b"))
# The commonest characters in both scripts: read in the wrong one of two encodings, Chinese
# text turns into rare ones.
_COMMON = frozenset("的是不我你了在有他她這这們们来來到說说要就也嗎吗好人大上個个沒没很嗯啊吧")


def refuse_binary(path: Path, head: bytes) -> None:
    """Check that a file is text.

    Args:
        path: Named in the message.
        head: Its first bytes.

    Raises:
        DataError: It is of a known other kind, or of none that is text.
    """
    for magic, what in _BINARY.items():
        if head.startswith(magic):
            raise DataError(f"{path} is {what}.")
    if _has_mark(head) or _utf16_without_mark(head) is not None:
        return
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if controls > len(head) * _MOST_CONTROLS:
        raise DataError(f"{path} is no text; export the chat as text, CSV or JSON.")


def encoding_of(head: bytes) -> str:
    """Python's name of the codec, from a file's first bytes."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if head.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    if (utf16 := _utf16_without_mark(head)) is not None:
        return utf16
    good, bad = 0, 0
    for line in head.split(b"\n")[:-1] or [head]:
        try:
            line.decode("utf-8")
            good += not line.isascii()
        except UnicodeDecodeError:
            bad += 1
    # One damaged line does not make a file something else; most of them do.
    if bad <= good:
        return "utf-8"
    return max(("gb18030", "big5"), key=lambda codec: _common_characters(head, codec))


def _has_mark(head: bytes) -> bool:
    return head.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf"))


def _utf16_without_mark(head: bytes) -> str | None:
    big, little = head[0::2].count(0), head[1::2].count(0)
    if max(big, little) < len(head) * _UTF16_ZEROS or 10 * min(big, little) > max(big, little):
        return None
    return "utf-16-be" if big > little else "utf-16-le"


def _common_characters(head: bytes, codec: str) -> int:
    return sum(character in _COMMON for character in head.decode(codec, "ignore"))
