"""ChatTTS's own classes with small random weights, loaded once for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pipeline.tts.chattts.model import ChatTtsModel
    from pipeline.tts.chattts.voice import ChatTtsVoice


@pytest.fixture(scope="session")
def assets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The folder, and the hash list that takes the place of ChatTTS's."""
    pytest.importorskip("ChatTTS")
    from agent.voices.chattts_random import small_config, write_random_assets

    folder = tmp_path_factory.mktemp("chattts")
    return folder, write_random_assets(folder, small_config())


@pytest.fixture(scope="session")
def model(assets: tuple[Path, dict[str, str]]) -> ChatTtsModel:
    from agent.voices.chattts_random import small_config
    from pipeline.tts.chattts.model import ChatTtsModel

    folder, hashes = assets
    return ChatTtsModel(folder, device="cpu", config=small_config(), hashes=hashes)


@pytest.fixture(scope="session")
def voice(model: ChatTtsModel) -> Iterator[ChatTtsVoice]:
    from agent.voices.chattts_random import small_config
    from pipeline.tts.chattts.speaker_code import draw_speaker
    from pipeline.tts.chattts.voice import ChatTtsVoice

    made = ChatTtsVoice(model, draw_speaker(7, small_config()))
    yield made
    made.close()
