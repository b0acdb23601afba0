"""Whether a caller says yes or no to a question of the protocol, in either language. Pure.

    anywhere     thoughts | refused | unsure, in a short turn; yes goes before the last two
    before*      yes | no, matched at the beginning; anything else is none of them

Every question is put so that a yes means danger. So what begins like a yes and goes on as a
denial (嗯，没有; maybe not) must be a no, what begins like a denial and is none (不止一次) a yes,
and what begins with the same word and tells something else (有个同事, I have a headache) neither.

Who does not know, or would rather not say, has not said no. The Ask Suicide-Screening Questions
(ASQ, National Institute of Mental Health) count a refusal to answer as a positive screen.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal, TypeAlias

from agent.at_a_loss import knows_no_answer
from agent.safety.fold import fold, simplified
from pipeline.text import count_units, language_of

Meaning: TypeAlias = Literal["yes", "thoughts", "no", "unsure", "refused"]
"""thoughts: it is thought of and not meant to be done, whatever it begins with (没有，就是想想)."""

_END = r"(?=\s*[，。！？、；,.!?;]|\s*$)"
_BREAK = r"[，。！？、；…,.!?;~\s-]"

# What people say before an answer. One in the caller's own story would be no answer any more.
_ZH_BEFORE = (
    "不好意思|对不起|不知道|不晓得|不清楚|不瞒你说|不骗你|老实说|说实话|讲真的|没人知道|"
    "没跟别?人说过|怎么说|让我想想|我想想|是不是|要不要|会不会|有没有|这个|那个|其实|当然|确实|真的|"
    "也许|大概|应该|可能|以前|曾经|最近|现在|偶尔|经常|常常|就是|还是|但是|可是|倒是|"
    f"嗯+|呃+|额|唔|欸|诶|哎|唉+|喔|哦|噢|啊|呀|吧|呢|我|也|都|就|还(?!好)|那|倒|{_BREAK}"
)
_ZH_YES = (
    "不止|不只|不光|不是(?:没|不)|不能说(?:没|不)|没错|没说错|对对|是是|差不多是|"
    "有(?:想|过|在想|打算|准备|啊|呀|的|吧|哦|喔|，?有)|有时候?(?:会|想|有)|有一?点(?:想|怕)|"
    "(?:想|怕|会|试|做|打|割|伤|弄)过|会(?:想|怕|觉得)|想死|"
    "(?:每天|每晚|天天|一直|时常|总)(?:都|是)*(?:会|有|在?想)|"
    "准备好|决定了|买好|在身边|在手|"
    "(?:有|是|对|会|要|想|怕|有时候?|有一?点|好像有|好像是|好像会|差不多|每天|每晚|天天|一直)"
    f"(?:啊|呀|的|吧|哦|喔|哎|耶|了|都是|都会|都有)?{_END}"
)
_ZH_NO = "没|从来没|不(?!早了)|哪有|哪里有|怎么会|怎么可能|误会|你?听错|开玩笑|别|乱讲|乱说|还好"

_EN_BEFORE = (
    r"(?:(?:i )?(?:do not|don't|dont) (?:really )?know(?: if| whether)?|not sure|"
    r"no ?(?:body|one) knows(?: but)?|not (?:gonna|going to) lie|to be honest|honestly|actually|"
    r"um+|uh+(?![ -]?huh)|er+|oh|so|okay|ok|well|i mean|i guess|like|look|sorry|you know|but|and|"
    rf"it's|it is|that's)\b|{_BREAK}"
)
_EN_DENIED = r"(?:[ ,]+\w+){0,2}?[ ,]+(?:not|never|no)\b|[ ,]+(?:do|have|did|would|am|was)n'?t\b"
_EN_YES = (
    r"(?:not only|not just|more than|yes|yeah|yea|yep|yup|uh[ -]?huh|mm[ -]?hm+|i think so|"
    r"kind of|kinda|sort of|all the time|every (?:day|night|single|time)|many times|constantly|"
    r"sometimes i (?:do|think|feel|have|want)|"
    r"i(?: have|'ve) (?:thought|been|tried|wanted|planned|done|had (?:those|these|that))|"
    rf"(?:i (?:have|do|did|would|am|will|was)|i'm afraid so|sometimes|a little|a bit|a lot|often|"
    rf"always|once|twice|right|true|correct|exactly|they are|it is){_END})(?!\w|[ ,]+no\b)|"
    rf"(?:of course|definitely|absolutely|maybe|perhaps|probably|sure{_END})(?!\w|{_EN_DENIED})"
)
_EN_NO = (
    r"(?:no|nope|nah|not(?! only| just)|never|none|nothing like|"
    r"(?:of course|definitely|absolutely|maybe|probably|perhaps) not|"
    r"i(?:'ve|'m|'d| have| am| do| did| would| was| will| could| really| just| think| want)*\s*"
    r"(?:not|never|don't|dont|didn't|didnt|haven't|havent|wouldn't|wouldnt|won't|couldn't|can't|"
    r"wasn't|ain't)|don't|haven't|wouldn't)\b"
)

_ANSWERS = {
    "zh": re.compile(rf"(?>(?:{_ZH_BEFORE})*)(?:(?P<yes>{_ZH_YES})|(?P<no>{_ZH_NO}))"),
    "en": re.compile(rf"(?>(?:{_EN_BEFORE})*)(?:(?P<no>{_EN_NO})|(?P<yes>{_EN_YES}))"),
}
# Over folded text, like the two after it; anywhere in a turn that is not too long.
_REFUSED = re.compile(
    r"(?<![他她们])不(?:太)?(?:想|要|愿意?|方便|打算)(?:再)?(?:跟你|跟您|和你|对你)?"
    r"(?:告诉你|(?:说|讲|谈|聊|回答|提|答)(?:这个|那个|这些|这件事|太多)?(?=了|啊|啦|吧|可以吗|行吗|好吗|，|$))|"
    r"(?:可不可以|能不能|可以|能)(?:不要?|别)(?:再)?(?:说|讲|谈|聊|问|回答|提|答)|"
    r"(?:别|不要)(?:再)?问|(?:一定|非)(?:要|得)(?:说|讲|回答)|换(?:一)?个(?:话题|别的)|"
    r"(?:^|，|我|这个)不(?:说|讲|谈|聊|回答|答)(?:这个|了|，|$)|"
    r"\b(?:rather|prefer) not(?: to)?(?= say| answer| talk| tell| get into| go into| discuss|，|$)|"
    r"\b(?:do|would) not (?:want to|wish to|care to|like to|feel like|feel comfortable)(?: be)? "
    r"(?:talk|answer|say|discuss|tell|get into|go into|go there)(?:ing)?"
    r"(?! (?:to |with )?(?:him|her|them|my|any))|"
    r"\b(?:will|am) not (?:going to )?(?:answer(?: that)?|tell you|say)(?=，|$)|"
    r"\b(?:can|could) not tell you(?! how| what)\b|"
    r"\bcan (?:i|we) (?:not|skip|change)\b|\bdo i have to (?:say|answer|tell)|"
    r"\b(?:none of your business|no comment|change the subject|next question)\b|"
    r"\b(?:it|that) is (?:private|personal)(?=，|$)|\bwhy do you ask\b|\bmind your own\b|"
    r"\btalk about something else\b|^pass(?:，|$)|问这个干[嘛吗什]|你管我|关你什么事|"
    r"\b(?:do not|stop) ask(?:ing)?(?: me)?\b"
)
_UNDECIDED = re.compile(
    r"不一定|没想好|说不定|说不好|看情况|\b(?:it|that) depends\b|\bnot (?:yet|exactly)\b|"
    r"(?:不知道|不晓得)(?:该不该|能不能|要不要|可不可以|敢不敢)(?:说|讲|告诉)"
)
_MOST_UNITS = 24  # in a longer turn somebody tells of something else
# What ends a clause: 就是有想法想跟老板说 is about something else.
_OVER = r"(?=而已|罢了|啦|吧|的|了|啊|，|$)"
_THOUGHTS = re.compile(
    r"(?<!没)(?<!没有)(?:(?:只是|只|就是|不过是|仅仅|也就)(?:会|有|在|是)?(?:偶尔|有时候?|随便|自己)?"
    rf"(?:会|有)?(?:想想|想过|(?:这个|那个|这种|一个?)?念头|(?:这种|那种)?想法|闪过|说说){_OVER}|"
    rf"(?<!我)想想(?:而已|罢了)|想归想|想是有?想过?|念头是有|(?:^|，|我)有(?:这个|那个|过)?念头{_OVER}|"
    r"闪过|一闪而过|会冒出来|谁没想过|敢的?话?早?就|"
    rf"(?:不会|没打算|不敢)真的?(?:要|会|去|想)*(?:做|死|行动|那样){_OVER}|不敢(?:真的)?去?(?:做|死){_OVER}|"
    rf"没有?(?:那个|这个)?(?:勇气|胆子?)(?:去)?(?:做|死)?{_OVER})"
    r"|^(?:(?:yes|yeah|well|um+|，| )+)?thoughts?\b|"
    r"(?<!n)(?:\b(?:only|some|passing|fleeting|dark|a|the odd) thoughts?\b(?! (?:about|on|for) )|"
    r"\bhad (?:the |those |these )?thoughts?\b|"
    r"(?<!never )(?<!not )\bcross(?:es|ed) my mind|"
    r"\b(?:would|will|could) (?:not|never) (?:go through with|act on)\b|"
    r"\bi (?:only )?(?:think|thought) about it\b|\bnot seriously\b|"
    r"\b(?:who has not|does not everyone|everyone (?:does|has))\b|"
    r"\btoo scared to(?: do it)?(?=，|$)|"
    r"\bnot have the (?:guts|courage|nerve)(?: to(?: do it)?)?(?=，|$)|\b(?:it )?comes and goes\b|"
    r"^(?:well，? ?)?(?:occasionally|from time to time|now and (?:then|again)|only at night)\b)"
)
_NOT_MEANT = re.compile(
    r"(?:但是|但|可是|不过|可)我?(?:是)?(?:绝对|肯定|应该)?不会(?:真的)?(?:去)?做"
)
_NOT_THAT = re.compile(r"没有?想过要?(?:死|自杀|轻生|结束)")  # 想过离婚，没想过死
# Yeses in other words, from the beginning on.
_ADMITS = re.compile(
    r"(?:嗯|，)*(?:谁(?:会|能)?没有?想?过?(?:啊|呢)?$|何止(?:是)?想过|"
    r"(?:怎么|哪|能|哪天|怎么会)没想过|换(?:成|做)?谁都会|(?:偶尔|断断续续|时不时)(?:吧|啊|会)?$)|"
    r"(?:on and off|i would be lying if i said no|every now and then|i guess so|"
    r"(?:far |way )?too often|lately，? ?(?:yes|yeah)|(?:i )?can not say i have not)\b"
)
_MAYBE = re.compile(
    r"(?:嗯|呃|，)*(?:可能|也许|或许|大概)(?:有|会|是)?(?:吧|啊)?|"
    r"(?:well，? ?)?i (?:might|may)(?: do| be)?"
)
_ASKS_BACK_UNITS = 3  # 嗯？ and "right?" are no answers
# Alone it is a yes, before other words nothing.
_ASSENT = re.compile(rf"(?:嗯|恩|唔|哼|啊|{_BREAK})*(?:嗯|恩|唔)(?:啊|{_BREAK})*")


def yes_or_no(text: str) -> Meaning | None:
    """What an answer begins with, or says as a whole; None for anything else.

    Args:
        text: As recognised, in either script or language.
    """
    text = " ".join(text.split())
    if text.endswith(("?", "？")) and count_units(text) <= _ASKS_BACK_UNITS:
        return None
    answer = simplified(unicodedata.normalize("NFKC", text)).casefold().replace("’", "'").strip()
    if _ASSENT.fullmatch(answer) or _MAYBE.fullmatch(fold(answer)):
        return "yes"
    found = _ANSWERS[language_of(answer)].match(answer)
    words = fold(text)
    said_yes = found is not None and found["yes"] is not None
    said_yes = said_yes or (found is None and _ADMITS.match(words) is not None)
    if said_yes and _NOT_THAT.search(words):
        return "no"
    if count_units(words) <= _MOST_UNITS:
        if _THOUGHTS.search(words) or (said_yes and _NOT_MEANT.search(words)):
            return "thoughts"
        if said_yes:
            return "yes"
        if _REFUSED.search(words):
            return "refused"
        if knows_no_answer(words) or _UNDECIDED.search(words):
            return "unsure"
    if said_yes:
        return "yes"
    return "no" if found is not None else None
