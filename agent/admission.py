"""What a call gets when others are under way: worse on purpose, before it gets worse by itself.

calls      1 … speculating_calls   … fine_captions_calls   … max_calls
gets       everything              no drafts               rarer partials   a refusal
because    a draft thrown away     captions matter less    one more would make
           is a neighbour's time   than answers            every reply late
"""

from __future__ import annotations

from dataclasses import replace

from agent.config import ServerSettings
from pipeline.assembly import CallProfile
from pipeline.errors import OverloadedError

COARSENING = 2.0  # captions of a crowded house come this much more rarely


def admit(calls: int, settings: ServerSettings) -> None:
    """Let one more in beside `calls` that are under way.

    Raises:
        OverloadedError: As many run as this machine may carry.
    """
    if calls >= settings.max_calls:
        raise OverloadedError(f"All {settings.max_calls} lines are in use; please try again soon.")


def degraded(profile: CallProfile, calls: int, settings: ServerSettings) -> CallProfile:
    """The profile of the last of `calls` calls at once."""
    if calls > settings.speculating_calls:
        profile = replace(profile, turn=replace(profile.turn, speculation=False))
    if calls > settings.fine_captions_calls:
        interval_secs = profile.hearing.interval_secs * COARSENING
        profile = replace(profile, hearing=replace(profile.hearing, interval_secs=interval_secs))
    return profile
