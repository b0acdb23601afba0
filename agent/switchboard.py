"""Opens calls on the engines of this process, as many as the machine carries."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import get_args
from weakref import WeakSet

from agent.adapter import answering
from agent.admission import LAG_INTERVAL_SECS, LoadGauge, admit, degraded, level_of
from agent.call import Call
from agent.config import Locale, Settings
from agent.intake.desk import IntakeDesk
from agent.intake.opening import open_intake, question_sources
from agent.memory.desk import MemoryDesk
from agent.memory.notes import greeting_again
from agent.memory.opening import memory_sources, recall
from agent.persona import Persona
from agent.profile import call_profile, style_of
from agent.recall.notes import note_sources, open_history
from agent.safety.handover import Handover, open_handover
from agent.store.kept import Consent
from agent.store.opening import open_kept
from agent.store.recorder import CallRecorder
from agent.store.records import RecordStore
from agent.store.retention import keep_purging
from agent.voices.acknowledgements import speak_acknowledgements
from agent.warm_up import warm_up
from pipeline.assembly import CallProfile, Engines
from pipeline.errors import ConfigError
from pipeline.events import CallEvent, CallOptions, TurnMeasured
from pipeline.llm.base import Conversation
from pipeline.text import Language
from pipeline.turn.acknowledge import RHYTHMS, Acknowledgement, AcknowledgementKind

logger = logging.getLogger(__name__)

HOUR_SECS = 3600.0


class Switchboard:
    """Fulfils `pipeline.events.CallFactory`; owns the calls it opened.

    Args:
        engines: Loaded once, shared by all calls.
        settings: Persona, limits and voices.
    """

    def __init__(self, engines: Engines, settings: Settings) -> None:
        self._engines = engines
        self._settings = settings
        self._persona: Persona = answering(settings)
        self._personas = _spoken_by(settings)
        self._calls: dict[str, Call] = {}
        self._records: RecordStore | None = open_kept(settings)
        self._purge_task: asyncio.Task[None] | None = None
        self._recorders = WeakSet[CallRecorder]()  # those that still write hold themselves
        self._handovers = WeakSet[Handover]()  # those that still post are held by it
        self._history = open_history(settings.rag)
        self._warm_prompts: list[Conversation] = []
        self._acknowledgements: dict[Locale, tuple[Acknowledgement, ...]] = {}
        self._load = LoadGauge()
        self._load_task: asyncio.Task[None] | None = None

    async def warm_up(self) -> None:
        """Spare the first call what only has to be done once; records age from here on."""
        if self._records is not None and self._purge_task is None:
            keep_days = self._settings.privacy.retention_days
            purging = keep_purging(self._records, keep_days, lambda: frozenset(self._calls))
            self._purge_task = asyncio.create_task(purging, name="switchboard-purge")
        manners = self.profile(CallOptions()).manners.values()
        self._warm_prompts = await warm_up(
            self._engines,
            [one.opening() for one in manners],
            intake=self._records is not None,
        )
        await self._prepare_acknowledgements()

    async def _prepare_acknowledgements(self) -> None:
        """Speak once what is said while callers tell stories."""
        if not self._settings.turn.acknowledge or self._settings.turn.pacing not in RHYTHMS:
            return
        loop = asyncio.get_running_loop()
        for persona in {one.locale: one for one in self._all_personas()}.values():
            texts: Mapping[AcknowledgementKind, Sequence[str]] = {
                "listening": persona.acknowledgements,
                "thinking": persona.thinking,
            }
            self._acknowledgements[persona.locale] = await loop.run_in_executor(
                self._engines.workers,
                speak_acknowledgements,
                self._engines.voice,
                texts,
                style_of(self._settings, persona),
            )

    @property
    def engines(self) -> Engines:
        """What all calls share."""
        return self._engines

    @property
    def intake_desk(self) -> IntakeDesk | None:
        """Where callers see what was taken down; None where nothing is."""
        intake = self._settings.intake
        if self._records is None or not (self._settings.privacy.record and intake.take):
            return None
        return IntakeDesk(self._records, intake.review_hours * HOUR_SECS)

    @property
    def memory_desk(self) -> MemoryDesk | None:
        """Where callers see what is remembered of them; None where nobody is."""
        if self._records is None or not self._settings.memory.offer:
            return None
        return MemoryDesk(self._records)

    @property
    def open_calls(self) -> int:
        """Calls under way."""
        return len(self._calls)

    async def open_call(self, options: CallOptions) -> Call:
        caller = options.caller if self._settings.memory.offer else None
        remembered = await asyncio.to_thread(recall, self._records, caller)
        # From here on nothing waits until the call is counted.
        admit(len(self._calls), self._load.level, self._settings.server)
        call_id = f"call_{secrets.token_hex(8)}"
        handover = open_handover(self._settings, call_id)
        if handover is not None:
            self._handovers.add(handover)
        recorder = self._recorder(call_id, caller)
        locale = self.persona(options.locale).locale
        intake = open_intake(self._settings, self._engines.language_model, locale, recorder)
        questions = question_sources(self._settings, intake, [line.text for line in remembered])
        count_tokens = self._engines.language_model.count_tokens
        memories = memory_sources(self._settings, remembered, locale, count_tokens, intake)

        def profile(options: CallOptions) -> CallProfile:
            own = self.profile(options, returning=bool(memories), notified=handover is not None)
            asking = questions if options.instructions is None else ()
            own = replace(own, note_sources=(*own.note_sources, *memories, *asking))
            # The call that is being opened counts, and so does every later one.
            calls = len(self._calls.keys() | {call_id})
            return degraded(own, level_of(calls, self._load.level, self._settings.server))

        try:
            call = Call(
                call_id,
                self._engines,
                profile,
                options,
                self._forget,
                recorder,
                listeners=[self._note_load, *([] if handover is None else [handover.note])],
                intake=intake,
            )
        except BaseException:
            if intake is not None:
                await intake.close()
            raise
        self._calls[call_id] = call
        try:
            await call.start()
        except BaseException:
            self._calls.pop(call_id, None)
            raise
        logger.info("call %s began, %d open", call_id, len(self._calls))
        self._adapt_all()
        if self._load_task is None:
            self._load_task = asyncio.create_task(self._watch_load(), name="switchboard-load")
        return call

    def _note_load(self, event: CallEvent) -> None:
        if isinstance(event, TurnMeasured):
            self._load.note_turn(asyncio.get_running_loop().time(), event.marks_ms)

    async def _watch_load(self) -> None:
        """Measure how late this event loop wakes, and what that means for the calls.

        Runs until it is cancelled, without calls as well: coming back takes a while.
        """
        clock = asyncio.get_running_loop().time
        while True:
            due_at = clock() + LAG_INTERVAL_SECS
            await asyncio.sleep(LAG_INTERVAL_SECS)
            now = clock()
            if self._load.note_lag(now, max(0.0, now - due_at)):
                logger.info("load level %d, %d calls open", self._load.level, len(self._calls))
                self._adapt_all()

    def _adapt_all(self) -> None:
        for call in self._calls.values():
            call.adapt()

    def _recorder(self, call_id: str, caller: str | None) -> CallRecorder | None:
        """Keeps the call, where the settings say so, and what its caller wants remembered."""
        privacy = self._settings.privacy
        if self._records is None or not (privacy.record or caller is not None):
            return None
        consent = Consent(
            text=privacy.record,
            audio=privacy.record and privacy.record_audio,
            memory=caller is not None,
        )
        recorder = CallRecorder(self._records, call_id, consent, caller)
        self._recorders.add(recorder)
        return recorder

    def profile(
        self, options: CallOptions, *, returning: bool = False, notified: bool = False
    ) -> CallProfile:
        """What the settings and a client's options make of a call.

        Args:
            options: The client's wishes.
            returning: Whether the caller is remembered, which the greeting then says.
            notified: Whether a person on duty is told of a crisis, which the caller then hears.
        """
        persona = self.persona(options.locale)
        notes = note_sources(
            self._history,
            persona.locale,
            self._engines.language_model.count_tokens,
            self._settings.rag,
        )
        others = list(self._personas.values())
        if returning:
            persona, *others = map(greeting_again, [persona, *others])
        ready: dict[Language, tuple[Acknowledgement, ...]] = {}
        for one in [persona, *others]:
            ready.setdefault(one.language, self._acknowledgements.get(one.locale, ()))
        return call_profile(
            self._settings, persona, options, others, notes, ready, notified=notified
        )

    def _all_personas(self) -> list[Persona]:
        """The settings' own first; it may come a second time."""
        return [self._persona, *self._personas.values()]

    def personas_by_language(self) -> dict[Language, Persona]:
        """Who answers a text of each language; the settings' own comes first."""
        found: dict[Language, Persona] = {}
        for one in self._all_personas():
            found.setdefault(one.language, one)
        return found

    def persona(self, locale: str | None = None) -> Persona:
        """Who answers a page in `locale`; the settings' persona where it does not speak it."""
        if locale not in self._personas:
            return self._persona
        return self._personas[locale]

    def _forget(self, call: Call) -> None:
        if self._calls.pop(call.call_id, None) is not None:
            logger.info("call %s ended, %d open", call.call_id, len(self._calls))
            self._adapt_all()

    async def close(self, reason: str = "drain") -> None:
        """End all calls; close the records and the history once all is written and posted."""
        tasks = [task for task in (self._load_task, self._purge_task) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(call.close(reason) for call in list(self._calls.values())))
        for conversation in self._warm_prompts:
            await conversation.close()
        await asyncio.gather(*(handover.finished() for handover in list(self._handovers)))
        for recorder in list(self._recorders):
            await asyncio.to_thread(recorder.wait_closed)
        if self._records is not None:
            self._records.close()
        if self._history is not None:
            self._history.close()


def _spoken_by(settings: Settings) -> dict[str | None, Persona]:
    """The persona in every locale that it speaks."""
    spoken: dict[str | None, Persona] = {}
    for locale in get_args(Locale):
        try:
            spoken[locale] = answering(settings, locale)
        except ConfigError:
            continue  # a persona of one's own may speak a single language
    return spoken
