"""The sections of the settings tree: what can be chosen, and what each choice trades."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from agent.config.addresses import is_loopback
from agent.config.kinds import Listed, UserPath
from pipeline.stt.base import Script

Locale: TypeAlias = Literal["zh-Hant", "zh-Hans", "en"]
Region: TypeAlias = Literal["TW", "CN", "HK", "SG", "MY", "US", "UK"]
Pacing: TypeAlias = Literal["quick", "natural", "counsellor"]
InterruptionMode: TypeAlias = Literal["polite", "instant", "off"]


class Section(BaseModel):
    """A frozen group of settings that rejects unknown names."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class ServerSettings(Section):
    """Where calls come in, and how many this machine takes."""

    host: str = Field(
        "127.0.0.1",
        description="Address to listen on. Loopback keeps calls on this machine; anything "
        "else lets the network in.",
    )
    port: int = Field(8770, ge=0, le=65_535, description="TCP port; 0 takes any free one.")
    max_calls: int = Field(
        2,
        ge=1,
        description="Calls at the same time; more are refused politely. Each further call "
        "shares the same cores, so replies come later.",
    )
    speculating_calls: int = Field(
        2,
        ge=0,
        description="Calls at once up to which replies are drafted early. A draft that is thrown "
        "away costs a neighbour's reply time.",
    )
    fine_captions_calls: int = Field(
        3,
        ge=0,
        description="Calls at once up to which captions come at their full pace; beyond it half "
        "as often.",
    )
    refuse_when_slow: bool = Field(
        True,
        description="Take no call beyond speculating_calls and one more while answers are "
        "measured to be slow. Off, newcomers get in and everybody waits longer.",
    )
    max_call_secs: float = Field(
        3600.0, gt=0, description="Longest call; a forgotten one gives its place back."
    )
    idle_timeout_secs: float = Field(
        300.0,
        gt=0,
        description="Silence after which a call ends. Short frees the machine, long lets a "
        "caller think.",
    )
    drain_secs: float = Field(
        10.0, ge=0, description="Time that running replies get to finish when the server stops."
    )
    max_message_bytes: int = Field(
        1 << 20,
        ge=1024,
        description="Largest message from a client; 1 MiB carries 16 s of audio as base64. A "
        "larger limit lets one client fill the memory.",
    )
    resume_secs: float = Field(
        120.0,
        ge=0,
        description="How long a call whose connection was lost waits for its page. It keeps its "
        "line meanwhile; 0 ends it at once.",
    )
    tls_certificate_file: UserPath | None = Field(
        None,
        description="Certificate chain (PEM). Browsers give a microphone only to https pages and "
        "to this machine's own.",
    )
    tls_key_file: UserPath | None = Field(None, description="Private key (PEM) of the certificate.")
    public_hosts: Listed[str] = Field(
        (),
        description="Names by which browsers reach the server, such as talk.example.org. Requests "
        "for any other name are refused: a foreign page could have renamed itself.",
    )
    behind_proxy: bool = Field(
        False,
        description="Believe X-Forwarded-For. Only behind a proxy on this machine that sets it: "
        "else callers choose the address they are counted under.",
    )

    @model_validator(mode="after")
    def _both_tls_files(self) -> Self:
        if (self.tls_certificate_file is None) != (self.tls_key_file is None):
            raise ValueError("tls_certificate_file and tls_key_file belong together")
        return self

    @property
    def reachable_by_others(self) -> bool:
        """Whether callers may sit at another machine."""
        return not is_loopback(self.host) or self.behind_proxy or bool(self.public_hosts)

    def on_loopback(self) -> Self:
        """The same for a server that a command starts for itself: a free port, nobody else's."""
        own = {"host": "127.0.0.1", "port": 0, "public_hosts": (), "behind_proxy": False}
        return self.model_copy(update={**own, "tls_certificate_file": None, "tls_key_file": None})


class LimitSettings(Section):
    """What one caller may take, so that there is something left for the next."""

    calls_per_key: int = Field(2, ge=1, description="Calls at once with one key.")
    calls_per_address: int = Field(
        2,
        ge=1,
        description="Calls at once from one address. A clinic behind one router wants more; this "
        "machine's own address is not counted.",
    )
    talk_secs_per_day: float = Field(
        4 * 3600.0, gt=0, description="Time on calls in 24 hours, per key or else per address."
    )
    connections_per_minute: int = Field(
        20, ge=1, description="Attempts to call or resume, per address. Reconnecting needs a few."
    )
    requests_per_minute: int = Field(
        60, ge=1, description="HTTP requests to models, per key or else per address."
    )
    requests_at_once: int = Field(
        2,
        ge=1,
        description="HTTP requests to models at the same time. Each takes the processor from "
        "running calls.",
    )
    max_upload_bytes: int = Field(
        25 << 20, ge=1024, description="Largest audio file to transcribe; 25 MiB as elsewhere."
    )
    max_upload_secs: float = Field(
        600.0, gt=0, description="Longest audio to transcribe; ten minutes take about a minute."
    )


class ModelSettings(Section):
    """Which models are loaded: a name from the manifest, or a path of your own."""

    stt: str = Field(
        "whisper-base",
        description="Recogniser: any CTranslate2 Whisper folder. Larger hears better, later.",
    )
    llm: str = Field(
        "qwen2.5-coder-1.5b",
        description="Language model: any chat GGUF. qwen2.5-coder-0.5b takes a third of the memory "
        "and half the time for a word, and understands less.",
    )
    llm_adapter: str = Field(
        "auto",
        description="LoRA adapter of a tuned persona: auto takes the one that comes with persona "
        "and model, none takes the model as it is, a path is a GGUF of your own.",
    )
    mandarin_voice: str = Field(
        "mandarin-voice",
        description="Voice of Chinese clauses: a model, or an engine with a section under `voice` "
        "(gptsovits, openai, kokoro, chattts). `voice.fallback` speaks when it cannot.",
    )
    english_voice: str = Field(
        "hibari",
        description="Voice of English clauses, likewise; hibari comes with its package. The same "
        "engine for both speaks mixed sentences in one breath.",
    )
    hub_url: str | None = Field(
        None,
        description="Mirror of the model hub, for models and bases of a training that are not on "
        "the package index; unset takes the hub itself.",
    )


class SttSettings(Section):
    """How speech becomes text."""

    language: Literal["auto", "zh", "en"] = Field(
        "auto",
        description="Language callers speak. Naming it is quicker and safer than detection, "
        "which decides anew for every utterance.",
    )
    script: Script = Field(
        "simplified", description="Chinese characters of transcripts; Whisper mixes both."
    )
    partial_interval_secs: float = Field(
        0.3,
        ge=0.1,
        le=5.0,
        description="Time between two decodes while the user speaks. Shorter agrees on words "
        "sooner and takes the processor from the language model.",
    )
    threads: int = Field(
        1, ge=1, description="Threads of one decode; one is nearly as fast as two (0.11 s, 0.10 s)."
    )


class LlmSettings(Section):
    """How the reply is written."""

    context_tokens: int = Field(
        4096,
        ge=512,
        description="Key-value cache of each call: its opening, history and reply. More remembers "
        "longer calls, which are answered more slowly, and takes memory at start, for each of "
        "server.max_calls (28 KB a token with the 1.5B, 12 with the 0.5B).",
    )
    sequences: int = Field(
        16,
        ge=4,
        description="Sequences of the context: two for each call, one of them the draft, and "
        "two that keep the persona's prompt.",
    )
    prefill_batch_tokens: int = Field(
        32,
        ge=8,
        le=2048,
        description="Prompt tokens evaluated at once. Larger is faster, smaller stops sooner.",
    )
    threads: int = Field(
        1,
        ge=1,
        description="Most compute threads while one reply is written that is being spoken already. "
        "Never more than cores: they spin, and a foreign load on one core then stretches a reply "
        "from seconds to minutes.",
    )
    batch_threads: int = Field(
        2,
        ge=1,
        description="Most compute threads for prompts, a reply's first clause and several replies "
        "at once. Every other engine at work takes a core away from them.",
    )
    temperature: float = Field(
        0.2, ge=0.0, le=2.0, description="0.0 always takes the likeliest word; higher varies more."
    )
    top_p: float = Field(0.9, gt=0.0, le=1.0, description="Share of probability drawn from.")
    top_k: int = Field(40, ge=0, description="Candidates drawn from; 0 is off.")
    min_p: float = Field(
        0.05, ge=0.0, le=1.0, description="Drops candidates below this share of the best one."
    )
    repeat_penalty: float = Field(
        1.05,
        ge=0.5,
        le=2.0,
        description="Above 1.0 avoids words just said; too high turns away from the topic.",
    )
    phrase_penalty: float = Field(
        2.0,
        ge=0.0,
        description="Keeps the bot from saying a phrase of its last replies again; 0.0 is off. "
        "Small models repeat themselves without it.",
    )
    max_reply_tokens: int = Field(
        120,
        ge=1,
        description="Longest reply, about 150 Chinese characters; a spoken turn wants less.",
    )
    seed: int | None = Field(
        None, description="A number makes the same call give the same replies; unset varies."
    )


class TurnSettings(Section):
    """When a turn counts as over."""

    pacing: Pacing = Field(
        "natural",
        description="quick answers at once and cuts in more often; counsellor leaves room for "
        "a thought; natural stands between.",
    )
    min_silence_secs: float = Field(
        0.3,
        ge=0.0,
        description="Silence before any answer, however complete the sentence. Shorter answers "
        "sooner and cuts off more pauses.",
    )
    max_silence_secs: float = Field(
        1.6,
        gt=0.0,
        description="Silence that ends a turn however unfinished the sentence sounds.",
    )
    soft_end_secs: float = Field(
        0.1,
        gt=0.0,
        description="Silence at which a reply is drafted unheard. Shorter saves time on the "
        "answer and wastes more drafts.",
    )
    speculation: bool = Field(
        True, description="Draft replies before the turn is over; costs processor, saves latency."
    )
    check_in_secs: Listed[Annotated[float, Field(gt=0.0)]] = Field(
        (8.0, 20.0),
        description="Silence after the bot has spoken before it says that it is there, once for "
        "each number. [] never does, nor does pacing quick; short fills what a caller needs.",
    )

    acknowledge: bool = Field(
        True,
        description="Say the persona's acknowledgements (mm-hm) at once where a turn may be over "
        "and is waited for, into a pause that lasts, and now and then into a long story, and a "
        "hmm where who asks what to do waits for an answer; never with pacing quick. Shows that "
        "somebody listens; one that comes at the wrong moment is heard as a wish to speak.",
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.soft_end_secs <= self.min_silence_secs <= self.max_silence_secs:
            raise ValueError("soft_end_secs, min_silence_secs and max_silence_secs must not fall")
        return self


class InterruptionSettings(Section):
    """What speech over the bot does."""

    mode: InterruptionMode = Field(
        "polite",
        description="polite pauses and judges (a mm-hm does not stop the bot); instant stops "
        "at any speech; off talks on.",
    )


class PersonaSettings(Section):
    """Who answers."""

    name: str = Field("listener", description="Persona folder to load.")
    locale: Locale = Field("zh-Hans", description="Language and script of greeting and prompt.")
    directory: UserPath | None = Field(
        None, description="Folder of your own personas; unset takes those in the package."
    )


class PrivacySettings(Section):
    """What may be kept, and what may leave the machine."""

    offline: bool | None = Field(
        None,
        description="Unset, calls reach nobody but this machine, and only commands that are asked "
        "to download (`models pull`, `voices pull-chattts`, `train` with a --base of the hub). "
        "true refuses that, too; false allows the webhook and voices elsewhere.",
    )
    record: bool = Field(
        False,
        description="Keep the words of calls, encrypted, under `home`. Off keeps nothing but what "
        "callers choose where `memory.offer` is on. On needs the callers' consent.",
    )
    record_audio: bool = Field(
        False, description="With `record`, keep the voices too; about 5 MB a minute."
    )
    retention_days: float = Field(
        30.0,
        ge=0.0,
        description="Age at which a record is deleted: within the hour while a server runs, at "
        "its start, and at every purge.",
    )
    key_in_keyring: bool = Field(
        False,
        description="Keep the records' keys in the system's keyring instead of a file; safer, "
        "but a server without a desktop has none.",
    )
    key_file: UserPath | None = Field(
        None,
        description="File of the records' keys, its whole path. Unset puts it beside the records; "
        "a place on another disk protects them when theirs is stolen.",
    )

    @field_validator("key_file")
    @classmethod
    def _is_one_place(cls, path: Path | None) -> Path | None:
        if path is not None and not path.is_absolute():
            raise ValueError(
                f"{path} would be another file in every folder that a command is started in; "
                f"write the whole path (from here it is {path.absolute()})"
            )
        return path

    @property
    def keeps_calls_here(self) -> bool:
        """Whether a call may open no connection to another machine."""
        return self.offline is not False

    @property
    def refuses_downloads(self) -> bool:
        """Whether not even a command that is there to download may do so."""
        return self.offline is True


class SafetySettings(Section):
    """Who is called upon in a crisis; the protocol itself cannot be turned off."""

    region: Region | None = Field(
        None,
        description="Whose hotlines are given: TW, CN, HK, SG, MY, US or UK. Unset follows the "
        "persona's locale, which is wrong for callers abroad.",
    )
    webhook_url: str | None = Field(
        None,
        pattern=r"^https?://",
        description="Told of every rise to elevated or imminent in calls and `qingting chat`, not "
        "in chats over HTTP: call, tier, category and time, never words. It leaves the machine, so "
        "`privacy.offline` must be off.",
    )
    contact: str | None = Field(
        None,
        pattern=r"^[0-9+][0-9 ()-]*$",
        description="Number of a person on duty, given to callers in imminent danger.",
    )


class LoggingSettings(Section):
    """What the program says about itself; never a caller's words."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="debug explains every decision and costs a little time in calls."
    )
    format: Literal["text", "json"] = Field("text", description="json suits a log collector.")
