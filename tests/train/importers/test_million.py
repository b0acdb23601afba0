"""A million messages."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

MESSAGES = 1_000_000
# What the interpreter and the libraries take is about 30 MiB; a list of messages took 900.
MOST_KIB = 250 * 1024
PEAK_FILE = Path("/proc/self/status")  # getrusage would count the parent's memory as well

SCRIPT = """
import json, sys, time
from pathlib import Path
from train.importers import ImportOptions, import_paths
from train.schema import write
from train.tally import Tally

tally, began = Tally(), time.monotonic()
source, output = map(Path, sys.argv[1:])
write(output, import_paths([source], ImportOptions(), tally))
secs = time.monotonic() - began
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
peak_kib = int(status["VmHWM"].split()[0])
print(json.dumps({"rows": tally.rows_in, "secs": round(secs, 1), "peak_kib": peak_kib}))
"""


@pytest.mark.slow
@pytest.mark.skipif(not PEAK_FILE.exists(), reason="a process's own peak is read from /proc")
def test_a_million_messages_in_bounded_memory(tmp_path):
    """A million rows of CSV pass in 250 MiB; with `-s` it prints how long they took."""
    source = tmp_path / "big.csv"
    columns = ["id", "MsgSvrID", "type_name", "is_sender", "talker", "room_name", "msg", "src"]
    with source.open("w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow([*columns, "CreateTime"])
        for number in range(MESSAGES):
            at = 1_600_000_000 + 60 * number + number // 10 * 3600
            rows.writerow([number, 0, "文本", number % 2, "", "", f"第{number}句[委屈]", "", at])
    command = [sys.executable, "-c", SCRIPT, str(source), str(tmp_path / "big.jsonl")]
    figures = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    print(figures)
    assert figures["rows"] == MESSAGES
    assert figures["peak_kib"] < MOST_KIB
