"""What of a written text can be said aloud, and what only looks at the reader.

Stickers ([委屈], [Facepalm]), emoji, kaomoji, all of a web address but its host, and the marks
of Markdown belong to the reply's text but not to its speech. The voices leave these spans
out; the clause cutter does not give a voice a clause that consists of nothing else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.text import count_units

# Symbols (categories So and Sk) that have a reading; every other one is a picture.
_READ_SYMBOLS = frozenset("°℃℉№㎡")
_PICTURE_CATEGORIES = frozenset({"So", "Sk", "Cc", "Cf", "Cn", "Co", "Cs", "Me", "Mn"})

# Of a web address only the host is said. It ends at white space, CJK text or full-width marks.
_ADDRESS = re.compile(
    r"(?<![A-Z0-9])(?:https?://(?:www\.)?|www\.(?=[A-Z0-9]))"
    r"(?P<host>[A-Z0-9-]+(?:\.[A-Z0-9-]+)*)?(?:[/:?#][\x21-\x7e]*)?",
    re.IGNORECASE,
)
_LINK = re.compile(r"(?<!!)\[([^\[\]\n]+)\]\(([^()\s]*)\)")
_IMAGE = re.compile(r"!\[[^\[\]\n]*\]\([^()\s]*\)")
_STICKER = re.compile(r"\[[^\[\]\n]{1,16}\]")

# (╯°□°）╯, (>_<), (^o^)/ : brackets around marks, with neither ideographs nor words inside.
_FACE = re.compile(r"[(（]([^()（）\n]{1,16})[)）](?:[ノノﾉ╯┛/\\づっ]+)?")
_CJK = r"\u3400-\u4dbf\u4e00-\u9fff"
# Ideographs, words, numbers and what is counted: (2~3), （1/2）, ($5), (5°), (-3), (A+), (Q&A).
_FACE_IS_TEXT = re.compile(
    rf"[{_CJK}]|[^\W\d_]{{2}}|\d{{2}}"
    r"|\d\s*[-+*/~:.=<>&×÷·–—－＋／～：．＝]\s*\d|[$¥€£＄￥#＃]\s*\d|\d\s*[°%‰℃％+](?!\d)"
    r"|^[-+±~≥≤－＋～]\s*\d+$|[A-Za-z][+-]$|[A-Za-z][&/][A-Za-z]"
)
_FACE_HAS_MARK = re.compile(r"[^\w\s,.!?，。！？、]|_")
_CLOSED = rf"{_CJK}」』”’）)】》"  # ends what a colon may follow without a space
_BARE_FACE = re.compile(
    r"(?<![A-Za-z0-9])(?:[TQq][_.AaWw][TQq]|[QO][AWwＡ][QO]|[oO]rz|OTZ|[>＞][_＿.][<＜]|\^[_.o-]?\^"
    r"|-_-[|#]?|[:;=][-']?[)(Pp]|[xX]D+"
    # what is told of something (选:D吧, 压力:3分, 1 =3) is no smile
    rf"|(?<![{_CLOSED}])[:;=][-']?D|(?<![{_CLOSED}])[:;][-']?3(?!\s*[{_CJK}%]))(?![A-Za-z0-9])"
)

_MARKDOWN = re.compile(
    r"(?m)^[ \t]*(?:#{1,6}(?=\s)|[-+*](?=\s)|>+|```\w*|[-*_]{3,}[ \t]*$)"
    r"|\*+(?!\d)|(?<!\d)\*+|`+|(?<![A-Za-z0-9])_+|_+(?![A-Za-z0-9])|~~+|[|\\{}^]|#(?!\d)"
    r"|(?<![\d\s])[<>=](?!\s*\d)|[ \t]{2,}$"
)


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` up to but not including `end` of a text."""

    start: int
    end: int


def _faces(text: str) -> Iterator[Span]:
    for match in _FACE.finditer(text):
        inside = match.group(1)
        if _FACE_HAS_MARK.search(inside) and not _FACE_IS_TEXT.search(inside):
            yield Span(match.start(), match.end())
    for match in _BARE_FACE.finditer(text):
        yield Span(match.start(), match.end())


def _pictures(text: str) -> Iterator[Span]:
    for index, character in enumerate(text):
        if character in _READ_SYMBOLS or character in "\n\t":
            continue
        if unicodedata.category(character) in _PICTURE_CATEGORIES:
            yield Span(index, index + 1)


def _marks(text: str) -> Iterator[Span]:
    links = [Span(match.start(), match.end()) for match in _LINK.finditer(text)]
    for match in _LINK.finditer(text):  # the link's words are said, its brackets and target are not
        yield Span(match.start(), match.start(1))
        yield Span(match.end(1), match.end())
    for match in _ADDRESS.finditer(text):
        said_start, said_end = match.span("host") if match["host"] else (match.end(), match.end())
        yield Span(match.start(), said_start)
        if said_end < match.end():
            yield Span(said_end, match.end())
    for pattern in (_IMAGE, _STICKER, _MARKDOWN):
        for match in pattern.finditer(text):
            if pattern is _STICKER and any(s.start <= match.start() < s.end for s in links):
                continue
            if match.end() > match.start():
                yield Span(match.start(), match.end())


def strip_unspeakable_spans(text: str) -> list[Span]:
    """The spans of `text` that have no spoken form, in order and disjoint.

    Punctuation and white space are not among them: they have no sound but shape speech.
    """
    found = sorted(
        (*_marks(text), *_faces(text), *_pictures(text)), key=lambda span: (span.start, span.end)
    )
    merged: list[Span] = []
    for span in found:
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def speakable(text: str) -> bool:
    """Whether any text unit is left once the unspeakable spans are taken out."""
    kept, at = [], 0
    for span in strip_unspeakable_spans(text):
        kept.append(text[at : span.start])
        at = span.end
    kept.append(text[at:])
    return count_units(" ".join(kept)) > 0
