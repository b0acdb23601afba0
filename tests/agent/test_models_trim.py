"""A language model with fewer tokens."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest

from agent.models.trim import ROWS, Tokens, require_trimmable, trim
from pipeline.errors import ModelCorruptError, ModelError
from pipeline.llm.native import Runtime, RuntimeOptions
from tests.agent.models_tiny import next_words, weights, write_model

END = "<|im_end|>"
# In GPT-2's spelling: 你 is ä½ł, 好 is å¥½, a space is Ġ.
BYTES = ["ä", "½", "ł", "å", "¥", "Ġ", "D", "n", "o", "ï", "é"]
MERGED = [("ä", "½"), ("ä½", "ł"), ("å", "¥"), ("å¥", "½"), ("ä½ł", "å¥½"), ("Ġ", "n"), ("Ġn", "o")]
DROPPED = [("ï", "é")]
TEXTS = [*BYTES, *("".join(pair) for pair in MERGED), *("".join(pair) for pair in DROPPED)]
FILLERS = [f"ÐÐ{number}" for number in range(3 * ROWS)]  # of another script
VOCABULARY = [*TEXTS, *FILLERS, END, "[PAD]"]
KINDS = [1] * (len(VOCABULARY) - 2) + [3, 5]


def tokens() -> Tokens:
    return Tokens(VOCABULARY, KINDS, [*MERGED, *DROPPED])


def write_vocabulary(path: Path, kind: str = "gpt2") -> Path:
    """A model of nothing but its vocabulary's layers."""
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_string("tokenizer.ggml.model", kind)
    writer.add_array("tokenizer.ggml.tokens", VOCABULARY)
    writer.add_array("tokenizer.ggml.token_type", KINDS)
    writer.add_array("tokenizer.ggml.merges", [" ".join(pair) for pair in [*MERGED, *DROPPED]])
    writer.add_uint32("tokenizer.ggml.eos_token_id", VOCABULARY.index(END))
    q8 = gguf.GGMLQuantizationType.Q8_0
    for name in ("token_embd.weight", "output.weight"):
        packed = gguf.quants.quantize(weights(0, len(VOCABULARY), 64), q8)
        writer.add_tensor(name, packed, raw_dtype=q8)
    writer.add_tensor("output_norm.weight", weights(1, 64))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_what_is_kept_can_still_be_merged(monkeypatch: pytest.MonkeyPatch):
    """Chinese words, English ones, markers and bytes, with everything between."""
    monkeypatch.setattr("agent.models.trim.FREQUENT", 0)
    monkeypatch.setattr("agent.models.trim.ROWS", 1)
    kept = {VOCABULARY[number] for number in tokens().kept()}
    assert kept == {*BYTES, *("".join(pair) for pair in MERGED), END}


def test_what_is_seldom_and_in_no_language_of_ours_goes(monkeypatch: pytest.MonkeyPatch):
    """But everything in ASCII that is frequent stays, and names and contractions always."""
    monkeypatch.setattr("agent.models.trim.FREQUENT", 2)
    monkeypatch.setattr("agent.models.trim.ROWS", 1)
    texts = ["();", "->", "{{", "Katherine", "ĠSunday", "âĢĻve", "ãĢĲ", "Ð¿", "ä½", "Ġä½"]
    kept = Tokens(texts, [1] * len(texts), [("a", "b")]).kept()
    assert [texts[number] for number in sorted(kept)] == [
        "();", "->", "Katherine", "ĠSunday", "âĢĻve", "ãĢĲ", "ä½", "Ġä½",
    ]  # fmt: skip


def test_a_small_vocabulary_stays_whole():
    """There is nothing to fill the last block with."""
    assert Tokens(["a", "b"], [1, 1], []).kept() == {0, 1}


def test_the_layers_keep_whole_blocks_of_rows():
    """Filled up with tokens that nobody needs."""
    assert len(tokens().kept()) % ROWS == 0


def test_rows_and_numbers_follow_their_tokens(tmp_path: Path):
    """A kept token's row is byte for byte what it was, and the end of a turn is still known."""
    trim(write_vocabulary(tmp_path / "whole.gguf"), tmp_path / "short.gguf", "whole.gguf")
    short = gguf.GGUFReader(tmp_path / "short.gguf")
    texts = short.get_field("tokenizer.ggml.tokens").contents()
    assert len(texts) < len(VOCABULARY)
    assert texts[short.get_field("tokenizer.ggml.eos_token_id").contents()] == END
    rows = {tensor.name: tensor.data for tensor in gguf.GGUFReader(tmp_path / "whole.gguf").tensors}
    for tensor in short.tensors:
        if tensor.name != "output_norm.weight":
            wanted = rows[tensor.name][[VOCABULARY.index(text) for text in texts]]
            np.testing.assert_array_equal(tensor.data, wanted)


def test_another_kind_of_vocabulary_is_refused(tmp_path: Path):
    """In a sentence that names the file."""
    whole = write_vocabulary(tmp_path / "whole.gguf", "llama")
    with pytest.raises(ModelError, match=r"whole\.gguf"):
        require_trimmable(whole)
    (tmp_path / "none.gguf").write_bytes(b"no model")
    with pytest.raises(ModelCorruptError, match=r"none\.gguf"):
        require_trimmable(tmp_path / "none.gguf")


def test_a_model_without_a_vocabulary_is_refused(tmp_path: Path):
    """It has none that could be cut down."""
    with pytest.raises(ModelError, match="cannot be trimmed"):
        require_trimmable(write_model(tmp_path / "model.gguf"))


@pytest.mark.models
@pytest.mark.slow
def test_the_default_model_speaks_as_before(llm_file: Path, tmp_path: Path):
    """The same tokens for what callers say, and the same likelihoods but for what is left out."""
    trim(llm_file, tmp_path / "short.gguf", "model.gguf")
    options = RuntimeOptions(context_tokens=64, rows=1, batch_tokens=64)
    runtimes = [Runtime(file, None, 1.0, options) for file in (llm_file, tmp_path / "short.gguf")]
    whole, short = (one.vocabulary for one in runtimes)
    assert short.size < 0.7 * whole.size
    for text in ("我跟我媽吵架了，心裡很難過。", "I haven't slept, and my sister won't call back."):
        pieces = [[one.piece(token) for token in one.text_tokens(text)] for one in (whole, short)]
        assert pieces[0] == pieces[1]
    known = {whole.piece(token): token for token in range(whole.size)}
    numbers = [known[short.piece(token)] for token in range(short.size)]
    for one in runtimes:
        one.close()
    before, after = next_words(llm_file, None)[numbers], next_words(tmp_path / "short.gguf", None)
    (tmp_path / "short.gguf").unlink()  # a third of a gigabyte, which pytest would keep
    assert np.abs(before / before.sum() - after).sum() < 1e-3
