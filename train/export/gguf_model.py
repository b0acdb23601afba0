"""A merged model as GGUF, without llama.cpp's scripts: header of the base, weights of ours."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypeAlias

import gguf
import llama_cpp
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ConfigError, ModelError
from train.export.naming import Naming
from train.gguf_file import GgufFile

Quantisation: TypeAlias = Literal["f16", "q8_0", "q4_k_m"]

_FILE_TYPES: dict[Quantisation, int] = {
    "q8_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0,
    "q4_k_m": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_K_M,
}
# Said anew for the file at hand.
_OWN_FIELDS = {"general.file_type", "general.quantization_version", "general.name"}


def write_f16(merged: Path, base: Path, out: Path, *, name: str) -> None:
    """Write a merged model in 16 bits.

    Args:
        merged: Model folder with safetensors.
        base: GGUF it was tuned from: its header, tokenizer and template are taken over.
        out: File to write; replaced only when the new one is whole.
        name: What the model is called in its header.

    Raises:
        ConfigError: The architecture is not known, or a weight has no place in it.
    """
    header = GgufFile(base)
    naming = Naming(json.loads((merged / "config.json").read_text("utf-8")))
    if naming.architecture != header.architecture:
        raise ConfigError(f"{base.name} is of another architecture than {merged}")
    unfinished = out.with_name(f".{out.name}.part")
    writer = gguf.GGUFWriter(unfinished, naming.architecture)
    writer.add_name(name)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    _copy_fields(header, writer)
    written = set()
    for key, weight in _weights(merged):
        target = naming.gguf_name(key)
        values = naming.laid_out(key, weight)
        # Norms and biases stay in 32 bits, as llama.cpp wants them.
        kind = np.float16 if values.ndim > 1 else np.float32
        writer.add_tensor(target, np.ascontiguousarray(values.astype(kind)))
        written.add(target)
    for tensor in header.reader.tensors:
        if tensor.name not in written and "rope_freqs" in tensor.name:
            writer.add_tensor(tensor.name, np.asarray(tensor.data))
            written.add(tensor.name)
    missing = {tensor.name for tensor in header.reader.tensors} - written
    if missing:
        raise ConfigError(f"{merged} lacks {', '.join(sorted(missing))}")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    unfinished.replace(out)


def quantise(source: Path, out: Path, kind: Quantisation, threads: int = 2) -> None:
    """Write a 16-bit GGUF with fewer bits; llama.cpp does it in this process.

    Args:
        source: GGUF in 16 bits.
        out: File to write; replaced only when the new one is whole.
        kind: Anything but f16.
        threads: Compute threads.

    Raises:
        ModelError: llama.cpp refused.
    """
    options = llama_cpp.llama_model_quantize_default_params()
    options.ftype = _FILE_TYPES[kind]
    options.nthread = threads
    unfinished = out.with_name(f".{out.name}.part")
    failed = llama_cpp.llama_model_quantize(
        str(source).encode(), str(unfinished).encode(), ctypes.byref(options)
    )
    if failed:
        unfinished.unlink(missing_ok=True)
        raise ModelError(f"{source.name} cannot be written as {kind}")
    unfinished.replace(out)


def _copy_fields(header: GgufFile, writer: gguf.GGUFWriter) -> None:
    for field in header.reader.fields.values():
        if field.name.startswith("GGUF.") or field.name in _OWN_FIELDS:
            continue
        if field.name == gguf.Keys.General.ARCHITECTURE:
            continue
        kind = field.types[0]
        items = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), kind, sub_type=items)


def _weights(folder: Path) -> Iterator[tuple[str, NDArray[Any]]]:
    """Name and float32 values of every weight, one at a time."""
    import torch
    from safetensors import safe_open

    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            for key in file.keys():  # noqa: SIM118  # the object is no mapping
                yield key, file.get_tensor(key).to(torch.float32).numpy()
