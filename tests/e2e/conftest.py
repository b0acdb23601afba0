"""One real server on the embedded models for all tests of this folder."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from agent import engines
from agent.config import ServerSettings, Settings
from tests.e2e.house import House, PatientSwitchboard, PromptRecorder
from web.metrics import Metrics
from web.server import create_app, running

# Three lines, for a call that goes on while others break; and short memory for lost clients.
SERVER = ServerSettings(port=0, max_calls=3, resume_secs=0.5)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house() -> AsyncIterator[House]:
    home = os.environ.get("QINGTING_HOME")
    settings = Settings(home=Path(home)) if home else Settings()
    llm = settings.llm.model_copy(update={"seed": 11})  # the same conversation every time
    settings = settings.model_copy(update={"server": SERVER, "llm": llm})
    loaded = engines.load_engines(settings)
    recorder = PromptRecorder(loaded.language_model)
    board = PatientSwitchboard(dataclasses.replace(loaded, language_model=recorder), settings)
    metrics = Metrics()
    try:
        await board.warm_up()
        app = create_app(board, metrics=metrics, settings=settings)
        async with running(app, SERVER) as url:
            yield House(url, board, metrics, loaded, recorder)
        await board.close()
    finally:
        await engines.close_engines(loaded)
