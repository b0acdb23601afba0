"""What a text means, and that it is not worked out twice."""

from __future__ import annotations

import numpy as np
import pytest

from agent.safety import meaning
from agent.safety.by_digest import ByDigest
from agent.safety.meaning import DIMENSIONS, vectors
from agent.safety.protocol import CrisisProtocol


def test_one_text_means_alone_what_it_means_among_others():
    """A unit vector, the first time and the next."""
    together = vectors(["我睡不好", "I can not sleep"])
    for _ in range(2):
        alone = vectors(["我睡不好"])
        assert alone.shape == (1, DIMENSIONS)
        np.testing.assert_allclose(alone[0], together[0], atol=1e-5)
        assert np.linalg.norm(alone) == pytest.approx(1.0, abs=1e-3)


def test_what_is_remembered_cannot_be_changed():
    """Else one caller's turn could change how the next one's is read."""
    with pytest.raises(ValueError, match="read-only"):
        vectors(["我睡不好"])[0, 0] = 1.0


def test_a_chat_that_comes_again_is_read_for_its_new_turn_alone(monkeypatch: pytest.MonkeyPatch):
    """A program sends all of it with every message, also where it leaves out the oldest."""
    read: list[str] = []

    def encoded(text: str) -> meaning.Vectors:
        read.append(text)
        return np.zeros((1, DIMENSIONS), np.float32)

    monkeypatch.setattr(meaning, "_vector", ByDigest(encoded, 2_048))
    chat = [f"第{number}天还是睡不好，白天没有力气，什么都做不下去" for number in range(40)]
    lead(chat)
    assert read
    read.clear()
    lead(chat)
    lead(chat[10:])
    assert read == []
    lead([*chat, "今天出门走了走"])
    assert 0 < len(read) < 10


def lead(chat: list[str]) -> None:
    """A protocol of its own through a whole chat."""
    protocol = CrisisProtocol("zh-Hans", "CN")
    for text in chat:
        protocol.taken(text)
