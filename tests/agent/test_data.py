"""`qingting data` from an export to the files that training reads."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.cli import app
from tests.agent.test_cli import run
from train.schema import Conversation, Preference, read

CHATS = Path(__file__).parents[1] / "data" / "chats"


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    """An imported chat."""
    path = tmp_path / "chats.jsonl"
    assert run("data", "import", str(CHATS / "阿蓝_utf8.csv"), "-o", str(path))[0] == 0
    return path


def test_import_reports_every_row(chats):
    """The report beside the records says how many rows there were and why some are not used."""
    report = json.loads(chats.with_suffix(".report.json").read_text(encoding="utf-8"))
    dropped = sum(reason["rows"] for reason in report["dropped"].values())
    assert report["rows_in"] == 12 == report["rows_kept"] + dropped
    assert report["formats"] == {"阿蓝_utf8.csv": "wechatmsg-csv"}
    assert report["dropped"]["of kind picture"]["examples"][0]["where"] == "阿蓝_utf8.csv:7"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("import", "{chats}/line-tw.txt", "-o", "{out}", "--quotes-only"), "of 8 rows, "),
        (("import", "{chats}/qqnt.json", "-o", "{out}"), "--me NAME"),
        (("import", "{chats}/qqnt.json", "-o", "{out}", "--preset", "x"), "no preset 'x'"),
        (("import", "{chats}/qqnt.json", "-o", "{out}", "--format", "x"), "no format 'x'"),
        (("import", "{chats}/none.csv", "-o", "{out}"), "Cannot read"),
        (("import", "{chats}/line-tw.txt", "-o", "{mine}"), "exists already"),
        (("clean", "{mine}", "-o", "{out}", "--pii", "x"), "--pii x"),
        (("clean", "{mine}", "-o", "{out}", "--review", "{out}.csv"), "no review file"),
        (("clean", "{chats}/alpaca.json", "-o", "{out}"), "alpaca.json, line 1"),
        (("clean", "{empty}", "-o", "{out}"), "Nothing is left of empty.jsonl"),
        (("mix", "{empty}", "-o", "{out}"), "nothing to mix"),
        (("mix", "{mine}", "-o", "{out}", "--labels", "x"), "--labels x"),
        (("mix", "{mine}", "-o", "{out}", "--locale", "fr"), "--locale fr"),
        (("mix", "{mine}", "-o", "{out}", "--name", "小安"), "a name and an author"),
        (("mix", "{mine}", "-o", "{out}", "--behaviour", "{mine}"), "needs --mbti"),
        (("split", "{mine}", "-o", "{out}", "--by", "x"), "--by x"),
        (("export", "{mine}", "-o", "{out}", "--to", "x"), "no export format 'x'"),
    ],
)
def test_faults_are_one_sentence_and_exit_code_2(chats, tmp_path, arguments, sentence):
    """Bad input ends with code 2, a sentence on stderr, and no file written."""
    out = tmp_path / "out"
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    filled = [one.format(chats=CHATS, mine=chats, out=out, empty=empty) for one in arguments]
    before = chats.read_bytes()
    code, _, err = run("data", *filled)
    assert code == 2
    assert sentence in err
    assert err.startswith("qingting: ")
    assert not out.exists()
    assert chats.read_bytes() == before


@pytest.mark.parametrize("command", ["clean", "mix", "export", "split"])
def test_nothing_is_written_over_what_it_is_made_from(tmp_path, command):
    """Not with --force either: the file that was imported cannot be had back."""
    mine = tmp_path / "train.jsonl"
    assert run("data", "import", str(CHATS / "阿蓝_utf8.csv"), "-o", str(mine))[0] == 0
    before = mine.read_bytes()
    to = ["--to", "openai"] if command == "export" else []
    target = tmp_path if command == "split" else mine
    code, _, err = run("data", command, str(mine), "-o", str(target), "--force", *to)
    assert (code, "is what is being read" in err) == (2, True)
    assert mine.read_bytes() == before


def test_an_earlier_test_set_is_not_left_beside_a_new_split(chats, tmp_path):
    """Its rows would be trained on and measured by."""
    parts = tmp_path / "parts"
    options = ("split", str(chats), "-o", str(parts))
    assert run("data", *options, "--test", "0.4", "--valid", "0")[0] == 0
    code, _, err = run("data", *options, "--force")
    assert (code, "test.jsonl" in err) == (2, True)


def test_outputs_do_not_share_a_report(chats, tmp_path):
    """chats.clean is not chats.jsonl, whose report stays."""
    report = chats.with_suffix(".report.json")
    before = report.read_bytes()
    assert run("data", "clean", str(chats), "-o", str(tmp_path / "chats.clean"))[0] == 0
    assert report.read_bytes() == before
    assert (tmp_path / "chats.clean.report.json").exists()


def test_export_warns_of_what_was_never_cleaned(chats, tmp_path):
    """Personal data and uncleaned rows are told of; a cleaned set is exported in silence."""
    text = chats.read_text("utf-8")
    chats.write_text(text.replace('"content":"', '"content":"13812345678，', 1), "utf-8")
    clean = tmp_path / "clean.jsonl"
    assert run("data", "clean", str(chats), "-o", str(clean))[0] == 0
    for source, told in ((chats, True), (clean, False)):
        out = tmp_path / f"{source.stem}.json"
        code, _, err = run("data", "export", str(source), "-o", str(out), "--to", "alpaca")
        assert (code, out.exists()) == (0, True)
        assert ("1 phone" in err) == told
        assert ("2 of 2 records in chats.jsonl never went through" in err) == told
        assert "138" not in err


def test_mix_warns_of_identity_rows_that_outweigh_the_person(chats, tmp_path):
    """The ratio is said and kept in the report; --identity-ratio keeps it in bounds."""
    who = ("--name", "小安", "--author", "清听", "--general-ratio", "0", "--spoken", "0")
    code, _, err = run("data", "mix", str(chats), "-o", str(tmp_path / "a.jsonl"), *who)
    report = json.loads((tmp_path / "a.report.json").read_text("utf-8"))
    rows = report["rows"]["identity"]
    assert code == 0
    assert f"{rows} identity rows to 2 of the person's own ({rows / 2:.1f} for each" in err
    assert report["warnings"][0] in err
    few = ("--identity-ratio", "0.2")
    code, _, err = run("data", "mix", str(chats), "-o", str(tmp_path / "b.jsonl"), *who, *few)
    assert (code, err) == (0, "")


def test_a_killed_cleaning_loses_nothing(tmp_path):
    """SIGKILL in mid-run: source, decisions and the earlier result stay; the next run works."""
    mine, result = tmp_path / "chats.jsonl", tmp_path / "clean.jsonl"
    row = '{"id":"%d","source":"t","messages":[{"role":"user","content":"第%d件事，我今天很累"},'
    row += '{"role":"assistant","content":"听见了，慢慢说"}]}\n'
    mine.write_text("".join(row % (at, at) for at in range(20_000)), "utf-8")
    result.write_text("kept\n", "utf-8")
    review = tmp_path / "chats.review.csv"
    review.write_text("key,decision\n", "utf-8")
    before = {path: path.read_bytes() for path in (mine, result, review)}
    start = "from agent.cli import main; main()"
    command = [sys.executable, "-c", start, "data", "clean", mine, "-o", result, "--force"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not any(path.stat().st_size for path in tmp_path.glob(".clean.jsonl.*")):
            assert process.poll() is None, "it ended before it was killed"
            time.sleep(0.01)
        process.kill()
    assert {path: path.read_bytes() for path in before} == before
    assert not (tmp_path / "clean.report.json").exists()
    mine.write_text(row % (1, 1), "utf-8")
    assert run("data", "clean", str(mine), "-o", str(result), "--force")[0] == 0
    assert len(list(read(result))) == 1


def test_brackets_in_names_and_words_are_shown(chats):
    """They are no markup of ours."""
    renamed = chats.rename(chats.with_name("[mine].jsonl"))
    text = renamed.read_text("utf-8").replace('"wechatmsg', '"[b]wechatmsg')
    renamed.write_text(text, "utf-8")
    _, out, _ = run("data", "inspect", str(renamed))
    assert "[mine].jsonl: qingting" in out
    assert "[b]wechatmsg" in out
    _, out, _ = run("data", "split", str(renamed), "-o", str(chats.with_name("[parts]")))
    assert "✓ " in out
    assert "[parts]" in out


def test_inspect_knows_our_files_and_others(chats):
    """A foreign file shows its format, ours its lengths and personal data."""
    code, out, _ = run("data", "inspect", str(CHATS / "line-en.txt"))
    assert (code, "line" in out) == (0, True)
    code, out, _ = run("data", "inspect", str(chats))
    assert code == 0
    assert "2 conversation; 4 turns" in out
    assert "proposed cut-off 64" in out


def test_review_decisions_are_carried_out(chats, tmp_path):
    """What is dropped in the review file is not in the cleaned set, after a second review too."""
    review = tmp_path / "chats.review.csv"
    chats.write_text(
        '{"id":"1","source":"t","messages":[{"role":"user","content":"明天几点集合"},'
        '{"role":"assistant","content":"对了我的猫生病了"},{"role":"user","content":"啊？"},'
        '{"role":"assistant","content":"嗯嗯"}]}\n',
        encoding="utf-8",
    )
    assert run("data", "review", str(chats))[0] == 0
    lines = review.read_text(encoding="utf-8-sig").splitlines()
    review.write_text("\n".join([lines[0], f"drop{lines[1]}"]) + "\n", encoding="utf-8")
    code, out, _ = run("data", "review", str(chats))
    assert (code, "1 drop" in out) == (0, True)
    assert run("data", "clean", str(chats), "-o", str(tmp_path / "clean.jsonl"))[0] == 0
    (record,) = read(tmp_path / "clean.jsonl")
    assert isinstance(record, Conversation)
    assert [message.content for message in record.messages] == ["啊？", "嗯嗯"]


def test_decisions_outlive_another_export_of_the_chat(tmp_path):
    """Rows added before and after, in another order, the file saved by a spreadsheet."""
    chat, mine, review = (tmp_path / f"chat.{end}" for end in ("csv", "jsonl", "review.csv"))
    day = 86_400
    rows = [(day, "阿蓝", "明天几点集合"), (day + 60, "我", "对了我的猫生病了")]
    rows += [(2 * day, "阿蓝", "昨天呢"), (2 * day + 60, "我", "还行，但是")]

    def imported(lines):
        text = "".join(f"{time},{sender},{said}\n" for time, sender, said in lines)
        chat.write_text(f"time,sender,text\n{text}", "utf-8")
        options = ("-o", str(mine), "--me", "我", "--force")
        assert run("data", "import", str(chat), *options)[0] == 0
        return run("data", "review", str(mine))[1]

    assert "2 new fragments" in imported(rows)
    table = review.read_text("utf-8-sig").replace('\n"', "\n").splitlines()
    assert len(table) == 3
    decided = [
        table[0],
        f"edit{table[2]}".replace(",,,,", ",,还行，但是有点累,,"),
        f"drop{table[1]}",
    ]
    review.write_bytes("".join(f"{line}\r\n" for line in decided).encode("gb18030"))
    added = [(60, "阿蓝", "第一次聊天"), (90, "我", "你好呀")]
    added += [(9 * day, "阿蓝", "好久不见"), (9 * day + 60, "我", "是啊，因为")]
    out = imported([*added[2:], *rows[::-1], *added[:2]])
    assert "1 new fragments" in out
    assert "1 drop" in out
    assert "1 edit" in out
    code, out, _ = run("data", "clean", str(mine), "-o", str(tmp_path / "clean.jsonl"))
    said = [row.messages[-1].content for row in read(tmp_path / "clean.jsonl")]
    assert (code, sorted(said)) == (0, ["你好呀", "是啊，因为", "还行，但是有点累"])
    report = json.loads((tmp_path / "clean.report.json").read_text("utf-8"))
    assert report["dropped"]["dropped in the review"]["rows"] == 1
    assert report["review"] == {"drop": 1, "edit": 1, "undecided": 1, "idle": 0}
    assert "decisions: " in out


@pytest.mark.parametrize(
    ("typed", "decided"), [("d\n", "1 drop"), ("s\n", "1 undecided"), ("e\n\n八点\n\n", "1 edit")]
)
def test_review_asks_on_request(chats, typed, decided):
    """--interactive takes a decision at a time and keeps it."""
    chats.write_text(
        '{"id":"1","source":"t","messages":[{"role":"user","content":"明天几点集合"},'
        '{"role":"assistant","content":"对了我的猫生病了"}]}\n',
        encoding="utf-8",
    )
    result = CliRunner().invoke(app, ["data", "review", str(chats), "-i"], input=typed)
    assert result.exit_code == 0
    assert decided in result.stdout
    assert ("八点" in chats.with_suffix(".review.csv").read_text("utf-8-sig")) == (
        "edit" in decided
    )


def test_from_an_export_to_training_files(chats, tmp_path):
    """Import, clean, mix, split and export work on each other's files."""
    clean, mixed, parts = (tmp_path / name for name in ("clean.jsonl", "mix.jsonl", "split"))
    who = tmp_path / "who.toml"
    who.write_text('name = "小安"\nauthor = "清听"\nfacts = ["我喜欢爬山。"]\n', encoding="utf-8")
    pairs = tmp_path / "pairs.jsonl"
    behaviour = tmp_path / "zh_energy_introversion.json"
    behaviour.write_text('[{"instruction":"周末？","input":" ","output":"看书"}]', encoding="utf-8")
    opposite = tmp_path / "zh_energy_extraversion.json"
    opposite.write_text('[{"instruction":"周末？","input":" ","output":"出门"}]', encoding="utf-8")
    steps = [
        ("clean", chats, "-o", clean),
        (
            *("mix", clean, "-o", mixed, "--identity", who, "--locale", "zh-Hans"),
            *("--behaviour", behaviour, "--behaviour", opposite, "--mbti", "INFJ"),
            *("--behaviour-ratio", "0.5", "--behaviour-pairs", pairs, "--spoken", "1"),
            *("--general-ratio", "1", "--system", "你是小安。"),
        ),
        ("split", mixed, "-o", parts, "--valid", "0.5"),
        ("export", parts, "-o", tmp_path / "mlx", "--to", "openai"),
        ("export", mixed, "-o", tmp_path / "factory", "--to", "llama-factory"),
    ]
    for step in steps:
        code, _, err = run("data", *map(str, step))
        assert code == 0
        assert bool(err) == (step[0] == "mix")  # two dialogues bear no identity rows
    rows = list(read(mixed))
    tags = {tag for row in rows for tag in row.tags}
    assert {"spoken", "identity", "behaviour", "general"} <= tags
    own = [row for row in rows if row.tags == ("cleaned",)]
    systems = {row.system for row in own if isinstance(row, Conversation)}
    assert systems == {"你是小安。"}
    (pair,) = read(pairs)
    assert isinstance(pair, Preference)
    assert (pair.chosen, pair.rejected) == ("看书", "出门")
    assert sum(1 for _ in read(parts / "valid.jsonl")) == 1
    assert sorted(path.name for path in (tmp_path / "mlx").iterdir()) == [
        "train.jsonl",
        "valid.jsonl",
    ]
