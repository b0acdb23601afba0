"""The doctor: each check finds what it is there for, and a crash stays in the child."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent import doctor
from agent.config import ModelSettings, ServerSettings, Settings
from agent.models import ModelStore
from tests.certificate import write_certificate


@pytest.fixture
def bare(tmp_path: Path) -> Settings:
    """Settings of a home with no models in it."""
    return Settings(home=tmp_path)


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    """A file that passes for a model of the user's own."""
    path = tmp_path / "own.gguf"
    path.write_bytes(b"no model")
    return path


def end_child(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Make every probe run `code` instead, in a real child process."""
    run = subprocess.run

    def instead(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        return run([sys.executable, "-c", code], **options)

    monkeypatch.setattr(subprocess, "run", instead)


@pytest.mark.parametrize(("version", "level"), [((3, 10), "fault"), ((3, 11), "ok")])
def test_old_python_is_a_fault(version: tuple[int, int], level: str):
    """Before 3.11 nothing of this runs."""
    assert doctor.check_python(version).level == level


@pytest.mark.parametrize(
    ("available", "level"), [(10**9, "note"), (8 * 10**9, "ok"), (None, "note")]
)
def test_little_memory_is_noted(available: int | None, level: str):
    """Too little memory limits, and does not prevent, calls."""
    assert doctor.check_memory(available).level == level


@pytest.mark.parametrize(
    ("chosen", "cores", "available", "level"),
    [
        ("qwen2.5-coder-0.5b", 1, 24 * 10**9, "ok"),
        ("qwen2.5-coder-0.5b", 2, 24 * 10**9, "note"),
        ("qwen2.5-coder-0.5b", 8, 3 * 10**9, "ok"),
        ("qwen2.5-coder-0.5b", 8, None, "ok"),
        ("qwen2.5-coder-1.5b", 1, 24 * 10**9, "note"),
        ("qwen2.5-coder-1.5b", 8, 3 * 10**9, "note"),
        ("qwen2.5-coder-1.5b", 8, None, "ok"),
        ("qwen2.5-coder-1.5b", 2, 24 * 10**9, "ok"),
        ("/models/mine.gguf", 8, 24 * 10**9, "ok"),
    ],
)
def test_the_model_is_proposed_that_the_machine_can_carry(
    chosen: str, cores: int, available: int | None, level: str
):
    """The larger listens better, the smaller is lighter; of one's own nothing is said."""
    assert doctor.check_language_model(chosen, cores, available).level == level


@pytest.mark.parametrize(
    ("cores", "features", "level"),
    [(1, {"avx2"}, "note"), (2, {"sse2"}, "note"), (2, {"avx2"}, "ok"), (8, set(), "ok")],
)
def test_slow_processors_are_noted(
    monkeypatch: pytest.MonkeyPatch, cores: int, features: set[str], level: str
):
    """One core, or x86 without avx2, is slow; unknown features are no fault."""
    monkeypatch.setattr(doctor, "usable_cores", lambda: cores)
    monkeypatch.setattr(doctor, "cpu_features", lambda: frozenset(features))
    monkeypatch.setattr(doctor.platform, "machine", lambda: "x86_64")
    assert doctor.check_cpu().level == level


def test_home_that_is_not_there_yet_is_fine(tmp_path: Path):
    """The first run has no home folder."""
    assert doctor.check_disk(tmp_path / "a" / "b").level == "ok"


def test_missing_models_are_faults_with_their_remedy(bare: Settings):
    """Each missing model is one line with the command that brings it."""
    findings = {
        finding.name: finding for finding in doctor.check_models(ModelStore(bare.models_dir), bare)
    }
    missing = findings["model whisper-base"]
    assert missing.level == "fault"
    assert "qingting models pull whisper-base" in missing.detail
    assert findings["model silero-vad"].level == "ok"


def test_a_missing_encoder_is_a_note(monkeypatch: pytest.MonkeyPatch, model_file: Path):
    """Calls do without it; the line says what is lost."""
    monkeypatch.setattr(doctor, "weights_file", lambda: None)
    found = doctor.check_encoder()
    assert found.level == "note"
    assert "danger" in found.detail
    monkeypatch.setattr(doctor, "weights_file", lambda: model_file)
    assert doctor.check_encoder().level == "ok"


def test_missing_adapter_is_a_fault(bare: Settings, tmp_path: Path):
    """A persona's adapter that is not there is found before the call."""
    settings = bare.model_copy(
        update={"models": ModelSettings(llm_adapter=str(tmp_path / "lost.gguf"))}
    )
    findings = doctor.check_models(ModelStore(settings.models_dir), settings)
    assert [finding.level for finding in findings if finding.name == "adapter"] == ["fault"]


def test_taken_port_is_a_fault(bare: Settings):
    """A port on which somebody listens is said to be taken; a free one is free."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        finding = doctor.check_port("127.0.0.1", port)
    assert finding.level == "fault"
    assert "taken" in finding.detail
    assert doctor.check_port("127.0.0.1", 0).level == "ok"


def test_unknown_address_is_a_fault():
    """An address that is not of this machine is named."""
    assert doctor.check_port("192.0.2.1", 0).level == "fault"


def test_missing_sound_library_is_a_note(monkeypatch: pytest.MonkeyPatch):
    """Calls work without a microphone on this machine."""
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    finding = doctor.check_microphone()
    assert finding.level == "note"
    assert "make setup EXTRAS=dev,local" in finding.detail


@pytest.mark.usefixtures("broken_portaudio")
def test_a_sound_library_that_does_not_start_is_a_note():
    """Its error comes out of the import itself."""
    finding = doctor.check_microphone()
    assert finding.level == "note"
    assert "does not start: host error" in finding.detail


def test_crash_in_an_engine_is_reported_and_not_suffered(
    monkeypatch: pytest.MonkeyPatch, bare: Settings, model_file: Path
):
    """A child that dies of SIGSEGV is a fault that names the signal and the likely cause."""
    end_child(monkeypatch, "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    own = bare.model_copy(update={"models": ModelSettings(llm=str(model_file))})
    finding = doctor.check_llama(own)
    assert finding.level == "fault"
    assert signal.SIGSEGV.name in finding.detail
    assert "AMX" in finding.detail


def test_failing_engine_gives_its_last_line(monkeypatch: pytest.MonkeyPatch):
    """What the child said last is the reason."""
    end_child(monkeypatch, "import sys; sys.exit('noise\\nOSError: libfoo is not there')")
    finding = doctor.check_voices()
    assert (finding.level, finding.detail) == ("fault", "failed: OSError: libfoo is not there")


def test_hanging_engine_is_given_up(monkeypatch: pytest.MonkeyPatch):
    """A child that never ends is ended."""
    monkeypatch.setattr(doctor, "PROBE_TIMEOUT_SECS", 0.2)
    end_child(monkeypatch, "import time; time.sleep(60)")
    assert "did not finish" in doctor.check_voices().detail


def test_engine_without_its_model_is_not_tried(bare: Settings):
    """The missing model is the fault; the engine is not blamed for it."""
    finding = doctor.check_llama(bare)
    assert finding.level == "note"


def test_broken_model_file_is_a_fault(bare: Settings, model_file: Path):
    """A file that is no GGUF is refused by the real engine, in one line."""
    own = bare.model_copy(update={"models": ModelSettings(llm=str(model_file))})
    finding = doctor.check_llama(own)
    assert finding.level == "fault"
    assert "\n" not in finding.detail


@pytest.mark.models
def test_real_engines_pass(settings: Settings):
    """On this machine every engine runs and every embedded model is verified."""
    findings = doctor.examine(settings, port=False)
    assert [finding for finding in findings if finding.level == "fault"] == []
    tried = {finding.name: finding.level for finding in findings}
    assert (tried["llama.cpp"], tried["whisper"], tried["voices"]) == ("ok", "ok", "ok")


@pytest.mark.parametrize(("key", "level"), [("key.pem", "ok"), ("absent.pem", "fault")])
def test_tls_files_are_tried(tmp_path: Path, key: str, level: str):
    """Where the settings name them; else nothing is said."""
    assert list(doctor.check_tls(ServerSettings())) == []
    certificate, _ = write_certificate(tmp_path)
    server = ServerSettings(tls_certificate_file=certificate, tls_key_file=tmp_path / key)
    assert [finding.level for finding in doctor.check_tls(server)] == [level]
