"""The terminal shows what was said, what was heard, and how loud."""

from __future__ import annotations

import io

from rich.console import Console
from rich.live import Live

from agent.local.screen import CAPTIONS, METER_WIDTH, Screen
from pipeline.events import (
    BackchannelNoted,
    CallFailed,
    CrisisNoted,
    HelpLine,
    ReplyFinished,
    ReplyText,
    StateChanged,
    TranscriptCompleted,
    TranscriptUpdated,
)


def shown(screen: Screen) -> str:
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(screen)
    return console.export_text()


def test_captions_follow_the_call() -> None:
    """Partial words come and go, turns and replies stay, a cut reply shows what was heard."""
    screen = Screen()
    screen.event(TranscriptUpdated("turn_1", "我最近", "睡不"))
    assert "我最近睡不…" in shown(screen)
    screen.event(TranscriptCompleted("turn_1", "我最近睡不好", "zh"))
    screen.event(ReplyText("reply_1", "听起来你很累。", 0))
    assert "听起来你很累。…" in shown(screen)
    screen.event(BackchannelNoted("嗯"))
    screen.event(ReplyFinished("reply_1", "interrupted", "听起来你很累。", "听起来", False, 2.0))
    screen.event(CallFailed("recognition_error", "It failed."))
    screen.event(StateChanged("thinking"))
    text = shown(screen)
    assert [line.split(maxsplit=1)[-1] for line in text.splitlines()[:4]] == [
        "我最近睡不好", "(嗯)", "听起来 ─", "It failed.",
    ]  # fmt: skip
    assert "thinking" in text


def test_meters_move_with_the_level() -> None:
    """From nothing at -60 dBFS to full at 0."""
    screen = Screen()
    screen.levels(0.0, -60.0)
    text = shown(screen)
    assert text.count("█") == METER_WIDTH
    screen.levels(-30.0, 6.0)
    assert shown(screen).count("█") == METER_WIDTH // 2 + METER_WIDTH


def test_a_lost_device_is_said() -> None:
    """The caller is told to plug one in."""
    screen = Screen()
    screen.device("USB headset")
    assert "USB headset" in shown(screen)
    screen.device(None)
    assert "no device" in shown(screen)


def test_numbers_that_help_stay_in_view() -> None:
    """They outlast the reply that was cut before it said them, every caption, and the call."""
    screen = Screen()
    screen.event(CrisisNoted("elevated", "suicide", (HelpLine("安心專線", "1925", "24 小時"),)))
    screen.event(ReplyFinished("reply_1", "interrupted", "請打 1925。", "請打", False, 2.0))
    for number in range(2 * CAPTIONS):
        screen.event(TranscriptCompleted(f"turn_{number}", "我不想說了", "zh"))
    assert "1925  安心專線  24 小時" in shown(screen)
    assert "1925  安心專線  24 小時" in [line.plain for line in screen.lines()]


def test_numbers_that_help_are_not_cut_off_a_small_terminal() -> None:
    """Where not everything fits, captions and meters give way."""
    screen = Screen()
    screen.event(CrisisNoted("elevated", "suicide", (HelpLine("安心專線", "1925", "24 小時"),)))
    for number in range(CAPTIONS):
        screen.event(TranscriptCompleted(f"turn_{number}", "我不想說了", "zh"))
    output = io.StringIO()
    console = Console(width=60, height=6, force_terminal=True, file=output)
    with Live(screen, console=console, transient=True, auto_refresh=False):
        during_the_call = output.getvalue()
    assert "1925" in during_the_call
    assert "mic" not in during_the_call
