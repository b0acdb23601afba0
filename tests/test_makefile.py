"""The Makefile on machines whose Python is not what it should be."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# A fake: no interpreter older than 3.11 is at hand everywhere. It runs `-c CODE` as 3.10 would.
OLD_PYTHON = f"""#!/bin/sh
exec {sys.executable} -c 'import sys; sys.version_info = (3, 10, 14); exec(sys.argv[1])' "$2"
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder in which `make setup` stops, with code 7, once the virtual environment stands."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "requirements-unsloth.txt"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "agent").mkdir()
    (tmp_path / "agent" / "llama_build.py").write_text("raise SystemExit(7)", "utf-8")
    return tmp_path


def old_python(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(OLD_PYTHON, "utf-8")
    path.chmod(0o755)
    return path


def set_up(checkout: Path, python: str | Path = sys.executable) -> str:
    """What `make setup` says on stderr; it never gets further than the virtual environment."""
    command = ["make", "setup", f"PYTHON={python}", "VENV=venv"]
    made = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    assert made.returncode == 2
    return made.stderr


def has_pip(checkout: Path) -> bool:
    python = checkout / "venv" / "bin" / "python"
    return subprocess.run([python, "-m", "pip", "--version"], capture_output=True).returncode == 0


@pytest.mark.parametrize("there", [True, False])
def test_a_python_that_is_too_old_or_absent_builds_nothing(checkout: Path, there: bool):
    """One sentence, before the virtual environment and five minutes of compiling."""
    python = checkout / "old" / "python3"
    if there:
        old_python(python)
    assert "Python 3.11 or later is needed" in set_up(checkout, python)
    assert not (checkout / "venv").exists()


@pytest.mark.parametrize("fault", ["no pip", "too old"])
def test_a_virtual_environment_that_cannot_serve_is_made_anew(checkout: Path, fault: str):
    """Such as one whose making was interrupted, or that an older Python made."""
    if fault == "no pip":  # what Debian leaves where python3-venv is missing
        subprocess.run(
            [sys.executable, "-m", "venv", "--without-pip", checkout / "venv"], check=True
        )
    else:
        old_python(checkout / "venv" / "bin" / "python")
    assert "Error 7" in set_up(checkout)
    assert has_pip(checkout)


def test_a_virtual_environment_that_serves_is_kept(checkout: Path):
    """With all that was installed into it."""
    subprocess.run([sys.executable, "-m", "venv", checkout / "venv"], check=True)
    (checkout / "venv" / "kept").touch()
    assert "Error 7" in set_up(checkout)
    assert (checkout / "venv" / "kept").exists()
