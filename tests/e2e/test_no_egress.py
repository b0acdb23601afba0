"""By default nothing leaves the machine, from loading the models to hanging up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.house import DATA

# Audit hooks cannot be taken out again, so the call runs in a process of its own. The hook
# stands before the first import of ours, and sees every socket of every library in Python.
WATCHED = """
import json, sys
seen = []
def watch(event, arguments):
    if event in ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"):
        seen.append((event, arguments[1]))
    elif event.startswith(("socket.get", "subprocess.", "os.posix_spawn", "os.system")):
        seen.append((event, [repr(argument) for argument in arguments[:2]]))
sys.addaudithook(watch)
try:
    from agent.cli import app
    app(sys.argv[1:], standalone_mode=False)
finally:
    print(json.dumps(seen, default=repr), file=sys.stderr)
"""


@pytest.mark.models
@pytest.mark.slow
def test_a_whole_call_connects_to_nobody_but_itself():
    """Every connection goes to the listener that this process opened on loopback."""
    clip = DATA / "aishell1-BAC009S0724W0121.wav"
    quiet = ["--set", "logging.level=error"]
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, *quiet, "call", str(clip), "--json"],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        env=dict(os.environ),
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    turn = json.loads(done.stdout)["turns"][0]
    assert turn["transcript"]
    assert turn["response_latency_ms"] is not None
    seen = json.loads(done.stderr.splitlines()[-1])
    listeners = {tuple(where[:2]) for event, where in seen if event == "socket.bind"}
    connected = {tuple(where[:2]) for event, where in seen if event == "socket.connect"}
    assert listeners
    assert {host for host, _ in listeners} == {"127.0.0.1"}
    assert connected
    assert {host for host, _ in connected} == {"127.0.0.1"}
    assert not [one for one in seen if one[0] in ("socket.sendto", "socket.sendmsg")]
    asked = [where for event, where in seen if event.startswith("socket.get")]
    assert all("127.0.0.1" in names[0] for names in asked), asked
