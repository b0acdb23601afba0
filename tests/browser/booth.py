"""A place to make calls from: one server with real models, and a browser for each microphone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile
import soxr
from axe_playwright_python.base import AXE_FILE_PATH
from fastapi import FastAPI
from playwright.async_api import Browser, Page, Playwright, async_playwright

from agent.config import Settings
from agent.engines import load_recogniser
from agent.switchboard import Switchboard
from pipeline.assembly import CallProfile
from pipeline.audio import INPUT_RATE_HZ, OUTPUT_RATE_HZ
from pipeline.events import CallOptions
from pipeline.text import units
from pipeline.tts.base import SpeechStyle
from tests.browser.tab import CHROMIUM, told
from web.realtime.endings import HANGUP
from web.server import create_app, running, switchboard

MICROPHONE_HZ = 48_000
AXE = Path(AXE_FILE_PATH).read_text(encoding="utf-8")
# Faults that keep somebody out; "moderate" and "minor" ones are advice.
SERIOUS = ("critical", "serious")


class Booth:
    """One server, and browsers that call it.

    Attributes:
        url: Of the server.
        app: Its application.
        board: Its engines and calls.
    """

    def __init__(
        self, url: str, app: FastAPI, board: Switchboard, playwright: Playwright, folder: Path
    ) -> None:
        self.url = url
        self.app = app
        self.board = board
        self._playwright = playwright
        self._folder = folder
        self._browsers: list[Browser] = []

    async def page(
        self, *said: float | str, microphone: bool = True, path: str = "/", **options: object
    ) -> Page:
        """The call page, before consent; what goes wrong in it is noted in `faults`.

        Args:
            said: What the microphone hears once it is open: seconds of silence and texts.
            microphone: False refuses it.
            path: Of the page.
            options: Of Playwright's browser context.
        """
        arguments = ["--autoplay-policy=no-user-gesture-required"]
        if microphone:
            wav = self._folder / f"microphone-{len(self._browsers)}.wav"
            soundfile.write(wav, self._speech(*said, 60.0), MICROPHONE_HZ, subtype="PCM_16")
            arguments += [
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
                f"--use-file-for-fake-audio-capture={wav}%noloop",
            ]
        one = await self._playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        self._browsers.append(one)
        usual = {"locale": "zh-TW", "viewport": {"width": 1180, "height": 800}}
        context = await one.new_context(**{**usual, **options})
        page = await context.new_page()
        page.faults = []  # type: ignore[attr-defined]
        page.asked = []  # type: ignore[attr-defined]
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url))
        await page.goto(self.url + path)
        await told(page)
        return page

    def ongoing(self) -> list:
        """The server's calls."""
        return list(self.app.state.calls._calls.values())

    async def hang_up_all(self) -> None:
        """Leave the lines free for the next test."""
        while self._browsers:
            await self._browsers.pop().close()
        for one in self.ongoing():
            one.end(HANGUP)
            await one.ended.wait()

    async def transcribe(self, audio: np.ndarray, rate_hz: int) -> str:
        """What a recogniser of our own hears in float32 mono audio."""
        mono = soxr.resample(audio.astype(np.float32), rate_hz, INPUT_RATE_HZ)
        recogniser = load_recogniser(Settings())
        try:
            hypothesis = await recogniser.decode(mono[: 28 * INPUT_RATE_HZ], language="zh")
        finally:
            await recogniser.close()
        return hypothesis.text

    def _speech(self, *parts: float | str) -> np.ndarray:
        pieces = []
        for part in parts:
            if isinstance(part, str):
                voice = self.board.engines.voice
                chunks = [*voice.synthesise(part, SpeechStyle(), lambda: False)]
                pcm = np.concatenate([chunk.pcm for chunk in chunks]).astype(np.float32) / 32768
                pieces.append(soxr.resample(pcm, OUTPUT_RATE_HZ, MICROPHONE_HZ))
            else:
                pieces.append(np.zeros(round(part * MICROPHONE_HZ), np.float32))
        return np.concatenate(pieces)


@asynccontextmanager
async def open_booth(folder: Path) -> AsyncIterator[Booth]:
    """A server with real models on a free port, with two lines."""
    base = Settings()
    settings = base.model_copy(
        update={
            "server": base.server.model_copy(update={"port": 0, "max_calls": 2}),
            "llm": base.llm.model_copy(update={"seed": 7}),
        }
    )
    async with switchboard(settings) as board:
        _be_patient(board)
        app = create_app(board, settings=settings)
        async with running(app, settings.server) as url, async_playwright() as playwright:
            booth = Booth(url, app, board, playwright, folder)
            try:
                yield booth
            finally:
                await booth.hang_up_all()


def _be_patient(board: Switchboard) -> None:
    """Let a busy machine answer late: these tests are about the page, not about speed."""
    usual = board.profile

    def patient(options: CallOptions, **known: bool) -> CallProfile:
        profile = usual(options, **known)
        return replace(profile, turn=replace(profile.turn, reply_owed_secs=60.0))

    board.profile = patient  # type: ignore[method-assign]


async def accessibility_faults(page: Page) -> list[str]:
    """What axe-core finds serious on the page as it is now, one line each."""
    # `evaluate` goes past the page's own content-security policy, which allows no such script.
    await page.evaluate(AXE)
    found = await page.evaluate("() => axe.run(document)")
    return [
        f"{fault['id']}: {node['html']} {node['failureSummary']}"
        for fault in found["violations"]
        if fault["impact"] in SERIOUS
        for node in fault["nodes"]
    ]


def error_rate(said: str, heard: str) -> float:
    """Edits in text units that turn `heard` into `said`, as a share of `said`."""
    wanted = [unit.text.lower() for unit in units(said)]
    got = [unit.text.lower() for unit in units(heard)]
    row = list(range(len(got) + 1))
    for position, unit in enumerate(wanted, start=1):
        before, row[0] = row[0], position
        for column, other in enumerate(got, start=1):
            cost = min(row[column] + 1, row[column - 1] + 1, before + (unit != other))
            before, row[column] = row[column], cost
    return row[-1] / max(1, len(wanted))
