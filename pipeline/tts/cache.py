"""Finished speech of short clauses, so that 嗯， and 我懂， come at once the second time."""

from __future__ import annotations

import threading
from collections import OrderedDict

from pipeline.tts.base import SpeechChunk, SpeechStyle


class SpeechCache:
    """The most recently spoken short clauses, bounded in bytes; safe to share by threads.

    Args:
        max_bytes: All audio together.
        max_clause_bytes: Longer clauses are not worth keeping: they hardly recur.
    """

    def __init__(self, max_bytes: int, max_clause_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._max_clause_bytes = max_clause_bytes
        self._bytes = 0
        self._clauses: OrderedDict[tuple[str, SpeechStyle], tuple[SpeechChunk, ...]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def size_bytes(self) -> int:
        """Bytes of audio kept now."""
        return self._bytes

    def get(self, text: str, style: SpeechStyle) -> tuple[SpeechChunk, ...] | None:
        """The chunks of a clause spoken before, or None."""
        with self._lock:
            chunks = self._clauses.get((text, style))
            if chunks is not None:
                self._clauses.move_to_end((text, style))
            return chunks

    def put(self, text: str, style: SpeechStyle, chunks: tuple[SpeechChunk, ...]) -> None:
        """Keep a clause that was spoken to its end; the longest unused ones make room."""
        if _size_bytes(chunks) > self._max_clause_bytes:
            return
        with self._lock:
            self._bytes -= _size_bytes(self._clauses.pop((text, style), ()))
            self._clauses[text, style] = chunks
            self._bytes += _size_bytes(chunks)
            while self._bytes > self._max_bytes:
                _, oldest = self._clauses.popitem(last=False)
                self._bytes -= _size_bytes(oldest)


def _size_bytes(chunks: tuple[SpeechChunk, ...]) -> int:
    return sum(chunk.pcm.nbytes for chunk in chunks)
