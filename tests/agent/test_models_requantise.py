"""The faster copy of a language model."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import llama_cpp
import numpy as np
import pytest

from agent.adapter import adapter_for
from agent.config import Settings
from agent.models.requantise import FasterCopy
from pipeline.errors import ModelError
from pipeline.llm.native import Runtime, RuntimeOptions
from tests.agent.models_tiny import next_words, write_adapter, write_model
from tests.agent.test_models_trim import write_vocabulary


@pytest.fixture
def copy(tmp_path: Path) -> FasterCopy:
    return FasterCopy(tmp_path / "derived", "a" * 64, "q4_0")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model.gguf")


def copy_with(adapter: Path, folder: Path) -> FasterCopy:
    """The copy of a model with what `adapter` now holds."""
    digest = hashlib.sha256(adapter.read_bytes()).hexdigest()
    return FasterCopy(folder, "a" * 64, "q4_0", adapter, digest)


@pytest.mark.models
def test_a_copy_is_trusted_only_as_it_was_written(copy: FasterCopy, llm_file: Path):
    """It is good once made, not before, and not after a byte of it has changed."""
    assert not copy.is_good()
    copy.make(llm_file, threads=1)
    assert copy.is_good()
    with copy.path.open("r+b") as file:
        file.seek(1000)
        file.write(b"?")
    assert not copy.is_good()


def test_another_source_makes_another_copy(copy: FasterCopy):
    """The name tells what it was made from and what it became."""
    assert copy.path.name == "q4_0-aaaaaaaaaaaa.gguf"
    assert FasterCopy(copy.folder, "b" * 64, "q4_0").path != copy.path


def test_a_file_that_is_no_model_is_refused(copy: FasterCopy, tmp_path: Path):
    """The error names it and nothing is left behind but the lock."""
    source = tmp_path / "model.gguf"
    source.write_bytes(b"not a model")
    with pytest.raises(ModelError, match=r"model\.gguf"):
        copy.make(source, threads=1)
    assert [path.name for path in copy.folder.iterdir()] == ["lock"]


def test_two_at_once_rewrite_once(copy: FasterCopy, monkeypatch: pytest.MonkeyPatch):
    """The second waits for the first and takes its copy.

    A fake rewrites the weights: what llama.cpp does in a minute does not matter here.
    """
    second_rewriting = threading.Barrier(2)

    def quantise(source: bytes, target: bytes, options: object) -> int:
        with contextlib.suppress(threading.BrokenBarrierError):
            second_rewriting.wait(timeout=0.5)  # time enough to do so, if nothing forbids it
        with Path(target.decode()).open("ab") as file:
            file.write(b"weights")
        return 0

    monkeypatch.setattr(llama_cpp, "llama_model_quantize", quantise)
    with ThreadPoolExecutor(2) as pool:
        for made in [pool.submit(copy.make, Path("model.gguf"), 1) for _ in range(2)]:
            made.result()
    assert second_rewriting.broken
    assert copy.is_good()
    assert copy.path.read_bytes() == b"weights"


def test_another_adapter_makes_another_copy(copy: FasterCopy, tmp_path: Path):
    """The name tells it, and differs from that of a copy without one."""
    one, other = (
        FasterCopy(copy.folder, "a" * 64, "q4_0", tmp_path / "adapter.gguf", digest * 64)
        for digest in "bc"
    )
    assert one.path.name == "q4_0-aaaaaaaaaaaa-bbbbbbbbbbbb.gguf"
    assert len({one.path, other.path, copy.path}) == 3


@pytest.mark.usefixtures("no_quantising")
def test_the_adapter_is_merged_into_the_copy(copy: FasterCopy, model: Path, tmp_path: Path):
    """What is quantised is model and adapter; only the copy and its papers stay."""
    tuned = copy_with(write_adapter(tmp_path / "adapter.gguf"), copy.folder)
    assert not tuned.is_good()
    tuned.make(model, threads=1)
    assert tuned.is_good()
    assert tuned.path.read_bytes() != model.read_bytes()
    assert {path.suffix for path in copy.folder.iterdir() if path.name != "lock"} == {
        ".gguf",
        ".json",
        ".verified",
    }


@pytest.mark.usefixtures("no_quantising")
def test_a_new_adapter_takes_the_place_of_the_old(copy: FasterCopy, model: Path, tmp_path: Path):
    """The superseded copy goes when the new one stands; that without an adapter stays."""
    copy.make(model, threads=1)
    old = copy_with(write_adapter(tmp_path / "old.gguf"), copy.folder)
    new = copy_with(write_adapter(tmp_path / "new.gguf", times=2.0), copy.folder)
    old.make(model, threads=1)
    assert old.is_good()
    new.make(model, threads=1)
    assert (new.is_good(), old.is_good(), copy.is_good()) == (True, False, True)
    assert not list(copy.folder.glob(f"{old.path.stem}*"))


@pytest.mark.usefixtures("no_quantising")
def test_a_broken_adapter_leaves_nothing_and_harms_nothing(
    copy: FasterCopy, model: Path, tmp_path: Path
):
    """It is refused in a sentence, and the copy with the last good one stays."""
    good = copy_with(write_adapter(tmp_path / "good.gguf"), copy.folder)
    good.make(model, threads=1)
    assert good.is_good()
    before = set(copy.folder.iterdir())
    bad = copy_with(write_adapter(tmp_path / "bad.gguf", halves=("lora_b",)), copy.folder)
    with pytest.raises(ModelError, match=r"bad\.gguf is incomplete"):
        bad.make(model, threads=1)
    assert good.is_good()
    assert set(copy.folder.iterdir()) == before


@pytest.mark.usefixtures("no_quantising")
def test_a_trimmed_copy_takes_the_place_of_a_whole_one(copy: FasterCopy, tmp_path: Path):
    """Its name tells it apart, and of what is written on the way nothing stays."""
    model = write_vocabulary(tmp_path / "model.gguf")
    copy.make(model, threads=1)
    short = replace(copy, trimmed=True)
    assert short.path != copy.path
    short.make(model, threads=1)
    assert (short.is_good(), copy.is_good()) == (True, False)
    assert short.path.stat().st_size < model.stat().st_size
    assert {path.stem for path in copy.folder.iterdir()} == {short.path.stem, "lock"}


def test_what_llama_cpp_refuses_is_named_after_the_model(
    copy: FasterCopy, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Not after the file between the two steps, which is gone by then."""
    monkeypatch.setattr(llama_cpp, "llama_model_quantize", lambda *arguments: 1)
    tuned = copy_with(write_adapter(tmp_path / "adapter.gguf"), copy.folder)
    with pytest.raises(ModelError, match=r"model\.gguf"):
        tuned.make(model, threads=1)
    assert [path.name for path in copy.folder.iterdir()] == ["lock"]


@pytest.mark.usefixtures("no_quantising")
def test_what_a_killed_attempt_left_is_not_taken_for_good(
    copy: FasterCopy, model: Path, tmp_path: Path
):
    """A copy without its note is made anew, and files half written are deleted."""
    tuned = copy_with(write_adapter(tmp_path / "adapter.gguf"), copy.folder)
    copy.folder.mkdir()
    tuned.path.write_bytes(b"half a model")
    leftovers = [copy.folder / "q4_0-x-y.part", copy.folder / "q4_0-x-y.merged"]
    for path in leftovers:
        path.touch()
    assert not tuned.is_good()
    tuned.make(model, threads=1)
    assert tuned.is_good()
    assert not any(path.exists() for path in leftovers)


@pytest.mark.models
@pytest.mark.slow
def test_the_smaller_model_takes_its_adapter_in(llm_file: Path, tmp_path: Path):
    """llama.cpp quantises what was merged, loads it under the model's name, and speaks as tuned."""
    packaged = adapter_for(Settings(), "qwen2.5-coder-0.5b")
    assert packaged is not None
    digest = hashlib.sha256(packaged.read_bytes()).hexdigest()
    tuned = FasterCopy(tmp_path / "derived", "a" * 64, "iq4_nl", packaged, digest)
    tuned.make(llm_file, threads=2)
    options = RuntimeOptions(context_tokens=64, rows=1, batch_tokens=64)
    names = []
    for file in (tuned.path, llm_file):
        runtime = Runtime(file, None, 1.0, options)
        names.append((runtime.name(), runtime.vocabulary.size, runtime.chat_template()))
        runtime.close()
    inside = next_words(tuned.path, None)
    tuned.path.unlink()  # half a gigabyte, which pytest would keep
    assert names[0] == names[1]
    beside, bare = next_words(llm_file, packaged), next_words(llm_file, None)
    assert np.abs(inside - beside).sum() < np.abs(bare - beside).sum() / 2
