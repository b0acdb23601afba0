"""Who answers: name, greeting, prompt, style and limits, as data files.

A persona is a folder with one TOML file for each locale it speaks, `NAME/LOCALE.toml`;
`Persona` is the schema. Beside them may lie `MODEL.gguf`, its tuning of a language model.
`listener` comes with the package.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal, TypeAlias, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
)

from agent.asked.kinds import About
from agent.config import Locale
from agent.config.voice import QUIETEST_VOLUME
from pipeline.errors import ConfigError
from pipeline.llm.base import Message
from pipeline.text import Language

_PACKAGED = Path(__file__).parent
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*", re.IGNORECASE)

Line = Annotated[str, StringConstraints(min_length=1, max_length=300)]
"""Something the bot says as it stands."""


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Style(_Data):
    """What a reply should look like; training and evaluation score against it.

    Attributes:
        max_sentences: Sentences in a reply.
        max_units: Text units in a reply.
        max_questions: Questions in a reply.
    """

    max_sentences: int = Field(ge=1)
    max_units: int = Field(ge=1)
    max_questions: int = Field(ge=0)


class Example(_Data):
    """A turn that shows the model how to answer."""

    user: Line
    reply: Line


When: TypeAlias = Literal["always", "recorded", "local"]


class SetAnswer(_Data):
    """What is said by heart, in the model's place, when the caller asks for it.

    Attributes:
        about: What they ask for.
        when: Where it holds: "recorded" while calls are kept, "local" while they are not and
            no word leaves this machine, "always" where neither has a table of its own.
        says: Used in turn, so that nobody hears the same twice in a row.
    """

    about: About
    when: When = "always"
    says: tuple[Line, ...] = Field(min_length=1)


class VoiceSample(_Data):
    """A person's speech for a voice to imitate; it needs their consent.

    Attributes:
        clip: Sound file, 3 to 10 s of one speaker; in the file relative to the persona's
            folder, here absolute.
        text: What is said in it; helps the likeness.
        language: What it is said in.
    """

    clip: Path
    text: str = ""
    language: Literal["zh", "en", "ja", "ko", "yue"] = "zh"


class SpeechManner(_Data):
    """How the persona speaks, beside the voice's own way; multiplies the settings' `voice`.

    Attributes:
        rate: Speed; under 1.0 sounds calmer.
        pitch: Fundamental frequency, where the voice allows it.
        volume: Gain; under 1.0 sounds closer and softer. Not 0: a reply without a sound counts
            as failed.
        pause_scale: Length of the pauses at punctuation.
    """

    rate: float = Field(1.0, ge=0.5, le=2.0)
    pitch: float = Field(1.0, ge=0.5, le=2.0)
    volume: float = Field(1.0, ge=QUIETEST_VOLUME, le=1.5)
    pause_scale: float = Field(1.0, ge=0.0, le=3.0)


class Persona(_Data):
    """One persona in one locale.

    Attributes:
        name: Folder it came from.
        locale: Language and script of everything below.
        display_name: What the bot calls itself.
        greeting: First words of a call; they say that it is an AI.
        apology: Said when an engine failed.
        unheard: Said when speech was heard but no words.
        check_ins: Said into a long silence, the first one first.
        acknowledgements: Said softly where a turn may be over and into the pauses of a
            story; one that takes over half a second rarely fits. Empty says nothing.
        thinking: Said softly where who asks what to do waits for an answer: sounds that nobody
            hears as a yes. Empty says nothing.
        resuming: Said before the rest of a reply that was cut off and asked for again.
        cut_mark: Follows the heard part of a cut reply in the model's context.
        limits: What the persona will not do, as plain sentences for its operator.
        system_prompt: The model's instructions. Its tokens are evaluated once, but they
            take part in every step after, so: short.
        tuned_prompt: Instructions for a model with the persona's adapter, the very words it
            was trained under; such a model needs no examples. None: as the untuned one.
        style: Bounds of a good reply.
        examples: Turns put before every call; see `example_messages`.
        answers: What is said by heart, one table for each thing; what has none is left to the
            model.
        speech: How its voice speaks.
        voice_sample: Whom a voice that can imitate should sound like, if anybody.
    """

    name: str
    locale: Locale
    display_name: Line
    greeting: Line
    apology: Line
    unheard: Line
    check_ins: tuple[Line, ...] = Field(min_length=1)
    acknowledgements: tuple[Line, ...] = ()
    thinking: tuple[Line, ...] = ()
    resuming: str = ""
    cut_mark: Line
    limits: tuple[Line, ...] = ()
    system_prompt: Annotated[str, StringConstraints(min_length=1, max_length=4000)]
    tuned_prompt: Annotated[str, StringConstraints(min_length=1, max_length=4000)] | None = None
    style: Style
    examples: tuple[Example, ...] = ()
    answers: tuple[SetAnswer, ...] = ()
    speech: SpeechManner = SpeechManner()
    voice_sample: VoiceSample | None = None

    @field_validator("answers")
    @classmethod
    def _once_each(cls, answers: tuple[SetAnswer, ...]) -> tuple[SetAnswer, ...]:
        known: set[tuple[About, When]] = set()
        for one in answers:
            if (one.about, one.when) in known:
                raise ValueError(f"two tables are about {one.about}; put all into one's says")
            known.add((one.about, one.when))
        return answers

    @property
    def language(self) -> Language:
        """The language of its locale."""
        return "en" if self.locale == "en" else "zh"

    def by_heart(self, when: When) -> dict[About, tuple[str, ...]]:
        """What is said by heart under these circumstances, by what was asked for."""
        usual = {one.about: one.says for one in self.answers if one.when == "always"}
        return usual | {one.about: one.says for one in self.answers if one.when == when}

    def tuned(self) -> Persona:
        """The persona as a model with its adapter is told of it."""
        if self.tuned_prompt is None:
            return self
        return self.model_copy(update={"system_prompt": self.tuned_prompt, "examples": ()})

    def example_messages(self) -> tuple[Message, ...]:
        """The examples as earlier turns, to stand between system prompt and history.

        A small model copies the manner of turns; the same examples inside the system
        prompt changed its replies far less. They belong to the opening: a long call, too,
        is answered in their manner.
        """
        return tuple(
            message
            for example in self.examples
            for message in (
                Message("user", example.user, opening=True),
                Message("assistant", example.reply, opening=True),
            )
        )


def load_persona(name: str, locale: Locale, directory: Path | None = None) -> Persona:
    """Read a persona.

    Args:
        name: Folder to read, letters, digits, `-` and `_`.
        locale: Which of its files.
        directory: Folder of the user's own personas; None reads those in the package.

    Raises:
        ConfigError: There is no such persona or locale, or its file does not fit `Persona`.
    """
    folder = persona_folder(name, directory)
    file = folder / f"{locale}.toml"
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(_missing(name, locale, folder)) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from error
    try:
        persona = Persona.model_validate({**data, "name": name, "locale": locale})
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()
        )
        raise ConfigError(f"{file} is not a persona: {faults}") from error
    return _with_sample_in(persona, folder)


def persona_folder(name: str, directory: Path | None = None) -> Path:
    """Where a persona's files lie, whether it is there or not.

    Raises:
        ConfigError: Persona folders have no such names.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(f"'{name}' is not the name of a persona")
    return (directory or _PACKAGED) / name


def _with_sample_in(persona: Persona, folder: Path) -> Persona:
    """The persona with its clip's path made absolute."""
    if persona.voice_sample is None:
        return persona
    clip = (folder / persona.voice_sample.clip).absolute()
    sample = persona.voice_sample.model_copy(update={"clip": clip})
    return persona.model_copy(update={"voice_sample": sample})


def _missing(name: str, locale: Locale, folder: Path) -> str:
    spoken = [known for known in get_args(Locale) if (folder / f"{known}.toml").is_file()]
    if spoken:
        return f"persona '{name}' does not speak {locale}, only {', '.join(spoken)}"
    return f"there is no persona '{name}' in {folder.parent}"
