"""A GGUF as a folder that can be trained: weights as bfloat16, tokenizer, template.

    python -m train.dequantise FILE.gguf FOLDER

What the quantiser rounded off stays lost. That is no loss for an adapter that will be
served on the very same GGUF; for quality claims start from the unquantised model.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from train.gguf_file import GgufFile

# How llama.cpp cuts text into words before BPE, by `tokenizer.ggml.pre`, where the folder
# that transformers makes of a GGUF does it otherwise.
_DIGITS_APART: dict[str, Any] = {
    "type": "Sequence",
    "pretokenizers": [
        {"type": "Digits", "individual_digits": True},
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": True},
    ],
}
_PRE_TOKENIZERS = {"smollm": _DIGITS_APART}


def dequantise(source: Path, folder: Path) -> None:
    """Write `source` as a model folder; it appears under its name only when complete.

    Args:
        source: GGUF of an architecture that transformers can read.
        folder: Must not exist.

    Raises:
        ValueError: transformers cannot read this architecture.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _write(source, unfinished)
        try:
            unfinished.rename(folder)
        except OSError:  # another process was quicker
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _write(source: Path, folder: Path) -> None:
    where = {"gguf_file": source.name}
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    model = AutoModelForCausalLM.from_pretrained(str(source.parent), dtype=torch.bfloat16, **where)
    # The loader leaves the mark of a quantised model, which cannot be saved or trained.
    model.hf_quantizer = None
    model.is_quantized = False
    for owner, name in ((model, "quantization_method"), (model.config, "quantization_config")):
        if hasattr(owner, name):
            delattr(owner, name)
    header = GgufFile(source)
    names = header.value("tokenizer.ggml.tokens")
    eos = int(header.value("tokenizer.ggml.eos_token_id"))
    tokenizer = AutoTokenizer.from_pretrained(str(source.parent), **where)
    # The loader guesses these and is wrong for ChatML models.
    tokenizer.eos_token = names[eos]
    pad = names[int(header.value("tokenizer.ggml.padding_token_id", eos))]
    tokenizer.pad_token = "<|endoftext|>" if "<|endoftext|>" in names else pad
    tokenizer.chat_template = header.value("tokenizer.chat_template")
    model.generation_config.eos_token_id = eos
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    _mend_tokenizer(folder, header)


def _mend_tokenizer(folder: Path, header: GgufFile) -> None:
    """Make the tokenizer cut text as llama.cpp does; the export's gate compares the two."""
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text("utf-8"))
    if header.value("tokenizer.ggml.model") == "gpt2":
        content["model"].update(byte_fallback=False, fuse_unk=False)
        content["decoder"] = {
            "type": "ByteLevel",
            "add_prefix_space": True,
            "trim_offsets": True,
            "use_regex": True,
        }
        content["normalizer"] = None  # llama.cpp composes no characters
        pre = _PRE_TOKENIZERS.get(str(header.value("tokenizer.ggml.pre", "")))
        if pre:
            content["pre_tokenizer"] = pre
    path.write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    settings_path = folder / "tokenizer_config.json"
    settings = json.loads(settings_path.read_text("utf-8"))
    settings["add_bos_token"] = bool(header.value("tokenizer.ggml.add_bos_token", False))
    settings_path.write_text(json.dumps(settings, ensure_ascii=False, indent=2), "utf-8")


if __name__ == "__main__":
    dequantise(Path(sys.argv[1]), Path(sys.argv[2]))
