"""How fast the protocol has its answers spoken."""

from __future__ import annotations

from agent.safety.protocol import CRISIS_RATE, DISTRESS_RATE, CrisisProtocol


def test_a_crisis_is_answered_slowly_and_so_is_the_rest_of_the_call():
    """From elevated on every answer has the slow rate."""
    protocol = CrisisProtocol("zh-Hant", "TW")
    assert protocol.rate("我在超市上班") == 1.0
    assert protocol.rate("我想自殺") == CRISIS_RATE
    protocol.taken("我想自殺")
    assert protocol.rate("今天天氣不錯") == CRISIS_RATE


def test_distress_is_answered_a_little_slower():
    """A concern that is asked about, and a feeling that was told."""
    protocol = CrisisProtocol("zh-Hant", "TW")
    assert protocol.rate("活著沒意思") == DISTRESS_RATE
    assert protocol.rate("我好難過") == DISTRESS_RATE


def test_asking_for_the_rate_changes_nothing():
    """A draft that is dropped leaves no trace."""
    protocol = CrisisProtocol("en", "UK")
    protocol.rate("I want to kill myself")
    assert not protocol.in_force
