"""ChatTTS as the settings want it: its files, its speaker, the loaded voice."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from agent.config import Settings
from pipeline.errors import ModelError, ModelMissingError
from pipeline.tts.base import Voice
from pipeline.tts.chattts import EXTRA, LICENCE, assets
from pipeline.tts.chattts.controls import Manner
from pipeline.tts.chattts.joins import Batches
from pipeline.tts.chattts.speaker_file import SpeakerEmbedding, load_speaker_file
from pipeline.tts.loudness import EvenVoice

if TYPE_CHECKING:
    from agent.voices.installed import VoiceState
    from pipeline.tts.chattts.model import ChatTtsModel
    from pipeline.tts.chattts.voice import ChatTtsVoice

logger = logging.getLogger(__name__)

NAME = "chattts"  # in `models.mandarin_voice` and `models.english_voice`


def assets_dir(settings: Settings) -> Path:
    """Folder that holds ChatTTS's `asset` folder; need not exist."""
    own = settings.voice.chattts.assets
    return own if own is not None else settings.models_dir / NAME


def state(settings: Settings) -> VoiceState:
    """Of code and weights; reads about a gigabyte where they are here."""
    if assets.installed_version() is None:
        return "missing"
    missing, corrupt = assets.faults(assets_dir(settings), assets.hash_list())
    if corrupt:
        return "corrupt"
    if missing:
        return "missing" if len(missing) == len(assets.FILES) else "partial"
    return "present"


def fault(settings: Settings) -> str | None:
    """What keeps ChatTTS from being loaded, in a sentence; None when nothing does."""
    try:
        assets.verify(assets_dir(settings), assets.hash_list())
    except ModelError as error:
        return error.message
    return None


def load_model(settings: Settings) -> ChatTtsModel:
    """The networks, verified; takes some ten seconds.

    Raises:
        ModelMissingError: ChatTTS is not installed, or its weights are not here.
        ModelCorruptError: A file is another than ChatTTS's list names.
        ConfigError: The device cannot be used.
    """
    check_installed()
    from pipeline.tts.chattts.model import ChatTtsModel

    logger.info("ChatTTS %s: %s", assets.installed_version(), LICENCE)
    wanted = settings.voice.chattts
    return ChatTtsModel(assets_dir(settings), device=wanted.device, compiled=wanted.compiled)


def load_voice(settings: Settings, threads: int) -> Voice:
    """The voice, as loud as the others: by its speaker file, else measured while it speaks.

    Raises:
        ConfigError: The speaker's file is none.
        ModelError: As `load_model`.
    """
    voice = load_chattts(settings, threads)
    return voice if settings.voice.chattts.speaker is not None else EvenVoice(voice)


def load_chattts(settings: Settings, threads: int) -> ChatTtsVoice:
    """ChatTTS alone, warmed up; as loud as its speaker happens to be.

    Args:
        settings: Section `voice.chattts`.
        threads: Compute threads on a CPU.

    Raises:
        ConfigError: The speaker's file is none.
        ModelError: As `load_model`.
    """
    wanted = settings.voice.chattts
    speaker = speaker_of(settings)
    model = load_model(settings)
    from pipeline.tts.chattts.voice import ChatTtsVoice

    return ChatTtsVoice(
        model,
        speaker,
        manner=Manner(wanted.oral, wanted.laugh, wanted.breaks),
        batches=Batches(wanted.first_tokens, wanted.batch_tokens, wanted.lookahead_tokens),
        seed=wanted.seed,
        threads=threads,
    )


def speaker_of(settings: Settings) -> SpeakerEmbedding:
    """The speaker of the settings: from its file, else drawn from the seed."""
    wanted = settings.voice.chattts
    if wanted.speaker is not None:
        return load_speaker_file(wanted.speaker)
    check_installed()
    from pipeline.tts.chattts.speaker_code import draw_speaker

    return draw_speaker(wanted.seed)


def check_installed() -> None:
    """Raise ModelMissingError where the extra is not installed."""
    if assets.installed_version() is None:
        raise ModelMissingError(
            f"ChatTTS is not installed ({LICENCE}); run: pip install 'qingting[{EXTRA}]'"
        )
