"""Results of a function of a text, found again without keeping the text."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

_Result = TypeVar("_Result")
_DIGEST_BYTES = 16  # two texts are confused once in 2**64


class ByDigest(Generic[_Result]):
    """Remembers what a function gave for the texts it was asked about last.

    A text is known by its digest under a key that ends with the process, so none can be read
    or looked for here. Safe to call from several threads, which may compute the same twice.

    Args:
        function: Pure; what it gives is handed out again and must not be changed.
        most: Results that are kept; the one asked for longest ago goes first.
    """

    def __init__(self, function: Callable[[str], _Result], most: int) -> None:
        self._function = function
        self._most = most
        self._key = secrets.token_bytes(_DIGEST_BYTES)
        self._results: OrderedDict[bytes, _Result] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._results)

    def __call__(self, text: str) -> _Result:
        digest = hashlib.blake2b(
            text.encode(errors="surrogatepass"), digest_size=_DIGEST_BYTES, key=self._key
        ).digest()
        with self._lock:
            if digest in self._results:
                self._results.move_to_end(digest)
                return self._results[digest]
        result = self._function(text)
        with self._lock:
            self._results[digest] = result
            if len(self._results) > self._most:
                self._results.popitem(last=False)
        return result
