"""Speakers as files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigError
from pipeline.tts.chattts.speaker_file import SpeakerEmbedding, load_speaker_file, save_speaker


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A good file."""
    path = tmp_path / "mei.speaker.json"
    values = np.random.default_rng(0).normal(size=768).astype(np.float16)
    save_speaker(path, SpeakerEmbedding(values, "美", 42, -3.5))
    return path


def test_a_saved_speaker_is_loaded_bit_by_bit(tmp_path: Path):
    """Values, name, seed and gain."""
    speaker = SpeakerEmbedding(np.linspace(-9, 9, 768).astype(np.float16), "静", 7, 2.25)
    save_speaker(tmp_path / "s.json", speaker)
    loaded = load_speaker_file(tmp_path / "s.json")
    assert np.array_equal(loaded.values, speaker.values)
    assert (loaded.name, loaded.seed, loaded.gain_db) == ("静", 7, 2.25)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("format", "qingting-speaker/9"), ("name", 3), ("seed", "x"), ("gain_db", 99),
        ("gain_db", None), ("embedding", "AAAA"), ("embedding", "!"), ("sha256", "0" * 64),
    ],
)  # fmt: skip
def test_a_file_with_a_wrong_field_is_refused(file: Path, field: str, value: object):
    """With a sentence, not a traceback."""
    data = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps({**data, field: value}), "utf-8")
    with pytest.raises(ConfigError):
        load_speaker_file(file)


@given(content=st.binary(max_size=200))
def test_any_other_file_is_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes):
    """Whatever is in it."""
    path = tmp_path_factory.mktemp("speaker") / "file"
    path.write_bytes(content)
    with pytest.raises(ConfigError):
        load_speaker_file(path)


def test_a_file_that_is_not_there_or_huge_is_refused(tmp_path: Path):
    """A huge one is not read."""
    with pytest.raises(ConfigError, match="cannot be read"):
        load_speaker_file(tmp_path / "none")
    (tmp_path / "huge").write_text("[" * 70_000)
    with pytest.raises(ConfigError, match="too large"):
        load_speaker_file(tmp_path / "huge")


@pytest.mark.parametrize("values", [[], [0.0, 0.0], [1.0, np.nan], [[1.0]]])
def test_an_embedding_without_a_voice_is_refused(values: list[float]):
    """Nothing, zeros, no numbers, or a table."""
    with pytest.raises(ConfigError):
        SpeakerEmbedding(np.array(values, np.float16))
