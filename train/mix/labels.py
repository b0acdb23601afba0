"""Emotion labels and character traits: carried along, put to use, or stripped.

carry    the labels stay fields of the record, which training does not read
system   traits, and the emotions that occur, become sentences of the system prompt
control  a marker such as [emotion: happy] ends the user's turn before a labelled reply;
         whoever serves the model must then send such markers as well
strip    the labels go
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from pipeline.text import language_of
from train.schema import Conversation, Message, Traits

LabelUse: TypeAlias = Literal["carry", "system", "control", "strip"]

_NAMES = {
    "zh": {"personality": "性格", "occupation": "职业", "interests": "兴趣", "mbti": "MBTI"},
    "en": {
        "personality": "Personality",
        "occupation": "Occupation",
        "interests": "Interests",
        "mbti": "MBTI",
    },
}


def labelled(
    record: Conversation, *, traits: Traits | None = None, emotion: str | None = None
) -> Conversation:
    """Add traits, or an emotion of the whole conversation; None leaves what is there."""
    return record.model_copy(
        update={
            "traits": traits if traits is not None else record.traits,
            "emotion": emotion if emotion is not None else record.emotion,
        }
    )


def use_labels(record: Conversation, use: LabelUse) -> Conversation:
    """Put the labels of a record to use."""
    if use == "carry":
        return record
    bare = _stripped(record)
    if use == "strip":
        return bare
    if use == "control":
        return bare.model_copy(update={"messages": _with_markers(record)})
    system = "\n".join(part for part in (record.system, _sentences(record)) if part)
    return bare.model_copy(update={"system": system or None})


def marker(emotion: str) -> str:
    """The control marker of an emotion."""
    return f"[emotion: {emotion}]"


def _stripped(record: Conversation) -> Conversation:
    messages = tuple(
        message.model_copy(update={"emotion": None, "traits": None}) for message in record.messages
    )
    return record.model_copy(update={"messages": messages, "emotion": None, "traits": None})


def _with_markers(record: Conversation) -> tuple[Message, ...]:
    messages: list[Message] = []
    following: Sequence[Message | None] = [*record.messages[1:], None]
    for message, reply in zip(_stripped(record).messages, following, strict=True):
        emotion = (reply.emotion or record.emotion) if reply and message.role == "user" else None
        content = f"{message.content}\n{marker(emotion)}" if emotion else message.content
        messages.append(message.model_copy(update={"content": content}))
    return tuple(messages)


def _sentences(record: Conversation) -> str:
    language = language_of("".join(message.content for message in record.messages))
    names, colon, comma = _NAMES[language], ("：" if language == "zh" else ": "), "、"
    comma = comma if language == "zh" else ", "
    traits = record.traits or next((m.traits for m in record.messages if m.traits), None)
    parts = []
    if traits is not None:
        values = {
            "personality": traits.personality,
            "occupation": traits.occupation,
            "interests": comma.join(traits.interests),
            "mbti": traits.mbti,
        }
        parts = [f"{names[name]}{colon}{value}" for name, value in values.items() if value]
    said = (m.emotion for m in record.messages if m.role == "assistant" and m.emotion)
    emotions = list(dict.fromkeys([*said, *([record.emotion] if record.emotion else [])]))
    if emotions:
        feeling = "情绪" if language == "zh" else "Mood"
        parts.append(f"{feeling}{colon}{comma.join(emotions)}")
    return "\n".join(parts)
