"""Whether a whole turn says only that the caller has no answer, or no words. Pure.

Who has just been asked something and says 说不清 or "I don't know where to start" has told nothing
that could be taken up: a small model repeats it, and asks on. A turn with anything else in it
(我不知道他怎么想的, "I don't know if I can go on") tells something, and is not meant here. Nor is
who cannot remember, which may say much, or does not know how to begin with somebody else
(不知道怎么开口).
"""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

from pipeline.text import count_units

Loss: TypeAlias = Literal["unsure", "wordless"]
"""unsure: has no answer to what was asked. wordless: does not know how to say it, or where to
begin."""

# Longer turns tell something. It also bounds the work.
_MOST_UNITS = 24

# All over folded text (`agent.safety.fold`): Simplified, lower case, full forms, `，` for marks;
# "really", "just", "even" and the like are gone.

# What may stand beside it, and tells nothing. 不知道 without a subject is not enough: it may mean
# that somebody else does not know.
_BESIDE_ZH = (
    "自己|其实|真的|现在|一时之间|一时间|一时|一下子|突然|到底|暂时|可能|好像|反正|完全|老实说|说实话|"
    "怎么说呢|这个问题|这种事|这件事|这个|那个|这些|这种|这|那|嗯|呃|唔|唉|哎|欸|诶|咦|哦|喔|噢|啊|呀|耶|"
    "哈|呢|啦|了|的|嘛|对|就是了|就是|就|而已|但是|但|可是|我|也|都|还|很|蛮|挺|有点|有一点|"
    "不好意思|对不起|抱歉|你问我|问我|哎呀|哎哟|蛤|嘿|吧|让我想想|我?想一?想|我?想一下|不知道|不晓得"
)
_BESIDE_EN = (
    r"\b(?:um+|uh+|er+|erm+|oh|ah|hmm+|mm+|yeah|well|like|right now|right|now|yet|to be honest|"
    r"honestly|sorry|god|and|but|so|you know|i mean|i guess|i suppose|i think|if i am honest|"
    r"to you|at all|any ?more|exactly|really|actually|myself|either|just|i can not|though|quite|"
    r"for sure|one way or (?:the )?(?:other|another)|hey|love|mate|okay|ok|that|it|i would say)\b"
)

_TELL_ZH = "(?:说起|讲起|聊起|谈起|说|讲|开始|开头|表达|形容|描述|解释|启齿)"
_WORDLESS_ZH = (
    # 不知道该怎么说，不知道要从哪里讲起，不太会说什么
    "不(?:太|大)?(?:知[道影]?|晓得|会|懂得?)(?:自己|我)?(?:到底)?(?:该|应该|要|得|能|可以|还能)?"
    "(?:(?:怎么|咋个?|怎样|按怎|如何|从何|打?从?(?:哪里?|哪儿|哪边|什么地方|哪件事))"
    f"(?:去|来|跟你|跟您|和你|对你|开始)*{_TELL_ZH}|(?:说|讲)(?:些|点|个)?(?:什么|啥))"
    "(?:才好|比较好|才对|好)?|"
    # 该从何说起，怎么说才好
    f"(?:该|应该|要)?从(?:何|哪里?|哪儿|哪边|什么地方)(?:开始)?{_TELL_ZH}(?:才好|比较好|好)?|"
    "(?:该)?怎么(?:说|讲)(?:才好|好|呢|喔|啊)|"
    # 不太会表达，没办法形容，说不出口，找不到词
    "不(?:太|大|怎么|是很)?(?:会|擅长)(?:说话|讲话|聊天|表达|形容|说|讲)|"
    f"(?:没办法|没法|无法|没有办法)(?:用(?:言语|语言|话))?{_TELL_ZH}(?:清楚|出来|出口)?|(?:说|讲|开)不(?:出口|了口|出话来?)|话到嘴边(?:又|也|都)*(?:说|讲)不出来?|"
    "(?:找不到|没有)(?:合适的)?(?:词|话|字)(?:来)?(?:说|讲|形容)?|"
    # 不知道为什么打来，说来话长，脑袋一片空白
    "不(?:知道|晓得)(?:自己|我)?(?:为什么|为啥|为何|干[嘛吗]|怎么)(?:会|要|就)?"
    "(?:打(?:来|过来|进来)|打这?个?通?电话|来)|"
    "说来话长|一言难尽|无从(?:说|讲)起|脑(?:子|袋)里?(?:一片)?(?:空白|很乱|乱乱的|好乱|空空的)"
)
_UNSURE_ZH = (
    "我(?:自己|现在|其实|真的|也|都|就|还|完全|，)*不(?:知道|晓得)|不太(?:知道|晓得)|"
    "(?:不太|不大|搞不|弄不|不)清楚|不(?:太|大)?确定|"
    "(?:说|讲|答|形容)不(?:太)?(?:上来|清楚|清|出来|准|明白)|不(?:太)?好(?:说|讲)|"
    "(?:不好|难)(?:回答|判断)|难(?:说|讲)|想不(?:太)?(?:出来|到|清楚)|没有?什么?(?:印象|概念|头绪|答案)|拿不准|谁知道"
)

_UNKNOWN_EN = (
    r"(?:(?:i )?(?:do|would|could) not (?:quite |fully |rightly )?know|(?:i )?dunno|"
    r"(?:i have |i have got |i got |got )?no (?:idea|clue)|(?:i )?have not a clue|(?:i am )?unsure|"
    r"(?:i am )?not (?:(?:too|entirely|quite|very|so|all that|exactly|totally|completely) )?sure)"
)
_TELL_EN = (
    r"(?:say|start|begin|put|explain|describe|tell you|tell|express|talk|phrase|word)"
    r"(?: (?:it|this|that|these things|things|any of (?:it|this)|all of (?:it|this)|you|about|from|"
    r"with|into words|in words|to you|properly|right|everything|what i feel|how i feel))*"
)
_WORDLESS_EN = (
    # i do not know how to put this, no idea where i should start, not sure why i rang
    rf"\b(?:{_UNKNOWN_EN} (?:how|where|what)(?: else| on earth)? "
    r"(?:to|i should|i would|i could|i can|i am supposed to|do i) "
    rf"(?:even )?{_TELL_EN}|"
    rf"{_UNKNOWN_EN} why i (?:am calling|called|rang|am here|am ringing|phoned|came|am on here)|"
    # where do i begin, how do i put this
    r"where (?:do|should|would) i (?:even )?(?:start|begin)|"
    r"how (?:do|should|can) i (?:even )?(?:put|say|explain|start)(?: (?:it|this|that))?|"
    # it is hard to put into words, i can not explain it, i do not have the words
    r"(?:(?:it|that) is )?(?:hard|difficult|tough|tricky) to "
    r"(?:explain|describe|talk about|put|find the words|express|get out|start)"
    r"(?: (?:it|this|that|in words|into words|out loud|any of it))*|"
    r"(?:i )?(?:can not|could not) (?:find the (?:right )?words|explain|describe|put|get|express)"
    r"(?: (?:it|this|that|into words|in words|out|the words out|my finger on it))*|"
    r"(?:i )?(?:do not|have not)(?: got| have)? (?:the |any )?words(?: for (?:it|this|that))?|"
    r"no words|words fail me|(?:i am )?lost for words|"
    # i am not good at talking, my mind is blank
    r"(?:i am )?(?:not|no) (?:(?:very|that|any) )?(?:good|great) (?:at|with) "
    r"(?:words|talking|this|explaining(?: things)?|speaking|putting things into words)|"
    r"my (?:mind|head) (?:is|has gone|went) (?:blank|a mess|all over the place)|"
    r"(?:it is )?a long story)\b"
)
_UNSURE_EN = (
    rf"\b(?:{_UNKNOWN_EN}(?: (?:yet|why|when|how to answer(?: that| it)?|what it is|about that))?|"
    r"(?:(?:it|that) is )?(?:hard|difficult|tough|tricky) to (?:say|tell|know|answer)|"
    r"(?:i )?(?:can not|could not) (?:say|tell you|tell|answer(?: that)?|think)|"
    r"(?:i )?can not think of (?:anything|one|any)|beats me|(?:who|god|goodness|heaven) knows|"
    r"your guess is as good as mine|(?:that is a )?good question|nothing comes to mind)\b"
)

_BESIDE = re.compile(rf"(?:{_BESIDE_ZH}|{_BESIDE_EN}|[，\s])*+")
_LOSS = re.compile(rf"(?P<wordless>{_WORDLESS_ZH}|{_WORDLESS_EN})|(?:{_UNSURE_ZH}|{_UNSURE_EN})")


def at_a_loss(folded: str) -> Loss | None:
    """What the caller lacks; None where the turn tells or asks anything else, or is empty.

    Args:
        folded: A turn as `agent.safety.fold.fold` leaves it, in either language.
    """
    if count_units(folded) > _MOST_UNITS:
        return None
    found = [*_LOSS.finditer(folded)]
    if not found or _BESIDE.fullmatch(_LOSS.sub("，", folded)) is None:
        return None
    return "wordless" if any(one["wordless"] is not None for one in found) else "unsure"
