"""Opens calls on the engines of this process, as many as the machine carries."""

from __future__ import annotations

import asyncio
import logging
import secrets

from agent.call import Call
from agent.config import Settings
from agent.persona import Persona, load_persona
from agent.profile import call_profile
from agent.warm_up import warm_up
from pipeline.assembly import CallProfile, Engines
from pipeline.errors import OverloadedError
from pipeline.events import CallOptions
from pipeline.llm.base import Conversation

logger = logging.getLogger(__name__)


class Switchboard:
    """Fulfils `pipeline.events.CallFactory`; owns the calls it opened.

    Args:
        engines: Loaded once, shared by all calls.
        settings: Persona, limits and voices.
    """

    def __init__(self, engines: Engines, settings: Settings) -> None:
        self._engines = engines
        self._settings = settings
        self._persona: Persona = load_persona(
            settings.persona.name, settings.persona.locale, settings.persona.directory
        )
        self._calls: dict[str, Call] = {}
        self._warm_prompt: Conversation | None = None

    async def warm_up(self) -> None:
        """Spare the first call what only has to be done once."""
        messages = self.profile(CallOptions()).new_history().prompt()
        self._warm_prompt = await warm_up(self._engines, messages)

    @property
    def open_calls(self) -> int:
        """Calls under way."""
        return len(self._calls)

    async def open_call(self, options: CallOptions) -> Call:
        limit = self._settings.server.max_calls
        if len(self._calls) >= limit:
            raise OverloadedError(f"All {limit} lines are in use; please try again soon.")
        call_id = f"call_{secrets.token_hex(8)}"
        call = Call(call_id, self._engines, self.profile, options, self._forget)
        self._calls[call_id] = call
        try:
            await call.start()
        except BaseException:
            self._calls.pop(call_id, None)
            raise
        logger.info("call %s began, %d open", call_id, len(self._calls))
        return call

    def profile(self, options: CallOptions) -> CallProfile:
        """What the settings and a client's options make of a call."""
        return call_profile(self._settings, self._persona, options)

    def _forget(self, call: Call) -> None:
        if self._calls.pop(call.call_id, None) is not None:
            logger.info("call %s ended, %d open", call.call_id, len(self._calls))

    async def close(self, reason: str = "drain") -> None:
        """End all calls."""
        await asyncio.gather(*(call.close(reason) for call in list(self._calls.values())))
        if self._warm_prompt is not None:
            await self._warm_prompt.close()
