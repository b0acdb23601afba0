"""Learning from preferences: a better and a worse reply to the same words.

Rafailov et al. 2023, "Direct Preference Optimization", equation 7. The reference is the model as
it is before the first step: the base, or the adapter of the run that this one goes on from. What
it gives each reply is measured before training, and again when a run is resumed; on CUDA outside
of mixed precision, where nobody has run it yet. `imitation` adds the better reply's mean loss per
token (Pang et al. 2024, "Iterative Reasoning Preference Optimization", equation 1), without which
the better replies may become unlikelier too, as long as the worse ones sink faster.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import Trainer

from train.batches import PairCollator
from train.render import IGNORED, PreferencePair

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReferredPair:
    """A pair, and the log probability of both replies to the reference."""

    pair: PreferencePair
    chosen: float
    rejected: float


def refer(
    model: Any, pairs: Sequence[PreferencePair], collator: PairCollator
) -> list[ReferredPair]:
    """Ask a model that has not learnt yet.

    Args:
        model: Base and adapter as they begin, on any device.
        pairs: One forward pass each.
        collator: Makes tensors of a pair.
    """
    if pairs:
        logger.info("asking the reference about %d pairs", len(pairs))
    referred = []
    learning = model.training
    model.eval()
    with torch.no_grad():
        for pair in pairs:
            batch = {name: tensor.to(model.device) for name, tensor in collator([pair]).items()}
            chosen, rejected = reply_log_probability(model, batch).tolist()
            referred.append(ReferredPair(pair, chosen, rejected))
    model.train(learning)
    return referred


class ReferredCollator:
    """Adds the reference's opinion to a batch of pairs.

    Args:
        pairs: Makes the rest of it.
    """

    def __init__(self, pairs: PairCollator) -> None:
        self._pairs = pairs

    def __call__(self, referred: Sequence[ReferredPair]) -> dict[str, torch.Tensor]:
        """The batch of `PairCollator`, and `reference`: float32, shape (2 x pairs,)."""
        reference = [*(one.chosen for one in referred), *(one.rejected for one in referred)]
        batch = self._pairs([one.pair for one in referred])
        batch["reference"] = torch.tensor(reference)
        return batch


class PreferenceTrainer(Trainer):
    """A trainer whose batches come from `ReferredCollator`.

    Args:
        beta: How far the reference holds; small strays further.
        imitation: Weight of imitating the better reply, at least 0.
        arguments: Of `Trainer`.
    """

    def __init__(self, *, beta: float, imitation: float, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._beta = beta
        self._imitation = imitation
        # Each batch's loss is a mean over pairs; the trainer must divide by accumulation.
        self.model_accepts_loss_kwargs = False

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, **_: Any
    ) -> Any:
        """Mean loss over the pairs of a batch; outputs are how often the better one won."""
        policy = reply_log_probability(model, inputs)
        loss, won = preference_loss(policy, inputs["reference"], self._beta)
        if self._imitation:
            loss = loss + self._imitation * imitation_loss(policy, inputs["labels"])
        return (loss, {"won": won}) if return_outputs else loss

    def prediction_step(
        self,
        model: Any,
        inputs: dict[str, Any],
        prediction_loss_only: bool,
        ignore_keys: list[str] | None = None,
    ) -> tuple[torch.Tensor | None, torch.Tensor | None, torch.Tensor | None]:
        """Loss of an evaluation batch: the preference alone, by which a checkpoint is kept."""
        inputs = self._prepare_inputs(inputs)
        with torch.no_grad():
            policy = reply_log_probability(model, inputs)
            loss, _ = preference_loss(policy, inputs["reference"], self._beta)
            return loss, None, None


def reply_log_probability(model: Any, inputs: dict[str, Any]) -> torch.Tensor:
    """Summed log probability of the learned tokens of each row.

    Returns:
        float32, shape (rows,), at most 0.
    """
    labels = inputs["labels"][:, 1:]
    logits = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]).logits
    scores = torch.log_softmax(logits[:, :-1].float(), dim=-1)
    taken = scores.gather(-1, labels.clamp(min=0).unsqueeze(-1)).squeeze(-1)
    return (taken * (labels != IGNORED)).sum(-1)


def preference_loss(
    policy: torch.Tensor, reference: torch.Tensor, beta: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Loss over a batch of pairs.

    Args:
        policy: float, shape (2 x pairs,): log probabilities, chosen rows first.
        reference: The same of the reference.
        beta: See `PreferenceTrainer`.

    Returns:
        Mean loss; and bool, shape (pairs,): whether the better reply gained more.
    """
    chosen, rejected = (policy - reference).chunk(2)
    margin = chosen - rejected
    return -torch.nn.functional.logsigmoid(beta * margin).mean(), margin > 0


def imitation_loss(policy: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean over the pairs of the better reply's loss per token.

    Args:
        policy: As in `preference_loss`.
        labels: int64, shape (2 x pairs, tokens).
    """
    chosen, _ = policy.chunk(2)
    learned, _ = (labels[:, 1:] != IGNORED).sum(-1).chunk(2)
    return -(chosen / learned).mean()
