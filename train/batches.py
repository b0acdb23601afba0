"""Rows as tensors."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from train.render import IGNORED, PreferencePair, Row
from train.rows import Example

Batch = dict[str, torch.Tensor | bool]


class ExampleCollator:
    """Pads examples on the right.

    Rows of a pack are told apart by their positions, which start at 0 with each.
    transformers looks at those only without an attention mask and without a cache.

    Args:
        pad: Token that fills up; its label is always ignored, whatever its id.
        packing: Whether examples hold several rows.
    """

    def __init__(self, pad: int, *, packing: bool) -> None:
        self._pad = pad
        self._packing = packing

    def __call__(self, examples: Sequence[Example]) -> Batch:
        """Tensors, int64, shape (examples, longest): input_ids, labels, and either
        position_ids or attention_mask.
        """
        batch: Batch = {
            "input_ids": _filled([example.ids for example in examples], self._pad),
            "labels": _filled([example.labels for example in examples], IGNORED),
        }
        if self._packing:
            batch["position_ids"] = _filled([example.positions for example in examples], 0)
            batch["use_cache"] = False
        else:
            batch["attention_mask"] = _filled([[1] * len(e.ids) for e in examples], 0)
        return batch


class PairCollator:
    """Puts the chosen rows of a batch before the rejected ones.

    Args:
        pad: As for `ExampleCollator`.
    """

    def __init__(self, pad: int) -> None:
        self._pad = pad

    def __call__(self, pairs: Sequence[PreferencePair]) -> dict[str, torch.Tensor]:
        """Tensors, int64, shape (2 x pairs, longest): input_ids, labels, attention_mask."""
        rows: list[Row] = [*(pair.chosen for pair in pairs), *(pair.rejected for pair in pairs)]
        return {
            "input_ids": _filled([row.ids for row in rows], self._pad),
            "labels": _filled([row.labels for row in rows], IGNORED),
            "attention_mask": _filled([[1] * len(row.ids) for row in rows], 0),
        }


def _filled(rows: Sequence[Sequence[int]], value: int) -> torch.Tensor:
    longest = max(len(row) for row in rows)
    return torch.tensor([[*row, *[value] * (longest - len(row))] for row in rows])
