"""Names by which somebody is found on a network: WeChat, LINE, QQ, Telegram and others."""

from __future__ import annotations

import re

from train.clean.recognisers.base import HAN, IS, MARK, NUMBER_WORD, Recogniser, has_digit

# V and its spellings, which dodge the filters of other networks.
_WECHAT = (
    r"(?:[微薇威维維徽Vv]信|[Vv][xX]|[Vv] [xX](?![A-Za-z])|卫星号"
    r"|(?<![A-Za-z])(?:wechat|weixin|wx)(?![A-Za-z]))"
)
_ADD = r"(?:[加➕+]|(?<![A-Za-z])add )(?:一?下|[个個]|我|你|他|她|me|my)*\s*(?:的)?\s*"
_V = r"(?:[Vv](?![A-Za-z0-9])|薇(?!信)|微(?!信))"
_ID = r"[A-Za-z0-9][-_A-Za-z0-9]{2,19}"
_HANDLE = r"@?[A-Za-z0-9][A-Za-z0-9._#-]{2,31}"
_ENDS = r"(?![-_A-Za-z0-9])"
_NETWORKS = (
    r"(?:(?<![A-Za-z])(?:telegram|tg|ig|insta(?:gram)?|twitter|discord|skype|kakao(?:talk)?"
    r"|snap(?:chat)?|facebook|fb|tiktok|steam|signal)(?![A-Za-z])"
    r"|推特|[纸紙]飞机|電報|电报|微博|小[红紅][书書]|抖音|快手|B站)"
)
# What follows an at sign and is nobody: everyone, and the decorators of programmers.
_NOBODY = (
    r"(?:all|everyone|here|channel|home|work|school|noon|night|least|once|override|property|media"
    r"|dataclass|import|param|return|returns|types|app|test|author|deprecated|staticmethod"
    r"|classmethod|pytest|keyframes|click|change|latest)"
)

ACCOUNTS = (
    Recogniser("account", re.compile(r"(?<![A-Za-z0-9_])wxid_[a-z0-9]{6,24}(?![A-Za-z0-9_])")),
    Recogniser(  # a number or a mark says that what follows is one
        "account",
        re.compile(
            rf"(?:{_ADD})?{_WECHAT}\s*的?\s*(?:{NUMBER_WORD}\s*{MARK}?|{MARK})\s*({_ID}){_ENDS}",
            re.IGNORECASE,
        ),
        1,
    ),
    Recogniser(
        "account",
        re.compile(
            rf"{_ADD}(?:{_WECHAT}|{_V})[吧哦喔啊呀]?[^\w\s:⟦]?{IS}({_ID}){_ENDS}", re.IGNORECASE
        ),
        1,
    ),
    Recogniser(
        "account",
        re.compile(
            rf"(?:{_WECHAT}(?:搜索?)?|(?<![A-Za-z0-9])[Vv](?:我|(?=\s*:)))\s*[:]?\s*([A-Za-z][-_A-Za-z0-9]{{3,19}})"
            rf"{_ENDS}",
            re.IGNORECASE,
        ),
        1,
        has_digit,
    ),
    Recogniser(  # 微信没换还是zhang_lei90
        "account",
        re.compile(rf"{_WECHAT}[{HAN}]{{1,4}}?\s*{MARK}\s*([A-Za-z]{_ID}){_ENDS}", re.IGNORECASE),
        1,
        lambda value: has_digit(value) or "_" in value,
    ),
    Recogniser(
        "account",
        re.compile(
            rf"(?:(?<![A-Za-z])line|(?<![依信無无耍抵誣诬])[賴赖])\s*(?:的|[{HAN}]{{1,3}})?\s*"
            rf"(?:id(?![A-Za-z])|[帳账帐][號号])\s*(?:{MARK}|is)?\s*(@?[A-Za-z0-9._-]{{3,20}})",
            re.IGNORECASE,
        ),
        1,
    ),
    Recogniser(
        "account",
        re.compile(
            rf"(?:{_ADD}(?:(?<![A-Za-z])line|[賴赖])|[我他她](?:的)?(?:line|[賴赖]))"
            rf"{IS}(@?[A-Za-z0-9._-]{{4,20}})",
            re.IGNORECASE,
        ),
        1,
    ),
    Recogniser(
        "account",
        re.compile(
            rf"(?:(?<![A-Za-z])line|(?<![依信無无耍抵誣诬])[賴赖])\s*{MARK}\s*(@?[A-Za-z0-9._-]{{4,20}})",
            re.IGNORECASE,
        ),
        1,
        has_digit,
    ),
    Recogniser(
        "account",
        re.compile(
            rf"(?:(?<![A-Za-z])qq|扣扣|企鹅|企鵝|球球|加q|(?<![A-Za-z])q(?=\s*[:号號]))群?{IS}"
            r"([1-9]\d{4,10})(?!\d)",
            re.IGNORECASE,
        ),
        1,
    ),
    Recogniser(
        "account",
        re.compile(
            rf"{_NETWORKS}\s*的?\s*(?:{MARK}|(?:{NUMBER_WORD}|名字?|昵称|暱稱|handle|user ?name)"
            rf"\s*(?:{MARK}|is)?)\s*({_HANDLE})",
            re.IGNORECASE,
        ),
        1,
    ),
    Recogniser(
        "account",
        re.compile(rf"{_NETWORKS} (?:is )?({_HANDLE})", re.IGNORECASE),
        1,
        lambda value: re.search(r"[0-9_]|\w[.]\w", value) is not None,
    ),
    Recogniser(
        "account",
        re.compile(
            r"(?<![A-Za-z0-9.])(?:https?://)?(?:www\.)?(?:t\.me|wa\.me|line\.me/ti/p|x\.com|twitter\.com"
            r"|instagram\.com|facebook\.com|weibo\.com(?:/u)?)/([~@+]?[A-Za-z0-9_][A-Za-z0-9_.-]{3,})",
            re.IGNORECASE,
        ),
        1,
    ),
    Recogniser(
        "account",
        re.compile(
            rf"(?<![A-Za-z0-9._%+@/`-])(@(?!{_NOBODY}(?![A-Za-z0-9_]))[A-Za-z][A-Za-z0-9_]{{3,31}})"
            r"(?![A-Za-z0-9_/(])",
            re.IGNORECASE,
        ),
        1,
    ),
    Recogniser(  # rooms of video calls
        "account",
        re.compile(
            r"(?:[会會][议議](?:[号號]|id)?|zoom(?: id)?|meeting id)\s*(?:是|is|[:])?\s*"
            r"(\d{3}[- ]\d{3,4}[- ]\d{3,4})(?!\d)",
            re.IGNORECASE,
        ),
        1,
    ),
)
