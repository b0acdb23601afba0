"""WeChatMsg (留痕) and PyWxDump exports."""

from __future__ import annotations

import pytest

from pipeline.errors import DataError
from tests.train.importers.chats import CHATS, read, said
from train.importers import ImportOptions, import_paths
from train.importers.source import open_source
from train.importers.wechat import wechatmsg_txt
from train.schema import Conversation
from train.tally import Tally


def test_csv_keeps_stickers_faces_and_emoji():
    """Faces written as text, kaomoji, emoji, quotation marks and line breaks are byte-exact."""
    assert said(read("阿蓝_utf8.csv")) == [
        ["在吗[委屈]\n今天好累", "怎么啦(≧▽≦)\n抱抱😀"],
        ["“引号”,还有逗号\n第二行", "晚安"],
    ]


def test_csv_sticker_table_gives_stickers_words():
    """A sticker whose id has a label becomes that label."""
    labels = {"0123456789abcdef0123456789abcdef": "[抱抱]"}
    texts = said(read("阿蓝_utf8.csv", stickers=labels))
    assert any("[抱抱]" in text for turns in texts for text in turns)


def test_media_markers_are_an_option():
    """With markers their picture stays as [图片], and my reply to it has something to answer."""
    texts = said(read("阿蓝_utf8.csv", markers=True))
    assert ["[图片]" in turns[-2] for turns in texts[:1]] == [True]
    assert texts[0][-1] == "这张好看"


def test_quotes_only_pairs_quoted_text_and_reply():
    """Quoted pairs are the only rows; a quoted picture is none, in every build and format."""
    assert said(read("阿蓝_utf8.csv", quotes_only=True)) == [["今天好累", "那就早点睡"]]
    assert said(read("阿蓝.txt", quotes_only=True)) == [["今天好累", "那就早点睡"]]
    assert said(read("阿绿.txt", quotes_only=True)) == [["早呀", "早[旺柴]\n今天也加油"]]
    assert said(read("wxdump.csv", quotes_only=True)) == [["晚上吃什么", "就这个"]]
    assert said(read("qqnt.json", quotes_only=True, me=("小安",))) == [["周末爬山吗", "好呀～"]]
    assert said(read("result.json", quotes_only=True)) == [
        ["are you up? 😴", "see https://example.org ok"]
    ]


def test_monkey_uses_whatever_was_sent():
    """The seed filters nothing: a picture is a row's [图片], only the program's notices are not."""
    tally = Tally()
    texts = said(read("阿蓝_utf8.csv", preset="monkey", tally=tally))
    assert texts[1] == ["[表情]\n[图片]", "这张好看"]
    assert tally.dropped["of kind system"] == 1


def test_txt_of_old_builds():
    """Placeholders, notices and cards are no messages; the quotation is cut off the reply."""
    tally = Tally()
    assert said(read("阿蓝.txt", tally=tally)) == [
        ["在吗[委屈]", "怎么啦", "今天好累", "那就早点睡\n好看"]
    ]
    assert tally.dropped == {"of kind picture": 1, "of kind system": 1, "of kind card": 1}


def test_txt_of_new_builds():
    """【图片消息】 and the full-width 引用： are read as well."""
    kinds = [event.kind for event in wechatmsg_txt(open_source(CHATS / "阿绿.txt"))]
    assert kinds == ["text", "sticker", "quote", "picture", "quote"]


def test_the_file_name_says_who_is_not_me():
    """<remark>.txt is a chat with <remark>; the other sender is me."""
    assert said(read("阿绿.txt"))[0][0] == "早呀"


def test_ai_txt_sender_survives_the_day():
    """A day's first line without a name goes on with the last day's sender."""
    tally = Tally()
    assert said(read("阿蓝_chat.txt", tally=tally)) == [
        ["在吗 今天好累", "怎么啦 说说看"],
        ["已经好多了", "那就好"],
    ]
    assert tally.dropped == {"mine, with nothing before them to answer": 1}


def test_pywxdump_voice_ends_what_can_be_answered():
    """A reply to a voice message that nobody can read is no row."""
    assert said(read("wxdump.csv")) == [["晚上吃什么", "火锅吧[馋]\n就这个"]]


@pytest.mark.parametrize("damage", ['"在吗', "x,y", "\x00\xff"])
def test_a_damaged_row_costs_only_itself(tmp_path, damage):
    """A quotation mark that never closes, or missing columns, leave all other rows alone."""
    header = "id,MsgSvrID,type_name,is_sender,talker,room_name,msg,src,CreateTime"
    rows = [
        "1,1,文本,0,a,,你好,,2024-05-01 18:00:00",
        f"2,2,文本,0,a,,{damage},,2024-05-01 18:00:10",
        "3,3,文本,1,b,,你好呀,,2024-05-01 18:00:20",
    ]
    path = tmp_path / "chat.csv"
    path.write_bytes("\n".join([header, *rows]).encode("utf-8").replace(b"\xc3\xbf", b"\xff"))
    tally = Tally()
    assert said(read(path, tally=tally)) == [["你好", "你好呀"]]
    (reason,) = tally.dropped
    assert reason.startswith("malformed")
    assert tally.examples[reason][0].where == "chat.csv:3"


def test_a_header_that_names_a_column_twice_is_refused(tmp_path):
    """Which of the two holds the words nobody can know."""
    path = tmp_path / "chat.csv"
    path.write_text("Type,IsSender,CreateTime,StrContent,StrContent\n1,1,1704000000,a,b\n")
    with pytest.raises(DataError, match="has StrContent more than once"):
        list(import_paths([path], ImportOptions(), Tally()))


def test_who_wrote_is_never_guessed(tmp_path):
    """A row whose sender flag is neither 0 nor 1 is dropped, not given to the other side."""
    path = tmp_path / "chat.csv"
    rows = [f"1,{flag},{1704000000 + index * 10},text {index}" for index, flag in enumerate("0x1")]
    path.write_text("\n".join(["Type,IsSender,CreateTime,StrContent", *rows]))
    tally = Tally()
    (record,) = import_paths([path], ImportOptions(), tally)
    assert isinstance(record, Conversation)
    assert [message.content for message in record.messages] == ["text 0", "text 2"]
    assert tally.dropped == {"malformed: no time, or not said who wrote it": 1}


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-01 23:00:00 阿蓝\n在吗\n\n2024-01-01 23:01 小安\n怎么啦\n\n"
        "2024-01-01 23:02 阿蓝\n累\n\n2024/1/1 23:03 小安\n抱抱\n\n",
        "2024-01-01 23:00 阿蓝\n在吗\n2024-01-01 23:01 小安\n怎么啦\n"
        "2024-01-01 23:02 阿蓝\n累\n2024-01-01 23:03 小安\n抱抱\n",
        "2024-01-01 23:00 阿蓝\n在吗\n\n2024-01-01 23:01 小安\n怎么啦\n\n"
        "2024-01-01 23:02 阿蓝\n累\n2024-01-01 23:03 小安\n抱抱\n",
    ],
    ids=["some with seconds", "no blank lines", "a blank line is missing"],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_txt_headers_without_seconds(tmp_path, text, end):
    """A header without seconds begins a message of its own."""
    path = tmp_path / "阿蓝.txt"
    path.write_bytes(text.replace("\n", end).encode())
    assert said(read(path)) == [["在吗", "怎么啦", "累", "抱抱"]]


def test_txt_a_date_inside_a_message_is_no_header(tmp_path):
    """A line with date and time but nobody's name goes on with the message."""
    path = tmp_path / "阿蓝.txt"
    path.write_text(
        "2024-01-01 23:00 阿蓝\n2024-01-05 10:00 开会\n来吗\n\n2024-01-01 23:01 我\n来\n"
    )
    assert said(read(path)) == [["2024-01-05 10:00 开会\n来吗", "来"]]


def test_the_same_message_twice_is_one(tmp_path):
    """Joined databases repeat messages; the same words with another number are said again."""
    header = "id,MsgSvrID,type_name,is_sender,talker,room_name,msg,src,CreateTime"
    rows = [
        "1,91,文本,0,a,,哈哈,,1714557600",
        "2,92,文本,0,a,,哈哈,,1714557600",
        "1,91,文本,0,a,,哈哈,,1714557600",
        "3,0,文本,1,b,,笑,,1714557601",
        "4,0,文本,1,b,,笑,,1714557601",
    ]
    path = tmp_path / "chat.csv"
    path.write_text("\n".join([header, *rows]), encoding="utf-8")
    tally = Tally()
    assert said(read(path, tally=tally)) == [["哈哈\n哈哈", "笑\n笑"]]
    assert tally.dropped == {"the same message again": 1}
