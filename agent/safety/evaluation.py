"""How well the detector does on labelled utterances, and how long a decision takes."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from agent.safety.detector import assess
from agent.safety.tiers import TIERS, Tier, rank
from pipeline.errors import ConfigError


class Labelled(BaseModel):
    """One line of a labelled file; further keys are allowed and ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    text: str
    label: Tier
    locale: str = ""


class Judged(BaseModel):
    """An utterance, what it is, and what the detector says."""

    model_config = ConfigDict(frozen=True)

    utterance: Labelled
    answer: Tier
    millis: float


def read_labelled(path: Path) -> list[Labelled]:
    """All utterances of a JSON-lines file.

    Raises:
        ConfigError: The file cannot be read, a line is not a labelled utterance, or there
            is none; the message names the line.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    utterances = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            utterances.append(Labelled.model_validate_json(line))
        except ValidationError as error:
            fault = error.errors()[0]
            where = ".".join(map(str, fault["loc"])) or "the line"
            raise ConfigError(f"{path}, line {number}: {where}: {fault['msg']}") from error
    if not utterances:
        raise ConfigError(f"{path} holds no utterance")
    return utterances


def judge(utterances: Iterable[Labelled]) -> list[Judged]:
    """The detector's answer to each utterance, with its time."""
    assess("")  # the rules are read and compiled at the first call, once per process
    judged = []
    for utterance in utterances:
        began = time.perf_counter()
        answer = assess(utterance.text).tier
        millis = (time.perf_counter() - began) * 1000
        judged.append(Judged(utterance=utterance, answer=answer, millis=millis))
    return judged


def report(judged: Sequence[Judged]) -> dict[str, Any]:
    """Figures of a run, ready for JSON.

    `recall` of a tier is the share of its utterances that the protocol answers at all,
    `recall_of_tier` the share answered at least as gravely; `precision` is the share of
    answered utterances that had a label. Figures without a case are None.
    """
    millis = [one.millis for one in judged]
    return {
        "utterances": len(judged),
        **_figures(judged),
        "confusion": {
            label: {
                answer: sum(one.answer == answer for one in _labelled(judged, label))
                for answer in TIERS
            }
            for label in TIERS
        },
        "by_locale": {
            locale: _figures([one for one in judged if one.utterance.locale == locale])
            for locale in sorted({one.utterance.locale for one in judged})
        },
        "decision_ms": {
            "p50": round(float(np.percentile(millis, 50)), 3),
            "p95": round(float(np.percentile(millis, 95)), 3),
            "max": round(max(millis), 3),
        },
    }


def _figures(judged: Sequence[Judged]) -> dict[str, Any]:
    answered = [one for one in judged if one.answer != "none"]
    right = sum(one.utterance.label != "none" for one in answered)
    grave = [*_labelled(judged, "elevated"), *_labelled(judged, "imminent")]
    return {
        "labels": dict(Counter(one.utterance.label for one in judged)),
        "precision": _share(right, len(answered)),
        "recall_imminent_and_elevated": _share(
            sum(one.answer != "none" for one in grave), len(grave)
        ),
        "recall": {
            label: _share(
                sum(one.answer != "none" for one in _labelled(judged, label)),
                len(_labelled(judged, label)),
            )
            for label in TIERS[1:]
        },
        "recall_of_tier": {
            label: _share(
                sum(rank(one.answer) >= rank(label) for one in _labelled(judged, label)),
                len(_labelled(judged, label)),
            )
            for label in TIERS[1:]
        },
    }


def _labelled(judged: Sequence[Judged], label: Tier) -> list[Judged]:
    return [one for one in judged if one.utterance.label == label]


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def mistakes(judged: Sequence[Judged]) -> list[Judged]:
    """Answers where there was nothing, and silence where there was something."""
    return [one for one in judged if (one.answer == "none") != (one.utterance.label == "none")]


def as_json(figures: dict[str, Any]) -> str:
    """The report on one line."""
    return json.dumps(figures, ensure_ascii=False)
