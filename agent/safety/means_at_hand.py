"""Whether an answer to "do you mean to do it, or do you have what you need?" tells of the means.

Most people answer with a place or a time: 在抽屉里, "I'm holding it", 今晚就去. Pure; it is asked
of nobody who was not asked that question, so that it may be generous.
"""

from __future__ import annotations

import re

from agent.safety.fold import fold

# Over folded text; not of where a person is (我妈在家里).
_AT_HAND = re.compile(
    r"(?<![没不])(?:(?<![妈爸他她我你公婆友姐哥弟妹人子儿])[在放][^，没不]{0,6}"
    r"(?:抽屉|柜|床|枕|包|车|箱|家里|手边|手[上里心]|旁边|面前|桌|口袋|房间|厨房|浴室)|"
    r"(?<![人妈爸他她])都在(?=，|了|$)|(?:准备|买|弄|拿|备)(?:好|到|齐|来)了|"
    r"已经(?:买|吃|吞|喝|割)了|有(?:安眠药|农药|药|绳子?|炭|刀|枪)(?=，|了|$)|"
    r"今[晚夜]就?(?:去|做|吧)|(?:桥|天台|楼顶|江|河|轨道|月台)[^，]{0,1}[边上]|快了(?=，|$))"
    r"|(?<!not )(?<!no longer )\b(?:it is|they are|the \w+ is|everything is|"
    r"i have(?: already)? got (?:it|them)|i(?: already| do)? have (?:it|them)|i am holding) ?"
    r"(?:already )?(?:in (?:my|the)|on (?:my|the)|right here|here|ready|with me|next to|it\b|"
    r"(?=，|$))"
    r"|^(?:both|tonight|soon)(?=，|$)|"
    r"\bi (?:already )?(?:bought|took) (?:it|them|thirty|\w+ of them)\b"
)
_GONE = re.compile(r"没|扔|收走|锁|交给|\b(?:no|not|never|locked|flushed|threw|away)\b")


def means_at_hand(text: str) -> bool:
    """Whether the means are there, or it is begun.

    Args:
        text: The answer, in either script or language.
    """
    folded = fold(text)
    return _AT_HAND.search(folded) is not None and _GONE.search(folded) is None
