"""Which of its readings a Chinese character has where no dictionary phrase decides it.

The phrase dictionary (pypinyin) knows 银行 and 旅行; it does not know 第三行 from 他行,
nor that 盛 on its own is to fill a bowl. Three tables complete it, strongest first
(`polyphones.toml`):

    telling     the traditional character says it: 髮 is hair, 發 is not, both become 发
    context     the neighbours say it: 数 before 羊 counts
    alone       what a character is when it stands for a word of its own

Marked characters read right on `agent/voices/reading/polyphones.txt` (`qingting voices
reading`): in the 508 sentences that the tables were made with; in 168 picked to be hard,
read before the tables knew them; in 66 plain ones, likewise:

    g2pM 0.1.2.5                                68 %
    pypinyin 0.55 alone                         90 %    74 %   80 %
    with pypinyin-dict 0.9, CC-CEDICT           90 %                   65 MB more memory
    with pypinyin-dict 0.9, its largest list    91 %                  220 MB more memory
    pypinyin 0.55 and these tables              99.9 %  86 %   97 %

g2pW would be the reference, but its BERT weights come from a hub and take 600 MB; cppinyin
0.11 reads 我得走了 as wo er zou ge; smart-pinyin 0.5 gives no tones; polypoly needs
TensorFlow. So the dictionary stays pypinyin's own.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from pipeline.tts.reading import Reading

# Characters that join no word of more characters: 睡得 is 睡 and 得, whatever jieba says.
PARTICLES = frozenset("得地长")


def told_alone(character: str) -> str | None:
    """The sound of a character that is a word of its own; None leaves it to the dictionary."""
    return _tables().alone.get(character)


def told_by_context(text: str) -> dict[int, str]:
    """Sounds that the neighbours decide, by the character's index in `text` (simplified)."""
    found = {}
    for index, character in enumerate(text):
        for rule in _tables().context.get(character, ()):
            if rule.behind.match(text, index + 1) and rule.before.search(text[:index]):
                found[index] = rule.sound
                break
    return found


def told_by_script(reading: Reading, source: str) -> dict[int, str]:
    """Sounds that traditional characters of `source` decide, by their index in what is spoken."""
    telling = _tables().telling
    found = {}
    at = 0
    for segment in reading.segments:
        written = source[segment.start : segment.end]
        if len(written) == len(segment.spoken):
            for offset, character in enumerate(written):
                merged = segment.spoken[offset] != character  # 乾坤 keeps its 乾
                if merged and character in telling:
                    found[at + offset] = telling[character]
        at += len(segment.spoken)
    return found


@dataclass(frozen=True, slots=True)
class _Rule:
    sound: str
    before: re.Pattern[str]
    behind: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class _Tables:
    alone: dict[str, str]
    telling: dict[str, str]
    context: dict[str, tuple[_Rule, ...]]


@cache
def _tables() -> _Tables:
    written = resources.files("pipeline.tts").joinpath("polyphones.toml").read_text("utf-8")
    tables = tomllib.loads(written)

    def pattern(text: str) -> str:
        for name, meaning in tables["names"].items():
            text = text.replace(f"{{{name}}}", meaning)
        return text

    return _Tables(
        tables["alone"],
        tables["telling"],
        {
            character: tuple(
                _Rule(sound, re.compile(f"(?:{pattern(before)})$"), re.compile(pattern(behind)))
                for sound, before, behind in rules
            )
            for character, rules in tables["context"].items()
        },
    )
