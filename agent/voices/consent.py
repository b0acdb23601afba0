"""Whether a person has agreed that their voice is imitated.

Beside the clip lies `CLIP.consent.toml`. It names the clip by its SHA-256, so that a
consent cannot be moved to another person's voice:

    clip_sha256 = "9f86d081884c7d65…"
    speaker = "王小明"
    given_at = 2026-11-21T10:00:00Z
    statement = "The person who speaks in this clip has agreed …"
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline.errors import ConfigError

STATEMENT = (
    "The person who speaks in this clip has agreed that this program imitates their voice in "
    "calls, knows that callers are told that they talk to a machine, and can take it back at "
    "any time by having this file and the clip deleted."
)


@dataclass(frozen=True, slots=True)
class Consent:
    """What was agreed, by whom and when.

    Attributes:
        clip_sha256: Of the clip it is about.
        speaker: Who speaks in the clip.
        given_at: When it was recorded.
        statement: The words that were agreed to.
    """

    clip_sha256: str
    speaker: str
    given_at: datetime
    statement: str


def consent_file(clip: Path) -> Path:
    """Where the consent for `clip` is recorded."""
    return clip.with_name(clip.name + ".consent.toml")


def record_consent(clip: Path, speaker: str) -> Path:
    """Record that `speaker` has agreed to `STATEMENT`; returns the file.

    Raises:
        ConfigError: There is no such clip or it is no sound, `speaker` is empty, or the file
            cannot be written.
    """
    import soundfile

    if not speaker.strip():
        raise ConfigError("a consent needs the name of who gives it")
    file = consent_file(clip)
    digest = _digest(clip)
    try:
        soundfile.info(clip)
    except soundfile.LibsndfileError as error:
        raise ConfigError(f"the clip {clip} cannot be read as sound") from error
    now = datetime.now(UTC).replace(microsecond=0)
    lines = (
        f"clip_sha256 = {_quoted(digest)}",
        f"speaker = {_quoted(speaker.strip())}",
        f"given_at = {now.isoformat()}",
        f"statement = {_quoted(STATEMENT)}",
    )
    try:
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}") from error
    return file


def require_consent(clip: Path) -> Consent:
    """The consent for `clip`.

    Raises:
        ConfigError: There is no clip, or no consent for just this clip; the message names
            the command that asks for it.
    """
    file = consent_file(clip)
    digest = _digest(clip)
    remedy = f"ask, then run: qingting voices consent {clip}"
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
        consent = Consent(data["clip_sha256"], data["speaker"], data["given_at"], data["statement"])
    except FileNotFoundError:
        raise ConfigError(f"nobody has agreed to the imitation of {clip.name}; {remedy}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError):
        raise ConfigError(f"{file} holds no consent; {remedy}") from None
    if consent.clip_sha256 != digest:
        raise ConfigError(f"{file} is about another recording than {clip.name}; {remedy}")
    return consent


def _digest(clip: Path) -> str:
    try:
        return hashlib.sha256(clip.read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigError(f"the clip {clip} cannot be read: {error.strerror}") from error


def _quoted(text: str) -> str:
    """`text` as a TOML string; JSON's escapes are among TOML's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
