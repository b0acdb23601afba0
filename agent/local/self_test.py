"""Does the bot hear itself? Two minutes of its voice in a simulated room, on the real models.

typed turns ─▶ replies ─▶ loopback: room, noise ─▶ canceller ─▶ the same call
at the end somebody speaks up in that room, and must be heard
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle

import numpy as np
import soxr

from agent.local.canceller import WebRtcCanceller
from agent.local.delay import measure_delay
from agent.local.device import DEVICE_RATE_HZ
from agent.local.loopback import LoopbackDevice
from agent.local.session import LocalSession
from pipeline.audio import OUTPUT_RATE_HZ, FloatArray, int16_to_float
from pipeline.events import (
    CallEvent,
    CallFactory,
    CallOptions,
    PlayoutFlushed,
    PlayoutPaused,
    ReplyFinished,
    ReplyStarted,
    StateChanged,
    TranscriptCompleted,
)
from pipeline.tts.base import SpeechStyle, Voice

SECS = 120.0
PROMPTS = (
    "我最近总是睡不好。",
    "工作压力很大，怎么办？",
    "我和妈妈吵架了。",
    "I feel tired all day.",
)
CUT_IN = "等一下，我有一个问题。"
CUT_IN_AFTER_SECS = 0.8  # into a reply
CUT_IN_PEAK = 0.35  # somebody half a metre from the microphone
CUT_IN_ATTEMPTS = 3  # the reply may be over before anybody can cut in
REPLY_TIMEOUT_SECS = 60.0  # on a machine that does much else
# Deeper and slower than the bot: somebody else.
_CALLER_STYLE = SpeechStyle(rate=0.95, pitch=0.8)


@dataclass(frozen=True, slots=True)
class SelfTestReport:
    """What happened.

    Attributes:
        secs: How long the bot was left alone.
        replies: That it spoke in that time.
        pauses: That it made for its own voice.
        self_interruptions: Replies that its own voice stopped.
        heard_itself: Turns that nobody spoke.
        cut_in_ms: From the caller's first sample to the bot's pause; None if it spoke on.
        cut_in_heard: Whether the caller's words became a turn.
        delay_secs: Measured from loudspeaker to microphone.
    """

    secs: float
    replies: int
    pauses: int
    self_interruptions: int
    heard_itself: int
    cut_in_ms: float | None
    cut_in_heard: bool
    delay_secs: float | None

    @property
    def passed(self) -> bool:
        """Never interrupted by itself, and by somebody else at once."""
        alone = not self.self_interruptions and not self.heard_itself
        return alone and self.replies > 0 and self.cut_in_ms is not None and self.cut_in_heard


@dataclass
class _Witness:
    """The session's listener: counts."""

    events: list[tuple[float, CallEvent]] = field(default_factory=list)
    speaking: bool = False
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def event(self, event: CallEvent) -> None:
        self.events.append((time.monotonic(), event))
        if isinstance(event, StateChanged):
            self.speaking = event.state == "speaking"
        self._news.set()

    def levels(self, microphone_dbfs: float, loudspeaker_dbfs: float) -> None: ...

    def device(self, name: str | None) -> None: ...

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for it, but no longer than for a slow reply."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REPLY_TIMEOUT_SECS):
                while not condition():
                    self._news.clear()
                    await self._news.wait()

    def count(self, kind: type[CallEvent], since: float = 0.0) -> int:
        return sum(isinstance(event, kind) and at >= since for at, event in self.events)

    def is_answered(self, since: float) -> bool:
        """Whether the latest reply begun since then is over.

        To wait for the end of any reply is not enough: a slow one would be ended by the next
        prompt, and so on for ever.
        """
        begun = [e.reply_id for at, e in self.events if at >= since and isinstance(e, ReplyStarted)]
        over = {event.reply_id for _, event in self.events if isinstance(event, ReplyFinished)}
        return bool(begun) and begun[-1] in over

    def interruptions(self) -> int:
        return sum(
            isinstance(event, ReplyFinished) and event.status == "interrupted"
            for _, event in self.events
        )

    def turns(self) -> int:
        return sum(isinstance(e, TranscriptCompleted) and bool(e.text) for _, e in self.events)

    def first(self, kinds: tuple[type[CallEvent], ...], since: float) -> float | None:
        return next((at for at, e in self.events if at >= since and isinstance(e, kinds)), None)


async def self_test(
    factory: CallFactory,
    voice: Voice,
    *,
    secs: float = SECS,
    device: LoopbackDevice | None = None,
) -> SelfTestReport:
    """Hold the test's call.

    Args:
        factory: Opens it.
        voice: Speaks for the simulated caller.
        secs: How long the bot is left alone with its echo.
        device: The room; None takes a furnished one with a loud loudspeaker.

    Raises:
        OverloadedError: No line is free.
    """
    device = device or LoopbackDevice()
    delay = await measure_delay(device)
    delay_secs = delay.secs if delay else None
    canceller = WebRtcCanceller(delay_secs)
    port = await factory.open_call(CallOptions(reports_playout=True))
    witness = _Witness()
    session = LocalSession(port, device, canceller, witness)
    running = asyncio.create_task(session.run(), name="self-test-session")
    try:
        prompts = cycle(PROMPTS)
        ends_at = time.monotonic() + secs
        while time.monotonic() < ends_at:
            asked_at = time.monotonic()
            port.send_text(next(prompts))
            port.respond()
            await witness.until(partial(witness.is_answered, asked_at))
        alone = (
            witness.count(ReplyFinished),
            witness.count(PlayoutPaused),
            witness.interruptions(),
            witness.turns(),
        )
        sound = _caller(voice)
        cut_in_ms: float | None = None
        for _ in range(CUT_IN_ATTEMPTS):
            port.send_text(next(prompts))
            port.respond()
            cut_in_ms = await _cut_in(witness, device, sound)
            if cut_in_ms is not None:
                break
        return SelfTestReport(secs, *alone, cut_in_ms, witness.turns() > alone[-1], delay_secs)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await port.close()


async def _one_reply(witness: _Witness) -> None:
    """Until the reply that was asked for is over."""
    before = witness.count(ReplyFinished)
    await witness.until(lambda: witness.count(ReplyFinished) > before)


async def _cut_in(witness: _Witness, device: LoopbackDevice, sound: FloatArray) -> float | None:
    """Speak over the next reply; milliseconds until the bot paused, None if it did not."""
    since = time.monotonic()
    await witness.until(lambda: witness.speaking and witness.count(ReplyStarted, since) > 0)
    await asyncio.sleep(CUT_IN_AFTER_SECS)
    if not witness.speaking:
        return None
    began_at = time.monotonic()
    device.say(sound)
    await asyncio.sleep(len(sound) / DEVICE_RATE_HZ)
    await _one_reply(witness)
    paused_at = witness.first((PlayoutPaused, PlayoutFlushed), began_at)
    return None if paused_at is None else round((paused_at - began_at) * 1000, 1)


def _caller(voice: Voice) -> FloatArray:
    """The simulated caller's words at the device's rate, from their first audible sample on."""
    chunks = voice.synthesise(CUT_IN, _CALLER_STYLE, lambda: False)
    spoken = int16_to_float(np.concatenate([chunk.pcm for chunk in chunks]))
    audible = np.flatnonzero(np.abs(spoken) > 0.02 * np.abs(spoken).max())
    louder = spoken[audible[0] :] * np.float32(CUT_IN_PEAK / np.abs(spoken).max())
    sound: FloatArray = soxr.resample(louder, OUTPUT_RATE_HZ, DEVICE_RATE_HZ).astype(np.float32)
    return sound
