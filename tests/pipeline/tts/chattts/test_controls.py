"""Where ChatTTS's control tokens go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.tts.base import SpeechStyle
from pipeline.tts.chattts.controls import Manner, control_tokens, scaled, speed_token

LEVELS = st.builds(Manner, st.integers(0, 9), st.integers(0, 2), st.integers(0, 7))


def written(text: str, manner: Manner) -> str:
    """`text` with its control tokens in place."""
    tokens = control_tokens(text, manner)
    return "".join(tokens.get(at, "") + text[at : at + 1] for at in range(len(text) + 1))


@pytest.mark.parametrize(
    ("rate", "token"),
    [(0.5, "[speed_1]"), (0.84, "[speed_4]"), (1.0, "[speed_5]"), (2.0, "[speed_9]")],
)
def test_speed_steps_are_equal_ratios(rate: float, token: str):
    """The voice's own speed is the middle step, half and double speed lie near the ends."""
    assert speed_token(rate) == token


def test_breaks_come_first_after_sentences_then_after_commas_then_grow_long():
    """Each level adds to the one below, and none stands behind the last word."""
    text = "我在听。你说，慢慢来。"
    assert written(text, Manner(breaks=0)) == text
    assert written(text, Manner(breaks=1)) == "我在听。[uv_break]你说，慢慢来。"
    assert written(text, Manner(breaks=4)) == "我在听。[uv_break]你说，[uv_break]慢慢来。"
    assert written(text, Manner(breaks=6)) == "我在听。[lbreak]你说，[uv_break]慢慢来。"


def test_hesitation_follows_openers_then_precedes_joining_words():
    """The words stay as they are."""
    text = "嗯我懂但是你很累"
    assert written(text, Manner(oral=1, breaks=0)) == "嗯[uv_break]我懂但是你很累"
    assert written(text, Manner(oral=5, breaks=0)) == "嗯[uv_break]我懂[uv_break]但是你很累"
    english = "Well I hear you but wait"
    assert written(english, Manner(oral=5, breaks=0)) == (
        "Well[uv_break] I hear you [uv_break]but wait"
    )


def test_laughter_is_laughed_only_where_it_is_written():
    """Without the level nobody laughs; exclamations need the second one."""
    text = "哈哈真的！好呀"
    assert "[laugh]" not in written(text, Manner(breaks=0))
    assert written(text, Manner(laugh=1, breaks=0)) == "哈哈[laugh]真的！好呀"
    assert written(text, Manner(laugh=2, breaks=0)) == "哈哈[laugh]真的！[laugh]好呀"


def test_pause_scale_stretches_the_breaks_and_nothing_else():
    """Twice the pauses is twice the level, up to the last."""
    manner = Manner(oral=3, laugh=1, breaks=2)
    assert scaled(manner, SpeechStyle(pause_scale=2.0)) == Manner(3, 1, 4)
    assert scaled(Manner(breaks=5), SpeechStyle(pause_scale=3.0)).breaks == 7
    assert scaled(manner, SpeechStyle(pause_scale=0.0)).breaks == 0


@given(text=st.text(alphabet="嗯我懂，。！？哈well but,.! ", max_size=30), manner=LEVELS)
def test_tokens_change_no_character(text: str, manner: Manner):
    """Taking the tokens out gives the text back, and each stands behind something."""
    spoken = written(text, manner)
    for token in ("[uv_break]", "[lbreak]", "[laugh]"):
        spoken = spoken.replace(token, "")
    assert spoken == text
    assert all(text[:at].strip() for at in control_tokens(text, manner))


@pytest.mark.parametrize("levels", [{"oral": 10}, {"laugh": 3}, {"breaks": 8}, {"oral": -1}])
def test_levels_beyond_the_tokens_are_refused(levels: dict[str, int]):
    """The tokenizer has no token for them."""
    with pytest.raises(ValueError, match="must lie between"):
        Manner(**levels)
