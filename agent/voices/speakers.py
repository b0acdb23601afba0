"""From the settings to the voice of all calls: engines, languages, who takes over.

    models.mandarin_voice ─┐
    models.english_voice ──┴▶ Speaker ─┐
    voice.fallback: one Speaker each ──┴▶ FallbackVoice

The embedded voices alone, the default, are one `Speaker` without a chain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from agent.config import Settings
from agent.config.addresses import is_loopback
from agent.config.voice import EMBEDDED, GptSovitsSettings
from agent.models.store import ModelStore
from agent.persona import load_persona
from agent.voices import kokoro
from agent.voices.consent import require_consent
from agent.voices.names import EMBEDDED_VOICES, REMOTE_VOICES, check_voices
from pipeline.errors import ConfigError
from pipeline.text import Language
from pipeline.tts.base import Voice
from pipeline.tts.fallback import FallbackVoice
from pipeline.tts.http.gptsovits import GptSovitsOptions, GptSovitsVoice, ReferenceClip
from pipeline.tts.http.remote import RemoteVoice, RemoteVoiceOptions
from pipeline.tts.http.server import ServerOptions
from pipeline.tts.loudness import EvenVoice
from pipeline.tts.patience import Patience
from pipeline.tts.speaker import Speaker

_LANGUAGES: tuple[Language, ...] = ("zh", "en")
_NAMES = {"zh": "Mandarin", "en": "English"}
_CLIP_SECS = (3.0, 10.0)  # GPT-SoVITS refuses others: RVC-Boss/GPT-SoVITS#1795


def load_speaker(settings: Settings) -> Voice:
    """The voices that the settings name, behind one.

    Raises:
        ConfigError: A setting names no voice, one does not speak its language, a server is not
            allowed, or nobody has agreed to the imitation of a clip.
        ModelError: A model is missing or damaged; the message names the command to run.
    """
    check_voices(settings, ModelStore(settings.models_dir).manifest)
    shelf = _Shelf(settings)
    chosen: dict[Language, str] = {
        "zh": settings.models.mandarin_voice,
        "en": settings.models.english_voice,
    }
    ranks = [chosen]
    for name in settings.voice.fallback:
        rank = shelf.filled_up(name)
        if rank not in ranks:
            ranks.append(rank)
    speakers = [Speaker({at: shelf.take(rank[at], at) for at in _LANGUAGES}) for rank in ranks]
    if len(speakers) == 1 and not REMOTE_VOICES & set(chosen.values()):
        return speakers[0]
    voice = settings.voice
    return FallbackVoice(
        speakers,
        Patience(voice.first_audio_secs, voice.stall_secs, voice.retry_secs, voice.warm_up_secs),
    )


class _Shelf:
    """Engines by name, each loaded once, at its first use."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loaded: dict[str, Voice] = {}
        self._makers: Mapping[str, Callable[[Settings], Voice]] = {
            "chattts": _load_chattts,
            "kokoro": _load_kokoro,
            "gptsovits": _load_gptsovits,
            "openai": _load_openai,
            "hibari": _load_hibari,
        }

    def take(self, name: str, language: Language) -> Voice:
        """The engine `name`, which has to speak `language`."""
        voice = self._load(name)
        if language not in voice.languages:
            raise ConfigError(f"the voice {name} does not speak {_NAMES[language]}")
        return voice

    def filled_up(self, name: str) -> dict[Language, str]:
        """Who speaks which language when `name` takes over: itself, else an embedded voice."""
        if name == EMBEDDED:
            return dict(EMBEDDED_VOICES)
        own = self._load(name).languages
        return {at: name if at in own else EMBEDDED_VOICES[at] for at in _LANGUAGES}

    def _load(self, name: str) -> Voice:
        if name not in self._loaded:
            voice = self._makers.get(name, self._from_files(name))(self._settings)
            measured = name in EMBEDDED_VOICES.values()  # their gain is known
            self._loaded[name] = voice if measured else EvenVoice(voice)
        return self._loaded[name]

    def _from_files(self, name: str) -> Callable[[Settings], Voice]:
        return lambda settings: _load_files(settings, name)


def _load_files(settings: Settings, name: str) -> Voice:
    """A voice from a model of the manifest, or from files of the user's own."""
    place = ModelStore(settings.models_dir).locate(name)
    if kokoro.is_kokoro(place):
        return kokoro.load_from(place, settings, settings.voice.threads)
    if place.suffix == ".onnx" or any(place.glob("*.onnx")):
        from pipeline.tts.piper import PiperVoice

        return PiperVoice(place, settings.voice.threads)
    from pipeline.tts.mandarin import SYMBOLS_FILE, MandarinVoice

    if not (place / SYMBOLS_FILE).is_file():
        raise ConfigError(f"{place} holds neither a Piper voice, nor Kokoro, nor the embedded one")
    return MandarinVoice(place, settings.voice.threads)


def _load_hibari(settings: Settings) -> Voice:
    from pipeline.tts.english import EnglishVoice

    return EnglishVoice(settings.voice.threads)


def _load_chattts(settings: Settings) -> Voice:
    from agent.voices.chattts import load_voice

    return load_voice(settings, settings.voice.threads)


def _load_kokoro(settings: Settings) -> Voice:
    return kokoro.load_voice(settings, settings.voice.threads)


def _load_gptsovits(settings: Settings) -> Voice:
    wanted = settings.voice.gptsovits
    _check_allowed(settings, "voice.gptsovits.url", wanted.url)
    clip, text, language = _reference(settings, wanted)
    _check_length(clip)
    require_consent(clip)
    reference = ReferenceClip(wanted.server_clip or str(clip), text, language)
    return GptSovitsVoice(
        ServerOptions(
            wanted.url,
            connect_timeout_secs=wanted.connect_timeout_secs,
            read_timeout_secs=wanted.read_timeout_secs,
            requests_at_once=wanted.requests_at_once,
        ),
        GptSovitsOptions(
            reference,
            api=wanted.api,
            streaming_mode=wanted.streaming_mode,
            gpt_weights=wanted.gpt_weights,
            sovits_weights=wanted.sovits_weights,
            top_k=wanted.top_k,
            top_p=wanted.top_p,
            temperature=wanted.temperature,
            seed=wanted.seed,
            gain_db=wanted.gain_db,
        ),
    )


def _load_openai(settings: Settings) -> Voice:
    wanted = settings.voice.openai
    _check_allowed(settings, "voice.openai.url", wanted.url)
    return RemoteVoice(
        ServerOptions(
            wanted.url,
            api_key=_key(wanted.key_file),
            connect_timeout_secs=wanted.connect_timeout_secs,
            read_timeout_secs=wanted.read_timeout_secs,
            requests_at_once=wanted.requests_at_once,
        ),
        RemoteVoiceOptions(
            wanted.model, wanted.voice, wanted.format, wanted.pcm_rate_hz, wanted.gain_db
        ),
        wanted.languages,
    )


def _reference(settings: Settings, wanted: GptSovitsSettings) -> tuple[Path, str, str]:
    """The clip to imitate, what is said in it, and in which language."""
    if wanted.reference_clip is not None:
        clip = wanted.reference_clip.absolute()
        return clip, wanted.reference_text, wanted.reference_language
    chosen = settings.persona
    sample = load_persona(chosen.name, chosen.locale, chosen.directory).voice_sample
    if sample is None:
        raise ConfigError(
            "the voice gptsovits needs a clip to imitate: voice.gptsovits.reference_clip, or a "
            f"voice_sample of the persona {chosen.name}"
        )
    return sample.clip, sample.text, sample.language


def _check_length(clip: Path) -> None:
    import soundfile

    try:
        secs = soundfile.info(clip).duration
    except (OSError, soundfile.LibsndfileError) as error:
        raise ConfigError(f"the clip {clip} cannot be read as sound") from error
    least, most = _CLIP_SECS
    if not least <= secs <= most:
        raise ConfigError(f"the clip {clip.name} lasts {secs:.1f} s; it has to be 3 to 10 s long")


def _check_allowed(settings: Settings, setting: str, url: str) -> None:
    """Unless `privacy.offline` is false a reply's text may go to this machine alone."""
    host = urlsplit(url).hostname or ""
    if settings.privacy.keeps_calls_here and not is_loopback(host):
        raise ConfigError(f"{setting} is another machine; allow that with privacy.offline=false")


def _key(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        key = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the key in {file} cannot be read") from error
    if not key or any(character.isspace() for character in key):
        raise ConfigError(f"{file} does not hold one key and nothing else")
    return key
