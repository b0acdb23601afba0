"""The loudspeaker's queue: exact positions, and no click wherever it is stopped."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.local.player import FADE_SAMPLES, START_SAMPLES, Player
from pipeline.audio import OUTPUT_RATE_HZ, FloatArray, Int16Array

BLOCK = OUTPUT_RATE_HZ // 100
TONE_HZ = 220.0
AMPLITUDE = 0.5
# Between two samples of the tone, and of the tone under a fade.
STEP = AMPLITUDE * (2 * np.pi * TONE_HZ / OUTPUT_RATE_HZ + 1.0 / (FADE_SAMPLES - 1)) + 1e-3


def tone(secs: float) -> Int16Array:
    t = np.arange(round(secs * OUTPUT_RATE_HZ)) / OUTPUT_RATE_HZ
    return np.rint(AMPLITUDE * 32_767 * np.cos(2 * np.pi * TONE_HZ * t)).astype(np.int16)


def read(player: Player, blocks: int) -> FloatArray:
    return np.concatenate([player.read(BLOCK) for _ in range(blocks)])


def playing(secs: float = 1.0) -> Player:
    player = Player()
    player.receive("reply_1", tone(secs))
    return player


def test_silence_where_nothing_plays() -> None:
    """An empty player gives zeros of the length asked for."""
    assert not read(Player(), 3).any()


def test_everything_received_is_played_and_counted() -> None:
    """The position ends at the last sample."""
    player = playing(0.5)
    player.finish("reply_1")
    read(player, 60)
    assert player.played("reply_1") == len(tone(0.5))


def test_a_reply_waits_for_a_little_lead() -> None:
    """The first few milliseconds alone are held until more follows, or nothing does."""
    player = Player()
    player.receive("reply_1", tone(0.02))
    assert not read(player, 2).any()
    player.receive("reply_1", tone(0.1))
    assert read(player, 2).any()
    short = Player()
    short.receive("reply_1", tone(0.02))
    short.finish("reply_1")
    assert len(tone(0.02)) < START_SAMPLES
    assert read(short, 2).any()


def test_a_pause_is_silent_within_a_fade() -> None:
    """After 10 ms nothing sounds, and the position stands still."""
    player = playing()
    read(player, 20)
    player.pause("reply_1")
    fading = player.read(BLOCK)
    position = player.played("reply_1")
    assert fading[-1] == pytest.approx(0.0)
    assert not read(player, 10).any()
    assert player.played("reply_1") == position == 20 * BLOCK + FADE_SAMPLES


def test_a_resume_plays_from_where_it_was_told() -> None:
    """The audio from there on, faded in."""
    player = playing()
    read(player, 20)
    player.pause("reply_1")
    read(player, 5)
    player.resume("reply_1", 1_000)
    heard = read(player, 10)
    wanted = tone(1.0)[1_000 : 1_000 + 10 * BLOCK] / 32_768
    assert heard[FADE_SAMPLES:] == pytest.approx(wanted[FADE_SAMPLES:], abs=1e-4)
    assert heard[0] == pytest.approx(0.0)


def test_a_flushed_reply_makes_room_for_the_next() -> None:
    """What is late of the old one is not taken."""
    player = playing()
    read(player, 20)
    player.flush("reply_1")
    player.receive("reply_1", tone(0.5))
    player.receive("reply_2", tone(0.5))
    read(player, 20)
    assert player.played("reply_2") > 0


Orders = st.lists(
    st.tuples(
        st.sampled_from(["pause", "resume", "read", "receive", "flush"]), st.integers(0, 24_000)
    ),
    max_size=40,
)


@given(Orders)
def test_no_order_of_events_makes_a_click(orders: list[tuple[str, int]]) -> None:
    """Two neighbouring samples never differ by more than the tone under a fade does."""
    line, sent = tone(8.0), 6_000
    player = Player()
    player.receive("reply_1", line[:sent])
    heard = [player.read(BLOCK)]
    for order, number in orders:
        match order:
            case "pause":
                player.pause("reply_1")
            case "resume":
                player.resume("reply_1", number)
            case "receive":
                player.receive("reply_1", line[sent : sent + number % 4_000])
                sent += number % 4_000
            case "flush":
                player.flush("reply_1")
            case "read":
                heard.append(player.read(BLOCK))
    heard += [player.read(BLOCK), player.read(BLOCK)]
    assert np.abs(np.diff(np.concatenate(heard))).max() <= 2 * STEP


def test_an_acknowledgement_is_played_at_once_and_not_counted() -> None:
    """Nobody asks how much of it was heard."""
    player = Player()
    player.acknowledge(tone(0.3))
    sound = read(player, 40)
    assert np.abs(sound[: 30 * BLOCK]).max() == pytest.approx(AMPLITUDE, abs=0.01)
    assert not sound[30 * BLOCK :].any()
    assert player.played("reply_1") == 0


def test_an_acknowledgement_fades_when_a_reply_begins() -> None:
    """Two voices never sound together, and neither clicks."""
    player = Player()
    player.acknowledge(tone(1.0))
    before = read(player, 10)
    player.receive("reply_1", tone(0.5))
    after = read(player, 20)
    assert np.abs(before).max() == pytest.approx(AMPLITUDE, abs=0.01)
    assert np.abs(after[2 * BLOCK :]).max() <= AMPLITUDE + 1e-3
    assert np.abs(np.diff(np.concatenate([before[-1:], after]))).max() <= 2 * STEP
