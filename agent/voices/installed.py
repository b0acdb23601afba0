"""Which voices this machine has, each loaded on its own to be judged.

A call hears the voices that the settings name, joined by `Speaker`; here every engine
stands alone, and `call` is what the settings name, together. Servers (GPT-SoVITS, OpenAI's
protocol) are heard as `call`, once the settings name them.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from agent.config import Settings
from agent.models.store import ModelStore
from agent.voices import chattts, kokoro
from agent.voices.names import EMBEDDED_VOICES, check_voices, known_names
from pipeline.errors import ConfigError
from pipeline.text import Language
from pipeline.tts.base import Voice
from pipeline.tts.chattts import LICENCE

VoiceState: TypeAlias = Literal["present", "partial", "missing", "corrupt"]

CALL = "call"  # the one name that no setting takes


@dataclass(frozen=True, slots=True)
class VoiceEngine:
    """One engine.

    Attributes:
        name: As a setting takes it, and in reports.
        languages: What it can speak.
        licence: Of code and weights, in one line.
        about: What it is, in one line.
        state: Of its files here.
        load: Loads it with so many compute threads; blocks, and raises ModelError when
            the files are not what they should be.
    """

    name: str
    languages: tuple[Language, ...]
    licence: str
    about: str
    state: Callable[[Settings], VoiceState]
    load: Callable[[Settings, int], Voice]


def engines() -> tuple[VoiceEngine, ...]:
    """Every engine there is a loader for, here or not, in the order of reports."""
    return (
        VoiceEngine(
            EMBEDDED_VOICES["zh"],
            ("zh",),
            "MIT; the Databaker corpus it learned from is for non-commercial use",
            "FastSpeech2 and MB-MelGAN on LiteRT, one female voice, 24 kHz",
            lambda settings: _state_of_model(settings, "mandarin-voice"),
            _load_mandarin,
        ),
        VoiceEngine(
            EMBEDDED_VOICES["en"],
            ("en",),
            "Apache-2.0",
            "distilled from Kokoro-82M, one female voice, 24 kHz",
            lambda settings: _state_of_model(settings, "hibari"),
            _load_english,
        ),
        VoiceEngine(
            "piper-joe",
            ("en",),
            "CC0 voice; the code that runs it, piper-tts, is GPL-3.0-or-later",
            "Piper en_US-joe-medium, one male voice, 22.05 kHz",
            _state_of_piper,
            _load_piper,
        ),
        VoiceEngine(
            kokoro.NAME,
            ("zh", "en"),
            kokoro.LICENCE,
            "Kokoro-82M, many speakers, 24 kHz; from files of your own, see docs/voices.md",
            kokoro.state,
            kokoro.load_voice,
        ),
        VoiceEngine(
            chattts.NAME,
            ("zh", "en"),
            LICENCE,
            "ChatTTS, any speaker drawn from a seed, 24 kHz; too slow without a GPU",
            chattts.state,
            chattts.load_voice,
        ),
        VoiceEngine(
            CALL,
            ("zh", "en"),
            "that of its voices",
            "what a call hears: the voices that the settings name, languages and pauses joined",
            _state_of_call,
            _load_call,
        ),
    )


def choose(names: Sequence[str], settings: Settings) -> list[VoiceEngine]:
    """The engines called `names`, without names all that are present.

    Raises:
        ConfigError: A name is unknown, or no engine is present.
    """
    known: Mapping[str, VoiceEngine] = {engine.name: engine for engine in engines()}
    for name in names:
        if name not in known:
            raise ConfigError(f"there is no voice {name}; {known_names(name, known)}")
    chosen = [known[name] for name in names] or [
        engine for engine in known.values() if engine.state(settings) == "present"
    ]
    if not chosen:
        raise ConfigError("no voice is here yet; run: qingting models pull")
    return chosen


def _state_of_model(settings: Settings, name: str) -> VoiceState:
    return ModelStore(settings.models_dir).status(name).state


def _state_of_call(settings: Settings) -> VoiceState:
    """Of the embedded voices it is made of; a server is known only once it is asked."""
    store = ModelStore(settings.models_dir)
    try:
        check_voices(settings, store.manifest)
    except ConfigError:
        return "missing"
    chosen = (settings.models.mandarin_voice, settings.models.english_voice)
    states = [store.status(name).state for name in chosen if name in store.manifest]
    return next((state for state in states if state != "present"), "present")


def _load_mandarin(settings: Settings, threads: int) -> Voice:
    from pipeline.tts.mandarin import MandarinVoice

    return MandarinVoice(ModelStore(settings.models_dir).path("mandarin-voice"), threads)


def _load_english(settings: Settings, threads: int) -> Voice:
    from pipeline.tts.english import EnglishVoice

    ModelStore(settings.models_dir).path("hibari")  # nothing unverified is loaded
    return EnglishVoice(threads)


def _state_of_piper(settings: Settings) -> VoiceState:
    if importlib.util.find_spec("piper") is None:
        return "missing"
    return _state_of_model(settings, "piper-joe")


def _load_piper(settings: Settings, threads: int) -> Voice:
    from pipeline.tts.piper import PiperVoice

    return PiperVoice(ModelStore(settings.models_dir).path("piper-joe"), threads)


def _load_call(settings: Settings, threads: int) -> Voice:
    from agent.voices.speakers import load_speaker

    voice = settings.voice.model_copy(update={"threads": threads})
    return load_speaker(settings.model_copy(update={"voice": voice}))
