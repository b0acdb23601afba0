"""What the callers say, as data: `voices.toml` and one TOML file for each call.

A pause inside a turn is written as its length in seconds: 我想说的是，[0.8]其实我不生气。
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import ConfigError
from pipeline.text import join

Kind: TypeAlias = Literal["short", "story", "repair", "number", "english", "mixed", "recorded"]
Noise: TypeAlias = Literal["quiet", "white", "babble"]

PACKAGED = Path(__file__).parent
VOICES_FILE = "voices.toml"
QUICK_CALL = "quick"
_PAUSE = re.compile(r"\s*\[(\d+(?:\.\d+)?)\]\s*")


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CallerVoice(_Data):
    """How a caller sounds, relative to the bot; see `voices.toml`."""

    rate: float = Field(ge=0.6, le=1.6)
    pitch: float = Field(ge=0.5, le=2.0)
    size: float = Field(ge=0.8, le=1.25)


class _TurnData(_Data):
    kind: Kind
    say: str = Field(min_length=1)
    file: str | None = None
    quick: bool = False


class _CallData(_Data):
    voice: str
    noise: Noise = "quiet"
    snr_db: float | None = Field(None, ge=0.0, le=60.0)
    turns: tuple[_TurnData, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Passage:
    """Words said in one go, and the silence after them."""

    text: str
    pause_secs: float


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing to say.

    Attributes:
        turn_id: "call/number", the same in every run.
        say: With marks for pauses.
        recording: Name of a recorded clip to play instead of a made voice.
        quick: Part of the quick bench.
    """

    turn_id: str
    kind: Kind
    say: str
    voice: CallerVoice
    recording: str | None = None
    quick: bool = False

    @property
    def text(self) -> str:
        """The words alone."""
        text = ""
        for passage in self.passages:
            text = join(text, passage.text)
        return text

    @property
    def passages(self) -> tuple[Passage, ...]:
        """The words between the pauses."""
        texts, pauses = _PAUSE.split(self.say)[::2], _PAUSE.split(self.say)[1::2]
        return tuple(
            Passage(text, float(pause)) for text, pause in zip(texts, [*pauses, "0"], strict=True)
        )


@dataclass(frozen=True, slots=True)
class Call:
    """Turns of one call, and the room they are said in.

    Attributes:
        noise: What the microphone hears besides the caller.
        snr_db: Speech level over noise level; None with "quiet".
    """

    name: str
    turns: tuple[Turn, ...]
    noise: Noise = "quiet"
    snr_db: float | None = None


def load_calls(folder: Path = PACKAGED) -> tuple[Call, ...]:
    """Every call of a folder, by name.

    Raises:
        ConfigError: The folder holds no calls, or a file is not a call script.
    """
    files = sorted(path for path in folder.glob("*.toml") if path.name != VOICES_FILE)
    if not files:
        raise ConfigError(f"there are no call scripts (*.toml) in {folder}")
    own_voices = folder / VOICES_FILE
    voices = load_voices(own_voices if own_voices.is_file() else PACKAGED / VOICES_FILE)
    return tuple(_load_call(path, voices) for path in files)


def choose(calls: Iterable[Call], names: Sequence[str]) -> tuple[Call, ...]:
    """The calls and turns that are named: by call, by kind, or by turn id.

    Args:
        calls: All of them.
        names: Empty chooses everything.

    Raises:
        ConfigError: A name names nothing.
    """
    calls = tuple(calls)
    if not names:
        return calls
    chosen = []
    known: set[str] = set()
    for call in calls:
        known.update([call.name], *({turn.turn_id, turn.kind} for turn in call.turns))
        turns = [t for t in call.turns if not {call.name, t.turn_id, t.kind}.isdisjoint(names)]
        if turns:
            chosen.append(replace(call, turns=tuple(turns)))
    if unknown := sorted(set(names) - known):
        raise ConfigError(f"{unknown[0]} is no call, kind or turn of the scripts")
    return tuple(chosen)


def spread(calls: Sequence[Call], turns: int | None) -> tuple[Call, ...]:
    """At most `turns` turns, taken evenly from the beginnings of all calls; None takes all."""
    if turns is None:
        return tuple(calls)
    places = sorted(
        (index, number) for number, call in enumerate(calls) for index in range(len(call.turns))
    )
    kept = [0] * len(calls)
    for _, number in places[:turns]:
        kept[number] += 1
    return tuple(
        replace(call, turns=call.turns[:count])
        for call, count in zip(calls, kept, strict=True)
        if count
    )


def quick_call(calls: Iterable[Call]) -> Call:
    """One call in a quiet room made of the turns marked as quick."""
    turns = tuple(turn for call in calls for turn in call.turns if turn.quick)
    if not turns:
        raise ConfigError("none of the scripts has a turn marked as quick")
    return Call(QUICK_CALL, turns)


def load_voices(path: Path = PACKAGED / VOICES_FILE) -> dict[str, CallerVoice]:
    """The callers' voices by name.

    Raises:
        ConfigError: The file cannot be read or is none of voices.
    """
    return {name: _parse(CallerVoice, data, path) for name, data in _read(path).items()}


def _load_call(path: Path, voices: dict[str, CallerVoice]) -> Call:
    data = _parse(_CallData, _read(path), path)
    if data.voice not in voices:
        raise ConfigError(f"{path}: there is no voice '{data.voice}' in {VOICES_FILE}")
    if (data.noise == "quiet") != (data.snr_db is None):
        raise ConfigError(f"{path}: snr_db goes with a noise, and a noise with snr_db")
    turns = tuple(
        Turn(f"{path.stem}/{number}", t.kind, t.say, voices[data.voice], t.file, t.quick)
        for number, t in enumerate(data.turns, start=1)
    )
    return Call(path.stem, turns, data.noise, data.snr_db)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error


_Parsed = TypeVar("_Parsed", bound=_Data)


def _parse(model: type[_Parsed], data: Any, path: Path) -> _Parsed:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, fault["loc"]))
        raise ConfigError(f"{path} is not a call script: {place}: {fault['msg']}") from error
