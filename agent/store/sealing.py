"""Authenticated encryption of single values, and keys that wrap other keys."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pipeline.errors import StoreError

KEY_BYTES = 32  # AES-256
_NONCE_BYTES = 12  # what GCM is specified for (NIST SP 800-38D, 8.2)


def new_key() -> bytes:
    """A fresh random key of `KEY_BYTES` bytes."""
    return AESGCM.generate_key(bit_length=8 * KEY_BYTES)


def seal(key: bytes, plain: bytes, place: str) -> bytes:
    """Encrypt `plain` so that it opens only with `key` and only for the same `place`.

    Args:
        key: `KEY_BYTES` bytes.
        plain: Any length.
        place: Where the value belongs, e.g. "call_1/3"; a value moved elsewhere fails.

    Returns:
        Nonce and ciphertext; 28 bytes longer than `plain`.
    """
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, place.encode())


def unseal(key: bytes, sealed: bytes, place: str) -> bytes:
    """What `seal` was given.

    Raises:
        StoreError: Another key, another place, or changed bytes.
    """
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place.encode())
    except (InvalidTag, ValueError) as error:
        raise StoreError(
            "A record cannot be opened: the key is another one, or the file was changed."
        ) from error
