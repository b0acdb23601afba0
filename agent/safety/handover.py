"""Tells a person on duty that a call needs them: a webhook, never a word of the caller."""

from __future__ import annotations

import asyncio
import datetime
import logging

import httpx

from agent.config import Settings
from pipeline.errors import ConfigError
from pipeline.events import CallEvent, CrisisNoted

logger = logging.getLogger(__name__)

TRIES = 4
_TIMEOUT_SECS = 5.0
_FIRST_WAIT_SECS = 0.5  # doubled after every try


class Handover:
    """One call's line to the person on duty.

    Args:
        call_id: Of the call.
        url: Takes `{"call_id", "tier", "category", "at"}` as JSON by POST.
        transport: Of the HTTP client; None takes the network.
    """

    def __init__(
        self, call_id: str, url: str, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._call_id = call_id
        self._url = url
        self._transport = transport
        self._posts: set[asyncio.Task[None]] = set()

    def note(self, event: CallEvent) -> None:
        """One more event of the call; a rise to elevated or imminent is passed on."""
        if not isinstance(event, CrisisNoted) or not _is_grave(event):
            return
        post = asyncio.create_task(self._post(event), name=f"{self._call_id}-handover")
        self._posts.add(post)
        post.add_done_callback(self._posts.discard)

    async def finished(self) -> None:
        """Wait until every notice has arrived or was given up, which takes half a minute.

        Cancelling ends the wait; the notices go on.
        """
        if self._posts:
            await asyncio.wait(self._posts)

    async def _post(self, event: CrisisNoted) -> None:
        notice = {
            "call_id": self._call_id,
            "tier": event.tier,
            "category": event.category,
            "at": datetime.datetime.now(datetime.UTC).isoformat(),
        }
        async with httpx.AsyncClient(transport=self._transport, timeout=_TIMEOUT_SECS) as client:
            for number in range(TRIES):
                if number:
                    await asyncio.sleep(_FIRST_WAIT_SECS * 2 ** (number - 1))
                try:
                    answer = await client.post(self._url, json=notice)
                    answer.raise_for_status()
                except httpx.HTTPError as error:
                    logger.warning("hand-over failed, try %d: %s", number + 1, type(error).__name__)
                else:
                    logger.info("call %s was handed over", self._call_id)
                    return
        logger.error("call %s could not be handed over", self._call_id)


def duty_url(settings: Settings) -> str | None:
    """Where the person on duty is told; None where the settings name nobody.

    Raises:
        ConfigError: The settings also forbid leaving the machine, or it is no address.
    """
    url = settings.safety.webhook_url
    if url is None:
        return None
    if settings.privacy.keeps_calls_here:
        raise ConfigError(
            "safety.webhook_url leaves the machine; allow that with privacy.offline=false"
        )
    try:
        named = bool(httpx.URL(url).host)
    except httpx.InvalidURL:
        named = False
    if not named:
        raise ConfigError("safety.webhook_url is no address that can be posted to")
    return url


def open_handover(settings: Settings, call_id: str) -> Handover | None:
    """The hand-over of a call, where the settings name somebody.

    Raises:
        ConfigError: As `duty_url`.
    """
    url = duty_url(settings)
    return None if url is None else Handover(call_id, url)


def _is_grave(event: CrisisNoted) -> bool:
    return event.tier in ("elevated", "imminent")
