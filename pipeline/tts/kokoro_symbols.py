"""Mandarin syllables in the two alphabets of Kokoro-82M.

    v1.0        IPA with arrows for tones     ni3 hao3   ni↓xau↓
    v1.1-zh     zhuyin, tones as digits       ni3 hao3   ㄋㄧ2ㄏㄠ3

The tables are those of misaki 0.9.4 (Apache-2.0), which the networks were trained with;
v1.0 read unchanged dictionary tones, v1.1-zh the tones as they are spoken.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from pypinyin.contrib.tone_convert import to_finals, to_initials

from pipeline.tts.pinyin import Syllable

Alphabet: TypeAlias = Literal["ipa", "zhuyin"]

_ARROWS = {1: "→", 2: "↗", 3: "↓", 4: "↘", 5: ""}
_IPA_INITIALS = {
    "b": "p", "p": "pʰ", "m": "m", "f": "f", "d": "t", "t": "tʰ", "n": "n", "l": "l", "g": "k",
    "k": "kʰ", "h": "x", "j": "ʨ", "q": "ʨʰ", "x": "ɕ", "zh": "ꭧ", "ch": "ꭧʰ", "sh": "ʂ", "r": "ɻ",
    "z": "ʦ", "c": "ʦʰ", "s": "s", "": "",
}  # fmt: skip
# 0 is where the tone stands.
_IPA_FINALS = {
    "a": "a0", "ai": "ai0", "an": "a0n", "ang": "a0ŋ", "ao": "au0", "e": "ɤ0", "ei": "ei0",
    "en": "ə0n", "eng": "ə0ŋ", "i": "i0", "ia": "ja0", "ian": "jɛ0n", "iang": "ja0ŋ",
    "iao": "jau0", "ie": "je0", "in": "i0n", "iou": "jou0", "ing": "i0ŋ", "iong": "jʊ0ŋ",
    "ong": "ʊ0ŋ", "ou": "ou0", "u": "u0", "uei": "wei0", "ua": "wa0", "uai": "wai0",
    "uan": "wa0n", "uen": "wə0n", "uang": "wa0ŋ", "ueng": "wə0ŋ", "uo": "wo0", "o": "wo0",
    "v": "y0", "ve": "ɥe0", "van": "ɥɛ0n", "vn": "y0n", "ii": "ɨ0", "iii": "ɨ0",
}  # fmt: skip
# Interjections and syllables without a vowel.
_IPA_WHOLE = {"er": "ɚ0", "o": "ɔ0", "m": "m0", "n": "n0", "ng": "ŋ0", "hm": "hm0", "hng": "hŋ0"}
_ERHUA_IPA, _ERHUA_ZHUYIN = "ɚ", "R"

_ZHUYIN = {
    "b": "ㄅ", "p": "ㄆ", "m": "ㄇ", "f": "ㄈ", "d": "ㄉ", "t": "ㄊ", "n": "ㄋ", "l": "ㄌ",
    "g": "ㄍ", "k": "ㄎ", "h": "ㄏ", "j": "ㄐ", "q": "ㄑ", "x": "ㄒ", "zh": "ㄓ", "ch": "ㄔ",
    "sh": "ㄕ", "r": "ㄖ", "z": "ㄗ", "c": "ㄘ", "s": "ㄙ", "a": "ㄚ", "o": "ㄛ",
    "e": "ㄜ", "ie": "ㄝ", "ai": "ㄞ", "ei": "ㄟ", "ao": "ㄠ", "ou": "ㄡ", "an": "ㄢ", "en": "ㄣ",
    "ang": "ㄤ", "eng": "ㄥ", "er": "ㄦ", "i": "ㄧ", "u": "ㄨ", "v": "ㄩ", "ii": "ㄭ", "iii": "十",
    "ve": "月", "ia": "压", "ian": "言", "iang": "阳", "iao": "要", "in": "阴", "ing": "应",
    "iong": "用", "iou": "又", "ong": "中", "ua": "穵", "uai": "外", "uan": "万", "uang": "王",
    "uei": "为", "uen": "文", "ueng": "瓮", "uo": "我", "van": "元", "vn": "云",
}  # fmt: skip


def symbols_of(syllable: Syllable, alphabet: Alphabet) -> str:
    """A syllable in `alphabet`, without what stands between words; "" for an unknown one."""
    if alphabet == "ipa":
        return _ipa(syllable.sound, syllable.tone) + _ERHUA_IPA * syllable.erhua
    initial, final = _parts(syllable.sound)
    if final not in _ZHUYIN:
        return ""
    onset = _ZHUYIN.get(initial, "")
    if syllable.erhua and final == "e":  # 歌儿 is ger, not ge and a colouring
        return f"{onset}{_ZHUYIN['er']}{syllable.tone}"
    return f"{onset}{_ZHUYIN[final]}{_ERHUA_ZHUYIN * syllable.erhua}{syllable.tone}"


def _ipa(sound: str, tone: int) -> str:
    initial, final = _parts(sound)
    written = _IPA_WHOLE.get(sound)
    if written is None and initial in _IPA_INITIALS and final in _IPA_FINALS:
        written = _IPA_INITIALS[initial] + _IPA_FINALS[final]
    return (written or "").replace("0", _ARROWS[tone])


def _parts(sound: str) -> tuple[str, str]:
    """Initial and final: ("zh", "iii"), ("", "van"), ("j", "iou")."""
    initial = to_initials(sound, strict=True)
    final = to_finals(sound, strict=True, v_to_u=False)
    if final == "i" and initial in ("z", "c", "s"):
        return initial, "ii"
    if final == "i" and initial in ("zh", "ch", "sh", "r"):
        return initial, "iii"
    return initial, final
