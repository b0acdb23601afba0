"""Learning from preferences: a better and a worse reply to the same words.

Rafailov et al. 2023, "Direct Preference Optimization", equation 7. The reference is the
base itself: the same model with its adapter switched off.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import Trainer

from train.render import IGNORED


class PreferenceTrainer(Trainer):
    """A trainer whose batches come from `batches.PairCollator`.

    Args:
        beta: How far the reference holds; small strays further.
        arguments: Of `Trainer`.
    """

    def __init__(self, *, beta: float, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._beta = beta
        # Each batch's loss is a mean over pairs; the trainer must divide by accumulation.
        self.model_accepts_loss_kwargs = False

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, **_: Any
    ) -> Any:
        """Mean loss over the pairs of a batch; outputs are how often the better one won."""
        policy = reply_log_probability(model, inputs)
        with torch.no_grad(), self.accelerator.unwrap_model(model).disable_adapter():
            reference = reply_log_probability(model, inputs)
        loss, won = preference_loss(policy, reference, self._beta)
        return (loss, {"won": won}) if return_outputs else loss

    def prediction_step(
        self,
        model: Any,
        inputs: dict[str, Any],
        prediction_loss_only: bool,
        ignore_keys: list[str] | None = None,
    ) -> tuple[torch.Tensor | None, torch.Tensor | None, torch.Tensor | None]:
        """Loss of an evaluation batch."""
        with torch.no_grad():
            return self.compute_loss(model, self._prepare_inputs(inputs)).detach(), None, None


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
        reference: The same of the base.
        beta: See `PreferenceTrainer`.

    Returns:
        Mean loss; and bool, shape (pairs,): whether the better reply gained more.
    """
    chosen, rejected = (policy - reference).chunk(2)
    margin = chosen - rejected
    return -torch.nn.functional.logsigmoid(beta * margin).mean(), margin > 0
