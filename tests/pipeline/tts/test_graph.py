"""The rewritten acoustic graph."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from pipeline.errors import ModelCorruptError, ModelMissingError
from pipeline.tts.graph import load_acoustic_graph, remove_dropout
from pipeline.tts.litert import AcousticModel
from pipeline.tts.mandarin import ACOUSTIC_FILE


@pytest.fixture
def model_file(mandarin_voice_dir: Path, tmp_path: Path) -> Path:
    """A copy of the published graph in a folder of its own."""
    return Path(shutil.copy(mandarin_voice_dir / ACOUSTIC_FILE, tmp_path))


@pytest.mark.models
def test_the_graph_runs_without_random_operators(model_file: Path):
    """LiteRT alone runs the rewritten graph as far as it is asked, but not the published one."""
    published = Interpreter(model_path=str(model_file))
    published.allocate_tensors()
    for slot in published.get_input_details():
        published.set_tensor(slot["index"], np.ones(slot["shape"], slot["dtype"]))
    with pytest.raises(RuntimeError, match="FlexRandomUniform"):
        published.invoke()
    rewritten = AcousticModel(load_acoustic_graph(model_file), threads=1)
    assert len(rewritten.spectrogram([1, 6, 195, 1, 218], rate=1.0, pitch=1.0).mel) > 0


@pytest.mark.models
def test_the_result_is_kept_beside_the_model(model_file: Path):
    """The second load reads the file that the first one wrote, and nothing else is left."""
    graph = load_acoustic_graph(model_file)
    (cached,) = set(model_file.parent.iterdir()) - {model_file}
    assert cached.read_bytes() == graph
    cached.write_bytes(b"marked")
    assert load_acoustic_graph(model_file) == b"marked"


@pytest.mark.models
def test_another_source_is_not_served_from_the_cache(model_file: Path):
    """The cache's name carries the hash of its source."""
    load_acoustic_graph(model_file)
    model_file.write_bytes(b"something else entirely")
    with pytest.raises(ModelCorruptError):
        load_acoustic_graph(model_file)


def test_a_missing_model_is_reported(tmp_path: Path):
    """The error names the file."""
    with pytest.raises(ModelMissingError, match=r"nowhere\.tflite"):
        load_acoustic_graph(tmp_path / "nowhere.tflite")


@pytest.mark.parametrize("content", [b"", b"GGUF....", b"\x1c\x00\x00\x00TFL3" + b"\xff" * 64])
def test_a_file_that_is_no_graph_is_reported(content: bytes):
    """Neither an empty file nor a broken one is taken for a model."""
    with pytest.raises(ModelCorruptError):
        remove_dropout(content)
