"""The encoder's file: what was written is read, and what is broken says so."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.encoder.transformer import Encoder
from agent.encoder.weights import read_weights, unpacked
from pipeline.errors import ModelCorruptError
from tests.agent.encoder import tiny

WHOLE = tiny.file_bytes(tiny.tensors())
KEEPS_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tiny.bin"


def test_a_block_is_a_scale_and_two_halves() -> None:
    """Weight j lies in the low half of byte j, weight j + 16 in the high one, each 8 too large."""
    packed = np.frombuffer(np.float16(0.5).tobytes() + bytes(range(0x20, 0x30)), np.uint8)
    low = [(j - 8) * 0.5 for j in range(16)]
    assert unpacked(packed).tolist() == [low + [(2 - 8) * 0.5] * 16]
    assert unpacked(np.tile(packed, (3, 2))).shape == (6, 32)


def test_what_was_written_is_read(path: Path) -> None:
    """Sizes, pieces and every tensor."""
    parts = tiny.tensors()
    weights = read_weights(tiny.write(path, parts))
    sizes = (weights.width, weights.layers, weights.heads, weights.inner, weights.positions)
    assert sizes == (tiny.WIDTH, tiny.LAYERS, tiny.HEADS, tiny.INNER, tiny.POSITIONS)
    assert weights.epsilon == pytest.approx(tiny.EPSILON)
    assert weights.pieces.numbers("Å 睡不") == [3, 9, 3, 6]
    for name, part in parts.items():
        if isinstance(part, tiny.Blocks):
            assert np.array_equal(weights.matrix(name, *part.levels.shape), part.weights)
        else:
            assert np.array_equal(weights.vector(name, part.size), part.ravel())
    words = parts["emb.word"]
    assert isinstance(words, tiny.Blocks)
    assert np.array_equal(weights.embeddings(np.array([4, 0, 4])), words.weights[[4, 0, 4]])


@KEEPS_FOLDER
@given(st.integers(0, len(WHOLE) - 1))
def test_a_file_cut_short_is_refused(path: Path, size: int) -> None:
    """Wherever it ends."""
    path.write_bytes(WHOLE[:size])
    with pytest.raises(ModelCorruptError, match=r"tiny\.bin is no whole encoder"):
        read_weights(path)


@KEEPS_FOLDER
@given(st.binary(max_size=200))
def test_another_file_is_refused(path: Path, content: bytes) -> None:
    """Also one that begins alike."""
    for start in (b"PK", b"E5S1"):
        path.write_bytes(start + content)
        with pytest.raises(ModelCorruptError):
            read_weights(path)


@KEEPS_FOLDER
@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_a_changed_byte_is_refused_or_a_weight(path: Path, place: int, byte: int) -> None:
    """No other error than the one that says so."""
    path.write_bytes(WHOLE[:place] + bytes([byte]) + WHOLE[place + 1 :])
    with suppress(ModelCorruptError):
        Encoder(read_weights(path), {})


@pytest.mark.parametrize("name", ["emb.pos", "emb.ln.w", "l0.q.b", "l1.fo.w"])
def test_a_missing_or_smaller_tensor_is_named(path: Path, name: str) -> None:
    """Before anything is read with it."""
    parts = tiny.tensors()
    part = parts.pop(name)
    with pytest.raises(ModelCorruptError, match=name):
        Encoder(read_weights(tiny.write(path, parts)), {})
    half = part.levels if isinstance(part, tiny.Blocks) else part
    half = half[: len(half) // 2]
    smaller = tiny.Blocks(half) if isinstance(part, tiny.Blocks) else half
    with pytest.raises(ModelCorruptError, match=name):
        Encoder(read_weights(tiny.write(path, {**parts, name: smaller})), {})


def test_a_file_that_is_not_there_is_an_oserror(path: Path) -> None:
    """As of any other file."""
    with pytest.raises(FileNotFoundError):
        read_weights(path)
