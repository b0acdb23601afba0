"""A training set out of its parts: the person's rows, and others in proportion to them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from train.mix.labels import LabelUse, use_labels
from train.mix.spoken import SpeechStyle, spoken_copies
from train.schema import Conversation, Record

# LLaMA-Factory's own demonstration has 91 identity rows to 1,000 others. Beyond a fifth, a model
# learns by heart what it is called and answers other questions with it.
MOST_IDENTITY = 0.2


@dataclass(frozen=True, slots=True)
class Extra:
    """Rows that are added.

    Attributes:
        name: For the report.
        rows: Where they come from; consumed once, held as a sample only.
        ratio: Rows for each of the person's own, such as 0.2; None for all of them.
    """

    name: str
    rows: Iterable[Record]
    ratio: float | None = None


@dataclass(frozen=True, slots=True)
class MixOptions:
    """What happens to the person's own rows.

    Attributes:
        labels: See `train.mix.labels`.
        spoken: Share of rows that get a spoken copy, 0 to 1.
        style: Of these copies.
        seed: Of samples and copies.
    """

    labels: LabelUse = "carry"
    spoken: float = 0.0
    style: SpeechStyle = field(default_factory=SpeechStyle)
    seed: int = 0


def mix(
    base: Iterable[Record],
    extras: Sequence[Extra],
    options: MixOptions,
    counts: Counter[str],
) -> Iterator[Record]:
    """The person's rows in their order, each followed by its spoken copy, then the extras.

    Args:
        base: The person's rows.
        extras: What is added.
        options: See there.
        counts: Filled with rows by part; `<name> wanted` where an extra holds too few.
    """
    own = 0
    for record in base:
        own += 1
        if not isinstance(record, Conversation):
            yield record
            continue
        used = use_labels(record, options.labels)
        yield used
        for copy in spoken_copies([used], options.spoken, seed=options.seed, style=options.style):
            counts["spoken"] += 1
            yield copy
    counts["own"] = own
    for extra in extras:
        wanted = None if extra.ratio is None else round(extra.ratio * own)
        chosen = sample(extra.rows, wanted, seed=options.seed)
        counts[extra.name] = len(chosen)
        if wanted is not None and len(chosen) < wanted:
            counts[f"{extra.name} wanted"] = wanted
        for record in chosen:
            yield use_labels(record, options.labels) if isinstance(record, Conversation) else record


def overweight(counts: Mapping[str, int]) -> str | None:
    """A sentence if identity rows outweigh the person's own, else None.

    Args:
        counts: As `mix` filled them.
    """
    identity, own = counts.get("identity", 0), counts.get("own", 0)
    total = sum(count for name, count in counts.items() if not name.endswith(" wanted"))
    if not identity or identity <= MOST_IDENTITY * total:
        return None
    each = f"{identity / own:.1f} for each" if own else "with none beside them"
    effect = (
        "learn what it is called and little else"
        if identity > own
        else ("say what it is called where nobody asks")
    )
    return (
        f"{identity} identity rows to {own} of the person's own ({each}, {identity / total:.0%} of "
        f"the set): the model may {effect}. Add dialogues, or take fewer with --identity-ratio "
        "0.2 or one --locale."
    )


def sample(rows: Iterable[Record], count: int | None, *, seed: int = 0) -> list[Record]:
    """`count` rows, each as likely as any other, in their order; all for None."""
    if count is None:
        return list(rows)
    dice = random.Random(seed)
    chosen: list[tuple[int, Record]] = []
    for at, row in enumerate(rows):
        if len(chosen) < count:
            chosen.append((at, row))
        elif (place := dice.randint(0, at)) < count:  # Vitter's algorithm R
            chosen[place] = (at, row)
    return [row for _, row in sorted(chosen, key=lambda pair: pair[0])]
