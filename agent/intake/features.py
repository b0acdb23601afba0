"""What a clause is judged by: its words, its place, its neighbours, the question, the rules.

    turn, clause by clause ─┬▶ named features, each with a size     (sparse)
                            └▶ meanings of clause, turn and question (dense)

Pure but for the sentence encoder. Everything is seen folded: script, case and width are gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np

from agent.intake.extract import RuledTurn
from agent.safety.meaning import DIMENSIONS, Vectors, vectors

Features: TypeAlias = dict[str, float]

# A joint meaning is that of a clause, of its whole turn and of the bot's question, one after
# the other, each as long as the root of its share.
SHARES = (0.6, 0.15, 0.25)
JOINT_DIMENSIONS = len(SHARES) * DIMENSIONS

# Of a group of features: the clause's own words count fully, as in the crisis protocol's second
# opinion, and what stands around them half as much.
_OWN_SIZE = 1.0
_NEAR_SIZE = 0.5
_FACT_SIZE = 0.5

_LONGEST_GRAM = 3
_TOKENS = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]|[a-z']+|[0-9]+")
_DIGITS = re.compile(r"[0-9]+|[零一二三四五六七八九十百两]")
_LENGTHS = (2, 4, 7, 11, 16)  # tokens
_TURNS = (0, 1, 2, 4, 7)  # of the caller before this one


def named(turn: RuledTurn, number: int) -> list[Features]:
    """The named features of each clause of a turn.

    Args:
        turn: As the rules see it.
        number: The caller's turns before it.
    """
    tokens = [_tokens(clause.words) for clause in turn.clauses]
    question = _sized("q", _grams(_tokens(turn.question), 2), _NEAR_SIZE)
    of_turn = [f"in:{turn.language}", f"turn:{_bucket(number, _TURNS)}"]
    of_turn += [f"asked:{field}" for field in turn.asked] or ["asked:"]
    last = len(tokens) - 1
    found = []
    for place, clause in enumerate(turn.clauses):
        facts = list(of_turn)
        facts.append(f"long:{_bucket(len(tokens[place]), _LENGTHS)}")
        facts.append(f"place:{min(place, 3)}{'$' if place == last else ''}")
        facts += [f"first:{field}" for field in turn.asked if place == 0]
        facts += ["other"] if clause.about_other else []
        for hit in clause.hits:
            facts += [f"rule:{hit.rule}", f"ruled:{hit.proposal.field}"]
        before = tokens[place - 1] if place else []
        after = tokens[place + 1] if place < last else []
        answers = {f"{field} {token}" for field in turn.asked for token in set(tokens[place])}
        found.append(
            _sized("", _grams(tokens[place], _LONGEST_GRAM), _OWN_SIZE)
            | _sized("<", _grams(before, 2), _NEAR_SIZE)
            | _sized(">", _grams(after, 2), _NEAR_SIZE)
            | _sized("=", answers, _NEAR_SIZE)
            | question
            | dict.fromkeys((f"!{fact}" for fact in facts), _FACT_SIZE)
        )
    return found


def joint_meanings(turns: Sequence[RuledTurn]) -> Vectors:
    """What the clauses of `turns` mean where they stand.

    Takes 0.7 ms of one core for each clause, and twice that for each turn.

    Returns:
        float32, shape (n_clauses, JOINT_DIMENSIONS), each of length 1, or shorter where the
        bot asked nothing.
    """
    texts = sorted(
        {
            text
            for turn in turns
            for text in (turn.words, turn.question, *(one.words for one in turn.clauses))
            if text
        }
    )
    known = dict(zip(texts, vectors(texts), strict=True))
    known[""] = np.zeros(DIMENSIONS, np.float32)
    parts = np.sqrt(np.array(SHARES, np.float32))
    rows = [
        np.concatenate(
            [
                size * known[text]
                for size, text in zip(parts, (clause.words, turn.words, turn.question), strict=True)
            ]
        )
        for turn in turns
        for clause in turn.clauses
    ]
    return np.array(rows, np.float32).reshape(-1, JOINT_DIMENSIONS)


def _tokens(words: str) -> list[str]:
    """Characters and words, with every number as one and the same."""
    return [_DIGITS.sub("0", token) for token in _TOKENS.findall(words)]


def _grams(tokens: Sequence[str], longest: int) -> set[str]:
    """Runs of tokens, and pairs with any token between; ^ and $ are the ends."""
    if not tokens:
        return set()
    ended = ["^", *tokens, "$"]
    runs = {
        " ".join(ended[start : start + length])
        for length in range(1, longest + 1)
        for start in range(len(ended) - length + 1)
    }
    return runs | {f"{left} _ {right}" for left, right in zip(ended, ended[2:], strict=False)}


def _sized(kind: str, names: Iterable[str], size: float) -> Features:
    """Features of one kind, together as long as `size`."""
    unique = {f"{kind}:{name}" for name in names}
    return dict.fromkeys(unique, size / max(len(unique), 1) ** 0.5)


def _bucket(value: int, borders: Sequence[int]) -> int:
    return sum(value > border for border in borders)
