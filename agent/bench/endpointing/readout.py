"""Trains `pipeline.llm.readout`: from logits after callers' words to one judgement.

counsellor's dialogues ─▶ turns whole and broken off ─┐
labelled set, calibration half ───────────────────────┴─▶ logits ─▶ weights

The calibration half is judged by weights that were fitted without the turn in question, so that
the votes can be weighed on it afterwards as on turns that nothing was fitted to.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from agent.bench.endpointing.features import LOCALES, PROMPTS, Features, Reader
from agent.bench.endpointing.logistic import Array, logistic
from agent.config import Locale, Settings
from pipeline.audio import FloatArray
from pipeline.errors import ConfigError
from pipeline.llm.base import Message
from pipeline.llm.readout import Readout
from pipeline.text import Language

TOKENS = 1024  # more than the numbers behind the logits (896), so that nothing of them is lost
# Of several tried by the calibration half's own folds, for standardised columns.
RIDGE = 1000.0
# The labelled set is recognised speech with all kinds of pauses, the dialogues are written.
LABELLED_WEIGHT = 3.0
FOLDS = 5
# Of an item, as numbers from its hash: where a turn is broken off.
_SHORTEST_PART = 2


@dataclass(frozen=True, slots=True)
class Sample:
    """Words so far in a conversation, and whether they are all.

    Attributes:
        locale: Of the persona that listens.
        history: Messages before the turn.
        words: What was said of it.
        complete: The label.
    """

    locale: Locale
    history: tuple[Message, ...]
    words: str
    complete: bool


def dialogues_folder() -> Path:
    """The counsellor's dialogues of the checkout.

    Raises:
        ConfigError: This is no checkout.
    """
    folder = Path(__file__).parents[3] / "train" / "data" / "counsellor"
    if not folder.is_dir():
        raise ConfigError(f"no {folder.name} dialogues here: training needs the whole checkout")
    return folder


def samples_of_dialogues(folder: Path) -> Iterator[Sample]:
    """Every caller's turn, whole and broken off, in the order of the conversation."""
    for locale, prompts in _PROMPTED.items():
        for file in sorted((folder / locale).glob("*.jsonl")):
            for line in file.read_text("utf-8").splitlines():
                row = json.loads(line)
                messages = tuple(Message(one["role"], one["content"]) for one in row["messages"])
                for prompt in prompts:
                    yield from _samples_of(messages, prompt, row["id"])


_PROMPTED: Mapping[Locale, tuple[Locale, ...]] = {
    "zh-Hans": ("zh-Hans",),
    "zh-Hant": ("zh-Hant",),
    "en": ("en", "zh-Hans"),
}


def _samples_of(messages: tuple[Message, ...], locale: Locale, name: str) -> Iterator[Sample]:
    for at, message in enumerate(messages):
        if message.role != "user":
            continue
        chance = hashlib.sha256(f"{name}:{at}".encode()).digest()
        history = messages[:at]
        if part := part_of(message.content, chance):
            yield Sample(locale, history, as_heard(part, chance), complete=False)
        yield Sample(locale, history, as_heard(message.content, chance), complete=True)


def part_of(words: str, chance: bytes) -> str:
    """The turn broken off: after a clause (a space between Chinese), else within one.

    Args:
        words: The whole turn.
        chance: At least five random bytes; the same ones give the same part.

    Returns:
        Its beginning; empty if it is too short for one.
    """
    chinese = any("\u4e00" <= character <= "\u9fff" for character in words)
    borders = [at for at, character in enumerate(words) if character == " "]
    if chinese and not (borders and chance[0] % 2):
        borders = [
            at + 1
            for at, (left, right) in enumerate(pairwise(words))
            if at + 1 >= _SHORTEST_PART and " " not in (left, right)
        ]
    if not borders:
        return ""
    return words[: borders[int.from_bytes(chance[1:3]) % len(borders)]]


def as_heard(words: str, chance: bytes) -> str:
    """As a recogniser writes it: between Chinese clauses a comma or nothing, not a space."""
    between = "，" if chance[3] % 2 else ""
    pieces = words.split(" ")
    heard = pieces[0]
    for left, right in pairwise(pieces):
        latin = left[-1:].isascii() or right[:1].isascii()
        heard += (" " if latin else between) + right
    return heard


def train(
    settings: Settings, labelled: Sequence[Features], advance: Callable[[int, int], None]
) -> tuple[Readout, tuple[Features, ...]]:
    """Fit the readout; half an hour on two cores.

    Args:
        settings: Which model.
        labelled: The labelled set as heard.
        advance: Called with how many samples are read, of how many.

    Returns:
        The readout, and the labelled set with its judgements.

    Raises:
        ConfigError: The dialogues are not there.
        ModelError: The model is missing or damaged.
        VoiceError: It failed.
    """
    written = list(samples_of_dialogues(dialogues_folder()))
    # Prompt by prompt, since what follows another prompt is evaluated from its first word.
    keys = [
        (at, prompt)
        for prompt in LOCALES
        for at, one in enumerate(labelled)
        if prompt in PROMPTS[one.item.turn.language]
    ]
    heard = [
        Sample(LOCALES[prompt], (), labelled[at].heard, labelled[at].item.complete)
        for at, prompt in keys
    ]
    samples = sorted(written, key=lambda one: one.locale) + heard
    with Reader.opened(settings) as reader:
        tokens, rows = _read(reader, samples, advance)
        name, size = reader.name, reader.vocabulary_size
    labels = np.array([one.complete for one in samples], dtype=np.float64)
    rows -= rows.mean(axis=1, keepdims=True)
    first = len(written)
    weights, bias, judged = _fit(rows, labels, first, [labelled[at] for at, _ in keys])
    readout = Readout(name, size, tokens, weights.astype(np.float32), float(bias))
    by_item: list[dict[Language, float]] = [{} for _ in labelled]
    for (at, prompt), odds in zip(keys, judged, strict=True):
        by_item[at][prompt] = round(float(odds), 3)
    return readout, tuple(
        one.with_judgements(found) for one, found in zip(labelled, by_item, strict=True)
    )


def _read(
    reader: Reader, samples: Sequence[Sample], advance: Callable[[int, int], None]
) -> tuple[npt.NDArray[np.int32], FloatArray]:
    """Which logits to read, and them: float32, shape (n_samples, TOKENS)."""
    tokens = _likeliest(reader, samples[:: max(len(samples) // 300, 1)])
    rows = np.empty((len(samples), len(tokens)), np.float32)
    for at, sample in enumerate(samples):
        rows[at] = reader.after(sample.locale, sample.history, sample.words)[tokens]
        advance(at + 1, len(samples))
    return tokens, rows


def _likeliest(reader: Reader, samples: Sequence[Sample]) -> npt.NDArray[np.int32]:
    """The tokens that are likeliest to come next, on average."""
    total = np.zeros(reader.vocabulary_size)
    for sample in samples:
        logits = reader.after(sample.locale, sample.history, sample.words)
        likely = np.exp(logits - logits.max())
        total += likely / likely.sum()
    return np.sort(np.argsort(-total)[:TOKENS]).astype(np.int32)


def _fit(
    rows: FloatArray, labels: Array, first: int, labelled: Sequence[Features]
) -> tuple[Array, float, Array]:
    """Weights and bias on everything that may be fitted to, and every labelled item's log-odds.

    An item of the calibration half gets them from weights fitted without its fold.
    """
    mean, deviation = rows[:first].mean(axis=0), rows[:first].std(axis=0) + 1e-6
    columns = np.column_stack([np.ones(len(rows)), (rows - mean) / deviation])
    fold = np.array([_fold(one) for one in labelled])
    may_fit = np.ones(len(rows), dtype=bool)
    may_fit[first:] = fold >= 0
    counts = np.ones(len(rows))
    counts[first:] = LABELLED_WEIGHT
    found = logistic(columns[may_fit], labels[may_fit], counts[may_fit], RIDGE)
    judged = columns[first:] @ found
    for held in range(FOLDS):
        left = may_fit.copy()
        left[first:][fold == held] = False
        without = logistic(columns[left], labels[left], counts[left], RIDGE)
        judged[fold == held] = columns[first:][fold == held] @ without
    weights = found[1:] / deviation
    # The mean of the logits read is taken away before the weights apply, hence from them, too.
    return weights, float(found[0] - mean @ weights), judged


def _fold(features: Features) -> int:
    """Which fold of the calibration half, -1 for the held-out half."""
    turn = features.item.turn
    return -1 if turn.split == "held-out" else hashlib.sha256(turn.id.encode()).digest()[1] % FOLDS
