"""An encoder of a few kilobytes, written as the real one is."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float32]

WIDTH, LAYERS, HEADS, INNER, POSITIONS, KINDS = 32, 2, 4, 64, 12, 2
EPSILON = 1e-5
PIECES = ("<s>", "</s>", "<unk>", "▁", "睡", "不", "睡不", "a", "▁a", "ab")
SCORES = (0.0, 0.0, 0.0, -2.0, -4.0, -3.0, -5.0, -3.5, -3.0, -6.0)
BEGIN, END, UNKNOWN = 0, 1, 2
REPLACED = {0x09: " ", 0x3000: " ", 0x07: "", ord("Å"): "ab"}
SCALE = np.float16(1 / 16)


@dataclass(frozen=True)
class Blocks:
    """A matrix of few levels: uint8, shape (rows, columns), 0 to 15."""

    levels: npt.NDArray[np.uint8]

    @property
    def weights(self) -> Floats:
        return (self.levels.astype(np.float32) - 8) * np.float32(SCALE)

    @property
    def packed(self) -> bytes:
        blocks = self.levels.reshape(-1, 32)
        pairs = blocks[:, :16] | blocks[:, 16:] << 4
        return b"".join(SCALE.tobytes() + pair.tobytes() for pair in pairs)


Tensors: TypeAlias = dict[str, Blocks | Floats]


def tensors(seed: int = 0) -> Tensors:
    """Every tensor of the model."""
    random = np.random.default_rng(seed)

    def blocks(rows: int, columns: int) -> Blocks:
        return Blocks(random.integers(2, 14, (rows, columns), np.uint8))

    def numbers(*shape: int, around: float = 0.0) -> Floats:
        return random.normal(around, 0.3, shape).astype(np.float32)

    found: Tensors = {"emb.word": blocks(len(PIECES), WIDTH)}
    found["emb.pos"] = numbers(POSITIONS, WIDTH)
    found["emb.type"] = numbers(KINDS, WIDTH)
    norms = ["emb.ln"]
    for layer in range(LAYERS):
        shapes = dict.fromkeys(("q", "k", "v", "ao"), (WIDTH, WIDTH))
        shapes |= {"fi": (INNER, WIDTH), "fo": (WIDTH, INNER)}
        for name, (rows, columns) in shapes.items():
            found[f"l{layer}.{name}.w"] = blocks(rows, columns)
            found[f"l{layer}.{name}.b"] = numbers(rows)
        norms += [f"l{layer}.aln", f"l{layer}.oln"]
    for name in norms:
        found[f"{name}.w"] = numbers(WIDTH, around=1.0)
        found[f"{name}.b"] = numbers(WIDTH)
    return found


def file_bytes(
    parts: Mapping[str, Blocks | Floats],
    pieces: Sequence[str] = PIECES,
    scores: Sequence[float] = SCORES,
) -> bytes:
    """The file that has these tensors."""
    spelled = [piece.encode() for piece in pieces]
    borders = np.cumsum([0, *map(len, spelled)]).astype(np.uint32)
    head = struct.pack("<4sI", b"E5S1", 1)
    head += struct.pack("<7i", WIDTH, LAYERS, HEADS, INNER, len(PIECES), POSITIONS, KINDS)
    head += struct.pack("<fi", EPSILON, 32)
    head += struct.pack("<5iQ", len(pieces), BEGIN, END, 0, UNKNOWN, borders[-1])
    head += borders.tobytes() + np.array(scores, np.float32).tobytes() + b"".join(spelled)
    replaced = b"".join(
        struct.pack("<IB", code, len(text)) + text.encode("utf-32-le")
        for code, text in REPLACED.items()
    )
    head += struct.pack("<iI", len(REPLACED), len(replaced)) + replaced
    content = {
        name: part.packed if isinstance(part, Blocks) else part.tobytes()
        for name, part in parts.items()
    }
    start = len(head) + 4 + sum(2 + len(name) + 21 for name in content)
    head += struct.pack("<i", len(content))
    for name, tensor in content.items():
        head += struct.pack("<H", len(name)) + name.encode()
        head += struct.pack("<BIQQ", isinstance(parts[name], Blocks), 0, start, len(tensor))
        start += len(tensor)
    return head + b"".join(content.values())


def write(path: Path, parts: Mapping[str, Blocks | Floats]) -> Path:
    """Write the file."""
    path.write_bytes(file_bytes(parts))
    return path
