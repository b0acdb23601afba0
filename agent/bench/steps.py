"""What one decode step of a language model costs, and what a quantisation does to its words.

    python -m agent.bench.steps MODEL.gguf … [MODEL.gguf:ADAPTER.gguf …]

Prints, for every file, with an adapter beside it if one is named, the fastest milliseconds of a
step by threads and tokens, and the perplexity over the beginnings of the dialogues in
`train/data/counsellor`.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

from pipeline.llm.native import DecodeResult, Entry, Runtime, RuntimeOptions

SIZES = (1, 2, 4, 8, 16, 32)
REPEATS = 8
BATCH_TOKENS = 32
DIALOGUES = Path("train/data/counsellor")
TOKENS_EACH, DIALOGUES_EACH = 400, 2


def step_ms(runtime: Runtime, tokens: list[int], *, size: int, threads: int) -> float:
    """Fastest of several steps of `size` tokens, in milliseconds."""
    fastest = float("inf")
    runtime.cut(0, 0)
    for repeat in range(REPEATS):
        chunk = tokens[repeat * size : (repeat + 1) * size]
        began = time.perf_counter()
        _evaluate(runtime, chunk, repeat * size, threads)
        fastest = min(fastest, time.perf_counter() - began)
    return fastest * 1000


def perplexity(runtime: Runtime, texts: list[str], threads: int) -> float:
    """Of every token but the first of each text."""
    losses: list[float] = []
    for text in texts:
        tokens = runtime.vocabulary.prompt_tokens(text)[:TOKENS_EACH]
        runtime.cut(0, 0)
        for start in range(0, len(tokens), BATCH_TOKENS):
            chunk = tokens[start : start + BATCH_TOKENS]
            _evaluate(runtime, chunk, start, threads)
            for index, following in enumerate(tokens[start + 1 : start + 1 + len(chunk)]):
                logits = runtime.logits(index).astype(np.float64)
                peak = logits.max()
                losses.append(float(peak + np.log(np.exp(logits - peak).sum()) - logits[following]))
    return float(np.exp(np.mean(losses)))


def _evaluate(runtime: Runtime, chunk: list[int], start: int, threads: int) -> None:
    entries = [Entry(token, start + index, 0, True) for index, token in enumerate(chunk)]
    if runtime.decode(entries, threads) is not DecodeResult.DONE:
        raise RuntimeError("the step failed")


def _dialogues() -> list[str]:
    texts = []
    for file in sorted(DIALOGUES.glob("*/*.jsonl")):
        for line in file.read_text("utf-8").splitlines()[:DIALOGUES_EACH]:
            messages = json.loads(line)["messages"]
            texts.append("".join(f"{m['role']}: {m['content']}\n" for m in messages))
    return texts


def main(paths: list[str]) -> int:
    """Measure each file; exit code 2 without any."""
    if not paths:
        print("usage: python -m agent.bench.steps MODEL.gguf[:ADAPTER.gguf] …", file=sys.stderr)
        return 2
    texts = _dialogues()
    for named in paths:
        model, _, tuning = named.partition(":")
        path, adapter = Path(model), Path(tuning) if tuning else None
        options = RuntimeOptions(context_tokens=1024, rows=2, batch_tokens=BATCH_TOKENS)
        runtime = Runtime(path, adapter, 1.0, options)
        try:
            runtime.abort(False)
            tokens = runtime.vocabulary.text_tokens("我最近工作压力很大，晚上总是睡不好。" * 40)
            for threads in (1, 2):
                row = (step_ms(runtime, tokens, size=size, threads=threads) for size in SIZES)
                cells = "  ".join(f"{size}: {ms:.0f}" for size, ms in zip(SIZES, row, strict=True))
                print(f"{path.name}  {threads} thread(s)  ms by tokens  {cells}", flush=True)
            if texts:
                print(f"{path.name}  perplexity {perplexity(runtime, texts, 2):.1f}", flush=True)
        finally:
            runtime.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
