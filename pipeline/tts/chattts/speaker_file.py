"""A speaker of ChatTTS as a file that can be kept and given to others.

JSON, about 2 kB:

    format      "qingting-speaker/1"
    name        what people call the speaker
    seed        it was drawn from, or null
    gain_db     brings this speaker to the loudness of the other voices
    embedding   float16, little-endian, base64
    sha256      of the embedding's bytes

The file holds no weights and no recording: it is a point among the voices the model knows.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.errors import ConfigError

FORMAT = "qingting-speaker/1"
MAX_GAIN_DB = 24.0  # more than any voice needs; a larger one is a mistake
_MAX_FILE_BYTES = 64 * 1024  # the real ones have 768 numbers
_MAX_NAME_CHARS = 60


@dataclass(frozen=True, eq=False)
class SpeakerEmbedding:
    """Who speaks.

    Attributes:
        values: float16, shape (n_dimensions,), finite; 768 for ChatTTS's weights.
        name: At most 60 characters.
        seed: It was drawn from, or None.
        gain_db: Added to this speaker's speech, -24 to 24.

    Raises:
        ConfigError: Values, name or gain are none of the above.
    """

    values: npt.NDArray[np.float16]
    name: str = ""
    seed: int | None = None
    gain_db: float = 0.0

    def __post_init__(self) -> None:
        if self.values.ndim != 1 or not len(self.values) or not np.all(np.isfinite(self.values)):
            raise ConfigError("a speaker needs a row of finite numbers")
        if not np.any(self.values):
            raise ConfigError("a speaker of zeros has no voice")
        if len(self.name) > _MAX_NAME_CHARS:
            raise ConfigError(f"a speaker's name has at most {_MAX_NAME_CHARS} characters")
        if not math.isfinite(self.gain_db) or abs(self.gain_db) > MAX_GAIN_DB:
            raise ConfigError(f"a speaker's gain_db lies within ±{MAX_GAIN_DB:.0f}")


def save_speaker(path: Path, speaker: SpeakerEmbedding) -> None:
    """Write a speaker, over whatever is there.

    Raises:
        ConfigError: The file cannot be written.
    """
    raw = speaker.values.astype("<f2").tobytes()
    data = {
        "format": FORMAT,
        "name": speaker.name,
        "seed": speaker.seed,
        "gain_db": round(speaker.gain_db, 2),
        "embedding": base64.b64encode(raw).decode("ascii"),
        "sha256": hashlib.sha256(raw).hexdigest(),
    }
    try:
        path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", "utf-8")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error


def load_speaker_file(path: Path) -> SpeakerEmbedding:
    """Read a speaker; files come from strangers, so every field is checked.

    Raises:
        ConfigError: Not there, not a speaker, or damaged; the message says which.
    """
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise ConfigError(f"{path} is too large to be a speaker")
        data = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"the speaker {path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not a speaker file") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ConfigError(f"{path} is not a speaker file of the format {FORMAT}")
    return _speaker(data, path)


def _speaker(data: Mapping[str, object], path: Path) -> SpeakerEmbedding:
    match data:
        case {
            "name": str(name),
            "seed": int() | None as seed,
            "gain_db": int() | float() as gain_db,
            "embedding": str(embedding),
            "sha256": str(digest),
        }:
            pass
        case _:
            raise ConfigError(f"{path} lacks a field of a speaker, or has one of another type")
    try:
        raw = base64.b64decode(embedding, validate=True)
    except binascii.Error as error:
        raise ConfigError(f"the embedding in {path} is not base64") from error
    if hashlib.sha256(raw).hexdigest() != digest or len(raw) % 2:
        raise ConfigError(f"the speaker {path} is damaged: its sha256 does not fit")
    values = np.frombuffer(raw, dtype="<f2").astype(np.float16)
    return SpeakerEmbedding(values, name, seed, float(gain_db))
