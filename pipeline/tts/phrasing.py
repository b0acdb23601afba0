"""Cut a clause into phrases: one language each, with the pause that follows.

Of 今天的meeting怎么样？我想听， these become

    今天的 (zh)   meeting (en)   怎么样？ (zh, long pause)   我想听， (zh, short pause)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass

from pipeline.text import Language, count_units
from pipeline.text import units as text_units
from pipeline.tts.speakable import strip_unspeakable_spans

# Silence after a phrase, in seconds, by the mark that ends it. The order of the kinds and
# the size of a comma's and a full stop's pause are those of read Mandarin (minor phrase
# about 0.2 s, major phrase 0.4 s and more); `SpeechStyle.pause_scale` stretches them.
PAUSE_SECS = {
    "、": 0.10, ",": 0.18, "，": 0.18, ":": 0.22, "：": 0.22, ";": 0.28, "；": 0.28,
    "—": 0.28, "–": 0.20, ".": 0.40, "。": 0.40, "!": 0.40, "！": 0.40, "?": 0.45, "？": 0.45,
    "…": 0.50, "~": 0.20, "～": 0.20, "\n": 0.45,
}  # fmt: skip
_LANGUAGE_CHANGE_SECS = 0.05  # between two voices inside a sentence, a breath less than a comma

_CLOSERS = "”’」』）)】》〉\"'"
# Marks that end a phrase. Latin ones only before a space or the end: not in 3.5 or 10:30.
_BREAK = re.compile(
    rf"(?:[，。！？；：、…—～\n]|[,.!?;:~](?=[\s{re.escape(_CLOSERS)}]|$))+[{re.escape(_CLOSERS)}]*\s*"
)
# English keeps its commas and stops: that voice phrases by them itself.
_ENGLISH_BREAK = re.compile(r"\n\s*")
_MAX_SPELLED_LETTERS = 5  # KTV, PTSD, ADHD: spelled inside Mandarin as Mandarin speakers do
_SPELLED_WORDS = frozenset({"ok", "app", "vip", "dna", "diy", "ktv", "ptsd", "adhd", "cbt", "emo"})


@dataclass(frozen=True, slots=True)
class Phrase:
    """text[start:end] in one language, followed by `pause_secs` of silence."""

    start: int
    end: int
    language: Language
    pause_secs: float


def phrases(text: str, available: Set[Language]) -> list[Phrase]:
    """Phrases of `text` in order and disjoint; stretches with nothing to say are left out.

    Args:
        text: A clause as written.
        available: Languages there is a voice for; text in another goes to one of these.
    """
    hidden = [False] * len(text)
    for span in strip_unspeakable_spans(text):
        hidden[span.start : span.end] = [True] * (span.end - span.start)
    visible = "".join(" " if hide else char for char, hide in zip(text, hidden, strict=True))
    found: list[Phrase] = []
    for start, end, language in _runs(visible, available):
        for piece_start, piece_end in _pieces(visible, start, end, language):
            piece = visible[piece_start:piece_end]
            pause = _pause_secs(piece)
            if count_units(piece):
                found.append(Phrase(piece_start, piece_end, language, pause))
            elif found and pause > found[-1].pause_secs:
                found[-1] = _with_pause(found[-1], pause)
    for index, phrase in enumerate(found[:-1]):
        if not phrase.pause_secs:
            found[index] = _with_pause(phrase, _LANGUAGE_CHANGE_SECS)
    return found


def _with_pause(phrase: Phrase, pause_secs: float) -> Phrase:
    return Phrase(phrase.start, phrase.end, phrase.language, pause_secs)


def _runs(text: str, available: Set[Language]) -> Iterator[tuple[int, int, Language]]:
    """Stretches of one language. Numbers and punctuation stay with what precedes them."""
    if len(available) == 1:
        yield 0, len(text), next(iter(available))
        return
    has_mandarin = any(unit.kind == "cjk" for unit in text_units(text))
    start = 0
    current: Language | None = None
    for unit in text_units(text):
        language: Language | None = None
        if unit.kind == "cjk":
            language = "zh"
        elif unit.kind == "word":
            in_mandarin = has_mandarin and _belongs_to_mandarin(text, unit.start, unit.end)
            language = "zh" if in_mandarin else "en"
        if language is None or language == current:
            continue
        if current is not None:
            yield start, unit.start, current
            start = unit.start
        current = language
    yield start, len(text), current or "zh"


def _belongs_to_mandarin(text: str, start: int, end: int) -> bool:
    """Whether a Latin word inside Mandarin is read there: OK, KTV, A, or a unit as in 5kg."""
    word = text[start:end]
    if start > 0 and text[start - 1].isdigit():
        return True
    if re.match(r"\s+[A-Za-z]", text[end:]) or re.search(r"[A-Za-z]\s+$", text[:start]):
        return False  # one of several English words
    is_short = word.isupper() and len(word) <= _MAX_SPELLED_LETTERS
    return is_short or len(word) == 1 or word.lower() in _SPELLED_WORDS


def _pieces(text: str, start: int, end: int, language: Language) -> Iterator[tuple[int, int]]:
    pattern = _BREAK if language == "zh" else _ENGLISH_BREAK
    at = start
    for match in pattern.finditer(text, start, end):
        yield at, match.end()
        at = match.end()
    if at < end:
        yield at, end


def _pause_secs(piece: str) -> float:
    """The longest pause among the marks at the end of `piece`."""
    ending = piece[len(piece.rstrip("".join(PAUSE_SECS) + _CLOSERS + " \t\r")) :]
    return max((PAUSE_SECS[mark] for mark in ending if mark in PAUSE_SECS), default=0.0)
