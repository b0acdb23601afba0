"""How soon and how fast ChatTTS speaks on this machine, its weights here or not.

    python -m agent.voices.chattts_measure             random weights of ChatTTS's sizes
    python -m agent.voices.chattts_measure --own       the settings' weights
    python -m agent.voices.chattts_measure --small     a tiny model, to try the command

Random weights cost what the real ones cost for each token; they are made so that they never
end a text, and are stopped after two seconds of noise. Those of full size take 1.1 GB of
disk and 3 GB of memory while it runs. Prints one JSON line last.
"""

from __future__ import annotations

import dataclasses
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import torch
import typer

from agent.voices.chattts_random import small_config, write_random_assets
from pipeline.audio import OUTPUT_RATE_HZ
from pipeline.tts.base import SpeechStyle
from pipeline.tts.chattts.controls import Manner
from pipeline.tts.chattts.joins import REACH_TOKENS, TOKENS_PER_SEC, Batches
from pipeline.tts.chattts.model import ChatTtsModel
from pipeline.tts.chattts.prompt import code_prompt
from pipeline.tts.chattts.speaker_code import draw_speaker
from pipeline.tts.chattts.speaker_file import SpeakerEmbedding
from pipeline.tts.chattts.voice import ChatTtsVoice

# ChatTTS's own: 24 tokens a piece, the first two passed over.
CHATTTS_BATCHES = Batches(first_tokens=24, batch_tokens=24, lookahead_tokens=48)
EXACT_BATCHES = Batches(lookahead_tokens=REACH_TOKENS + 1)
_SCHEDULES = {"ours": Batches(), "exact": EXACT_BATCHES, "ChatTTS's own": CHATTTS_BATCHES}

_WINDOWS = 5
_HEARD_SECS = 2.0  # of each text; the first piece and a few more

TEXT = "我听到你说，最近工作压力很大，晚上总是睡不好，也不知道可以跟谁说。"
_STEPS = 40  # enough for a median; a step's cost hardly grows with the text


@dataclass(frozen=True, slots=True)
class Costs:
    """What the parts cost.

    Attributes:
        prompt_ms: Reading the text and its first token.
        step_ms: Each further token, of which a second of speech has 46.9; median.
        window_ms: Decoding one window of full context, with the default batches; median.
        step_cpu_ms, window_cpu_ms: Processor time of the same, of all threads, on average. On
            one thread it is what an idle machine would need, however busy this one is.
    """

    prompt_ms: float
    step_ms: float
    window_ms: float
    step_cpu_ms: float
    window_cpu_ms: float


@dataclass(frozen=True, slots=True)
class Speed:
    """A schedule's figures, medians over the runs.

    Attributes:
        tokens_before_first: Generated before the first piece is decoded.
        first_secs: From the text to its first sound.
        real_time_factor: Time for a second of sound after the first piece; below 1 it keeps up;
            None where the text was shorter.
    """

    tokens_before_first: int
    first_secs: float
    real_time_factor: float | None


def measure_costs(model: ChatTtsModel, speaker: SpeakerEmbedding) -> Costs:
    """Time the parts one by one."""
    prompt = code_prompt(TEXT, Manner(), SpeechStyle())
    assert prompt is not None
    began, at, used = time.perf_counter(), list[float](), list[float]()
    hidden = torch.zeros(1, model.speaker_dimensions)
    for generated in model.generate(prompt, speaker, seed=0, max_tokens=_STEPS):
        at.append(time.perf_counter())
        used.append(time.process_time())
        hidden = generated
    batches = Batches()
    length = REACH_TOKENS + batches.batch_tokens + batches.lookahead_tokens
    window = hidden.repeat(length // len(hidden) + 1, 1)[:length]
    decoding = []
    before = time.process_time()
    for _ in range(_WINDOWS):
        start = time.perf_counter()
        model.decode(window)
        decoding.append(time.perf_counter() - start)
    return Costs(
        prompt_ms=round(1000 * (at[0] - began), 1),
        step_ms=round(1000 * statistics.median(later - one for one, later in pairwise(at)), 1),
        window_ms=round(1000 * statistics.median(decoding), 1),
        step_cpu_ms=round(1000 * (used[-1] - used[0]) / (len(used) - 1), 1),
        window_cpu_ms=round(1000 * (time.process_time() - before) / _WINDOWS, 1),
    )


def measure_speed(voice: ChatTtsVoice, batches: Batches, runs: int) -> Speed:
    """Speak the beginning of a text, several times."""
    first, factors = [], []
    for _ in range(runs):
        began = time.perf_counter()
        pieces: list[tuple[float, float]] = []  # when it came, and the seconds of sound in it
        for chunk in voice.synthesise(TEXT, SpeechStyle(), lambda: False):
            pieces.append((time.perf_counter(), len(chunk.pcm) / OUTPUT_RATE_HZ))
            if sum(secs for _, secs in pieces) >= _HEARD_SECS:
                break
        first.append(pieces[0][0] - began)
        piece_secs = batches.first_tokens / TOKENS_PER_SEC
        later_secs = sum(secs for _, secs in pieces) - piece_secs
        if later_secs > 0:
            factors.append((pieces[-1][0] - pieces[0][0]) / later_secs)
    return Speed(
        batches.first_tokens + batches.lookahead_tokens,
        round(statistics.median(first), 3),
        round(statistics.median(factors), 2) if factors else None,
    )


@contextmanager
def _loaded(*, own: bool, small: bool, device: str) -> Iterator[tuple[ChatTtsModel, str]]:
    if own:
        from agent import config
        from agent.voices.chattts import assets_dir

        yield ChatTtsModel(assets_dir(config.load().settings), device=device), "own"
        return
    sizes = small_config() if small else None
    with tempfile.TemporaryDirectory(prefix="qingting-chattts-") as folder:
        hashes = write_random_assets(Path(folder), sizes, endless=True)
        model = ChatTtsModel(Path(folder), device=device, config=sizes, hashes=hashes)
        yield model, "small random" if small else "random"


def main(
    own: Annotated[bool, typer.Option("--own", help="The settings' weights.")] = False,
    small: Annotated[bool, typer.Option("--small", help="Tiny random weights.")] = False,
    runs: Annotated[int, typer.Option(min=1, help="Texts for each schedule.")] = 3,
    threads: Annotated[int, typer.Option(min=1, help="Compute threads on a CPU.")] = 1,
    device: Annotated[str, typer.Option(help="As voice.chattts.device.")] = "auto",
) -> None:
    """Measure first sound and real-time factor of ChatTTS's architecture."""
    with _loaded(own=own, small=small, device=device) as (model, weights):
        torch.set_num_threads(threads)
        speaker = draw_speaker(0, small_config() if small else None)
        costs = measure_costs(model, speaker)
        typer.echo(f"{weights} weights, {model.device}, {threads} threads: {costs}")
        speeds = {}
        for name, batches in _SCHEDULES.items():
            voice = ChatTtsVoice(model, speaker, batches=batches, threads=threads)
            speeds[name] = measure_speed(voice, batches, runs)
            voice.close()
            typer.echo(f"{name}: {speeds[name]}")
        record = {
            "weights": weights,
            "device": str(model.device),
            "threads": threads,
            "runs": runs,
            "costs": dataclasses.asdict(costs),
            "schedules": {name: dataclasses.asdict(speed) for name, speed in speeds.items()},
        }
    typer.echo(json.dumps(record, ensure_ascii=False))


if __name__ == "__main__":
    typer.run(main)
