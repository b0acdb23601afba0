"""What the losses compute, on a model of a few thousand weights."""

from __future__ import annotations

import math
from typing import Any

import pytest

from train.render import IGNORED, PreferencePair, Row
from train.rows import examples

# torch and transformers warn of their own future while they are imported.
pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def model() -> Any:
    """A Llama with two layers and random weights."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=64,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
        )
    ).eval()


def row(length: int, start: int) -> Row:
    ids = tuple((start + 7 * index) % 60 + 1 for index in range(length))
    return Row(ids, (IGNORED, *ids[1:]), "r")


def test_a_pack_has_the_loss_of_its_rows(model: Any):
    """Rows of a pack do not see each other, so packing changes time and nothing else."""
    import torch

    from train.batches import ExampleCollator

    rows = [row(9, 1), row(5, 20), row(7, 40)]
    with torch.no_grad():
        (pack,) = examples(rows, 32, packing=True)
        together = model(**ExampleCollator(0, packing=True)([pack])).loss
        single = examples(rows, 32, packing=False)
        apart = [model(**ExampleCollator(0, packing=False)([one])).loss for one in single]
    weights = [len(one.ids) - 1 for one in rows]
    mean = sum(w * float(loss) for w, loss in zip(weights, apart, strict=True)) / sum(weights)
    assert float(together) == pytest.approx(mean, rel=1e-4)


def test_padding_changes_no_loss(model: Any):
    """A batch has the mean of its rows' tokens, whatever the pad token is."""
    import torch

    from train.batches import ExampleCollator

    both = examples([row(9, 1), row(5, 20)], 32, packing=False)
    with torch.no_grad():
        losses = {
            pad: float(model(**ExampleCollator(pad, packing=False)(both)).loss) for pad in (0, 63)
        }
    assert losses[0] == pytest.approx(losses[63], rel=1e-5)


def test_preferences_begin_at_the_logarithm_of_two():
    """Where policy and reference agree, nothing is preferred yet."""
    import torch

    from train.dpo import preference_loss

    same = torch.tensor([-3.0, -5.0])
    loss, won = preference_loss(same, same, beta=0.1)
    assert float(loss) == pytest.approx(math.log(2))
    assert not bool(won.any())
    better = torch.tensor([-2.0, -6.0])
    loss, won = preference_loss(better, same, beta=0.1)
    assert float(loss) == pytest.approx(-math.log(1 / (1 + math.exp(-0.2))))
    assert bool(won.all())


def test_the_reference_is_the_model_as_it_begins(model: Any):
    """It is asked once, reply by reply, whatever the batch is later."""
    import torch

    from train.batches import PairCollator
    from train.dpo import ReferredCollator, preference_loss, refer, reply_log_probability

    pairs = [PreferencePair(row(6, 1), row(9, 20)), PreferencePair(row(5, 7), row(4, 40))]
    batch = ReferredCollator(PairCollator(0))(refer(model, pairs, PairCollator(0)))
    with torch.no_grad():
        now = reply_log_probability(model, batch)
    assert now.tolist() == pytest.approx(batch["reference"].tolist(), rel=1e-4)
    assert float(preference_loss(now, batch["reference"], 0.1)[0]) == pytest.approx(math.log(2))


def test_imitation_is_the_better_replys_loss_per_token():
    """However many tokens it has, and whatever the worse one has."""
    import torch

    from train.dpo import imitation_loss

    labels = torch.tensor([[IGNORED, 5, 6, 7, 8], [IGNORED, 5, IGNORED, IGNORED, IGNORED]])
    both = torch.tensor([-8.0, -100.0])
    assert float(imitation_loss(both, labels)) == pytest.approx(2.0)


def test_only_the_reply_is_scored(model: Any):
    """The log probability of a row is that of its learned tokens."""
    import torch

    from train.batches import PairCollator
    from train.dpo import reply_log_probability

    prompt, good, bad = (5, 6, 7), (8, 9), (10, 11, 12)
    rows = [Row(prompt + words, (IGNORED,) * 3 + words, "p") for words in (good, bad)]
    with torch.no_grad():
        found = reply_log_probability(model, PairCollator(0)([PreferencePair(*rows)]))
        logits = model(input_ids=torch.tensor([rows[0].ids])).logits.log_softmax(-1)[0]
    assert float(found[0]) == pytest.approx(float(logits[2, 8] + logits[3, 9]), rel=1e-4)
