"""LINE, Telegram, QQ, and plain rows; and finding out who "me" is."""

from __future__ import annotations

import json

import pytest

from pipeline.errors import DataError
from tests.train.importers.chats import CHATS, read, said
from train.importers.line import line_txt, partner
from train.importers.source import open_source
from train.schema import Conversation
from train.tally import Tally


def test_line_in_traditional_chinese():
    """上午/下午, quoted line breaks, stickers, recalls and a broken line are told apart."""
    tally = Tally()
    assert said(read("line-tw.txt", tally=tally)) == [
        ["在嗎？", "在呀～"],
        ["第一行\n第二行", "好喔(๑•̀ㅂ•́)و✧"],
    ]
    assert tally.examples["malformed: neither a day nor a message"][0].where == "line-tw.txt:15"
    assert tally.dropped["of kind system"] == 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("line-en.txt", ["You there?", "Yes!"]),
        ("line-ja.txt", ["もしもし", "はい😊"]),
        ("line-cn.txt", ["在吗", "在呀 怎么了"]),
    ],
)
def test_line_in_other_languages(name, expected):
    """English, Japanese (with the year of an era) and simplified headers and days are read."""
    assert said(read(name)) == [expected]


def test_line_times():
    """12 AM is midnight, 下午 12 is noon, Reiwa 6 is 2024."""
    seconds = [event.time for event in line_txt(open_source(CHATS / "line-ja.txt"))]
    assert seconds[0] == 1707513300  # 2024-02-09 21:15
    (noon,) = (
        event.time
        for event in line_txt(open_source(CHATS / "line-en.txt"))
        if event.kind == "sticker"
    )
    assert noon is not None
    assert noon % 86400 == 12 * 3600 + 60


@pytest.mark.parametrize(
    ("day", "line"),
    [
        ("2024/01/05（五）", "上午12:05\t小藍\t嗨"),
        ("2024/1/5週五", "00:05\t小藍\t嗨"),
        ("2024.01.05 星期五", "00:05 小藍 嗨"),
        ("Fri, 1/5/2024", "12:05 AM\t小藍\t嗨"),
        ("R6/01/05(金)", "午前00:05\t小藍\t嗨"),
        ("2024/01/05(Fri)", "AM 12:05\t小藍\t嗨"),
    ],
)
def test_line_day_and_time_forms(tmp_path, day, line):
    """Every form of day and time is the same moment."""
    path = tmp_path / "line.txt"
    path.write_text(f"[LINE] 與小藍的聊天記錄\n\n{day}\n{line}\n", encoding="utf-8")
    (event,) = line_txt(open_source(path))
    assert (event.time, event.sender, event.text) == (1704413100.0, "小藍", "嗨")


def test_line_names_the_partner():
    """The header says who the other person is."""
    names = [partner(open_source(CHATS / f"line-{one}.txt")) for one in ("tw", "en", "ja", "cn")]
    assert names == ["小藍", "Blue", "あお", "小蓝"]


def test_line_names_with_spaces(tmp_path):
    """Where spaces separate names from texts, names with spaces are told from what recurs."""
    path = tmp_path / "line.txt"
    path.write_text(
        "[LINE] Chat history with Mary Ann\n\n2024.01.05 Friday\n09:15 Mary Ann hello there\n"
        "09:16 An Li hi you\n09:20 Mary Ann ok\n09:21 An Li fine\n",
        encoding="utf-8",
    )
    assert said(read(path)) == [["hello there", "hi you", "ok", "fine"]]


def test_a_folder_with_other_things_in_it(tmp_path):
    """What is no chat is noted and passed; what is one is imported."""
    (tmp_path / "chat.txt").write_bytes((CHATS / "line-tw.txt").read_bytes())
    (tmp_path / "notes.json").write_text("{}", encoding="utf-8")
    tally = Tally()
    assert said(read(tmp_path, tally=tally)) == said(read("line-tw.txt"))
    assert [note.split(" is ")[0] for note in tally.notes] == ["not imported: notes.json"]


def test_a_header_that_does_not_fit_is_named():
    """A format forced on another file says what it misses."""
    with pytest.raises(DataError, match="the header lacks IsSender, StrContent, Type"):
        read("wxdump.csv", format="wechatmsg-csv")


def test_telegram_text_stickers_and_forwards():
    """Formatted text is joined, a sticker is its emoji, what is forwarded is nobody's own words."""
    tally = Tally()
    assert said(read("result.json", tally=tally)) == [
        ["are you up? 😴", "see https://example.org ok", "👍", "talk later"]
    ]
    assert tally.dropped == {"of kind system": 1, "of kind forwarded": 1, "of kind picture": 1}


@pytest.mark.parametrize(
    "personal",
    [{"user_id": 2, "first_name": "An"}, {"bio": 'likes {} and "user_id"', "user_id": 2}],
)
def test_telegram_of_a_whole_account(tmp_path, personal):
    """Chats stay apart, and personal_information says who I am, saved contacts or not."""
    chat = json.loads((CHATS / "result.json").read_text(encoding="utf-8"))
    other = {**chat, "name": "Red", "id": 5}
    contacts = [{"user_id": number, "first_name": "Blue"} for number in (3, 1)]
    account = {
        "personal_information": personal,
        "contacts": {"about": "", "list": contacts},
        "chats": {"about": "", "list": [chat, other]},
    }
    path = tmp_path / "result.json"
    path.write_text(json.dumps(account), encoding="utf-8")
    assert said(read(path)) == said(read("result.json")) * 2


def test_telegram_does_not_take_a_contact_for_me(tmp_path):
    """Without personal_information a chat's name says who the other is; contacts say nothing."""
    account = {
        "contacts": {"list": [{"user_id": 1, "first_name": "Blue"}]},
        "chats": {"list": [json.loads((CHATS / "result.json").read_text(encoding="utf-8"))]},
    }
    path = tmp_path / "account.json"
    path.write_text(json.dumps(account), encoding="utf-8")
    assert said(read(path)) == said(read("result.json"))


def test_qq_needs_to_know_me():
    """Two strangers in a file without a header: the error lists them, --me decides."""
    with pytest.raises(DataError, match=r"--me NAME.*阿蓝 \(2\), 小安 \(2\)"):
        read("qqnt.json")
    assert said(read("qqnt.json", me=("小安",))) == [["周末爬山吗", "好呀～"]]


def test_a_name_that_nobody_has_is_refused():
    """--me with a wrong name lists who wrote."""
    with pytest.raises(DataError, match=r"Nobody called 老王 wrote in line-tw.txt.*小安"):
        read("line-tw.txt", me=("老王",))


def test_plain_rows():
    """我 is me without being told; a row without a time names its line."""
    tally = Tally()
    assert said(read("rows.json", tally=tally)) == [["在吗\n想问你件事", "说"]]
    (reason,) = (reason for reason in tally.dropped if reason.startswith("malformed"))
    assert tally.examples[reason][0].where == "rows.json:17"


def test_no_conversation_has_a_why():
    """An import that gives nothing says how many rows there were and what became of them."""
    with pytest.raises(DataError, match=r"of 8 rows, .*not a quotation"):
        read("line-tw.txt", quotes_only=True)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "rows.csv",
            "time,sender,text\n2024/6/1 10:00,他,在吗\n2024/6/1 10:01:30,我,在\n",
        ),
        (
            "rows.csv",
            "id,sender,text,time\n1,他,在吗,2024/6/1 10:00\n2,我,在,2024/6/1 10:01:30\n",
        ),
        (
            "rows.jsonl",
            '{"time": 1717236000, "sender": "他", "text": "在吗"}\n'
            '{"time": "1717236090", "sender": "我", "text": "在"}\n',
        ),
        ("rows.json", '[["2024-06-01T10:00:00Z","他","在吗"],["2024-06-01 10:01:30","我","在"]]'),
    ],
)
def test_plain_rows_in_other_clothes(tmp_path, name, text):
    """CSV, objects and arrays, and times as spreadsheets, clocks and ISO write them."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    (record,) = read(path)
    assert said([record]) == [["在吗", "在"]]
    assert isinstance(record, Conversation)
    assert [message.time for message in record.messages] == [1717236000, 1717236090]


@pytest.mark.parametrize(
    "face",
    [
        ["[表情]", "/捂脸-264"],
        ["[QQ表情]", "264-捂脸"],
        ["[表情]捂脸", "reply"],
        ["[表情]", "[捂脸]"],
    ],
)
def test_qq_faces_stay_beside_text(tmp_path, face):
    """A face is written as WeChat writes its own, where it stood, in every build's layout."""
    message = {"time": "2024-06-01 10:00:00", "direction": "收"}
    said_in_pieces = [["[文本]", "好"], face, ["[文本]", "吧"]]
    reply = {"time": "2024-06-01 10:00:09", "direction": "发", "contents": [["[表情]", "reply"]]}
    rows = [{**message, "contents": said_in_pieces}, reply]
    rows.append({**reply, "contents": [["[文本]嗯", "reply"], ["[表情]", "未知表情-1"]]})
    path = tmp_path / "阿蓝.json"
    path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    assert said(read(path)) == [["好[捂脸]吧", "嗯[表情]"]]


def test_telegram_counts_a_picture_beside_its_caption():
    """The caption is kept, and what is not there beside it is counted."""
    tally = Tally()
    chat = json.loads((CHATS / "result.json").read_text(encoding="utf-8"))
    captioned = [one for one in chat["messages"] if one.get("photo") and one.get("text")]
    read("result.json", tally=tally)
    assert tally.left_out.total() == len(captioned)


@pytest.mark.parametrize("name", ["小安", "An Li", "安: 李"])
def test_line_desktop_texts_of_several_lines(tmp_path, name):
    """Desktop builds quote nothing: a line that is neither a day nor a message goes on."""
    path = tmp_path / "[LINE] 與Mary Ann的聊天.txt"
    path.write_text(
        "2024.01.05 星期五\n09:15 Mary Ann 行程\n10:00 集合\n\n12:00 午餐\n"
        f"09:16 {name} 好\n喔\n09:17 Mary Ann 嗯\n09:18 {name} 那 晚點見\n09:19 {name} 掰\n",
        encoding="utf-8",
    )
    assert said(read(path)) == [["行程\n10:00 集合\n\n12:00 午餐", "好\n喔", "嗯", "那 晚點見\n掰"]]


def test_line_a_lone_quotation_mark_swallows_no_message(tmp_path):
    """A text that begins with a mark ends where the next message begins, or a line is none."""
    path = tmp_path / "line.txt"
    path.write_text(
        '[LINE] 與小藍的聊天記錄\n\n2024/01/05（五）\n上午09:15\t小藍\t"嗨\n'
        '上午09:16\t小安\t"好"\n10:00 集合\n上午09:17\t小藍\t"一\n二"\n上午09:18\t小安\t嗯\n',
        encoding="utf-8",
    )
    tally = Tally()
    assert said(read(path, tally=tally)) == [['"嗨', '"好"', "一\n二", "嗯"]]
    assert tally.examples["malformed: neither a day nor a message"][0].where == "line.txt:6"
