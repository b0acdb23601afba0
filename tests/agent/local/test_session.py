"""The local session joins device and call; the call here is the fake of the web tests."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest

from agent.local.device import DEVICE_BLOCK_SAMPLES, Exchange
from agent.local.loopback import LoopbackDevice
from agent.local.player import Player
from agent.local.session import REPORT_SECS, LocalSession
from agent.local.talk import push
from pipeline.audio import FloatArray
from pipeline.errors import DeviceError
from pipeline.events import Acknowledged, CallEvent, CallOptions, ReplyFinished
from tests.fakes.call import FakeCall, tone

ANSWER_SECS = 0.3


class Ears:
    """A listener that keeps everything."""

    def __init__(self) -> None:
        self.events: list[CallEvent] = []
        self.devices: list[str | None] = []
        self.loudest_dbfs = -90.0  # of the loudspeaker

    def event(self, event: CallEvent) -> None:
        self.events.append(event)

    def levels(self, microphone_dbfs: float, loudspeaker_dbfs: float) -> None:
        self.loudest_dbfs = max(self.loudest_dbfs, loudspeaker_dbfs)

    def device(self, name: str | None) -> None:
        self.devices.append(name)


class NoCanceller:
    """Lets the microphone through: what is under test is the way, not the echo."""

    def clean(self, microphone: FloatArray, loudspeaker: FloatArray) -> FloatArray:
        return microphone


class PulledDevice(LoopbackDevice):
    """Falls silent after a few blocks, cannot be opened once, then is there again."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = 0

    def open(self, exchange: Exchange) -> None:
        self.opened += 1
        if self.opened == 1:
            for _ in range(3):
                self.block(exchange)
        elif self.opened == 2:
            raise DeviceError("it is gone")
        else:
            super().open(exchange)


@contextlib.asynccontextmanager
async def running(
    call: FakeCall, device: LoopbackDevice
) -> AsyncIterator[tuple[LocalSession, Ears]]:
    ears = Ears()
    session = LocalSession(call, device, NoCanceller(), ears)
    task = asyncio.create_task(session.run())
    try:
        yield session, ears
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10.0):
        while not condition():  # noqa: ASYNC110 - the fake call tells nobody what it was asked
            await asyncio.sleep(0.01)


async def test_a_reply_is_played_and_reported_to_its_end() -> None:
    """The call learns how many samples were played, and so completes the reply."""
    call = FakeCall("call_1", CallOptions(reports_playout=True), ANSWER_SECS)
    # The fake takes any sound for speech: its own echo, too.
    async with running(call, LoopbackDevice(echo_db=-120.0, noise_dbfs=-120.0)) as (_, ears):
        call.respond()
        await until(lambda: any(isinstance(event, ReplyFinished) for event in ears.events))
    finished = next(event for event in ears.events if isinstance(event, ReplyFinished))
    assert finished.status == "completed"


async def test_an_acknowledgement_is_played_and_not_reported() -> None:
    """It is heard, and the call is told nothing of it."""
    call = FakeCall("call_1", CallOptions(reports_playout=True, plays_acknowledgements=True))
    async with running(call, LoopbackDevice(echo_db=-120.0, noise_dbfs=-120.0)) as (_, ears):
        call.emit(Acknowledged("嗯", tone(0.4)))
        await until(lambda: ears.loudest_dbfs > -20.0)
        await asyncio.sleep(2 * REPORT_SECS)
    assert call.asked == []


async def test_the_microphone_reaches_the_call_in_ten_millisecond_blocks() -> None:
    """PCM16 at 16 kHz, without holes."""
    call = FakeCall("call_1", CallOptions(reports_playout=True), ANSWER_SECS)
    device = LoopbackDevice()
    async with running(call, device):
        device.say(np.full(30 * DEVICE_BLOCK_SAMPLES, 0.2, np.float32))
        await until(lambda: len(call.audio) >= 0.5 * 32_000)
    samples = np.frombuffer(bytes(call.audio), dtype="<i2")
    assert len(samples) % 160 == 0
    assert np.abs(samples).max() > 0.15 * 32_768


async def test_a_device_that_was_pulled_out_is_waited_for() -> None:
    """The call goes on; sound comes back with the device."""
    call = FakeCall("call_1", CallOptions(reports_playout=True), ANSWER_SECS)
    device = PulledDevice()
    async with running(call, device) as (_, ears):
        await until(lambda: ears.devices.count("loopback") == 2)
        await until(lambda: len(call.audio) > 32_000 * 0.1)
    assert ears.devices[:2] == ["loopback", None]
    assert call.closed_with is None


async def test_no_device_to_begin_with_is_an_error() -> None:
    """Nothing is waited for that never was there."""
    device = PulledDevice()
    device.opened = 1
    session = LocalSession(
        FakeCall("call_1", CallOptions(), ANSWER_SECS), device, NoCanceller(), Ears()
    )
    with pytest.raises(DeviceError):
        await session.run()


async def test_the_talk_key_opens_and_sends() -> None:
    """First press: the microphone is open; second: the turn ends and is answered."""
    call = FakeCall("call_1", CallOptions(turn_detection=False), ANSWER_SECS)
    session = LocalSession(call, LoopbackDevice(), NoCanceller(), Ears())
    session.microphone_open = False
    loud = np.full(DEVICE_BLOCK_SAMPLES, 0.2, np.float32)
    muted = b"".join(session.exchange(loud)[0] for _ in range(10))
    assert not any(muted)
    push(session, call)
    assert any(b"".join(session.exchange(loud)[0] for _ in range(10)))
    push(session, call)
    assert [asked[0] for asked in call.asked] == ["commit", "respond"]
    assert not session.microphone_open
    assert isinstance(session.player, Player)
