"""The llama.cpp wheel: flags the compiler takes, and a key of all that shapes it."""

from __future__ import annotations

import shlex
import stat
from pathlib import Path

import pytest

from agent import llama_build
from agent.llama_build import BuildError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in compiler that refuses the AMX flags, as one for another processor does."""
    path = tmp_path / "cc"
    path.write_text('#!/bin/sh\ncase "$*" in *amx*) exit 1;; esac\nexit 0\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("CC", str(path))
    monkeypatch.delenv("CMAKE_ARGS", raising=False)
    return path


def test_shipped_constraints_pin_a_version():
    """The version that is compiled is the one that is tested."""
    assert llama_build.pinned_version(ROOT / "constraints.txt")[0].isdigit()


def test_constraints_without_the_package_are_refused(tmp_path: Path):
    """No pin, no build."""
    path = tmp_path / "constraints.txt"
    path.write_text("numpy==2.0\n# llama_cpp_python==1\n")
    with pytest.raises(BuildError):
        llama_build.pinned_version(path)


def test_flags_the_compiler_refuses_are_left_out(compiler: Path):
    """Only what the compiler takes is asked of it."""
    assert shlex.split(llama_build.cmake_args()) == list(llama_build.BASE_ARGS)
    compiler.write_text("#!/bin/sh\nexit 0\n")
    flags = " ".join(llama_build.AMX_FLAGS)
    assert f"-DCMAKE_CXX_FLAGS={flags}" in shlex.split(llama_build.cmake_args())


def test_users_own_arguments_come_last(compiler: Path, monkeypatch: pytest.MonkeyPatch):
    """CMAKE_ARGS overrides ours, and makes another wheel."""
    ours = llama_build.cmake_args()
    monkeypatch.setenv("CMAKE_ARGS", "-DGGML_OPENMP=ON")
    theirs = llama_build.cmake_args()
    assert shlex.split(theirs)[-1] == "-DGGML_OPENMP=ON"
    assert llama_build.cache_key("1.0", ours) != llama_build.cache_key("1.0", theirs)
    assert llama_build.cache_key("1.0", ours) == llama_build.cache_key("1.0", ours)


def test_missing_compiler_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    """Without a compiler the error is an instruction."""
    monkeypatch.setenv("CC", "nowhere/cc")
    with pytest.raises(BuildError, match="install"):
        llama_build.cmake_args()


def test_cached_wheel_is_used(compiler: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A wheel under the key of this machine is not compiled again."""
    monkeypatch.setattr(llama_build, "cache_dir", lambda: tmp_path / "wheels")
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("llama_cpp_python==9.9\n")
    key = llama_build.cache_key("9.9", llama_build.cmake_args())
    ready = tmp_path / "wheels" / key / "llama_cpp_python-9.9-py3-none-any.whl"
    ready.parent.mkdir(parents=True)
    ready.touch()
    assert llama_build.wheel(constraints) == ready


def test_failed_build_leaves_nothing_behind(
    compiler: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """After a failure the next attempt begins anew."""
    monkeypatch.setattr(llama_build, "cache_dir", lambda: tmp_path / "wheels")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("llama_cpp_python==9.9\n")
    with pytest.raises(BuildError):
        llama_build.wheel(constraints)
    assert list((tmp_path / "wheels").iterdir()) == []
