"""`qingting local` between its command line and its call: screen, keys, device."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.live import Live

from agent.local.canceller import WebRtcCanceller
from agent.local.delay import measure_delay
from agent.local.screen import Screen
from agent.local.session import LocalSession
from agent.local.sound_card import SoundCard
from pipeline.events import CallFactory, CallOptions, CallPort

REFRESH_PER_SEC = 10
PUSH_TO_TALK_HINT = "·  Enter: begin to talk, Enter again: send"


async def talk(
    factory: CallFactory, card: SoundCard, console: Console, *, push_to_talk: bool = False
) -> None:
    """Hold a call until Ctrl-C.

    Raises:
        DeviceError: There is no microphone or no loudspeaker.
        OverloadedError: No line is free.

    Cancelling hangs up.
    """
    delay = await measure_delay(card)
    if delay is None:
        console.print("The loudspeaker was not heard in the microphone: a headset, or muted.")
    else:
        console.print(
            f"Loudspeaker to microphone: {delay.secs * 1000:.0f} ms, {delay.level_db:+.0f} dB."
        )
    canceller = WebRtcCanceller(delay.secs if delay else None)
    options = CallOptions(
        turn_detection=not push_to_talk, reports_playout=True, plays_acknowledgements=True
    )
    port = await factory.open_call(options)
    screen = Screen(PUSH_TO_TALK_HINT if push_to_talk else "·  Ctrl-C: hang up")
    session = LocalSession(port, card, canceller, screen)
    session.microphone_open = not push_to_talk
    live = Live(screen, console=console, refresh_per_second=REFRESH_PER_SEC, transient=True)
    try:
        with live, _pressing_enter(lambda: push(session, port)) if push_to_talk else live:
            port.respond()  # the greeting
            await session.run()
    finally:
        await port.close()
        console.print(*screen.lines(), sep="\n")


def push(session: LocalSession, port: CallPort) -> None:
    """The talk key: open the microphone, or close it and ask for the answer."""
    session.microphone_open = not session.microphone_open
    if not session.microphone_open:
        port.commit_audio()
        port.respond()


@contextlib.contextmanager
def _pressing_enter(action: Callable[[], None]) -> Iterator[None]:
    """Call `action` for each line on standard input; nothing where it cannot be watched."""
    loop = asyncio.get_running_loop()

    def pressed() -> None:
        if sys.stdin.readline():
            action()
        else:
            loop.remove_reader(sys.stdin)

    with contextlib.suppress(NotImplementedError, PermissionError):
        loop.add_reader(sys.stdin, pressed)
    try:
        yield
    finally:
        with contextlib.suppress(NotImplementedError, ValueError):
            loop.remove_reader(sys.stdin)
