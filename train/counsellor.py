"""The training set of the persona that comes with the project.

    python -m train.counsellor -o FOLDER    writes FOLDER/train.jsonl and FOLDER/valid.jsonl

Takes the dialogues of `train/data/counsellor`, puts before each the prompt that the tuned
model is given in a call, and writes the callers' turns in the several ways in which
recognisers do: pauses as spaces, as nothing, or as punctuation. Without that the model would
take a space for the only sign that a caller goes on.
"""

from __future__ import annotations

import argparse
import random
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from pipeline.text import language_of
from train import schema
from train.mix.spoken import SpeechStyle, spoken
from train.schema import Conversation

DIALOGUES = Path(__file__).parent / "data" / "counsellor"
PERSONA = Path(__file__).parents[1] / "agent" / "persona" / "listener"
LOCALES = ("zh-Hans", "zh-Hant", "en")

Writing: TypeAlias = Literal["as it is", "run together", "punctuated", "with slips"]
# Our recogniser runs Mandarin together; others write pauses or punctuation.
_WRITINGS: Mapping[Writing, float] = {
    "run together": 0.45,
    "as it is": 0.2,
    "with slips": 0.2,
    "punctuated": 0.15,
}
# A homophone here and there, no more fillers than the callers already use.
_SLIPS = SpeechStyle(fillers=0.0, slips=0.04)
_VALIDATION_SHARE = 0.06
_SEED = 20261121
_HAN_PAUSE = re.compile(r"(?<=[\u3400-\u9fff])\s+(?=[\u3400-\u9fff])")
_PAUSE = re.compile(r"(?<=[\u3400-\u9fff])\s+|\s+(?=[\u3400-\u9fff])")
_QUESTION = re.compile(r"[吗嗎呢]$|什么|什麼|怎么|怎麼|为什么|為什麼|[谁誰]")


def prompt_of(locale: str, persona: Path = PERSONA) -> str:
    """What the tuned model is told first, as the call tells it.

    Raises:
        KeyError: The persona has no prompt for a tuned model.
    """
    return str(tomllib.loads((persona / f"{locale}.toml").read_text("utf-8"))["tuned_prompt"])


def written(text: str, way: Writing, dice: random.Random) -> str:
    """One turn of a caller as a recogniser may write it; English stays as it is."""
    if language_of(text) != "zh" or way == "as it is":
        return text
    if way == "punctuated":
        return _PAUSE.sub("，", text) + ("？" if _QUESTION.search(text) else "。")
    text = _HAN_PAUSE.sub("", text)
    return spoken(text, dice, _SLIPS) if way == "with slips" else text


def conversations(dialogues: Path = DIALOGUES, persona: Path = PERSONA) -> Iterator[Conversation]:
    """All dialogues, each with its locale's prompt and in one way of writing."""
    for locale in LOCALES:
        prompt = prompt_of(locale, persona)
        for file in sorted((dialogues / locale).glob("*.jsonl")):
            for dialogue in schema.read_only(file, Conversation):
                yield _rewritten(dialogue, prompt)


def _rewritten(dialogue: Conversation, prompt: str) -> Conversation:
    dice = random.Random(f"{_SEED} {dialogue.id}")
    way = dice.choices(list(_WRITINGS), list(_WRITINGS.values()))[0]
    messages = tuple(
        message
        if message.role == "assistant"
        else message.model_copy(update={"content": written(message.content, way, dice)})
        for message in dialogue.messages
    )
    return dialogue.model_copy(
        update={
            "id": schema.conversation_id(messages, prompt),
            "messages": messages,
            "system": prompt,
        }
    )


def parted(all_of_them: Sequence[Conversation]) -> tuple[list[Conversation], list[Conversation]]:
    """Training and validation, the latter drawn evenly from every file's stretch."""
    dice = random.Random(_SEED)
    held_back = set(
        dice.sample(range(len(all_of_them)), round(len(all_of_them) * _VALIDATION_SHARE))
    )
    training = [one for i, one in enumerate(all_of_them) if i not in held_back]
    return training, [one for i, one in enumerate(all_of_them) if i in held_back]


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--force", action="store_true", help="replace what is there")
    chosen = parser.parse_args()
    training, validation = parted(list(conversations()))
    for name, part in (("train", training), ("valid", validation)):
        rows = schema.write(chosen.out / f"{name}.jsonl", part, force=chosen.force)
        print(f"{name}.jsonl: {rows} dialogues")


if __name__ == "__main__":
    main()
