"""A loaded model for the tests that need one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from pipeline.llm.conversation import LlamaConversation
from pipeline.llm.model import LlamaModel

ROWS = 8


@pytest.fixture(scope="session")
def model(llm_file: Path) -> Iterator[LlamaModel]:
    """The embedded 0.5B, shared by all tests; each leaves it as it was."""
    model = LlamaModel.load(llm_file, sequences=ROWS, context_tokens=2048)
    yield model
    model._engine.close()


@pytest.fixture
async def open_conversation(
    model: LlamaModel,
) -> AsyncIterator[Callable[[], LlamaConversation]]:
    """Opens conversations and closes them after the test, however it ends."""
    opened: list[LlamaConversation] = []

    def open_one() -> LlamaConversation:
        opened.append(model.open())
        return opened[-1]

    yield open_one
    for conversation in opened:
        await conversation.close()


@pytest.fixture
def conversation(open_conversation: Callable[[], LlamaConversation]) -> LlamaConversation:
    """A conversation with an empty cache."""
    return open_conversation()
