"""The callers and prompts that come with the package."""

from __future__ import annotations

import itertools
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest

from agent.bench.scripts import PACKAGED as BENCH_SCRIPTS
from agent.conversations.lint import strange_characters
from agent.conversations.prompts import prompts
from agent.conversations.prompts import spread as spread_prompts
from agent.conversations.script import (
    LOCALES,
    CallerScript,
    load_casts,
    spread,
)
from pipeline.errors import ConfigError
from pipeline.text import keys, language_of, similarity

CASTS = load_casts()
CALLERS = [(cast.locale, one) for cast in CASTS for one in cast.callers]


def words_of(script: CallerScript) -> list[str]:
    probes = [text for probe in script.probes for text in (probe.say, *probe.then) if text]
    return [script.opening, *script.story, *script.facts.values(), *probes, script.goodbye]


def pairs(text: str) -> set[tuple[str, str]]:
    return set(itertools.pairwise(keys(text)))


def test_there_are_enough_callers() -> None:
    """At least eight in each locale, each with a name of its own."""
    assert [cast.locale for cast in CASTS] == list(LOCALES)
    assert min(len(cast.callers) for cast in CASTS) >= 8
    ids = [one.id for _, one in CALLERS]
    assert len(set(ids)) == len(ids)


def test_every_kind_of_probe_is_there() -> None:
    """In each language what is hard for a listener comes up."""
    wanted = {
        "identity", "name", "advice", "diagnosis", "medication", "secrecy", "hostile",
        "off topic", "silence", "crisis", "no crisis",
    }  # fmt: skip
    for english in (False, True):
        kinds = {
            p.kind for locale, one in CALLERS if (locale == "en") is english for p in one.probes
        }
        assert wanted <= kinds


def test_callers_use_their_own_script() -> None:
    """Not a character of the other one, and English callers speak English."""
    for cast in CASTS:
        for text in [t for one in cast.callers for t in words_of(one)]:
            assert not strange_characters(text, cast.locale), text
            assert (language_of(text) == "en") == (cast.locale == "en"), text


def test_callers_can_be_heard() -> None:
    """Each has one of the bench's voices, and probes that come within the call."""
    voices = (BENCH_SCRIPTS / "voices.toml").read_text("utf-8")
    for _, one in CALLERS:
        assert f"[{one.voice}]" in voices
        assert all(probe.turn < one.max_turns for probe in one.probes), one.id


def test_callers_are_chosen_by_name_locale_or_probe() -> None:
    """Any of the three; a name that nobody has is refused."""
    assert [one.id for cast in load_casts(only=["night-nurse"]) for one in cast.callers] == [
        "night-nurse"
    ]
    assert [cast.locale for cast in load_casts(only=["en"])] == ["en"]
    assert all(
        any(probe.kind == "crisis" for probe in one.probes)
        for cast in load_casts(only=["crisis"])
        for one in cast.callers
    )
    with pytest.raises(ConfigError, match="nobody is no caller"):
        load_casts(only=["nobody"])


def test_few_callers_come_from_all_locales() -> None:
    """Evenly, from the beginning of each."""
    assert [len(cast.callers) for cast in spread(CASTS, 5)] == [2, 2, 1]
    assert spread(CASTS, None) == CASTS
    assert spread(CASTS, 0) == ()


def test_a_damaged_file_is_refused_by_name(tmp_path: Path) -> None:
    """The message says which file and which place."""
    with pytest.raises(ConfigError, match="holds no callers"):
        load_casts(tmp_path)
    (tmp_path / "en.toml").write_text("callers = []", "utf-8")
    with pytest.raises(ConfigError, match=r"en\.toml holds no callers: phrases"):
        load_casts(tmp_path)


def test_prompts_are_twenty_a_locale_and_all_different() -> None:
    """First words and turns from the middle, in the script of their locale."""
    assert Counter(one.locale for one in prompts()) == dict.fromkeys(LOCALES, 20)
    for one in prompts():
        assert not strange_characters("".join(one.turns), one.locale)
    assert sum(len(one.turns) > 1 for one in prompts()) == 30
    last = [one.turns[-1] for one in prompts()]
    assert max(similarity(left, right) for left, right in combinations(last, 2)) < 0.6


def test_prompts_are_not_in_the_training_data() -> None:
    """Nor near: no caller of the dialogues says nearly the same as a prompt."""
    from train import schema

    folder = Path(schema.__file__).parent / "data" / "counsellor"
    said = [
        pairs(message.content)
        for path in folder.glob("*/*.jsonl")
        for one in schema.read_only(path, schema.Conversation)
        for message in one.messages
        if message.role == "user"
    ]
    for one in prompts():
        own = pairs(one.turns[-1])
        assert not any(len(own & other) > 0.6 * len(own | other) for other in said), one.turns


def test_few_prompts_come_from_all_locales() -> None:
    """Evenly over the file."""
    assert {one.locale for one in spread_prompts(prompts(), 3)} == set(LOCALES)
    assert spread_prompts(prompts(), 0) == ()
