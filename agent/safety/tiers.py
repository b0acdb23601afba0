"""How grave a sign is, and of what."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

Tier: TypeAlias = Literal["none", "concern", "elevated", "imminent"]
Category: TypeAlias = Literal["suicide", "self_harm", "harm_to_others", "abuse", "medical", "minor"]

# After the Columbia protocol's triage (Posner et al. 2011): passive wishes and hints are a
# concern, a wish to die and active thoughts are elevated; intent, plan, means at hand or an
# act under way are imminent.
TIERS: tuple[Tier, ...] = get_args(Tier)
CATEGORIES: tuple[Category, ...] = get_args(Category)


def rank(tier: Tier) -> int:
    """0 for none to 3 for imminent."""
    return TIERS.index(tier)


def lowered(tier: Tier, steps: int) -> Tier:
    """The tier `steps` below, at least none."""
    return TIERS[max(0, rank(tier) - steps)]
