"""What an answer to a question of the protocol means: rules and a tuned encoder, weighed.

    rules (`yes_or_no`) ──▶ one meaning, by how the answer begins ─┐
    encoder (`answer_judge`) ──▶ how likely each meaning is ───────┴▶ the likeliest, if it is sure

A yes to a direct question brings a script for the rest of the call, so it has to be surer than a
yes to a soft one; what is neither a sure yes nor a sure no counts as not answered, which gets a
helpline's number and the question once more. Without the encoder the rules decide alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from agent.safety.answer_judge import JudgedMeaning, Question, judged
from agent.safety.yes_or_no import Meaning, yes_or_no
from pipeline.text import count_units

# What a rule's word is worth, in log-odds: on `answers_first_sight` a rule that holds is wrong in
# one answer of four, mostly where a longer one begins with a denial of something else.
RULE_LOG_ODDS = 2.0
PLAIN_RULE_LOG_ODDS = 4.0  # of an answer of at most so many units: 我真的没想过
PLAIN_UNITS = 6
# Danger that is as likely as this is taken for granted; from the second on it is not ruled out.
TAKEN_FROM: Mapping[Question, float] = {
    "softly": 0.5,
    "suicide": 0.6,
    "self_harm": 0.6,
    "harm_to_others": 0.6,
    "abuse": 0.6,
    "medical": 0.6,
    "intent": 0.75,
}
NOT_RULED_OUT_FROM = 0.25


def meaning_of(question: Question, text: str) -> Meaning | None:
    """What an answer means; None where the caller tells something else.

    Takes 3 ms of one core, and nothing the next time.

    Args:
        question: What was asked.
        text: The answer as recognised, in either script or language.
    """
    by_rule = yes_or_no(text)
    shares = judged(question, text)
    if shares is None or not text.strip():
        return by_rule
    plain = count_units(text) <= PLAIN_UNITS
    worth = PLAIN_RULE_LOG_ODDS if plain else RULE_LOG_ODDS
    meaning = decided(question, weighed(shares, by_rule, worth))
    # A plain yes settles what the encoder leaves open.
    return by_rule if meaning == "unsure" and by_rule in ("yes", "thoughts") else meaning


def weighed(
    shares: Mapping[JudgedMeaning, float], by_rule: Meaning | None, log_odds: float
) -> dict[JudgedMeaning, float]:
    """The encoder's shares, the rule's meaning made likelier by `log_odds`; together 1."""
    raised = {
        meaning: share * (math.exp(log_odds) if meaning == by_rule else 1.0)
        for meaning, share in shares.items()
    }
    total = sum(raised.values())
    return {meaning: share / total for meaning, share in raised.items()}


def decided(question: Question, shares: Mapping[JudgedMeaning, float]) -> Meaning | None:
    """The meaning that is acted on."""
    danger = shares["yes"] + shares["thoughts"]
    if danger >= TAKEN_FROM[question]:
        return "yes" if shares["yes"] >= shares["thoughts"] else "thoughts"
    if danger >= NOT_RULED_OUT_FROM:
        return "unsure"
    no, unsure, refused = shares["no"], shares["unsure"], shares["refused"]
    likeliest = max(no, unsure, refused, shares["other"])
    if likeliest == shares["other"]:
        return None
    return "no" if likeliest == no else "unsure" if likeliest == unsure else "refused"
