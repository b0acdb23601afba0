"""Why a socket or a call ends, and the close code that says so; `PROTOCOL.md` lists them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ending:
    """An end.

    Attributes:
        reason: For logs, figures and the close frame.
        close_code: None means that the client has already gone.
    """

    reason: str
    close_code: int | None


HANGUP = Ending("hangup", None)
LOST = Ending("lost", None)  # the connection went without a good-bye; the call may wait for it
COMPLETED = Ending("hangup", 1000)
DRAINED = Ending("drain", 1001)
NOT_TEXT = Ending("binary_message", 1003)
FAILED = Ending("error", 1011)
TRY_LATER = Ending("overloaded", 1013)
TIMEOUT = Ending("timeout", 4000)
REPLACED = Ending("replaced", 4001)
UNKNOWN_CALL = Ending("call_not_found", 4004)
SLOW_READER = Ending("slow_reader", 4008)
LIMITED = Ending("rate_limit_exceeded", 4029)

_OF_CALL = {ending.reason: ending for ending in (COMPLETED, DRAINED, FAILED, TIMEOUT, SLOW_READER)}


def of_call(reason: str) -> Ending:
    """The end of a socket whose call ended for `reason`."""
    return _OF_CALL.get(reason, Ending(reason, 1000))
