"""The rows that the terminal's table and the page share. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.bench.compare import Change, latency_interval
from agent.bench.machine import LoadAverage, Machine
from agent.bench.measure import SystemResult
from agent.bench.record import Record

NONE = "–"


@dataclass(frozen=True, slots=True)
class Table:
    """Column heads, and rows as long as they."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def overview(record: Record) -> Table:
    """One column for each system, one row for each figure."""
    heads = ("", *(result.system for result in record.systems))
    lines: list[tuple[str, Callable[[SystemResult], str]]] = [
        ("turns", lambda r: str(r.summary.turns)),
        ("answered whole", lambda r: _share(r.summary.answered, r.summary.turns)),
        ("first sound p50 [95 %], ms", lambda r: _interval(_first_sounds(r), 50)),
        ("first sound p95 [95 %], ms", lambda r: _interval(_first_sounds(r), 95)),
        ("reply p50 [95 %], ms", lambda r: _interval(_latencies(r), 50)),
        ("reply p95 [95 %], ms", lambda r: _interval(_latencies(r), 95)),
        ("worst, ms", _worst),
        ("recognition after the soft end p50 [95 %], ms", lambda r: _interval(_recognition(r), 50)),
        ("recognition after the soft end p95 [95 %], ms", lambda r: _interval(_recognition(r), 95)),
        ("pauses taken for the end", lambda r: _share(r.summary.cut_pauses, r.summary.pauses)),
        ("turns cut off", lambda r: _share(r.summary.premature, r.summary.turns)),
        ("no reply in 10 s", lambda r: _share(r.summary.missed, r.summary.turns)),
        ("replies given up", lambda r: str(r.summary.failed_replies)),
        *((f"transcript errors, {name}", _errors(key)) for key, name in _LANGUAGES),
        ("playout gaps over 40 ms", lambda r: _gaps(r.summary.gaps, r.summary.longest_gap_ms)),
        ("failures", lambda r: ", ".join(r.summary.failures) or NONE),
    ]
    if record.at_once > 1:
        lines.insert(1, ("all calls under way", lambda r: _under_way(record, r)))
    rows = [(name, *(line(result) for result in record.systems)) for name, line in lines]
    if record.ratios:
        ratios = (record.ratios.get(result.system) for result in record.systems)
        shown = (NONE if ratio is None else f"{ratio:.2f}" for ratio in ratios)
        rows.append(("our median over theirs, same turns", *shown))
    return Table(heads, tuple(rows))


def speculation(record: Record) -> Table:
    """The account of drafts: sums of the turns' ledgers, then the server's counters."""
    ours = record.system("ours")
    ledger = {} if ours is None else ours.summary.ledger
    rows = [(name.replace("_", " "), f"{amount:g}") for name, amount in ledger.items()]
    rows += [(name, f"{amount:g}") for name, amount in record.speculation.items()]
    return Table(("speculation", "sum"), tuple(rows))


def changes(found: Sequence[Change]) -> Table:
    """A comparison with an earlier run."""
    return Table(
        ("figure", "before", "now", "difference [95 %]", "verdict"),
        tuple(
            (
                change.figure,
                f"{change.old:g}",
                f"{change.new:g}",
                f"{change.difference.value:+g} "
                f"[{change.difference.low:+g}, {change.difference.high:+g}]",
                change.verdict,
            )
            for change in found
        ),
    )


def turns(result: SystemResult) -> Table:
    """Every turn of one system."""
    return Table(
        (
            "turn",
            "kind",
            "first sound, ms",
            "reply, ms",
            "cut off",
            "errors",
            "said",
            "understood",
            "answered",
        ),
        tuple(
            (
                turn.turn_id,
                turn.kind,
                _ms(turn.first_sound_ms),
                _ms(turn.latency_ms),
                "yes" if turn.premature else "",
                f"{turn.edits}/{turn.reference_units}",
                turn.reference,
                turn.transcript,
                turn.reply,
            )
            for turn in result.turns
        ),
    )


def machine_lines(record: Record) -> list[str]:
    """The machine and the circumstances, a line each."""
    machine = record.machine
    memory = f", {machine.memory_gb:g} GB free" if machine.memory_gb is not None else ""
    return [
        f"{machine.cpu}, {machine.cores} cores{memory}; {machine.system}; Python {machine.python}",
        f"load at start {_load(machine.load_at_start)}, at end {_load(machine.load_at_end)}",
        f"models: {', '.join(machine.models.values())}",
        f"versions: {_versions(machine)}",
        f"{record.started_at}, {record.duration_secs:.0f} s; pacing {record.pacing}; "
        f"{record.at_once} call(s) at once",
        *_busy(machine),
    ]


_LANGUAGES = (("zh", "Mandarin"), ("en", "English"), ("mixed", "mixed"))


def _errors(language: str) -> Callable[[SystemResult], str]:
    def shown(result: SystemResult) -> str:
        rates = {str(key): rate for key, rate in result.summary.error_rates.items()}
        return f"{100 * rates[language]:.1f} %" if language in rates else NONE

    return shown


def _first_sounds(result: SystemResult) -> list[float | None]:
    return [turn.first_sound_ms for turn in result.turns]


def _recognition(result: SystemResult) -> list[float | None]:
    return [turn.recognition_ms for turn in result.turns]


def _latencies(result: SystemResult) -> list[float | None]:
    return [turn.latency_ms for turn in result.turns]


def _interval(latencies_ms: Sequence[float | None], percent: float) -> str:
    interval = latency_interval(latencies_ms, percent)
    if interval is None:
        return NONE
    return f"{interval.value:.0f} [{interval.low:.0f}, {interval.high:.0f}]"


def _ms(value: float | None) -> str:
    return NONE if value is None else f"{value:.0f}"


def _worst(result: SystemResult) -> str:
    latency = result.summary.latency_ms
    return NONE if latency is None else f"{latency.worst:.0f}"


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({100 * part / whole:.0f} %)" if whole else NONE


def _under_way(record: Record, result: SystemResult) -> str:
    percent = record.all_under_way_percent.get(result.system)
    return NONE if percent is None else f"{percent:.0f} % of the time"


def _gaps(count: int, longest_ms: float) -> str:
    return f"{count} (longest {longest_ms:.0f} ms)" if count else "0"


def _load(average: LoadAverage | None) -> str:
    return "unknown" if average is None else " ".join(f"{value:.2f}" for value in average)


def _busy(machine: Machine) -> list[str]:
    """A warning if somebody else was using the machine before the bench did."""
    if not machine.was_busy:
        return []
    return ["the machine was busy before the run began: these figures are not its best"]


def _versions(machine: Machine) -> str:
    versions = [f"{name} {version}" for name, version in machine.versions.items()]
    return ", ".join([*versions, *([f"revision {machine.revision}"] if machine.revision else [])])
