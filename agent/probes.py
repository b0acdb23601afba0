"""Trials that may crash, each run by the doctor in a child process of its own.

    python -m agent.probes llama FILE.gguf
    python -m agent.probes whisper FOLDER
    python -m agent.probes voices

A probe prints one JSON object on success; a crash ends only the child.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping

_PROMPT = "你好，我想和你聊聊。Hello."


def llama(model_path: str) -> dict[str, object]:
    """Evaluate a few tokens: the default build dies here where AMX is advertised."""
    import llama_cpp

    model = llama_cpp.Llama(model_path, n_ctx=128, n_threads=1, n_threads_batch=1, verbose=False)
    tokens = model.tokenize(_PROMPT.encode())
    began = time.monotonic()
    model.eval(tokens)
    return {
        "version": llama_cpp.__version__,
        "tokens": len(tokens),
        "tokens_per_sec": round(len(tokens) / (time.monotonic() - began), 1),
    }


def whisper(model_dir: str) -> dict[str, object]:
    """Decode one second of silence."""
    import ctranslate2
    import numpy as np

    model = ctranslate2.models.Whisper(model_dir, device="cpu", intra_threads=1)
    mels = np.zeros((1, model.n_mels, 100), np.float32)
    began = time.monotonic()
    encoded = model.encode(ctranslate2.StorageView.from_array(mels))
    model.generate(encoded, [["<|startoftranscript|>"]], beam_size=1, max_length=8)
    return {
        "version": ctranslate2.__version__,
        "decode_ms": round(1000 * (time.monotonic() - began)),
    }


def voices() -> dict[str, object]:
    """Load what the two embedded voices need."""
    from importlib.metadata import version

    import ai_edge_litert.interpreter  # noqa: F401  the import is the trial
    import hibari  # noqa: F401

    return {name: version(name) for name in ("ai-edge-litert", "hibari-tts")}


PROBES: Mapping[str, Callable[..., dict[str, object]]] = {
    "llama": llama,
    "whisper": whisper,
    "voices": voices,
}


def main(arguments: list[str]) -> int:
    """Run one probe; the border at which any failure becomes a line for the doctor."""
    name, *rest = arguments
    try:
        print(json.dumps(PROBES[name](*rest)))
    except Exception as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
