"""Fixtures of all tests."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import platformdirs
import pytest

from agent import config
from agent.config import Settings
from agent.models import ModelStore

# A busy machine is no fault: speed is the benchmark's business.
hypothesis.settings.register_profile("no-deadline", deadline=None)
hypothesis.settings.load_profile("no-deadline")
# For `make test`: what is green once is green again. By itself pytest draws new examples.
hypothesis.settings.register_profile("same-examples", deadline=None, derandomize=True)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only QINGTING_HOME, which says where the models are, reaches the tests."""
    for name in os.environ:
        if name.startswith(config.ENV_PREFIX) and name != "QINGTING_HOME":
            monkeypatch.delenv(name)
    nowhere = str(tmp_path / "no-config")
    monkeypatch.setattr(platformdirs, "user_config_dir", lambda *args, **kwargs: nowhere)


@pytest.fixture
def settings() -> Settings:
    """The defaults, with the real home."""
    return config.load().settings


@pytest.fixture(scope="session")
def model_store() -> ModelStore:
    """The real models; asking for one that is not here fails and says what to run."""
    home = os.environ.get("QINGTING_HOME")
    settings = Settings(home=Path(home)) if home else Settings()
    return ModelStore(settings.models_dir)


@pytest.fixture(scope="session")
def whisper_dir(model_store: ModelStore) -> Path:
    return model_store.path("whisper-base")


@pytest.fixture(scope="session")
def llm_file(model_store: ModelStore) -> Path:
    return model_store.path("qwen2.5-coder-0.5b")


@pytest.fixture(scope="session")
def mandarin_voice_dir(model_store: ModelStore) -> Path:
    return model_store.path("mandarin-voice")
