"""API keys: several, named, revocable; only their SHA-256 is kept.

A key is 32 random bytes, so a plain hash of it cannot be turned back and needs no salt.
The file is read again whenever it has changed: a revoked key is refused from the next
request on.

    [keys.front-desk]
    sha256 = "9f86d081884c7d65…"
    created_at = 2026-11-21T10:00:00Z
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline.errors import ConfigError

KEY_PREFIX = "qt_"  # found by secret scanners, recognised by people
_KEY_BYTES = 32
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key: never the key itself."""

    name: str
    sha256: str
    created_at: datetime


class KeyRing:
    """The keys in one TOML file.

    Args:
        file: May be missing: then there are no keys.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamp: tuple[int, int, int] | None = None
        self._keys: dict[str, ApiKey] = {}

    def entries(self) -> list[ApiKey]:
        """All keys, in the order they were made.

        Raises:
            ConfigError: The file cannot be read.
        """
        try:
            status = self._file.stat()
        except FileNotFoundError:
            self._stamp, self._keys = None, {}
            return []
        stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
        if stamp != self._stamp:
            self._keys = _read(self._file)
            self._stamp = stamp
        return list(self._keys.values())

    def owner(self, key: str) -> str | None:
        """Name of a key, or None if it is none; takes as long for any key.

        Raises:
            ConfigError: The file cannot be read.
        """
        given = _digest(key)
        name = None
        for known in self.entries():
            if hmac.compare_digest(known.sha256, given):
                name = known.name
        return name

    def add(self, name: str) -> str:
        """Make a key; it is shown this once.

        Raises:
            ConfigError: The name is taken or not one, or the file cannot be written.
        """
        if not _NAME.fullmatch(name):
            raise ConfigError(f"'{name}' is not a name: letters, digits, - and _ make one")
        self.entries()
        if name in self._keys:
            raise ConfigError(f"there is a key '{name}' already; revoke it first")
        key = KEY_PREFIX + secrets.token_urlsafe(_KEY_BYTES)
        now = datetime.now(UTC).replace(microsecond=0)
        self._write({**self._keys, name: ApiKey(name, _digest(key), now)})
        return key

    def revoke(self, name: str) -> None:
        """Forget a key.

        Raises:
            ConfigError: There is none of this name, or the file cannot be written.
        """
        self.entries()
        if name not in self._keys:
            raise ConfigError(f"there is no key '{name}'")
        self._write({known: key for known, key in self._keys.items() if known != name})

    def _write(self, keys: dict[str, ApiKey]) -> None:
        lines = [
            f'[keys.{key.name}]\nsha256 = "{key.sha256}"\n'
            f"created_at = {key.created_at.isoformat()}\n"
            for key in keys.values()
        ]
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            draft = self._file.with_suffix(".new")
            with os.fdopen(
                os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w"
            ) as out:
                out.write("\n".join(lines))
            draft.replace(self._file)
        except OSError as error:
            raise ConfigError(f"{self._file} cannot be written: {error.strerror}") from error


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def _read(file: Path) -> dict[str, ApiKey]:
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8")).get("keys", {})
        keys = {
            name: ApiKey(name, table["sha256"], table["created_at"])
            for name, table in tables.items()
        }
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"the keys in {file} cannot be read: {error}") from error
    except (AttributeError, KeyError, TypeError):
        raise ConfigError(f"{file} does not hold keys with sha256 and created_at") from None
    for key in keys.values():
        if not isinstance(key.sha256, str) or not _DIGEST.fullmatch(key.sha256):
            raise ConfigError(f"{file}: the sha256 of key '{key.name}' is not 64 hex digits")
    return keys
