"""User turns as a recogniser hands them over, not as people type them.

On a call there is no punctuation to tell that a turn has ended, there are fillers, no emoji,
and now and then a homophone. A model that has seen such turns answers them better and, as
its end-of-turn token is learned too, tells better when one is over. Assistant turns, which
are what the person wrote, are never touched.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pipeline.text import language_of, units
from train.schema import Conversation, Message, Record

_TAG = "spoken"
_SUFFIX = "-spoken"
_FILLERS: Mapping[str, tuple[str, ...]] = {
    "hans": ("嗯", "呃", "那个", "就是", "然后", "这个"),
    "hant": ("嗯", "呃", "那個", "就是", "然後", "這個"),
    "en": ("um", "uh", "like", "you know", "well", "I mean"),
}
# What recognisers confuse in daily speech: one sound, several common characters.
_HOMOPHONES: tuple[str, ...] = tuple(
    re.findall(
        r"\S+",
        "的得地 在再 他她它 做作坐 那哪 有又 以已 像象 进近 進近 吧把 是事 和合 到道 没每 听挺 "
        "想响 想響 觉绝 覺絕 心新 点典 點典 里理 裡理 时实 時實 气器 氣器 真针 真針 行形 只之 还孩 "
        "還孩 过国 過國 现线 現線 工公 钟中 鐘中 面免 号好 號好 问文 問文 间见 間見 可渴 下夏 意义",
    )
)
_ENGLISH_HOMOPHONES = (
    ("their", "there"),
    ("to", "too"),
    ("your", "you're"),
    ("its", "it's"),
    ("hear", "here"),
    ("know", "no"),
    ("right", "write"),
    ("week", "weak"),
    ("then", "than"),
    ("whether", "weather"),
)
_SAME_SOUND: Mapping[str, str] = {
    one: group.replace(one, "") for group in _HOMOPHONES for one in group
}
_SAME_WORD: Mapping[str, str] = {
    one: other for pair in _ENGLISH_HOMOPHONES for one, other in (pair, pair[::-1])
}
# What stands for personal data: taken apart it would be a word, and look like data again.
_PLACEHOLDER = re.compile(r"(⟦[A-Z_]+_\d+⟧)")
_STICKER = re.compile(r"[\[【][^\[\]【】]{1,8}[\]】]")
_TRADITIONAL = re.compile(r"[這個說們對會過還沒時來點嗎麼裡後覺聽話]")
_FILLER_GAP_UNITS = 3  # a filler stands at the beginning or at least this far from the last


@dataclass(frozen=True, slots=True)
class SpeechStyle:
    """How much of what happens to a turn; each is a share from 0 to 1.

    Attributes:
        fillers: Turns that begin with a filler; half as many get one inside.
        slips: Characters or words with a homophone that are replaced by it.
    """

    fillers: float = 0.35
    slips: float = 0.02


def spoken(text: str, dice: random.Random, style: SpeechStyle | None = None) -> str:
    """One turn as it would be recognised; a turn of emoji or stickers alone stays as it is."""
    style = style or SpeechStyle()
    bare = _STICKER.sub(" ", text)
    words: list[str] = []
    for piece in _PLACEHOLDER.split(bare):
        if _PLACEHOLDER.fullmatch(piece):
            words.append(piece)
        else:
            words += (_slip(unit.text, dice, style.slips) for unit in units(piece))
    if not words:
        return text
    kind = "en"
    if language_of(bare) == "zh":
        kind = "hant" if _TRADITIONAL.search(bare) else "hans"
    if dice.random() < style.fillers:
        words.insert(0, dice.choice(_FILLERS[kind]))
    if len(words) > 2 * _FILLER_GAP_UNITS and dice.random() < style.fillers / 2:
        inside = dice.randrange(_FILLER_GAP_UNITS, len(words) - 1)
        words.insert(inside, dice.choice(_FILLERS[kind]))
    return _joined(words)


def spoken_copies(
    records: Iterable[Conversation],
    share: float,
    *,
    seed: int = 0,
    style: SpeechStyle | None = None,
) -> Iterator[Conversation]:
    """Spoken copies of a share (0 to 1) of the records.

    A copy keeps its original's id with `-spoken` behind it, so that a split never parts
    the two, and the choice depends on the id alone, not on the order of the records.
    """
    for record in records:
        dice = random.Random(f"{seed}:{record.id}")
        if dice.random() >= share:
            continue
        messages = tuple(_spoken_message(message, dice, style) for message in record.messages)
        if messages != record.messages:
            yield record.model_copy(
                update={
                    "id": f"{record.id}{_SUFFIX}",
                    "messages": messages,
                    "tags": (*record.tags, _TAG),
                }
            )


def is_copy(record: Record) -> bool:
    """Whether `spoken_copies` made it."""
    return _TAG in record.tags


def original_id(record: Record) -> str:
    """Id of what a record is a copy of; its own if it is none."""
    return record.id.removesuffix(_SUFFIX)


def _spoken_message(message: Message, dice: random.Random, style: SpeechStyle | None) -> Message:
    if message.role != "user":
        return message
    return message.model_copy(update={"content": spoken(message.content, dice, style)})


def _slip(word: str, dice: random.Random, rate: float) -> str:
    folded = word.lower() if word.isascii() and word != "I" else word
    if folded in _SAME_SOUND and dice.random() < rate:
        return dice.choice(_SAME_SOUND[folded])
    if folded in _SAME_WORD and dice.random() < rate:
        return _SAME_WORD[folded]
    return folded


def _joined(words: list[str]) -> str:
    """Latin words and numbers with spaces between them, Chinese without any."""
    text = words[0]
    for before, word in itertools.pairwise(words):
        # A placeholder stands as what is beside it does.
        latin = [one.isascii() for one in (before, word) if not _PLACEHOLDER.fullmatch(one)]
        text += f" {word}" if latin and all(latin) else word
    return text
