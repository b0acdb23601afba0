"""Exports as people have them: odd encodings, odd names, and everything that is no text.

Layouts as their programs write them (LC044/WeChatMsg, PyWxDump, Tealina28/QQNT_Export,
Telegram Desktop, LINE on phones and desktops); every word is made up.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Export:
    """An export and what must come out of it.

    Attributes:
        name: Of the file.
        content: Its bytes.
        said: Texts of each conversation.
        rows: Messages or rows in it.
        me: For `--me`.
        dropped: Rows that go no further, by reason.
        left_out: Parts of rows, by reason.
    """

    name: str
    content: bytes
    said: list[list[str]]
    rows: int
    me: tuple[str, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)


def _json(value: Any, encoding: str = "utf-8", indent: int | None = 1) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=indent).encode(encoding)


FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467"  # one emoji, joined by zero-width joiners

LINE_PHONE = f"""[LINE] 與小藍, Dr: 李的聊天記錄
儲存日期：2024/01/06 12:34

2024/01/05（五）
上午12:05\t小藍, Dr: 李\t在嗎？
上午12:06\t小安\t"第一行
2024/01/04
[LINE] 第三行"
下午12:30\t小藍, Dr: 李\t"哈
下午12:31\t小安\t好{FAMILY}
下午12:32\t\t小藍, Dr: 李已收回訊息
下午12:33\t小安\t☎ 通話時間 1:23
下午12:34\t小藍, Dr: 李\t他已收回訊息了嗎
下午12:35\t小安\t嗯
下午11:58\t小藍, Dr: 李\t[位置訊息]
25:61\t小安\t壞
下午11:59\t小藍, Dr: 李\t
"""
LINE_PHONE_SAID = [
    ["在嗎？", "第一行\n2024/01/04\n[LINE] 第三行"],
    ['"哈', f"好{FAMILY}", "他已收回訊息了嗎", "嗯"],
]
LINE_PHONE_DROPPED = {
    "of kind system": 1,
    "of kind call": 1,
    "of kind location": 1,
    "malformed: no time of day": 1,
    "blank": 1,
}

LINE_DESKTOP = """2024.01.05 星期五
09:15 小藍 第一行
第二行

第四行
09:16 小安 圖片
09:17 小安 在呀 怎麼了
09:18 小藍已收回訊息
09:19 小藍 行程：
10:00 集合
12:00 午餐
09:20 小安 好 喔
"""

LINE_GROUP = """[LINE] 讀書會的聊天記錄
儲存日期：2024/01/06 12:34

2024/01/05（五）
上午09:15\t\t阿明加入群組
上午09:15\t阿明\t嗨
上午09:16\t小安\t哈囉
上午09:17\t阿華\t早
"""

WECHAT_TXT = """2024-01-01 23:00 Dr: 李
在吗
2024-01-01 10:00 开会

2024-01-01 23:01 小安
在
引用:Dr: 李:在吗

2024-01-01 23:02 你撤回了一条消息

2024/1/1 23:03 Dr: 李
[转账]

2024-01-01 23:04:30 小安
谢谢
"""

PYWXDUMP_HEADER = "id,MsgSvrID,type_name,is_sender,talker,room_name,msg,src,CreateTime"
PYWXDUMP = [
    "sep=,",
    PYWXDUMP_HEADER,
    '1,11,文本,0,"a,b:c",,他说"好,,1714557600000',  # milliseconds
    "2,12,文本,1,me,,好的\0\0,,1714557610000000",  # microseconds
    "2,12,文本,1,me,,好的\0\0,,1714557610000000",
    "3,13,消息撤回,0,,,你撤回了一条消息,,1714557620",
    "4,14,转账,0,a,,,,1714557621",
    "5,15,文本,1,me,,谢谢,,1714557622",
    '6,16,文本,0,a,,"多行',
    '第三""行",,1714557630',
    f"7,17,带有引用的文本消息,1,me,,{FAMILY}[委屈],原话,1714557640",
    '8,18,文本,0,a,,"未闭合,,1714557650',
    "b,19,文本,0,a,,后面的,,1714557651",
    "9,20,文本,1,me,,嗯,,1714557652",
    "10,21,文本,0,a,,,,1714557653",
    "11,22,未知类型,0,a,,x,,1714557654",
    "12,23,文本,1,me,,尾,,nan",
]
WECHATMSG = """localId,TalkerId,Type,SubType,IsSender,CreateTime,Status,StrContent,StrTime,\
Remark,NickName,Sender
1,9,1,0,0,1704150000,2,大家好,2024-01-01 23:00:00,甲,a,wxid_a
3,9,1,0,1,1704150020,2,在,2024-01-01 23:00:20,,me,wxid_me
2,9,1,0,0,1704150010,2,@小安\u2005在吗,2024-01-01 23:00:10,乙,b,wxid_b
4,9,10000,0,0,1704150100,2,\"\"\"甲\"\"撤回了一条消息\",2024-01-01 23:01:40,,,
5,9,34,0,0,1704150110,2,<msg><voicemsg/></msg>,2024-01-01 23:01:50,甲,a,wxid_a
6,9,1,0,1,1704150120,2,听不了,2024-01-01 23:02:00,,me,wxid_me
7,9,1,0,0,0,2,没有时间,,甲,a,wxid_a
8,9,1,0,0,1704063600,2,昨天,2023-12-31 23:00:00,甲,a,wxid_a
9,9,1,0,1,1704063610,2,昨天的回答,2023-12-31 23:00:10,,me,wxid_me
"""


def _telegram_message(number: int, sender: str, text: Any, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "type": "message",
        "date": f"2024-02-01T08:{number:02}:00",
        "from": sender,
        "from_id": f"user{sender}",
        "text": text,
        **more,
    }


TELEGRAM = {
    "name": "Blue: B, C",
    "type": "personal_chat",
    "id": 1,
    "messages": [
        _telegram_message(1, "Blue: B, C", ["a ", {"type": "mention", "text": "@x"}, FAMILY]),
        _telegram_message(2, "An", "ok"),
        _telegram_message(2, "An", "ok"),
        _telegram_message(3, "Blue: B, C", "", media_type="sticker", sticker_emoji=None),
        _telegram_message(4, "An", "to a sticker alone"),
        {"id": 5, "type": "service", "date": "2024-02-01T08:05:00", "actor": "An", "text": ""},
        _telegram_message(6, "Blue: B, C", "caption", photo="p.jpg"),
        _telegram_message(7, "An", [5]),
        _telegram_message(8, "An", "nice"),
        _telegram_message(9, "Blue: B, C", "not mine", forwarded_from="X"),
        _telegram_message(10, "An", "to it"),
        {"oops": 1},
        "junk",
        None,
    ],
}

QQNT = [
    {"time": f"2024-06-01 10:00:{second:02}", "direction": direction, "contents": contents}
    for second, (direction, contents) in enumerate(
        [
            ("收", [["[文本]", "在吗"], ["[表情]", "/捂脸-264"], ["[图片]", "a.jpg 3.00 KiB"]]),
            ("发", [["[被引用的消息][文本]", "在吗"], ["[文本]", "在"], ["[表情]", "未知表情-3"]]),
            ("收", [["[表情]", "微笑-14"]]),
            ("发", [[None, None]]),
            ("发", [{"type": "[文本]", "content": "好"}]),
            ("未知", []),
            ("收", [["[提示]", "对方撤回了一条消息"]]),
            ("收", [["[语音]", "3″"]]),
            ("发", [["[文本]", "听不了"]]),
            ("转发", [["[文本]", "别人的话"]]),
        ]
    )
]

ROWS = [
    [1717264800123, "他", "在吗"],
    ["2024/6/1 下午 6:00:30", "我", "在"],
    ["2024年6月1日 18:01", "他", "好"],
    [1717264890123456789, "我", "嗯"],  # nanoseconds
    [float("inf"), "我", "x"],
    [10**400, "我", "x"],
    ["2024-06-01 25:00:00", "我", "x"],
    ["2024-06-01 10:00:00", None, "x"],
]

EXPORTS = (
    Export(
        "line-phone.txt",
        LINE_PHONE.replace("\n", "\r\n").encode(),
        LINE_PHONE_SAID,
        11,
        dropped=LINE_PHONE_DROPPED,
    ),
    Export(
        "line-cr.txt",
        LINE_PHONE.replace("\n", "\r").encode(),
        LINE_PHONE_SAID,
        11,
        dropped=LINE_PHONE_DROPPED,
    ),
    Export(
        "line-utf-16.txt",
        LINE_PHONE.encode("utf-16"),
        LINE_PHONE_SAID,
        11,
        dropped=LINE_PHONE_DROPPED,
    ),
    Export(
        "[LINE] 與小藍的聊天.txt",
        b"\xef\xbb\xbf" + LINE_DESKTOP.encode(),
        [
            [
                "第一行\n第二行\n\n第四行",
                "在呀 怎麼了",
                "行程：\n10:00 集合\n12:00 午餐",
                "好 喔",
            ]
        ],
        6,
        dropped={"of kind picture": 1, "of kind system": 1},
    ),
    Export(
        "line-group.txt",
        LINE_GROUP.encode("big5"),
        [["嗨", "哈囉"]],
        4,
        me=("小安",),
        dropped={"of kind system": 1, "theirs, with no reply in time": 1},
    ),
    Export(
        "Dr: 李.txt",
        WECHAT_TXT.encode("gb18030"),
        [["在吗\n2024-01-01 10:00 开会", "在"]],
        5,
        dropped={
            "of kind system": 1,
            "of kind money": 1,
            "mine, with nothing before them to answer": 1,
        },
    ),
    Export(
        "Dr: 李_chat.txt",
        "\n\n**********2024-01-02**********\n\nDr: 李:在吗 http://a\n小安:在 ps: 等下\n小安:嗯\n"
        "Dr: 李:累\n小安:抱抱\n".encode(),
        [["在吗 http://a", "在 ps: 等下\n嗯", "累", "抱抱"]],
        5,
    ),
    Export(
        "wxdump.csv",
        "\r\n".join(PYWXDUMP).encode("utf-8-sig"),
        [['他说"好', "好的"], ['多行\n第三"行', f"{FAMILY}[委屈]", "后面的", "嗯"]],
        14,
        dropped={
            "the same message again": 1,
            "of kind system": 1,
            "of kind money": 1,
            "mine, with nothing before them to answer": 1,
            "malformed: a quotation mark is not closed": 1,
            "blank": 1,
            "of kind other": 1,
            "malformed: no time, or not said who wrote it": 1,
        },
    ),
    Export(
        "群_utf8.csv",
        WECHATMSG.encode("utf-8-sig"),
        [["昨天", "昨天的回答"], ["大家好\n@小安\u2005在吗", "在"]],
        9,
        dropped={
            "of kind system": 1,
            "of kind voice": 1,
            "mine, with nothing before them to answer": 1,
            "malformed: no time, or not said who wrote it": 1,
        },
    ),
    Export(
        "result.json",
        _json(TELEGRAM, "utf-8-sig"),
        [[f"a @x{FAMILY}", "ok"], ["caption", "nice"]],
        14,
        dropped={
            "the same message again": 1,
            "of kind sticker": 1,
            "mine, with nothing before them to answer": 2,
            "of kind system": 1,
            "malformed: no date, or no text": 2,
            "of kind forwarded": 1,
            "malformed: not a message": 1,
            "malformed: nothing but null": 1,
        },
        left_out={"of kind picture, beside words": 1},
    ),
    Export(
        "阿蓝.json",
        _json(QQNT),
        [["在吗[捂脸]", "在[表情]", "[微笑]", "好"]],
        10,
        dropped={
            "of kind other": 1,
            "malformed: not a QQNT message": 1,
            "of kind system": 1,
            "of kind voice": 1,
            "mine, with nothing before them to answer": 1,
            "of kind forwarded": 1,
        },
        left_out={"of kind picture, beside words": 1},
    ),
    Export(
        "rows.json",
        _json(ROWS, "utf-16-le", indent=None),
        [["在吗", "在", "好", "嗯"]],
        8,
        dropped={"malformed: not [time, sender, text]": 4},
    ),
    Export(
        "messages.jsonl",
        b"\xef\xbb\xbf\xe5\r\n"
        + _json({"messages": [{"role": ["user"], "content": "x"}]}, indent=None)
        + b'\r\n{"messages": [{"role": "user", "content": "q\\u0000"}, '
        + b'{"role": "assistant", "content": [{"type": "text", "text": null}, "a"]}]}\r\n'
        + b'{"messages": [{"role": "system", "content": "\\ud83d"}, '
        + b'{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}\r\nnull\r\n',
        [["q", "a"]],
        5,
        dropped={
            "malformed: not JSON (Expecting value)": 1,
            "no question with a reply (malformed: a turn without a role or text)": 1,
            "malformed: bytes that are not utf-8-sig": 1,
            "malformed: nothing but null": 1,
        },
        left_out={"a part that is no text": 1},
    ),
)
