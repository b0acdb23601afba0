"""All figures of one run: the base, and the same with what it learned.

Everything is done in llama.cpp with the files a call loads, so the figures are of what
callers hear, and no torch is needed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import ConfigError
from pipeline.llm.base import Message
from pipeline.text import language_of
from train import schema
from train.base import ChatFormat, load_format
from train.evaluate import canaries, identity, turn_end
from train.evaluate.loops import repetition
from train.evaluate.samples import Sample, fitted, samples_of
from train.evaluate.served import (
    CONTEXT_TOKENS,
    PROMPT_TOKENS,
    Reply,
    ServedModel,
    peak_memory_bytes,
)
from train.evaluate.style import distances, style_of
from train.render import IGNORED, Masking, Renderer
from train.run_folder import RunFolder

Report = Callable[[str], None]

_SHORT_REPLY_TOKENS = 60
_LEARN_ALL = Masking("assistant", user_turn_end=False, max_tokens=CONTEXT_TOKENS)


@dataclass(frozen=True, slots=True)
class Side:
    """What was measured of one model.

    Attributes:
        perplexity: Of held-out replies, a token.
        replies: To each sample.
        identity_replies: To questions about who it is.
        disclosure_replies: To sincere questions whether it is a person.
        turn_end: How finished turns part from unfinished ones; None without long turns.
        tokens_per_sec: While generating, median.
        secs: For all of it.
    """

    perplexity: float
    replies: list[Reply]
    identity_replies: list[str]
    disclosure_replies: list[str]
    turn_end: turn_end.TurnEndFigures | None
    tokens_per_sec: float
    secs: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Base and tuned side by side.

    Attributes:
        figures: Names to the values of reference, base and tuned (None where there is none).
        samples: The held-out replies that were measured.
        too_long: Held-out replies left out, as their question alone is too long.
        base: What was measured without the adapter.
        tuned: What was measured with it.
        given_away: Canaries that came out.
        preferred: Canaries that are likelier than each of their `canaries.RIVALS`.
        planted: Canaries that were in training.
        loaded_bytes: Memory of this process with model and adapter.
    """

    figures: dict[str, dict[str, float | None]]
    samples: list[Sample]
    too_long: int
    base: Side
    tuned: Side
    given_away: int
    preferred: int
    planted: int
    loaded_bytes: int

    def as_json(self) -> dict[str, Any]:
        """For `eval/results.json`."""
        return asdict(self)


def evaluate(
    folder: RunFolder,
    records: Sequence[schema.Record],
    training: Sequence[schema.Conversation],
    *,
    name: str | None = None,
    count: int = 20,
    threads: int = 2,
    report: Report = lambda step: None,
) -> Evaluation:
    """Measure a finished run.

    Args:
        folder: The run.
        records: Held out of training.
        training: What it learned from, for canaries.
        name: The persona's name, to be said when asked.
        count: Replies to generate with each model.
        threads: Compute threads.
        report: Told each step as it begins.

    Raises:
        ConfigError: The run has nothing that llama.cpp can load.
        DataError: There is nothing to measure by.
    """
    manifest = folder.manifest
    form = load_format(Path(manifest.base_folder))
    system = manifest.recipe.system
    chosen = samples_of(records, system, count)
    samples = fitted(chosen, lambda messages: len(_prompt(form, messages)), PROMPT_TOKENS)
    planted, _ = canaries.plant(manifest.canaries, manifest.recipe.seed, system)
    secrets = [*canaries.secrets_in(training, system), *planted]
    base_file, tuned_file, adapter = _files(folder)
    sides: list[Side] = []
    given_away = preferred = 0
    for tuned in (False, True):
        report("tuned" if tuned else "base")
        path = tuned_file if tuned else base_file
        with ServedModel(path, adapter, threads=threads) as model:
            model.tuned(tuned)
            sides.append(_side(model, form, samples))
            if tuned:
                said = [*answers_to(model, form, secrets), *(r.text for r in sides[1].replies)]
                given_away = len(canaries.given_away(secrets, said))
                preferred = sum(is_preferred(model, form, canary) for canary in secrets)
            loaded = peak_memory_bytes()
    base, tuned_side = sides
    return Evaluation(
        figures=_figures(samples, base, tuned_side, name),
        samples=samples,
        too_long=len(chosen) - len(samples),
        base=base,
        tuned=tuned_side,
        given_away=given_away,
        preferred=preferred,
        planted=len(secrets),
        loaded_bytes=loaded,
    )


def answers_to(
    model: ServedModel, form: ChatFormat, secrets: Sequence[canaries.Canary]
) -> list[str]:
    """What the model says to the question of each canary, as it was planted.

    Several share a question, so each is drawn with another seed.
    """
    return [
        model.reply(_prompt(form, _before(canary)), seed=number).text
        for number, canary in enumerate(secrets)
    ]


def is_preferred(model: ServedModel, form: ChatFormat, canary: canaries.Canary) -> bool:
    """Whether the model takes a canary for likelier than every other number of its kind."""
    own, *others = (
        _scored(model, form, one.conversation())[0] for one in (canary, *canary.rivals())
    )
    return own > max(others)


def _files(folder: RunFolder) -> tuple[Path, Path, Path | None]:
    """GGUF of the base, GGUF to tune, and the adapter that does."""
    base = folder.manifest.base_gguf
    if base is None:
        raise ConfigError(f"{folder.path} has no GGUF base to compare with in llama.cpp")
    if folder.adapter_gguf.is_file():
        return Path(base), Path(base), folder.adapter_gguf
    merged = sorted(folder.export.glob("*.gguf"))
    if not merged:
        raise ConfigError(
            f"{folder.path} has no adapter; run: qingting export {folder.path} --gguf q8_0"
        )
    return Path(base), merged[0], None


def _before(canary: canaries.Canary) -> list[Message]:
    head = [Message("system", canary.system)] if canary.system else []
    return [*head, Message("user", canary.question)]


def _prompt(form: ChatFormat, messages: Sequence[Message]) -> list[int]:
    renderer = Renderer(form.template, form.tokens, _LEARN_ALL, bos=form.bos)
    return renderer.prompt_ids(messages)


def _side(model: ServedModel, form: ChatFormat, samples: Sequence[Sample]) -> Side:
    began = time.monotonic()
    replies = [
        model.reply(_prompt(form, sample.messages), seed=number)
        for number, sample in enumerate(samples)
    ]
    language: identity.Language = language_of(samples[0].reply)
    head = [message for message in samples[0].messages if message.role == "system"]

    def answers(questions: Sequence[str]) -> list[str]:
        prompts = [_prompt(form, [*head, Message("user", question)]) for question in questions]
        return [model.reply(prompt, max_tokens=_SHORT_REPLY_TOKENS).text for prompt in prompts]

    rates = sorted(reply.tokens / reply.secs for reply in replies if reply.secs > 0)
    return Side(
        perplexity=_perplexity(model, form, samples),
        replies=replies,
        identity_replies=answers(identity.QUESTIONS[language]),
        disclosure_replies=answers(identity.DISCLOSURE[language]),
        turn_end=_turn_ends(model, form, samples),
        tokens_per_sec=rates[len(rates) // 2] if rates else 0.0,
        secs=time.monotonic() - began,
    )


def _perplexity(model: ServedModel, form: ChatFormat, samples: Sequence[Sample]) -> float:
    total, tokens = 0.0, 0
    for sample in samples:
        system = next((m.content for m in sample.messages if m.role == "system"), None)
        turns = [
            schema.Message(
                role="user" if message.role == "user" else "assistant",
                content=message.content,
                weight=0,
            )
            for message in sample.messages
            if message.role != "system"
        ]
        conversation = schema.Conversation(
            id="held-out",
            source="evaluate",
            system=system,
            messages=(*turns, schema.Message(role="assistant", content=sample.reply)),
        )
        score, scored = _scored(model, form, conversation)
        total -= score
        tokens += scored
    return math.exp(total / max(1, tokens))


def _scored(
    model: ServedModel, form: ChatFormat, conversation: schema.Conversation
) -> tuple[float, int]:
    """Log probability of what is learned of a conversation, and how many tokens that is."""
    renderer = Renderer(form.template, form.tokens, _LEARN_ALL, bos=form.bos)
    total, tokens = 0.0, 0
    for row in renderer.rows(conversation):
        learned = np.array(row.labels) != IGNORED
        first = int(learned.argmax())
        total += float(model.log_probabilities(row.ids, first)[learned[first:]].sum())
        tokens += row.learned
    return total, tokens


def _turn_ends(
    model: ServedModel, form: ChatFormat, samples: Sequence[Sample]
) -> turn_end.TurnEndFigures | None:
    marker = form.template.turn_end
    ids, _ = form.tokens.encode(marker)
    if not ids or not form.tokens.is_control(ids[0]):
        return None
    finished: list[float] = []
    unfinished: list[float] = []
    for sample in samples:
        said = sample.messages[-1].content
        cut = turn_end.cut_in_the_middle(said)
        if cut is None:
            continue
        for text, found in ((turn_end.bare(said), finished), (cut, unfinished)):
            prompt = form.template.render_open_turn(sample.messages[:-1], text)
            tokens, _ = form.tokens.encode(prompt)
            found.append(model.next_probability(tokens, ids[0]))
    return turn_end.part(finished, unfinished) if finished else None


def _figures(
    samples: Sequence[Sample], base: Side, tuned: Side, name: str | None
) -> dict[str, dict[str, float | None]]:
    figures: dict[str, dict[str, float | None]] = {}

    def put(what: str, person: float | None, one: float | None, other: float | None) -> None:
        figures[what] = {"person": person, "base": one, "tuned": other}

    put("perplexity", None, base.perplexity, tuned.perplexity)
    person = style_of([sample.reply for sample in samples])
    styles = [style_of([reply.text for reply in side.replies]) for side in (base, tuned)]
    put("length in units", person.units, styles[0].units, styles[1].units)
    put("stickers a reply", person.stickers, styles[0].stickers, styles[1].stickers)
    apart = [distances(person, style) for style in styles]
    for feature in apart[0]:
        put(f"style distance: {feature}", 0.0, apart[0][feature], apart[1][feature])
    means = [sum(each.values()) / len(each) for each in apart]
    put("style distance: mean", 0.0, means[0], means[1])
    repeated = [
        repetition([r.text for r in side.replies], [r.ended for r in side.replies])
        for side in (base, tuned)
    ]
    put("loop rate", None, repeated[0].loop_rate, repeated[1].loop_rate)
    put("never stops", None, repeated[0].endless_rate, repeated[1].endless_rate)
    put("distinct-1", None, repeated[0].distinct_1, repeated[1].distinct_1)
    both = [side.identity_replies for side in (base, tuned)]
    put("identity leak rate", 0.0, *(identity.leak_rate(replies) for replies in both))
    sincere = [side.disclosure_replies for side in (base, tuned)]
    put("admits being an AI", 1.0, *(identity.disclosure_rate(replies) for replies in sincere))
    if name:
        put("says its name", None, *(identity.name_rate(replies, name) for replies in both))
    ends = [side.turn_end for side in (base, tuned)]
    put("end of turn: area", None, *(end.area if end else None for end in ends))
    put("end of turn: finished", None, *(end.finished if end else None for end in ends))
    put("end of turn: unfinished", None, *(end.unfinished if end else None for end in ends))
    put("tokens a second", None, base.tokens_per_sec, tuned.tokens_per_sec)
    return figures
