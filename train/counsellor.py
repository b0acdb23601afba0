"""The training set of the persona that comes with the project.

    python -m train.counsellor -o FOLDER    writes FOLDER/train.jsonl and FOLDER/valid.jsonl,
                                            FOLDER/faithful.jsonl, for a second run,
                                            FOLDER/warm.jsonl, for a third,
                            FOLDER/attentive.jsonl, for a fourth,
                                            FOLDER/pairs.jsonl and FOLDER/pairs-valid.jsonl

Takes the dialogues of `train/data/counsellor`, puts before each the prompt that the tuned
model is given in a call, adds questions about itself, and writes the callers' turns in the
several ways in which recognisers do: pauses as spaces, as nothing, or as punctuation.
Without that the model would take a space for the only sign that a caller goes on.

The pairs, of `train/data/preferences`, are moments of calls with a better and a worse reply: the
worse ones were given by a model that had learnt the dialogues. The second run (`qingting train run
--from`) goes over the dialogues whose listener keeps to what was said, and the better replies. The
third goes over these dialogues again, over those that are as true and warmer, and over the moments
of `train/data/moments`, each with the reply that its author would have given. The fourth goes over
the warm ones and the moments once more, and over those whose callers are often misheard and ask
for things.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pipeline.text import language_of
from train import schema
from train.mix.identity import LOCALES, Locale
from train.mix.spoken import SpeechStyle, spoken
from train.schema import Conversation, Message, Preference

DIALOGUES = Path(__file__).parent / "data" / "counsellor"
PREFERENCES = Path(__file__).parent / "data" / "preferences"
MOMENTS = Path(__file__).parent / "data" / "moments"
PERSONA = Path(__file__).parents[1] / "agent" / "persona" / "listener"
ASKED = Path(__file__).parents[1] / "tests" / "data" / "asked"

Writing: TypeAlias = Literal["as it is", "run together", "punctuated", "with slips"]
# Our recogniser runs Mandarin together and puts commas into a third of longer turns (52 of 167 of
# `tests/data/turn_ends/measure.heard.jsonl`); others write pauses or punctuation.
_WRITINGS: Mapping[Writing, float] = {
    "run together": 0.35,
    "as it is": 0.12,
    "with slips": 0.2,
    "punctuated": 0.33,
}
# A homophone here and there, no more fillers than the callers already use.
_SLIPS = SpeechStyle(fillers=0.0, slips=0.04)
FAITHFUL, WARM, ATTENTIVE = "plain-faithful", "plain-warm", "plain-attentive"
# Plain calls teach a small model what always makes sense. The vivid ones it imitates without their
# sense, so half of them, drawn by lot, are enough: they hold what plain callers never say.
TIMES: Mapping[str, float] = {
    "plain": 2,
    FAITHFUL: 2,
    WARM: 2,
    ATTENTIVE: 1,
    "work-study-money": 0.5,
    "grief-illness-sleep": 0.5,
    "family-relationships": 0.5,
    "loneliness-migration-anger": 0.5,
    "work-and-money": 0.5,
    "family-and-love": 0.5,
    "grief-sleep-and-body": 0.5,
    "study-and-growing": 0.5,
}
# Of the dialogues. It was three quarters, and learnt: then the 0.5B said these lines to others
# (`train/LOG.md`).
_ASKED_SHARE = 0.25
_VALIDATION_SHARE = 0.04
_PAIRS_VALIDATION_SHARE = 0.05
_SEED = 20261121
_HAN_PAUSE = re.compile(r"(?<=[\u3400-\u9fff])\s+(?=[\u3400-\u9fff])")
_PAUSE = re.compile(r"(?<=[\u3400-\u9fff])\s+|\s+(?=[\u3400-\u9fff])")
_MARK = re.compile(r"(?<=[\u3400-\u9fff])[，。？！、；：](?=[\u3400-\u9fff]|$)")
_QUESTION = re.compile(r"[吗嗎呢]$|什么|什麼|怎么|怎麼|为什么|為什麼|[谁誰]")


def prompt_of(locale: str, persona: Path = PERSONA) -> str:
    """What the tuned model is told first, as the call tells it.

    Raises:
        KeyError: The persona has no prompt for a tuned model.
    """
    return str(_persona(locale, persona)["tuned_prompt"])


def _persona(locale: str, persona: Path) -> dict[str, Any]:
    return tomllib.loads((persona / f"{locale}.toml").read_text("utf-8"))


def written(text: str, way: Writing, dice: random.Random) -> str:
    """One turn of a caller as a recogniser may write it; English stays as it is."""
    if language_of(text) != "zh" or way == "as it is":
        return text
    if way == "punctuated":
        return _PAUSE.sub("，", text) + ("？" if _QUESTION.search(text) else "。")
    text = _HAN_PAUSE.sub("", _MARK.sub("", text))
    return spoken(text, dice, _SLIPS) if way == "with slips" else text


def dialogues(folder: Path = DIALOGUES, persona: Path = PERSONA) -> Iterator[Conversation]:
    """All dialogues as their authors wrote them, each with its locale's prompt."""
    for locale in LOCALES:
        prompt = prompt_of(locale, persona)
        for file in sorted((folder / locale).glob("*.jsonl")):
            for dialogue in schema.read_only(file, Conversation):
                yield dialogue.model_copy(
                    update={"system": prompt, "tags": (*dialogue.tags, file.stem)}
                )


def by_heart(
    locale: str, asked: Path = ASKED, persona: Path = PERSONA
) -> Mapping[str, tuple[list[str], list[str]]]:
    """What is asked for and answered by heart under any settings: thing to wordings and answers."""
    says = {
        table["about"]: table["says"]
        for table in _persona(locale, persona)["answers"]
        if "when" not in table
    }
    wordings: dict[str, list[str]] = {}
    for name in ("fit", "errands"):
        for line in (asked / f"{name}.jsonl").read_text("utf-8").splitlines():
            turn = json.loads(line)
            if turn["locale"] == locale:
                wordings.setdefault(turn["label"], []).append(turn["text"])
    return {about: (said, says[about]) for about, said in wordings.items() if about in says}


def training_set(
    folder: Path = DIALOGUES, persona: Path = PERSONA, asked: Path = ASKED
) -> tuple[list[Conversation], list[Conversation]]:
    """Rows to train on and rows to measure by, which share no dialogue."""
    whole = list(dialogues(folder, persona))
    held_back = _held_back(whole)
    questions = {locale: _in_turn(by_heart(locale, asked, persona)) for locale in LOCALES}
    training = {
        row.id: row
        for number, dialogue in enumerate(whole)
        if number not in held_back
        for row in _asking(_rewritten(dialogue, _times(dialogue)), questions[_locale_of(dialogue)])
    }
    validation = [row for number in sorted(held_back) for row in _rewritten(whole[number], 1)]
    return list(training.values()), validation


def _held_back(whole: Sequence[Conversation]) -> set[int]:
    """Which dialogues measure: no run learns them."""
    dice = random.Random(_SEED)
    return set(dice.sample(range(len(whole)), round(len(whole) * _VALIDATION_SHARE)))


def faithful_set(
    folder: Path = DIALOGUES, persona: Path = PERSONA, asked: Path = ASKED
) -> list[Conversation]:
    """What a second run learns: faithful dialogues, and each moment's better reply, once."""
    rows = _calls({FAITHFUL: TIMES[FAITHFUL]}, folder, persona, asked)
    training, _ = preference_set(persona=persona)
    rows |= {row.id: row for row in map(_better, training)}
    return list(rows.values())


def warm_set(
    folder: Path = DIALOGUES,
    moments: Path = MOMENTS,
    persona: Path = PERSONA,
    asked: Path = ASKED,
) -> list[Conversation]:
    """What a third run learns: warm dialogues, the faithful ones once more, and moments."""
    rows = _calls({WARM: TIMES[WARM], FAITHFUL: 1}, folder, persona, asked)
    return list((rows | _moments(moments, persona)).values())


def attentive_set(
    folder: Path = DIALOGUES,
    moments: Path = MOMENTS,
    persona: Path = PERSONA,
    asked: Path = ASKED,
) -> list[Conversation]:
    """What a fourth run learns: attentive dialogues, the warm ones and the moments once more."""
    rows = _calls({ATTENTIVE: TIMES[ATTENTIVE], WARM: 1}, folder, persona, asked)
    return list((rows | _moments(moments, persona)).values())


def _moments(folder: Path, persona: Path) -> dict[str, Conversation]:
    """Every moment with its locale's prompt, by id."""
    rows: dict[str, Conversation] = {}
    for locale in LOCALES:
        prompt = prompt_of(locale, persona)
        for moment in schema.read_only(folder / f"{locale}.jsonl", Conversation):
            told = moment.model_copy(update={"system": prompt})
            rows |= {row.id: row for row in _rewritten(told, 1)}
    return rows


def _calls(
    times: Mapping[str, float], folder: Path, persona: Path, asked: Path
) -> dict[str, Conversation]:
    """The dialogues of some themes without those held back, each in so many writings, by id."""
    questions = {locale: _in_turn(by_heart(locale, asked, persona)) for locale in LOCALES}
    whole = list(dialogues(folder, persona))
    held_back = _held_back(whole)
    return {
        row.id: row
        for number, dialogue in enumerate(whole)
        if (theme := dialogue.tags[-1]) in times and number not in held_back
        for row in _asking(_rewritten(dialogue, int(times[theme])), questions[_locale_of(dialogue)])
    }


def _better(pair: Preference) -> Conversation:
    """The moment with its better reply, which alone is learnt."""
    before = (
        message.model_copy(update={"weight": 0}) if message.role == "assistant" else message
        for message in pair.prompt
    )
    messages = (*before, Message(role="assistant", content=pair.chosen))
    return Conversation(
        id=schema.conversation_id(messages, pair.system),
        source=pair.source,
        tags=pair.tags,
        system=pair.system,
        messages=messages,
    )


def preference_set(
    folder: Path = PREFERENCES, persona: Path = PERSONA
) -> tuple[list[Preference], list[Preference]]:
    """Pairs to train on and pairs to measure by, which share no moment."""
    training: list[Preference] = []
    validation: list[Preference] = []
    for locale in LOCALES:
        prompt = prompt_of(locale, persona)
        for pair in schema.read_only(folder / f"{locale}.jsonl", Preference):
            words = [message.content for message in pair.prompt]
            lot = random.Random(f"{_SEED} {schema.content_id(words)}").random()
            part = validation if lot < _PAIRS_VALIDATION_SHARE else training
            part.append(pair.model_copy(update={"system": prompt}))
    return training, validation


def _times(dialogue: Conversation) -> int:
    """How often it is learnt; the same every time."""
    times = TIMES.get(dialogue.tags[-1], 1)
    return int(times + random.Random(f"{_SEED} times {dialogue.id}").random())


def _rewritten(dialogue: Conversation, times: int) -> Iterator[Conversation]:
    """The dialogue in one way of writing, or in several; the same every time."""
    dice = random.Random(f"{_SEED} {dialogue.id}")
    for way in dice.choices(list(_WRITINGS), list(_WRITINGS.values()), k=times):
        messages = tuple(
            message
            if message.role == "assistant"
            else message.model_copy(update={"content": written(message.content, way, dice)})
            for message in dialogue.messages
        )
        identity = schema.conversation_id(messages, dialogue.system)
        yield dialogue.model_copy(update={"id": identity, "messages": messages})


def _locale_of(dialogue: Conversation) -> Locale:
    return next(locale for locale in LOCALES if locale in dialogue.tags)


_Asked: TypeAlias = tuple[str, str, str]  # the thing, the caller's wording, the answer


def _in_turn(known: Mapping[str, tuple[list[str], list[str]]]) -> Iterator[_Asked]:
    """Without end: each thing as often as the others, each wording once before any comes again."""
    dice = random.Random(_SEED)
    shuffled = {
        about: itertools.cycle(dice.sample(wordings, len(wordings)))
        for about, (wordings, _) in known.items()
    }
    for about in itertools.cycle(known):
        yield about, next(shuffled[about]), dice.choice(known[about][1])


def _asking(rows: Iterator[Conversation], questions: Iterator[_Asked]) -> Iterator[Conversation]:
    """Let some callers ask once for what is said by heart, to be read and not learnt.

    Who says goodbye says no more.
    """
    for row in rows:
        dice = random.Random(f"{_SEED} asking {row.id}")
        places = range(2, len(row.messages) + 1, 2)  # after a reply, but not before the first
        if not places or dice.random() >= _ASKED_SHARE:
            yield row
            continue
        about, wording, answer = next(questions)
        place = dice.choice(places)
        way = dice.choices(list(_WRITINGS), list(_WRITINGS.values()))[0]
        messages = (
            *row.messages[:place],
            Message(role="user", content=written(wording, way, dice)),
            Message(role="assistant", content=answer, weight=0),
            *(() if about == "goodbye" else row.messages[place:]),
        )
        identity = schema.conversation_id(messages, row.system)
        yield row.model_copy(update={"id": identity, "messages": messages})


def main() -> None:
    """Write them all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--force", action="store_true", help="replace what is there")
    chosen = parser.parse_args()
    training, validation = training_set()
    pairs, pairs_validation = preference_set()
    parts: Mapping[str, list[Conversation] | list[Preference]] = {
        "train": training,
        "valid": validation,
        "faithful": faithful_set(),
        "warm": warm_set(),
        "attentive": attentive_set(),
        "pairs": pairs,
        "pairs-valid": pairs_validation,
    }
    for name, part in parts.items():
        rows = schema.write(chosen.out / f"{name}.jsonl", part, force=chosen.force)
        print(f"{name}.jsonl: {rows} rows")


if __name__ == "__main__":
    main()
