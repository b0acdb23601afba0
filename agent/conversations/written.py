"""Holds calls in writing: the persona of a call, without microphone and clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from agent.adapter import answering
from agent.config import Locale, Region, Settings
from agent.conversations.call import HeldCall, HeldTurn, Told, bounds_of
from agent.conversations.caller import Line, SimulatedCaller
from agent.conversations.script import CallerScript, Cast
from agent.guardians import InOrder
from agent.intake.opening import question_sources
from agent.intake.taker import IntakeTaker
from agent.persona import Persona
from agent.profile import answers_by_heart, call_profile
from agent.safety.hotlines import hotlines, usual_region
from agent.safety.protocol import CrisisProtocol
from agent.written import WrittenSession
from pipeline.errors import GenerationError
from pipeline.events import CallOptions
from pipeline.llm.base import LanguageModel, Message

_SEQUENCES_PER_CALL = 2  # a trunk and a draft


def written_settings(settings: Settings, *, at_once: int, seed: int) -> Settings:
    """The settings of a language model that holds so many calls at a time.

    Args:
        settings: The whole tree.
        at_once: Calls at the same time.
        seed: Of every reply, so that another run gives the same ones.
    """
    llm, server = settings.llm, settings.server
    sequences = max(llm.sequences, at_once * _SEQUENCES_PER_CALL)
    return settings.model_copy(
        update={
            "llm": llm.model_copy(update={"sequences": sequences, "seed": seed}),
            "server": server.model_copy(update={"max_calls": max(at_once, server.max_calls)}),
        }
    )


class Listener:
    """The persona of one locale, as a written call gets it.

    Args:
        settings: With model, adapter and seed.
        locale: Language and script.
        model: Loaded with these settings; the listener opens one conversation in it.
        history: Alternating turns said before, the caller's first.

    Attributes:
        crisis: The crisis protocol of this call.
        guardian: It, and after it what is answered by heart.
        session: The conversation.
        intake: What is taken down of it.
    """

    def __init__(
        self, settings: Settings, locale: Locale, model: LanguageModel, history: Sequence[str] = ()
    ) -> None:
        self.persona: Persona = answering(settings, locale)
        profile = call_profile(settings, self.persona, CallOptions())
        self.region: Region = settings.safety.region or usual_region(locale)
        self.crisis = CrisisProtocol(locale, self.region)
        self.guardian = InOrder(self.crisis, answers_by_heart(settings, [self.persona]))
        self.intake = IntakeTaker(locale)
        self.session = WrittenSession(
            model.open(),
            self.persona,
            profile.sampling,
            self.guardian,
            question_sources(settings, self.intake),
            rewrite=profile.rewrite_reply,
            intake=self.intake,
        )
        for number, text in enumerate(history):
            self.session.messages.append(Message("assistant" if number % 2 else "user", text))

    async def answer(self, text: str) -> tuple[str, bool]:
        """The reply to one line, and whether the model wrote it.

        Raises:
            GenerationError: The model failed.
        """
        pieces: list[str] = []
        by_model = self.guardian.answer(text) is None
        await self.session.answer(text, pieces.append)
        return "".join(pieces).strip(), by_model

    def check_in(self) -> str:
        """What a call says into a long silence."""
        words = self.guardian.answer("") or self.persona.check_ins[0]
        self.guardian.taken("")
        self.session.messages.append(Message("assistant", words))
        self.intake.bot_text(words)
        return words

    async def close(self) -> None:
        """Give the conversation back."""
        await self.session.conversation.close()


async def hold_all(
    casts: Sequence[Cast],
    settings: Settings,
    model: LanguageModel,
    *,
    at_once: int,
    say: Callable[[str], None] = lambda text: None,
) -> list[HeldCall]:
    """Hold every call of the casts, in their order.

    Args:
        casts: Who calls.
        settings: See `written_settings`.
        model: Loaded with these settings.
        at_once: Calls at the same time; they share the model's steps.
        say: Told of each call that is over.

    Cancelling stops within one token.
    """
    free = asyncio.Semaphore(at_once)

    async def one(cast: Cast, script: CallerScript) -> HeldCall:
        async with free:
            call = await hold(cast, script, settings, model)
        say(f"{cast.locale} {script.id}: {len(call.turns)} turns")
        return call

    calls = [one(cast, script) for cast in casts for script in cast.callers]
    return list(await asyncio.gather(*calls))


async def hold(
    cast: Cast, script: CallerScript, settings: Settings, model: LanguageModel
) -> HeldCall:
    """Hold one call. One that breaks down is a finding, and ends where it did."""
    listener = Listener(settings, cast.locale, model)
    caller = SimulatedCaller(script, cast.phrases, cast.locale)
    persona = listener.persona
    turns: list[HeldTurn] = []
    reply, error = persona.greeting, None
    try:
        while (line := caller.next(reply)) is not None:
            turn = await _turn(line, listener)
            turns.append(turn)
            reply = turn.reply
    except GenerationError as failed:
        error = failed.message
    finally:
        await listener.close()
    return HeldCall(
        script=script,
        locale=cast.locale,
        bounds=bounds_of(persona),
        display_name=persona.display_name,
        greeting=persona.greeting,
        turns=tuple(turns),
        told=tuple(Told(entry.field, entry.turn) for entry in listener.intake.record.entries),
        hotline_spoken=any(
            says_hotline(turn.reply, listener.region, cast.locale) for turn in turns
        ),
        error=error,
    )


async def _turn(line: Line, listener: Listener) -> HeldTurn:
    if not line.text:
        words = listener.check_in()
        return HeldTurn(line, None, words, "script", listener.crisis.state.tier)
    reply, by_model = await listener.answer(line.text)
    return HeldTurn(
        line, line.text, reply, "model" if by_model else "script", listener.crisis.state.tier
    )


def says_hotline(reply: str, region: Region, locale: Locale) -> bool:
    """Whether a number of the region is spoken in a reply."""
    return any(
        line.spoken(locale, named=False) in reply for line in hotlines() if line.region == region
    )
