"""The callers' scripts: what is committed, and how they are read and chosen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.bench.scripts import (
    Call,
    CallerVoice,
    Turn,
    choose,
    load_calls,
    quick_call,
    spread,
)
from pipeline.errors import ConfigError
from pipeline.text import language_of

VOICE = CallerVoice(rate=1.1, pitch=0.9, size=1.05)
CALLS = load_calls()
TURNS = [turn for call in CALLS for turn in call.turns]


def test_there_are_enough_turns_of_every_kind_and_most_are_mandarin():
    """Sixty turns or more; every kind, and two kinds of noise at two levels."""
    assert len(TURNS) >= 60
    kinds = {turn.kind for turn in TURNS}
    assert kinds == {"short", "story", "repair", "number", "english", "mixed", "recorded"}
    mandarin = [turn for turn in TURNS if language_of(turn.text) == "zh"]
    assert len(mandarin) > 0.8 * len(TURNS)
    noisy = {(call.noise, call.snr_db) for call in CALLS if call.snr_db is not None}
    assert {noise for noise, _ in noisy} == {"white", "babble"}
    assert len({snr_db for _, snr_db in noisy}) == 2


def test_pauses_are_those_of_people_who_think():
    """Between 0.3 and 1.2 s, and enough of them for a rate."""
    pauses = [p.pause_secs for turn in TURNS for p in turn.passages if p.pause_secs]
    assert len(pauses) >= 50
    assert 0.3 <= min(pauses) <= max(pauses) <= 1.2


def test_no_caller_sounds_like_the_bot():
    """Rate and size differ for all, and so does the pitch."""
    for turn in TURNS:
        voice = turn.voice
        assert abs(voice.rate - 1) >= 0.04
        assert abs(voice.size - 1) >= 0.02
        assert abs(voice.pitch - 1) >= 0.08


def test_every_turn_has_an_id_of_its_own():
    """Records of two runs are joined by it."""
    ids = [turn.turn_id for turn in TURNS]
    assert len(set(ids)) == len(ids)


def test_pauses_are_cut_out_of_the_words():
    """The reference holds the words alone."""
    turn = Turn("c/1", "story", "我想说，[0.8]其实没事。", VOICE)
    assert [(p.text, p.pause_secs) for p in turn.passages] == [("我想说，", 0.8), ("其实没事。", 0)]
    assert turn.text == "我想说，其实没事。"
    english = Turn("c/2", "english", "I want to, [0.5] I want to quit.", VOICE)
    assert english.text == "I want to, I want to quit."


def call(name, *kinds):
    turns = (Turn(f"{name}/{n}", kind, "好", VOICE) for n, kind in enumerate(kinds, start=1))
    return Call(name, tuple(turns))


def test_choosing_by_call_kind_and_turn():
    """What is left keeps its order, and calls without a turn left are dropped."""
    calls = (call("one", "short", "story"), call("two", "story"), call("three", "number"))
    chosen = choose(calls, ["story", "three/1"])
    assert [t.turn_id for c in chosen for t in c.turns] == ["one/2", "two/1", "three/1"]
    assert choose(calls, []) == calls
    with pytest.raises(ConfigError, match="nobody"):
        choose(calls, ["nobody"])


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.integers(1, 30))
def test_turns_are_taken_evenly(sizes, most):
    """As many as asked for, and no call gives two more than another that still has some."""
    calls = [call(f"c{n}", *["short"] * size) for n, size in enumerate(sizes)]
    taken = {c.name: len(c.turns) for c in spread(calls, most)}
    counts = [taken.get(c.name, 0) for c in calls]
    assert sum(counts) == min(most, sum(sizes))
    for count, size in zip(counts, sizes, strict=True):
        assert count == size or count >= max(counts) - 1


def test_the_quick_call_holds_the_marked_turns_of_all_calls():
    """In a quiet room, with their own ids and voices."""
    quick = quick_call(CALLS)
    assert quick.noise == "quiet"
    assert quick.turns == tuple(turn for turn in TURNS if turn.quick)
    assert {"short", "story", "number", "english", "mixed"} <= {turn.kind for turn in quick.turns}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('voice = "nobody"\n[[turns]]\nkind = "short"\nsay = "好"', "no voice 'nobody'"),
        ('voice = "uncle"\n[[turns]]\nkind = "shout"\nsay = "好"', "turns.0.kind"),
        ('voice = "uncle"\nnoise = "white"\n[[turns]]\nkind = "short"\nsay = "好"', "snr_db"),
        ('voice = "uncle"\nturns = []', "turns"),
        ("voice = ", "cannot be read"),
    ],
)
def test_a_faulty_script_is_named(tmp_path, text, complaint):
    """The message says which file and what is wrong with it."""
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"mine\.toml.*") as raised:
        load_calls(tmp_path)
    assert complaint in raised.value.message


def test_a_folder_without_scripts_is_an_error(tmp_path):
    """Rather than a bench of nothing."""
    with pytest.raises(ConfigError, match="no call scripts"):
        load_calls(tmp_path)
