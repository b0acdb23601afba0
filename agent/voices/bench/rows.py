"""The rows that the terminal's table and the page share. Pure."""

from __future__ import annotations

from collections.abc import Callable

from agent.voices.bench.record import Timing, VoiceResult, VoicesRecord

NONE = "–"
_RATES = {"zh": "characters", "en": "words"}


def heads(record: VoicesRecord) -> list[str]:
    """One column for each voice and language."""
    return ["", *(f"{one.voice}, {one.language}" for one in record.results)]


def figures(record: VoicesRecord) -> list[list[str]]:
    """One row for each figure."""
    threads = sorted({at.threads for one in record.results for at in one.timings})
    lines: list[tuple[str, Callable[[VoiceResult], str]]] = []
    for count in threads:
        lines += [
            (f"first audio p50 / p95, ms, threads: {count}", _timed(count, _first_audio)),
            (f"real-time factor p50 / p95, threads: {count}", _timed(count, _factor)),
        ]
    lines += [
        ("recogniser's errors", _errors),
        ("loudness, LUFS (single sentences)", _loudness),
        (
            "peak, dBFS; clipped samples",
            lambda one: f"{one.level.peak_dbfs}; {one.level.clipped_samples}",
        ),
        ("clicks at joins (worst step ratio)", _clicks),
        ("question over statement, semitones", _rise),
        ("sentences that failed", lambda one: str(len(one.failures))),
    ]
    return [[name, *(show(one) for one in record.results)] for name, show in lines]


def machine_lines(record: VoicesRecord) -> list[str]:
    """What it ran on, and what did not take part."""
    machine = record.machine
    return [
        f"{record.started_at}, {machine.cpu}, {machine.cores} cores, {machine.system}",
        f"revision {machine.revision or NONE}, recogniser {record.recogniser}",
        f"load average at the start {machine.load_at_start}, at the end {machine.load_at_end}",
        *(f"left out: {reason}" for reason in record.unavailable),
    ]


def _timed(threads: int, show: Callable[[Timing], str]) -> Callable[[VoiceResult], str]:
    def cell(result: VoiceResult) -> str:
        return next((show(at) for at in result.timings if at.threads == threads), NONE)

    return cell


def _first_audio(at: Timing) -> str:
    return f"{at.first_audio_p50_ms:.0f} / {at.first_audio_p95_ms:.0f}"


def _factor(at: Timing) -> str:
    return f"{at.real_time_factor_p50:.3f} / {at.real_time_factor_p95:.3f}"


def _errors(result: VoiceResult) -> str:
    heard = result.heard
    return f"{heard.error_rate:.1%} of {heard.units} {_RATES[result.language]}"


def _loudness(result: VoiceResult) -> str:
    level = result.level
    if level.lufs is None:
        return NONE
    return f"{level.lufs} ({level.softest_lufs} to {level.loudest_lufs})"


def _clicks(result: VoiceResult) -> str:
    return f"{result.joins.clicks} of {result.joins.joins} ({result.joins.worst_ratio})"


def _rise(result: VoiceResult) -> str:
    return NONE if result.intonation is None else f"{result.intonation.rise_semitones:+.1f}"
