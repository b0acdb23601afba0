"""The master keys of the records: in the system's keyring, or in a file of their own.

A master key never touches a record's content; it wraps the record's own key. So rotation
rewrites a few bytes a record, and a record whose wrapped key is gone stays closed even to
someone who finds its bytes on the disk.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import stat
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from agent.store.sealing import KEY_BYTES, new_key
from pipeline.errors import StoreError

_SERVICE = "qingting-records"


class KeySet(BaseModel):
    """Every master key, base64 by name.

    Attributes:
        current: Name of the key that wraps new records.
        keys: Name to key; old ones only until rotation is through.
        index: Key of the caller index, which rotation leaves alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    current: str
    keys: dict[str, str]
    index: str

    def key(self, name: str) -> bytes:
        """The key of that name.

        Raises:
            StoreError: It is not here.
        """
        encoded = self.keys.get(name)
        if encoded is None:
            raise StoreError(f"The key '{name}' that closed this record is not here any more.")
        return base64.b64decode(encoded)

    def tag(self, caller: str) -> str:
        """The caller's name as the index holds it: only who knows the name finds it."""
        key = base64.b64decode(self.index)
        return hmac.new(key, caller.encode(), hashlib.sha256).hexdigest()

    def with_new_key(self) -> KeySet:
        """A set whose current key is fresh; the old ones stay."""
        name = f"k{secrets.token_hex(4)}"
        return KeySet(current=name, keys={**self.keys, name: _encoded(new_key())}, index=self.index)

    def without(self, names: Collection[str]) -> KeySet:
        """A set without the keys of these names; the current one stays."""
        kept = {
            name: key
            for name, key in self.keys.items()
            if name == self.current or name not in names
        }
        return KeySet(current=self.current, keys=kept, index=self.index)


def fresh_keys() -> KeySet:
    """A set for a new store."""
    empty = KeySet(current="", keys={}, index=_encoded(secrets.token_bytes(KEY_BYTES)))
    return empty.with_new_key()


def _encoded(key: bytes) -> str:
    return base64.b64encode(key).decode()


class KeyPlace(Protocol):
    """Where the keys are kept."""

    @property
    def name(self) -> str:
        """For the user."""
        ...

    def read(self) -> KeySet | None:
        """The keys; None where there are none yet.

        Raises:
            StoreError: They cannot be read.
        """
        ...

    def write(self, keys: KeySet) -> None:
        """Replace the keys; after a return they survive a crash.

        Raises:
            StoreError: They cannot be written.
        """
        ...


class KeyFile:
    """Keys in a file that only its owner may read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        return str(self.path)

    def read(self) -> KeySet | None:
        try:
            text = self.path.read_text("utf-8")
        except FileNotFoundError:
            return None
        except OSError as error:
            message = f"The key file {self.path} cannot be read."
            raise StoreError(message, retryable=True) from error
        if sys.platform != "win32" and stat.S_IMODE(self.path.stat().st_mode) & 0o077:
            raise StoreError(f"The key file {self.path} is open to others; chmod 600 it.")
        return _parsed(text, str(self.path))

    def write(self, keys: KeySet) -> None:
        scratch = self.path.with_suffix(".new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            scratch.unlink(missing_ok=True)
            handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(keys.model_dump_json())
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(self.path)
        except OSError as error:
            raise StoreError(f"The key file {self.path} cannot be written.") from error


class KeyRing:
    """Keys in the system's keyring (Secret Service, Keychain, Credential Locker)."""

    def __init__(self, account: str) -> None:
        self.account = account

    @property
    def name(self) -> str:
        return f"the system's keyring, for {self.account}"

    def read(self) -> KeySet | None:
        import keyring
        from keyring.errors import KeyringError

        try:
            text = keyring.get_password(_SERVICE, self.account)
        except KeyringError as error:
            message = f"The system's keyring cannot be read: {error}"
            raise StoreError(message, retryable=True) from error
        return None if text is None else _parsed(text, "the keyring's entry")

    def write(self, keys: KeySet) -> None:
        import keyring
        from keyring.errors import KeyringError

        try:
            keyring.set_password(_SERVICE, self.account, keys.model_dump_json())
        except KeyringError as error:
            raise StoreError(f"The system's keyring cannot be written: {error}") from error


def _parsed(text: str, name: str) -> KeySet:
    try:
        return KeySet.model_validate_json(text)
    except ValidationError as error:
        raise StoreError(f"{name} does not hold the keys of a store.") from error
