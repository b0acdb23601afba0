"""Compile llama-cpp-python once, and keep the wheel outside the checkout.

    python -m agent.llama_build          prints the path of the wheel

The package index has only its source, and its default build crashes where the processor
reports AMX (SIGSEGV in `ggml_backend_amx_mul_mat`): to GCC 12 `_tile_loadconfig` reads eight of
its 64 bytes, so the stores of the others are optimised away and the tiles set up wrong. With
`-fno-tree-dse -fno-dse` they run, but no call gains by it (CONTRIBUTING.md, Latency), so the
build goes without AMX. A build takes minutes and suits the processor it was made on, so wheels
are kept in the user's cache folder under a key of everything that shapes them. Runs before
anything is installed: standard library only. CMAKE_ARGS is honoured (`-DGGML_CUDA=on`), and part
of the key.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shlex
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

# Beside speech recognition, generation runs at 16.9 tokens/s without OpenMP, 14.6 with it.
BASE_ARGS = ("-DGGML_OPENMP=OFF",)
AMX_FLAGS = ("-mno-amx-tile", "-mno-amx-int8", "-mno-amx-bf16")
_PIN = re.compile(r"^llama[-_]cpp[-_]python==(\S+)$", re.MULTILINE | re.IGNORECASE)


class BuildError(Exception):
    """The wheel could not be built; the message says what to do."""


def pinned_version(constraints: Path) -> str:
    """The version that the constraints file names.

    Raises:
        BuildError: It names none.
    """
    match = _PIN.search(constraints.read_text("utf-8"))
    if match is None:
        raise BuildError(f"{constraints} pins no llama-cpp-python")
    return match.group(1)


def compiler_accepts(flags: tuple[str, ...]) -> bool:
    """Whether the C compiler of this machine takes `flags`.

    Raises:
        BuildError: There is no compiler.
    """
    compiler = shlex.split(os.environ.get("CC", "cc"))
    try:
        probe = subprocess.run(
            [*compiler, "-Werror", *flags, "-x", "c", "-", "-c", "-o", os.devnull],
            input=b"int main(void) { return 0; }\n",
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise BuildError(
            f"there is no C compiler ({compiler[0]}); install one, on Debian: "
            "apt-get install build-essential"
        ) from error
    return probe.returncode == 0


def cmake_args() -> str:
    """CMake arguments of the build, the user's own last."""
    arguments = list(BASE_ARGS)
    if compiler_accepts(AMX_FLAGS):
        flags = " ".join(AMX_FLAGS)
        arguments += [f"-DCMAKE_C_FLAGS={flags}", f"-DCMAKE_CXX_FLAGS={flags}"]
    return " ".join([shlex.join(arguments), os.environ.get("CMAKE_ARGS", "")]).strip()


def cache_key(version: str, arguments: str) -> str:
    """Name of the folder of one build: version and a digest of all that shapes the wheel."""
    shape = "\n".join(
        [arguments, sysconfig.get_platform(), str(sys.implementation.cache_tag), _cpu_features()]
    )
    return f"llama-cpp-python-{version}-{hashlib.sha256(shape.encode()).hexdigest()[:16]}"


def cache_dir() -> Path:
    """Folder of built wheels; the platform's cache folder, without platformdirs' help."""
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "qingting" / "wheels"


def wheel(constraints: Path) -> Path:
    """The wheel for this machine, built now if it was not before.

    Raises:
        BuildError: No compiler, or the build failed.
    """
    version, arguments = pinned_version(constraints), cmake_args()
    folder = cache_dir() / cache_key(version, arguments)
    for ready in folder.glob("*.whl"):
        return ready
    folder.parent.mkdir(parents=True, exist_ok=True)
    print(
        f"compiling llama-cpp-python {version}, once, about 5 minutes on two cores …",
        file=sys.stderr,
    )
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        build = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--no-deps"]
        build += ["--no-cache-dir", "--no-binary=llama-cpp-python", "-w", scratch]
        result = subprocess.run(
            [*build, f"llama-cpp-python=={version}"],
            env={**os.environ, "CMAKE_ARGS": arguments},
            stdout=sys.stderr,
            check=False,
        )
        if result.returncode != 0:
            raise BuildError("llama-cpp-python could not be compiled; its last lines say why")
        (built,) = Path(scratch).glob("*.whl")
        folder.mkdir(exist_ok=True)
        return built.replace(folder / built.name)


def _cpu_features() -> str:
    """What the processor can do: the compiler builds for this very one."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(("flags", "Features")):
                return " ".join(sorted(line.split(":", 1)[1].split()))
    except OSError:
        pass
    return platform.processor() or platform.machine()


def main() -> int:
    """Print the path of the wheel."""
    try:
        print(wheel(Path("constraints.txt")))
    except BuildError as error:
        print(f"qingting: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
