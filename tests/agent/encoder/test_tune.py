"""What is tuned in torch is what calls then read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agent.encoder.bundled import _head
from agent.encoder.transformer import Encoder
from agent.encoder.weights import read_weights
from tests.agent.encoder import tiny

torch = pytest.importorskip("torch", reason="only training needs torch")
from agent.encoder.tune import Course, TunedEncoder, tune  # noqa: E402 (it subclasses torch's)

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("default")]

TEXTS = ([0, 3, 6, 4, 1], [0, 5, 1])
EIGHT_BITS = 0.15  # what rounding to eight bits may become after two layers


def test_a_tuning_survives_its_file(tmp_path: Path) -> None:
    """States and heads of the tuned encoder are those of the one that is loaded with its file."""
    torch.manual_seed(0)
    weights = read_weights(tiny.write(tmp_path / "tiny.bin", tiny.tensors()))
    tuned = TunedEncoder(weights, {"kind": 3}, bias=-1.0)
    with torch.no_grad():
        for parameter in tuned.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    tuned.eval()
    with torch.no_grad():
        states, seen = tuned(TEXTS)
    tuned.save(tmp_path / "tuning.npz")
    with np.load(tmp_path / "tuning.npz") as data:
        tuning = {name: data[name] for name in data.files}
    loaded = Encoder(weights, tuning)
    for row, numbers in enumerate(TEXTS):
        assert seen[row].sum() == len(numbers)
        wanted = states[row, : len(numbers)].numpy()
        np.testing.assert_allclose(loaded.states(numbers), wanted, atol=EIGHT_BITS)
    matrix, bias = _head(tuning, "kind", tiny.WIDTH)
    assert matrix.shape == (tiny.WIDTH, 3)
    np.testing.assert_allclose(bias, tuned.heads["kind"].bias.detach().numpy(), atol=0.01)


def test_tuning_goes_on_from_a_file(tmp_path: Path) -> None:
    """What was loaded is written again as it was; a file of other heads is refused."""
    torch.manual_seed(0)
    weights = read_weights(tiny.write(tmp_path / "tiny.bin", tiny.tensors()))
    tuned = TunedEncoder(weights, {"kind": 3})
    with torch.no_grad():
        for parameter in tuned.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    tuned.save(tmp_path / "first.npz")
    other = TunedEncoder(weights, {"kind": 3})
    other.load(tmp_path / "first.npz")
    other.save(tmp_path / "second.npz")
    with np.load(tmp_path / "first.npz") as first, np.load(tmp_path / "second.npz") as second:
        assert set(first) == set(second)
        for name in first.files:
            np.testing.assert_array_equal(first[name], second[name])
    with pytest.raises(ValueError, match=r"kind\.w"):
        TunedEncoder(weights, {"kind": 2}).load(tmp_path / "first.npz")


def test_tuning_learns(tmp_path: Path) -> None:
    """Two texts of two classes are told apart."""
    torch.manual_seed(0)
    weights = read_weights(tiny.write(tmp_path / "tiny.bin", tiny.tensors()))
    tuned = TunedEncoder(weights, {"kind": 2})

    def loss(batch: list[tuple[list[int], int]]) -> torch.Tensor:
        states, seen = tuned([numbers for numbers, _ in batch])
        there = seen[..., None].float()
        scores = tuned.heads["kind"]((states * there).sum(1) / there.sum(1))
        return torch.nn.functional.cross_entropy(scores, torch.tensor([kind for _, kind in batch]))

    examples = [(numbers, kind) for kind, numbers in enumerate(TEXTS)] * 40
    tune(tuned, examples, lambda one: len(one[0]), loss, Course(epochs=30, batch=8, rate=0.003))
    tuned.eval()
    assert loss(examples[:2]).item() < 0.3
