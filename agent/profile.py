"""From settings, persona and a client's options to what one call is."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

from opencc import OpenCC

from agent.asked.answers import AnswersByHeart
from agent.asked.kinds import About
from agent.config import Locale, Settings
from agent.engines import speech_style
from agent.guardians import InOrder
from agent.models import ModelStore
from agent.persona import Persona, When
from agent.safety.hotlines import usual_region
from agent.safety.protocol import CrisisProtocol
from pipeline.assembly import CallProfile
from pipeline.context.manner import Manner, ScriptedLines
from pipeline.context.notes import NoteSource
from pipeline.events import CallOptions
from pipeline.interruption import InterruptionPolicy
from pipeline.llm.base import Sampling
from pipeline.llm.reply_limit import ReplyLimit
from pipeline.sounds import sound_of
from pipeline.stt.planner import PlannerSettings
from pipeline.text import Language
from pipeline.tts.base import SpeechStyle
from pipeline.turn import lexicon
from pipeline.turn.acknowledge import Acknowledgements
from pipeline.turn.endpointing import TurnSettings

Channel: TypeAlias = Literal["call", "terminal", "program"]
"""How words come: in a call, typed at this machine, or from a program such as a chat bot, which
had them first and may keep them."""

# A client's instructions come after the persona's and cannot push it out of the context.
MAX_INSTRUCTION_CHARS = 4_000


def call_profile(
    settings: Settings,
    persona: Persona,
    options: CallOptions,
    others: Sequence[Persona] = (),
    note_sources: Sequence[NoteSource] = (),
    acknowledgements: Acknowledgements | None = None,
    *,
    channel: Channel = "call",
    notified: bool = False,
) -> CallProfile:
    """One call's profile; what the client left open comes from the settings.

    Args:
        settings: The whole tree.
        persona: Who answers.
        options: The client's wishes.
        others: The same persona for callers who turn out to speak another language.
        note_sources: What the model is told beside the conversation, or asks, turn by turn.
        acknowledgements: Ready to be played, by language; left out for clients that cannot.
        channel: How the words come.
        notified: See `guardian_of`.
    """
    turn = settings.turn
    return CallProfile(
        manners=_manners([persona, *others], options.instructions),
        cut_mark=persona.cut_mark,
        fallbacks={"unheard": persona.unheard, "apology": persona.apology},
        language=_language(settings, options),
        hearing=PlannerSettings(interval_secs=settings.stt.partial_interval_secs),
        turn=TurnSettings(
            soft_end_secs=turn.soft_end_secs,
            min_wait_secs=turn.min_silence_secs,
            max_wait_secs=turn.max_silence_secs,
            speculation=turn.speculation,
            pacing=turn.pacing,
            check_in_secs=() if turn.pacing == "quick" else turn.check_in_secs,
        ),
        interruption=InterruptionPolicy(
            mode=settings.interruption.mode if options.interrupt_reply else "off",
            sound_of=sound_of,
        ),
        sampling=replace(_sampling(settings, options), forbidden=(persona.cut_mark,)),
        reply_limit=ReplyLimit(persona.style.max_sentences),
        rewrite_reply=_script_of(persona.locale),
        style=style_of(settings, persona),
        take_turns=options.turn_detection,
        holds_on_pause=options.reports_playout,
        guardian=guardian_of(settings, [persona, *others], channel=channel, notified=notified),
        note_sources=tuple(note_sources),
        acknowledgements=(acknowledgements or {}) if options.plays_acknowledgements else {},
    )


def guardian_of(
    settings: Settings,
    personas: Sequence[Persona],
    *,
    channel: Channel = "call",
    notified: bool = False,
) -> InOrder:
    """What answers in the model's place: the crisis protocol, then what is answered by heart.

    Args:
        settings: The whole tree.
        personas: Who speaks which language; the protocol begins in the first one's.
        channel: How the words come.
        notified: Its notices reach a person on duty, who may therefore be promised: true only
            where a `Handover` takes them.
    """
    locale = personas[0].locale
    return InOrder(
        CrisisProtocol(
            locale,
            settings.safety.region or usual_region(locale),
            notified=notified,
            contact=settings.safety.contact,
        ),
        answers_by_heart(settings, personas, channel),
    )


def answers_by_heart(
    settings: Settings, personas: Sequence[Persona], channel: Channel = "call"
) -> AnswersByHeart:
    """What is answered without the model, true to where the words are and who keeps them.

    Who trained a model or an adapter of their own has taught it its name: that is left to it.

    Args:
        settings: The whole tree.
        personas: Who speaks which language; the first persona of a language does.
        channel: How the words come.
    """
    when = _when(settings, channel)
    says: dict[Language, dict[About, tuple[str, ...]]] = {}
    for persona in personas:
        says.setdefault(persona.language, dict(persona.by_heart(when)))
    models = settings.models
    if models.llm_adapter not in ("auto", "none") or _is_own(settings.models_dir, models.llm):
        for answers in says.values():
            answers.pop("name", None)
    return AnswersByHeart(says)


@cache
def _is_own(models_dir: Path, llm: str) -> bool:
    """Whether the model is a file of the user's own; for each chat anew it would be slow to ask."""
    return ModelStore(models_dir).known_name(llm) is None


def _when(settings: Settings, channel: Channel) -> When:
    """What may be said of the words' whereabouts; "always" where it is not for us to know."""
    if channel == "program":
        return "always"
    if channel == "call":
        if settings.privacy.record:
            return "recorded"
        # Else a caller may sit at another computer, or be remembered.
        if settings.server.reachable_by_others or settings.memory.offer:
            return "always"
    return "local" if settings.privacy.keeps_calls_here else "always"


def _manners(personas: Sequence[Persona], instructions: str | None) -> dict[Language, Manner]:
    """By language, in the order given; the first persona of a language speaks it."""
    manners: dict[Language, Manner] = {}
    for persona in personas:
        manners.setdefault(persona.language, _manner(persona, instructions))
    return manners


def _manner(persona: Persona, instructions: str | None) -> Manner:
    return Manner(
        system_prompt=_system_prompt(persona, instructions),
        lines=ScriptedLines(
            greeting=persona.greeting,
            check_in=persona.check_ins[0],
            later_check_in=persona.check_ins[-1],
            asks_to_continue=lexicon.asks_to_continue,
            resuming=persona.resuming,
        ),
        examples=persona.example_messages(),
    )


def style_of(settings: Settings, persona: Persona) -> SpeechStyle:
    """The persona's way of speaking, as far as the settings let it; both are factors."""
    wished, own = speech_style(settings), persona.speech
    return SpeechStyle(
        rate=min(max(wished.rate * own.rate, 0.5), 2.0),
        pitch=min(max(wished.pitch * own.pitch, 0.5), 2.0),
        volume=min(wished.volume * own.volume, 1.5),
        pause_scale=min(wished.pause_scale * own.pause_scale, 3.0),
        region="taiwan" if persona.locale == "zh-Hant" else "mainland",
        language=persona.language,
    )


@cache
def _script_of(locale: Locale) -> Callable[[str], str]:
    """Small models slip into the other script; characters change, words stay."""
    config = {"zh-Hans": "t2s", "zh-Hant": "s2tw"}.get(locale)
    return OpenCC(config).convert if config else str


def _system_prompt(persona: Persona, instructions: str | None) -> str:
    if not instructions:
        return persona.system_prompt
    return f"{persona.system_prompt}\n\n{instructions[:MAX_INSTRUCTION_CHARS]}"


def _language(settings: Settings, options: CallOptions) -> Language | None:
    if options.language is not None:
        return options.language
    return None if settings.stt.language == "auto" else settings.stt.language


def _sampling(settings: Settings, options: CallOptions) -> Sampling:
    llm = settings.llm
    temperature, max_tokens = options.temperature, options.max_reply_tokens
    return Sampling(
        temperature=llm.temperature if temperature is None else temperature,
        top_p=llm.top_p,
        top_k=llm.top_k,
        min_p=llm.min_p,
        repeat_penalty=llm.repeat_penalty,
        phrase_penalty=llm.phrase_penalty,
        seed=secrets.randbelow(1 << 31) if llm.seed is None else llm.seed,
        max_tokens=llm.max_reply_tokens if max_tokens is None else max_tokens,
    )
