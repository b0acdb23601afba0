"""The better replies of the pairs keep the listener's style."""

from __future__ import annotations

from collections import Counter

import pytest

from agent.conversations import lint
from tests.train.data.test_counsellor_style import BOUNDS
from train import schema
from train.counsellor import LOCALES, PREFERENCES
from train.mix.identity import Locale
from train.schema import Preference


def pairs(locale: Locale) -> list[Preference]:
    return list(schema.read_only(PREFERENCES / f"{locale}.jsonl", Preference))


@pytest.mark.parametrize("locale", LOCALES)
def test_better_replies_are_in_style(locale: Locale) -> None:
    """Spoken, one question at most, without advice or diagnosis.

    First clauses may be longer than those of the dialogues, as they keep to the caller's words.
    """
    better = {pair.chosen for pair in pairs(locale)}
    found = {text: set(lint.faults(text, locale, BOUNDS[locale])) for text in better}
    assert not [text for text, faults in found.items() if faults - {"first clause"}]


@pytest.mark.parametrize("locale", LOCALES)
def test_no_better_reply_becomes_a_habit(locale: Locale) -> None:
    """A moment has one, whatever it is compared with, and other moments have others."""
    by_moment: dict[tuple[str, ...], set[str]] = {}
    for pair in pairs(locale):
        by_moment.setdefault(tuple(m.content for m in pair.prompt), set()).add(pair.chosen)
    assert all(len(chosen) == 1 for chosen in by_moment.values())
    said = Counter(text for chosen in by_moment.values() for text in chosen)
    assert said.most_common(1)[0][1] <= 3


@pytest.mark.parametrize("locale", LOCALES)
def test_the_worse_reply_is_another(locale: Locale) -> None:
    """Ids are those of the words, and none stands twice."""
    ids = [pair.id for pair in pairs(locale)]
    assert len(set(ids)) == len(ids)
    for pair in pairs(locale):
        words = (*(message.content for message in pair.prompt), pair.chosen, pair.rejected)
        assert pair.id == schema.content_id(words)
