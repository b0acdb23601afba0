"""The settings of the voices: how they sound, where they are, and who speaks when one fails."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from agent.config.kinds import Listed, UserPath
from agent.config.sections import Section

EMBEDDED = "embedded"  # in `fallback`: both voices that come with the package

# -20 dB. With a persona's own factor as low, what int16 samples leave of a voice is still heard.
QUIETEST_VOLUME = 0.1

StreamingMode: TypeAlias = Literal[0, 1, 2, 3]
HttpUrl: TypeAlias = Annotated[str, Field(pattern=r"^https?://[^/\s]+")]


class GptSovitsSettings(Section):
    """A GPT-SoVITS server: a voice from a few seconds of a person's speech.

    It needs a reference clip, and the recorded consent of who speaks in it
    (`qingting voices consent CLIP`).
    """

    url: HttpUrl = Field(
        "http://127.0.0.1:9880",
        description="Where api_v2.py (or api.py) listens. Every reply's text goes there: another "
        "machine than this one needs privacy.offline=false.",
    )
    api: Literal["v2", "v1"] = Field(
        "v2", description="v2 is api_v2.py, which streams; v1 the older api.py, which does not."
    )
    streaming_mode: StreamingMode = Field(
        2,
        description="0 sends whole clauses, 1 whole fragments, 2 and 3 while speaking; 3 begins "
        "soonest and sounds worst. A server that knows only 0 and 1 gets 1.",
    )
    reference_clip: UserPath | None = Field(
        None,
        description="3 to 10 s of the voice to imitate; unset takes the persona's. Needs consent.",
    )
    reference_text: str = Field("", description="What is said in the clip; helps the likeness.")
    reference_language: Literal["zh", "en", "ja", "ko", "yue"] = Field(
        "zh", description="Language of the clip."
    )
    server_clip: str | None = Field(
        None,
        description="The clip's path as the server sees it, if it runs on another machine or in "
        "a container; unset gives the path here.",
    )
    gpt_weights: str | None = Field(
        None,
        description="GPT weights the server loads first, a path of the server's; unset keeps its "
        "own. Changing them takes it seconds and is for all its clients.",
    )
    sovits_weights: str | None = Field(None, description="SoVITS weights, likewise.")
    top_k: int = Field(15, ge=1, description="Candidates of each step; more varies more.")
    top_p: float = Field(1.0, gt=0.0, le=1.0, description="Share of probability drawn from.")
    temperature: float = Field(
        1.0, gt=0.0, le=2.0, description="Higher is livelier and stumbles more."
    )
    seed: int = Field(-1, ge=-1, description="A number repeats a melody; -1 varies it.")
    gain_db: float = Field(
        0.0, ge=-30.0, le=30.0, description="Brings the voice to the loudness of the others."
    )
    connect_timeout_secs: float = Field(
        1.0, gt=0.0, description="For the connection; a server on this machine answers at once."
    )
    read_timeout_secs: float = Field(
        20.0,
        gt=0.0,
        description="For each piece of sound and for loading weights. The voice is replaced much "
        "earlier, see `first_audio_secs`; this frees the connection.",
    )
    requests_at_once: int = Field(
        1,
        ge=1,
        description="Clauses spoken at the same time. The server shares one model state; more "
        "than one mixes voices up unless it was changed to bear it.",
    )


class SpeechServerSettings(Section):
    """Any server with OpenAI's /v1/audio/speech: Kokoro-FastAPI, speaches, this program."""

    url: HttpUrl = Field(
        "http://127.0.0.1:8880/v1",
        description="Up to and including /v1. Another machine than this one needs "
        "privacy.offline=false.",
    )
    model: str = Field("tts-1", description="Name by which the server knows the model.")
    voice: str = Field("alloy", description="One of the server's voices.")
    languages: Listed[Literal["zh", "en"]] = Field(
        ("zh", "en"), min_length=1, description="What the voice speaks; the rest goes to others."
    )
    key_file: UserPath | None = Field(
        None, description="File with the API key in it; keys do not belong into settings."
    )
    format: Literal["wav", "pcm"] = Field(
        "wav",
        description="wav says its own rate; pcm is a little sooner with servers that make whole "
        "WAV files.",
    )
    pcm_rate_hz: int = Field(
        24_000, ge=8_000, le=48_000, description="Rate of `pcm`, unless the answer names it."
    )
    gain_db: float = Field(
        0.0, ge=-30.0, le=30.0, description="Brings the voice to the loudness of the others."
    )
    connect_timeout_secs: float = Field(2.0, gt=0.0, description="For the connection.")
    read_timeout_secs: float = Field(
        20.0, gt=0.0, description="For each piece of sound; see `first_audio_secs` too."
    )
    requests_at_once: int = Field(4, ge=1, description="Clauses spoken at the same time.")


class ChatTtsSettings(Section):
    """ChatTTS in this process: a conversational voice that wants a GPU.

    Its code is AGPL-3.0-or-later and its weights are CC BY-NC 4.0: no commercial use.
    """

    assets: UserPath | None = Field(
        None,
        description="Folder that holds ChatTTS's `asset` folder; unset takes the one that "
        "`qingting voices pull-chattts` fills.",
    )
    speaker: UserPath | None = Field(
        None, description="Speaker file, see `qingting voices speaker`; unset draws one from seed."
    )
    seed: int = Field(
        0,
        ge=0,
        lt=1 << 63,
        description="Who speaks when there is no speaker file, and how: one seed, one voice.",
    )
    oral: int = Field(
        0, ge=0, le=9, description="Hesitation: 1 after openers (嗯), 5 before joining words too."
    )
    laugh: int = Field(
        0,
        ge=0,
        le=2,
        description="1 laughs where laughter is written, 2 after exclamations too; wrong for most "
        "of what a counsellor hears.",
    )
    breaks: int = Field(
        2,
        ge=0,
        le=7,
        description="Pauses inside a clause: 1 after sentences, 4 after commas too, 6 long ones; "
        "`voice.pause_scale` multiplies it.",
    )
    first_tokens: int = Field(
        12,
        ge=1,
        le=200,
        description="Length of a clause's first piece, in 21 ms. Short sounds sooner, and stutters "
        "on a machine that hardly keeps up.",
    )
    batch_tokens: int = Field(
        24,
        ge=1,
        le=200,
        description="Length of the other pieces; ChatTTS's stream_batch. Short decodes more often.",
    )
    lookahead_tokens: int = Field(
        16,
        ge=1,
        le=200,
        description="Generated beyond a piece before it sounds; ChatTTS's pass_first_n_batches. "
        "From 53 on the pieces are exactly the whole, and the first comes 0.8 s of speech later.",
    )
    device: str = Field(
        "auto",
        description="auto (CUDA where there is one), cpu, cuda or cuda:1. A CPU is too slow.",
    )
    compiled: bool = Field(
        False, description="Let torch compile the model on CUDA: quicker, a minute later at start."
    )


class KokoroSettings(Section):
    """Kokoro-82M in this process: many speakers, for whoever has its files. Apache-2.0."""

    folder: UserPath | None = Field(
        None,
        description="Folder with its network and its speakers (kokoro-v1.0.onnx and "
        "voices-v1.0.bin); unset takes `kokoro` beside the other models.",
    )
    mandarin_speaker: str | None = Field(
        None,
        description="Who speaks Mandarin and mixed sentences; unset takes zf_xiaoxiao, else the "
        "first of the file's.",
    )
    english_speaker: str | None = Field(
        None,
        description="Who speaks English; unset takes af_heart, else the first. Names with b speak "
        "British.",
    )


class VoiceSettings(Section):
    """How replies sound; 1.0 is the voice's own way."""

    rate: float = Field(1.0, ge=0.5, le=2.0, description="Speed; slower sounds calmer.")
    pitch: float = Field(1.0, ge=0.5, le=2.0, description="Pitch, where the voice allows it.")
    volume: float = Field(
        1.0,
        ge=QUIETEST_VOLUME,
        le=1.5,
        description="Gain; the result never clips. Not 0: a reply without sound counts as failed.",
    )
    pause_scale: float = Field(
        1.0, ge=0.0, le=3.0, description="Length of pauses at punctuation; longer sounds calmer."
    )
    threads: int = Field(
        1,
        ge=1,
        description="Threads of one synthesis. It runs beside the language model, which needs "
        "the other core.",
    )
    fallback: Listed[str] = Field(
        (EMBEDDED,),
        description="Voices that take over, in this order, when the chosen ones fail or fall "
        "behind; `embedded` is both that come with the package. Empty falls silent instead.",
    )
    first_audio_secs: float = Field(
        2.5,
        gt=0.0,
        description="Longest wait for a clause's first sound before another voice says it.",
    )
    stall_secs: float = Field(
        0.8,
        gt=0.0,
        description="Longest gap inside a clause before another voice goes on from its last "
        "border. Short changes voice more often, long leaves the caller in silence.",
    )
    retry_secs: float = Field(
        30.0,
        gt=0.0,
        description="Rest of a voice that failed; it doubles with every further failure.",
    )
    warm_up_secs: float = Field(
        20.0,
        gt=0.0,
        description="Wait for the very first sound, at start: a server may still load its model.",
    )
    chattts: ChatTtsSettings = ChatTtsSettings()
    gptsovits: GptSovitsSettings = GptSovitsSettings()
    kokoro: KokoroSettings = KokoroSettings()
    openai: SpeechServerSettings = SpeechServerSettings()
