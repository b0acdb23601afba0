"""GPT-SoVITS over HTTP: a voice from a few seconds of a person's speech.

Two servers come with it. `api_v2.py` streams: a WAV header that names no length, then
PCM16 at the model's rate (32 kHz for v1 and v2, 24 for v3, 48 for v4). The older `api.py`
answers with whole WAV files; started with `-sm normal` it streams Ogg, which this refuses.

What their source shows and their documentation does not (api_v2.py and TTS.py, 2026-08):
a model that fails answers 200 with a second of zeros at 16 kHz and then breaks off; every
refusal is a 400; one pipeline object is shared by all requests, so they must take turns;
weights are loaded for all clients and remembered across restarts.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pipeline.text import Language
from pipeline.tts.base import SpeechStyle
from pipeline.tts.http.server import Request, ServerOptions, SpeechServer
from pipeline.tts.http.voice import HttpVoice
from pipeline.tts.proportional import syllables

StreamingMode: TypeAlias = Literal[0, 1, 2, 3]

# Its model was trained on sentences of up to 54 s and loses words in long ones: those are
# cut at every punctuation mark (cut5), others spoken in one go (cut0).
_LONGEST_UNCUT_SYLLABLES = 60
_FRAGMENT_PAUSE_SECS = 0.3  # the server's own pause between such pieces
_SHORTEST_FRAGMENT_PAUSE_SECS = 0.01  # what it allows


@dataclass(frozen=True, slots=True)
class ReferenceClip:
    """The voice to imitate.

    Attributes:
        path: As the server sees it; 3 to 10 s of one person.
        text: What is said in it; empty lets the server guess, at the cost of likeness.
        language: zh, en, ja, ko or yue.
    """

    path: str
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class GptSovitsOptions:
    """How the server speaks.

    Attributes:
        clip: Whom it imitates.
        api: v2 for api_v2.py, v1 for api.py.
        streaming_mode: 0 whole clauses, 1 whole fragments, 2 and 3 while speaking; 3 begins
            soonest and sounds worst. Only of v2.
        gpt_weights: Loaded first if given, a path as the server sees it.
        sovits_weights: Likewise.
        top_k: Candidates of each step.
        top_p: Share of probability drawn from.
        temperature: Higher is livelier and stumbles more.
        seed: A number repeats a melody; -1 varies it. Only of v2.
        gain_db: To the loudness of the other voices.
    """

    clip: ReferenceClip
    api: Literal["v2", "v1"] = "v2"
    streaming_mode: StreamingMode = 2
    gpt_weights: str | None = None
    sovits_weights: str | None = None
    top_k: int = 15
    top_p: float = 1.0
    temperature: float = 1.0
    seed: int = -1
    gain_db: float = 0.0


class GptSovitsVoice(HttpVoice):
    """Speaks Mandarin and English, mixed too, in the voice of the clip.

    Nothing is sent before the first clause; the weights are loaded with it.

    Args:
        server: Where it is.
        options: How it speaks.
        languages: What is to be left to it.
    """

    def __init__(
        self,
        server: ServerOptions,
        options: GptSovitsOptions,
        languages: Collection[Language] = ("zh", "en"),
    ) -> None:
        self._options = options
        super().__init__(
            "gptsovits", languages, SpeechServer(server, _setup(options)), options.gain_db
        )

    def _requests(self, spoken: str, language: Language, style: SpeechStyle) -> Sequence[Request]:
        """See `HttpVoice`; a server that knows no mode but on and off is asked for on."""
        if self._options.api == "v1":
            return (Request("POST", "", json=self._old_body(spoken, language, style)),)
        body = self._body(spoken, language, style)
        newest = Request("POST", "tts", json=body)
        if self._options.streaming_mode < 2:
            return (newest,)
        return (newest, Request("POST", "tts", json={**body, "streaming_mode": True}))

    def _body(self, spoken: str, language: Language, style: SpeechStyle) -> dict[str, Any]:
        options, clip = self._options, self._options.clip
        mode = options.streaming_mode
        is_long = syllables(spoken) > _LONGEST_UNCUT_SYLLABLES
        return {
            "text": spoken,
            "text_lang": language,  # zh leaves English words in it English
            "ref_audio_path": clip.path,
            "prompt_text": clip.text,
            "prompt_lang": clip.language,
            "top_k": options.top_k,
            "top_p": options.top_p,
            "temperature": options.temperature,
            "text_split_method": "cut5" if is_long else "cut0",
            "batch_size": 1,
            "speed_factor": style.rate,
            "fragment_interval": max(
                _SHORTEST_FRAGMENT_PAUSE_SECS, _FRAGMENT_PAUSE_SECS * style.pause_scale
            ),
            "seed": options.seed,
            "media_type": "wav",
            "streaming_mode": bool(mode) if mode < 2 else mode,
        }

    def _old_body(self, spoken: str, language: Language, style: SpeechStyle) -> dict[str, Any]:
        options, clip = self._options, self._options.clip
        is_long = syllables(spoken) > _LONGEST_UNCUT_SYLLABLES
        return {
            "text": spoken,
            "text_language": language,
            "refer_wav_path": clip.path,
            "prompt_text": clip.text,
            "prompt_language": clip.language,
            "cut_punc": ",.;?!、，。？！；：…" if is_long else "",
            "top_k": options.top_k,
            "top_p": options.top_p,
            "temperature": options.temperature,
            "speed": style.rate,
        }


def _setup(options: GptSovitsOptions) -> tuple[Request, ...]:
    """The requests that load the weights."""
    if options.api == "v1":
        if options.gpt_weights is None or options.sovits_weights is None:
            return ()
        weights = {
            "gpt_model_path": options.gpt_weights,
            "sovits_model_path": options.sovits_weights,
        }
        return (Request("POST", "set_model", json=weights),)
    wanted = (
        ("set_gpt_weights", options.gpt_weights),
        ("set_sovits_weights", options.sovits_weights),
    )
    return tuple(Request("GET", path, {"weights_path": file}) for path, file in wanted if file)
