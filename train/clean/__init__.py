"""Making imported conversations fit to learn from.

pii, names, mask   personal data: recognisers, names, what stands in their place
gate               refusing to train while high-risk data remain
duplicates         the same conversation again, or nearly
fragments, review  exchanges that do not stand by themselves, and a person's decisions
phrases            brands, refusals and denials of another assistant
lengths            statistics and a proposed cut-off
cleaning           all of it in one pass
"""

from train.clean.cleaning import CleanOptions, CleanReport, clean, known_names
from train.clean.gate import HighRisk, high_risk, refuse_high_risk

__all__ = [
    "CleanOptions",
    "CleanReport",
    "HighRisk",
    "clean",
    "high_risk",
    "known_names",
    "refuse_high_risk",
]
