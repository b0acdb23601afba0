"""The counsellor's dialogues keep the listener's style, and no two are alike."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from agent.config import Locale
from agent.conversations import lint
from pipeline.text import count_units
from train import schema

FOLDER = Path(schema.__file__).parent / "data" / "counsellor"
LOCALES = tuple(sorted(path.parent.name for path in FOLDER.glob("*/*.jsonl")))
FILES = sorted(FOLDER.glob("*/*.jsonl"))


# Of a reply, and of a caller's turn, in units of `pipeline.text`.
BOUNDS: dict[Locale, lint.Bounds] = {
    "zh-Hans": lint.Bounds(40),
    "zh-Hant": lint.Bounds(40),
    "en": lint.Bounds(30),
}
MAX_USER_UNITS = {"zh-Hans": 100, "zh-Hant": 100, "en": 80}


@dataclass(frozen=True)
class Turn:
    """One reply that is learned, and where it stands."""

    locale: Locale
    where: str
    text: str

    @property
    def first_clause(self) -> str:
        return lint.first_clause(self.text)

    @property
    def sentences(self) -> list[str]:
        return lint.sentences(self.text)

    def has(self, *names: lint.Fault) -> bool:
        return not set(names).isdisjoint(lint.faults(self.text, self.locale, BOUNDS[self.locale]))


@cache
def dialogues(path: Path) -> tuple[schema.Conversation, ...]:
    return tuple(schema.read_only(path, schema.Conversation))


def locale_of(path: Path) -> Locale:
    return TypeAdapter[Locale](Locale).validate_python(path.parent.name)


def of_locale(locale: Locale) -> list[schema.Conversation]:
    return [one for path in FILES if path.parent.name == locale for one in dialogues(path)]


def replies(locale: Locale, one: schema.Conversation, where: str = "") -> Iterator[Turn]:
    """The learned replies of a conversation; what a safety script said has its own tests."""
    for number, message in enumerate(one.messages):
        if message.role == "assistant" and message.weight:
            yield Turn(locale, f"{where or one.id}, message {number}", message.content)


def replies_of(one: schema.Conversation) -> Iterator[Turn]:
    """The same, in the locale that its first tag names."""
    return replies(TypeAdapter[Locale](Locale).validate_python(one.tags[0]), one)


def replies_in(path: Path) -> list[Turn]:
    return [
        turn
        for number, one in enumerate(dialogues(path), start=1)
        for turn in replies(locale_of(path), one, f"{path.name}, line {number}")
    ]


def told(faults: list[Turn]) -> str:
    return "\n".join(f"{turn.where}: {turn.text}" for turn in faults)


def trigrams(text: str, *, words: bool) -> set[tuple[str, ...]]:
    units = text.split() if words else list(text)
    return set(zip(units, units[1:], units[2:], strict=False))


each_file = pytest.mark.parametrize(
    "path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}"
)
each_locale = pytest.mark.parametrize("locale", sorted(set(LOCALES)))


def test_every_locale_has_enough() -> None:
    """Every folder has rules, every locale a fair share of at least three hundred dialogues."""
    counts = {locale: len(of_locale(locale)) for locale in BOUNDS}
    assert set(LOCALES) == set(BOUNDS)
    assert min(counts.values()) >= 90
    assert sum(counts.values()) >= 300


@each_file
def test_a_file_names_itself_on_every_line(path: Path) -> None:
    """Source, tags and id say what a line is; the id is that of its words."""
    for number, one in enumerate(dialogues(path), start=1):
        where = f"{path.name}, line {number}"
        assert one.source == "counsellor", where
        assert one.tags[0] == path.parent.name, where
        assert len(one.tags) >= 2, where
        assert one.id == schema.conversation_id(one.messages), where
        assert one.system is None, where


def test_no_dialogue_stands_twice() -> None:
    """Ids are unique over all locales."""
    ids = Counter(one.id for path in FILES for one in dialogues(path))
    assert [name for name, count in ids.items() if count > 1] == []


@each_file
def test_a_call_lasts_a_while(path: Path) -> None:
    """Eight to fifteen replies, those of a safety script included; the short have their files."""
    least = {"asking": 4, "plain": 3}.get(path.stem.partition("-")[0], 8)
    for number, one in enumerate(dialogues(path), start=1):
        assert least <= len(one.messages) / 2 <= 15, f"{path.name}, line {number}"


@each_file
def test_a_reply_is_one_or_two_short_sentences(path: Path) -> None:
    """No reply is longer than a breath."""
    assert not told([t for t in replies_in(path) if t.has("long", "sentences")])


@each_file
def test_a_reply_begins_with_a_short_clause(path: Path) -> None:
    """Speech can begin after a few characters, and hardly ever with a question."""
    turns = replies_in(path)
    assert not told([t for t in turns if t.has("empty", "first clause")])
    abrupt = [t for t in turns if t.text[len(t.first_clause) :][:1] in {"？", "?", "！", "!"}]
    assert len(abrupt) <= 0.02 * len(turns), told(abrupt)


@each_file
def test_a_reply_asks_one_question_at_most(path: Path) -> None:
    """One question mark at most, and a good share of replies asks nothing."""
    turns = replies_in(path)
    assert not told([t for t in turns if t.has("questions")])
    asking = sum(lint.count_questions(t.text) > 0 for t in turns) / len(turns)
    assert 0.3 <= asking <= 0.8


@each_file
def test_a_reply_is_speech(path: Path) -> None:
    """No markdown, brackets, emoji, addresses or long numbers."""
    assert not told([t for t in replies_in(path) if t.has("written")])


@each_file
def test_a_reply_keeps_the_limits(path: Path) -> None:
    """No diagnosis, advice, promise of secrecy, worn comfort, or claim to be a person."""
    limits: tuple[lint.Fault, ...] = ("diagnosis", "advice", "secrecy", "comfort", "identity")
    assert not told([t for t in replies_in(path) if t.has(*limits)])


@each_file
def test_chinese_keeps_to_its_script(path: Path) -> None:
    """A character of the other script is in no caller's and no listener's words."""
    for number, one in enumerate(dialogues(path), start=1):
        for message in one.messages:
            strange = lint.strange_characters(message.content, locale_of(path))
            assert not strange, f"{path.name}, line {number}: {message.content}"


@each_file
def test_nothing_is_said_twice_in_a_call(path: Path) -> None:
    """No sentence of the listener returns within a dialogue."""
    for number, one in enumerate(dialogues(path), start=1):
        said = Counter(s for turn in replies(locale_of(path), one) for s in turn.sentences)
        twice = [sentence for sentence, count in said.items() if count > 1]
        assert twice == [], f"{path.name}, line {number}"


@each_file
def test_callers_speak_as_a_recogniser_hears_them(path: Path) -> None:
    """Turns of very different lengths, few of them with punctuation, of English ones more."""
    messages = [m.content for one in dialogues(path) for m in one.messages if m.role == "user"]
    lengths = [count_units(text) for text in messages]
    limit = MAX_USER_UNITS[path.parent.name]
    assert max(lengths) <= limit
    short = 0.03 if path.stem == "plain-faithful" else 0.05
    assert sum(length <= 8 for length in lengths) / len(lengths) >= short
    long = 0.05 if path.stem.startswith(("asking-", "plain")) else 0.15
    assert sum(length >= 20 for length in lengths) / len(lengths) >= long
    marked = sum(bool(re.search(r"[，。？！；,.?!;]", text)) for text in messages)
    assert marked / len(messages) <= (0.5 if path.parent.name == "en" else 0.3)


@each_locale
def test_sentences_rarely_return_in_another_call(locale: Locale) -> None:
    """Few of the listener's longer sentences are used in more than one dialogue."""
    said = sentences_of(one for one in of_locale(locale) if "plain" not in one.tags)
    assert [s for s, count in said.items() if count > 4] == []
    assert sum(count - 1 for count in said.values()) / said.total() <= 0.03


@each_locale
def test_plain_questions_may_return(locale: Locale) -> None:
    """Since when, fits many callers; but none of them becomes the only thing that is asked."""
    said = sentences_of(one for one in of_locale(locale) if "plain" in one.tags)
    most, count = said.most_common(1)[0]
    assert count / said.total() <= 0.03, most
    assert sum(count - 1 for count in said.values()) / said.total() <= 0.2


def sentences_of(calls: Iterable[schema.Conversation]) -> Counter[str]:
    """The listener's longer sentences, and in how many calls each is said."""
    return Counter(
        sentence
        for one in calls
        for sentence in {s for turn in replies_of(one) for s in turn.sentences}
        if count_units(sentence) >= 5
    )


@each_locale
def test_first_clauses_vary(locale: Locale) -> None:
    """No opening of a reply becomes a habit."""
    openings = Counter(
        turn.first_clause for one in of_locale(locale) for turn in replies(locale, one)
    )
    most, count = openings.most_common(1)[0]
    assert count / openings.total() <= 0.05, most
    assert len(openings) / openings.total() >= 0.5


@each_locale
def test_no_two_dialogues_are_near_duplicates(locale: Locale) -> None:
    """Even the two most alike share few trigrams."""
    words = locale == "en"
    texts = [
        (one.id, trigrams(" ".join(m.content for m in one.messages), words=words))
        for one in of_locale(locale)
    ]
    alike = [
        (left, right)
        for (left, a), (right, b) in combinations(texts, 2)
        if len(a & b) > 0.2 * len(a | b)
    ]
    assert alike == []
