"""The master keys as one open store knows them, while another process may rotate them.

A server runs for months and a command rotates beside it. So the keys are read again, inside
the writing transaction, before they wrap anything, and where a record names one not seen yet.
"""

from __future__ import annotations

from agent.store.keys import KeyPlace, KeySet, fresh_keys
from agent.store.sealing import seal, unseal
from pipeline.errors import StoreError


class MasterKeys:
    """Wraps and unwraps the keys of records. Its caller sees to it that one thread is in it.

    Args:
        place: Where the keys are.
        of: Whose they are, for messages.
        may_be_made: Whether there may be none yet.

    Raises:
        StoreError: They cannot be read or made, or should be there and are not.
    """

    def __init__(self, place: KeyPlace, *, of: str, may_be_made: bool) -> None:
        self._place = place
        self._of = of
        if may_be_made and place.read() is None:
            place.write(fresh_keys())
        self._keys = self._read()

    def reload(self) -> None:
        """Take the keys as they are now.

        Raises:
            StoreError: They cannot be read.
        """
        self._keys = self._read()

    def wrap(self, key: bytes, call_id: str) -> tuple[str, bytes]:
        """A record's key, closed with the current master key, and that one's name."""
        name = self._keys.current
        return name, seal(self._keys.key(name), key, call_id)

    def unwrap(self, name: str, wrapped: bytes, call_id: str) -> bytes:
        """A record's key.

        Raises:
            StoreError: The master key `name` is gone, or another one closed the record.
        """
        if name not in self._keys.keys:
            self.reload()
        return unseal(self._keys.key(name), wrapped, call_id)

    def tag(self, caller: str) -> str:
        """See `KeySet.tag`."""
        return self._keys.tag(caller)

    def renew(self) -> frozenset[str]:
        """Make another key the current one, beside all others.

        Returns:
            The names of the keys that were there.

        Raises:
            StoreError: The keys cannot be read or written.
        """
        self.reload()
        replaced = frozenset(self._keys.keys)
        self._keys = self._keys.with_new_key()
        self._place.write(self._keys)
        return replaced

    def forget(self, names: frozenset[str]) -> None:
        """Let go of keys for good; the current one stays.

        Raises:
            StoreError: The keys cannot be read or written.
        """
        self.reload()
        self._keys = self._keys.without(names)
        self._place.write(self._keys)

    def _read(self) -> KeySet:
        keys = self._place.read()
        if keys is None:
            raise StoreError(
                f"The keys are missing in {self._place.name}; {self._of} stays closed."
            )
        return keys
