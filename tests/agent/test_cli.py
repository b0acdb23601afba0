"""The command line: what is printed where, and exit codes."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from agent import engines
from agent.cli import app
from agent.pieces import pieces
from pipeline.audio import INPUT_RATE_HZ
from pipeline.text import unit_error_rate

COMMANDS = ("call", "chat", "config", "doctor", "models", "say", "serve", "transcribe")
DATA = Path(__file__).parents[1] / "data"


@pytest.fixture
def empty_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home with no models in it."""
    home = tmp_path / "home"
    monkeypatch.setenv("QINGTING_HOME", str(home))
    return home


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of one command."""
    result = CliRunner().invoke(app, list(arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def test_help_lists_every_command():
    """A new user finds all there is."""
    code, out, _ = run("--help")
    assert code == 0
    assert [name for name in COMMANDS if name not in out] == []


def test_the_version_is_told():
    """That of the installed package, and nothing else."""
    assert run("--version") == (0, f"qingting {importlib.metadata.version('qingting')}\n", "")


def test_help_says_what_it_is_not():
    """The first line read promises no therapy, and a group's parts stand in their group alone."""
    _, out, _ = run("--help")
    assert "No therapist." in out
    assert "counsellor" not in out
    assert run("memory")[0] != 0
    assert run("records", "memory", "--help")[0] == 0


def test_help_loads_no_engine():
    """`qingting --help` imports neither models, nor pipecat, nor numpy."""
    heavy = "{'numpy', 'pipecat', 'llama_cpp', 'ctranslate2', 'fastapi', 'pydantic'}"
    code = f"import sys, agent.cli; print(sorted({heavy} & set(sys.modules)))"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert child.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--set", "turn.pacing", "config", "show"), "SECTION.FIELD=VALUE"),
        (("--set", "turn.pacing=hurried", "config", "show"), "turn.pacing"),
        (("--config", "missing.toml", "config", "show"), "missing.toml"),
        (("models", "pull", "huge"), "huge"),
        (("models", "verify", "huge"), "huge"),
        (("transcribe", "missing.wav"), "missing.wav"),
        (("transcribe", __file__), "audio"),
        (("--set", "stt.language=fr", "transcribe", "missing.wav"), "stt.language"),
    ],
)
def test_our_errors_are_one_line_and_exit_2(arguments: tuple[str, ...], message: str):
    """Whatever a user can do wrong is one line on stderr, never a traceback."""
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("qingting: ")
    assert err.count("\n") == 1
    assert message in err


def test_config_show_names_the_origin():
    """JSON carries each value and where it came from."""
    code, out, _ = run("--set", "turn.pacing=quick", "config", "show", "--json")
    settings = json.loads(out)["settings"]
    assert code == 0
    assert settings["turn.pacing"] == {"value": "quick", "origin": "flag"}
    assert settings["turn.speculation"] == {"value": True, "origin": "default"}


def test_config_show_as_a_table():
    """The table lists every setting; --explain adds the trade-offs."""
    _, out, _ = run("config", "show")
    _, explained, _ = run("config", "show", "--explain")
    assert "turn.soft_end_secs" in out
    assert "Shorter" in explained
    assert "Shorter" not in out


def test_brackets_in_a_value_are_shown():
    """They are no markup of ours."""
    _, out, _ = run("--set", "home=/tmp/[piper]", "config", "show")
    assert "/tmp/[piper]" in out


def test_models_list_says_what_is_missing(empty_home: Path):
    """Every model is listed with its licence and state."""
    code, out, _ = run("models", "list")
    assert code == 0
    assert "whisper-base" in out
    assert "missing" in out
    assert "Apache-2.0" in out
    assert "pip install 'qingting[piper]'" in out


def test_models_verify_names_the_remedy(empty_home: Path):
    """A missing or damaged model is one line with the command that mends it."""
    code, _, err = run("models", "verify", "mandarin-voice")
    assert code == 2
    assert "qingting models pull mandarin-voice" in err
    damaged = empty_home / "models" / "mandarin-voice" / "baker_mapper.json"
    damaged.parent.mkdir(parents=True)
    damaged.write_text("{}")
    code, _, err = run("models", "verify")
    assert code == 2
    assert "corrupt" in err


def test_models_pull_offline_is_refused(empty_home: Path):
    """privacy.offline holds for the command line too."""
    code, _, err = run("--set", "privacy.offline=true", "models", "pull")
    assert code == 2
    assert "offline" in err


@pytest.mark.parametrize("setting", ["models.mandarin_voice", "models.llm", "models.stt"])
def test_models_pull_knows_a_misspelt_setting(empty_home: Path, setting: str):
    """What no call could load is told now, not left out of what is fetched."""
    code, _, err = run("--set", f"{setting}=mandarin", "models", "pull")
    assert code == 2
    assert err.startswith("qingting: ")
    assert "mandarin-voice" in err


@pytest.mark.models
def test_models_pull_of_a_complete_set_does_nothing():
    """Without names it is the models of the settings; what is here needs no network."""
    code, _, err = run("--set", "privacy.offline=true", "models", "pull")
    assert code == 0
    assert err.count("✓") == 4


def test_doctor_exits_2_with_a_line_for_each_fault(empty_home: Path):
    """Missing models are faults on stderr, one line each, in the report too."""
    code, out, err = run("doctor", "--json", "--no-port")
    report = json.loads(out)
    faults = [finding for finding in report["findings"] if finding["level"] == "fault"]
    assert code == 2
    assert report["ok"] is False
    assert len(err.splitlines()) == len(faults) == 3
    assert report["settings"]["home"] == str(empty_home)


@pytest.mark.models
def test_doctor_passes_here():
    """With the embedded models this machine is fit for calls."""
    code, out, err = run("doctor", "--no-port")
    assert (code, err) == (0, "")
    assert "llama.cpp" in out


@pytest.mark.models
@pytest.mark.parametrize(
    "text", ["我最近工作压力很大，晚上总是睡不好。", "I have been feeling very tired lately."]
)
def test_what_is_said_can_be_transcribed(tmp_path: Path, text: str):
    """`say` writes speech that `transcribe` reads back almost word for word."""
    clip = tmp_path / "speech.wav"
    code, out, _ = run("say", text, "--out", str(clip))
    assert code == 0
    assert str(clip) in out
    code, out, _ = run("transcribe", str(clip), "--json")
    assert code == 0
    assert unit_error_rate(json.loads(out)["text"], text) <= 0.2


def test_say_refuses_a_place_it_cannot_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """No such folder, or no such audio format, is one line before anything is said."""
    monkeypatch.setattr(engines, "load_speaker", lambda settings: pytest.fail("it was said"))
    for name in ("absent/x.wav", "x.text"):
        code, _, err = run("say", "你好", "--out", str(tmp_path / name))
        assert code == 2
        assert err.startswith("qingting: ")


@pytest.mark.models
def test_transcribe_in_the_wanted_script():
    """Traditional characters on request."""
    clip = str(DATA / "aishell1-BAC009S0724W0121.wav")
    _, traditional, _ = run("transcribe", clip, "--script", "traditional")
    _, simplified, _ = run("transcribe", clip, "--script", "simplified")
    assert "廣州" in traditional
    assert "广州" in simplified


@given(st.integers(0, 80 * INPUT_RATE_HZ), st.integers(0, 2**32 - 1))
def test_pieces_join_to_the_whole(length: int, seed: int):
    """Cutting long audio loses no sample and leaves no piece too long to decode."""
    audio = np.random.default_rng(seed).standard_normal(length).astype(np.float32)
    cut = list(pieces(audio))
    assert np.array_equal(np.concatenate(cut), audio)
    assert max(len(piece) for piece in cut) <= 28 * INPUT_RATE_HZ


def test_long_audio_is_cut_in_silence():
    """A pause near the end of a piece is where it ends."""
    audio = np.ones(20 * INPUT_RATE_HZ, np.float32)
    audio[9 * INPUT_RATE_HZ : 10 * INPUT_RATE_HZ] = 0.0
    first, _ = pieces(audio)
    assert 9.0 <= len(first) / INPUT_RATE_HZ <= 10.0
