"""Loads the engines named in the settings, once per process.

With `agent.voices` the one place that names concrete engines: everything else sees the
protocols of `pipeline`. Loading blocks for a second or two; the server does it before it listens.
"""

from __future__ import annotations

import logging
from pathlib import Path

from agent.adapter import weights_of
from agent.config import Settings
from agent.cores import usable_cores
from agent.models.store import ModelStore
from pipeline.assembly import Engines
from pipeline.computing import Computing, CountedThreads
from pipeline.llm.base import LanguageModel
from pipeline.stt.base import Recogniser
from pipeline.tts.base import Region, SpeechStyle, Voice

logger = logging.getLogger(__name__)

# Of the language model's cache, beside what calls hold: the openings that are kept warm (two
# of some 300 tokens), a second draft's words, and the intake's reading of a turn.
SHARED_TOKENS = 1024

# The voice and the audio model of the end of turns: one computes, one waits for memory.
WORKER_THREADS = 2
GUARD_THREADS = 2  # what one reads takes tens of milliseconds


def load_engines(settings: Settings) -> Engines:
    """Everything a call needs.

    Raises:
        ModelError: A model is missing or damaged; the message names the command to run.
    """
    from agent.turn_ends.judge import end_judge
    from pipeline.vad.silero import SileroModel
    from pipeline.vad.smart_turn import SmartTurn

    computing = Computing()
    engines = Engines(
        voice_activity=SileroModel(),
        recogniser=load_recogniser(settings, computing),
        language_model=load_language_model(settings, computing),
        voice=load_speaker(settings),
        workers=CountedThreads(WORKER_THREADS, "engine", computing),
        guards=CountedThreads(GUARD_THREADS, "guardian", computing),
        smart_turn=SmartTurn(),
        words_judge=end_judge(),
    )
    logger.info("engines loaded")
    return engines


async def close_engines(engines: Engines) -> None:
    """Stop the workers; the calls must have ended."""
    await engines.recogniser.close()
    await engines.language_model.close()
    engines.workers.shutdown(wait=False, cancel_futures=True)
    if engines.guards is not None:
        engines.guards.shutdown(wait=False, cancel_futures=True)


def load_recogniser(settings: Settings, computing: Computing | None = None) -> Recogniser:
    """The speech recogniser alone."""
    from pipeline.stt.whisper import WhisperRecogniser

    return WhisperRecogniser(
        _locate(settings, settings.models.stt),
        threads=settings.stt.threads,
        script=settings.stt.script,
        computing=computing,
    )


def load_language_model(settings: Settings, computing: Computing | None = None) -> LanguageModel:
    """The language model alone, with room for as many long calls as the server takes.

    Were the cache smaller, calls would push each other's history out of it, and each evaluate
    its own again with every turn.
    """
    from pipeline.llm.model import LlamaModel

    llm = settings.llm
    cores = usable_cores()
    weights = weights_of(settings)
    _warn_if_slow(settings, weights.file)
    return LlamaModel.load(
        weights.file,
        adapter=weights.applied,
        context_tokens=settings.server.max_calls * llm.context_tokens + SHARED_TOKENS,
        conversation_tokens=llm.context_tokens,
        threads=min(llm.threads, cores),
        threads_batch=min(llm.batch_threads, cores),
        cores=cores,
        computing=computing,
        sequences=llm.sequences,
        prefill_batch_tokens=llm.prefill_batch_tokens,
    )


def load_speaker(settings: Settings) -> Voice:
    """The voices that the settings name, behind one; see `agent.voices.speakers`."""
    from agent.voices.speakers import load_speaker as load

    return load(settings)


def speech_style(settings: Settings) -> SpeechStyle:
    """The settings' way of speaking."""
    voice = settings.voice
    locale = settings.persona.locale
    region: Region = "taiwan" if locale == "zh-Hant" else "mainland"
    return SpeechStyle(
        rate=voice.rate,
        pitch=voice.pitch,
        volume=voice.volume,
        pause_scale=voice.pause_scale,
        region=region,
        language="en" if locale == "en" else "zh",
    )


def _warn_if_slow(settings: Settings, file: Path) -> None:
    """`models pull` makes one copy; what is loaded here may want another."""
    store, models = ModelStore(settings.models_dir), settings.models
    name = store.known_name(models.llm)
    copy = None if name is None else store.faster_copy(name)
    if copy is not None and file.parent != copy.folder:
        usual = (models.llm, models.llm_adapter) == (name, "auto")
        logger.warning(
            "%s has no copy for this CPU, so prompts take three times as long; "
            "run: qingting %smodels pull %s",
            name,
            "" if usual else "--set models.llm_adapter=none ",
            name,
        )


def _locate(settings: Settings, name_or_path: str) -> Path:
    return ModelStore(settings.models_dir).locate(name_or_path)
