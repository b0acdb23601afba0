"""The run as a whole: timing, error rates, page and command."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from agent.bench.machine import Machine
from agent.cli import app
from agent.config import Settings
from agent.voices.bench import rows, run
from agent.voices.bench.page import PAGE_FILE, RECORD_FILE, render_page, write_report
from agent.voices.bench.record import Heard, Timing, VoiceResult, VoicesRecord, to_json
from agent.voices.bench.run import Amount, Bench, Clip, run_bench
from agent.voices.bench.sentences import intonation_pairs, sentences
from agent.voices.bench.sound import Joins, Level
from agent.voices.bench.speak import Spoken, speak, timing
from agent.voices.installed import VoiceEngine, choose
from pipeline.errors import ConfigError, ModelMissingError, SynthesisError
from pipeline.text import Language, language_of
from pipeline.tts.base import CharMark, SpeechChunk, SpeechStyle


class Hummer:
    """Two chunks of a hum for each text: a voice whose timing a test can set."""

    name = "hummer"
    languages: frozenset[Language] = frozenset({"en"})
    sample_rate_hz = 24_000

    def synthesise(
        self, text: str, style: SpeechStyle, cancelled: Callable[[], bool]
    ) -> Iterator[SpeechChunk]:
        if text == "fail":
            raise SynthesisError("It broke.")
        yield SpeechChunk(np.zeros(0, np.int16), ())
        if text != "silence":
            hum = (8_000 * np.sin(np.arange(12_000) / 20)).astype(np.int16)
            yield SpeechChunk(hum, ())
            yield SpeechChunk(hum, (CharMark(len(text), 24_000),))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_hundred_sentences_of_each_language(language: Language):
    """All different, all in their language; pairs differ by their mark alone."""
    texts = sentences(language)
    assert len(set(texts)) == 100
    assert {language_of(text) for text in texts} == {language}
    for statement, question in intonation_pairs(language):
        assert statement[:-1] == question[:-1]
        assert question[-1] in "?？"


def test_speaking_is_timed_to_the_first_samples():
    """An empty chunk is no sound yet; joins are where chunks begin."""
    ticks = iter([10.0, 10.2, 11.0])
    spoken = speak(Hummer(), "hello", lambda: next(ticks))
    assert spoken.first_audio_secs == pytest.approx(0.2)
    assert spoken.total_secs == pytest.approx(1.0)
    assert spoken.joins == (0, 12_000)
    assert timing([spoken], 1, 24_000) == Timing(1, 1, 200.0, 200.0, 1.0, 1.0)


def test_a_voice_without_a_sound_failed():
    """Silence is no answer to a sentence."""
    with pytest.raises(SynthesisError):
        speak(Hummer(), "silence")


def record(*results: VoiceResult) -> VoicesRecord:
    """A record made elsewhere."""
    machine = Machine("cpu", 2, 8.0, "Linux", "3.11", "", {}, {}, (0.0, 0.0, 0.0))
    return VoicesRecord("2026-01-01T00:00:00", machine, "whisper-base", results)


RESULT = VoiceResult(
    voice="hummer",
    language="en",
    sample_rate_hz=24_000,
    timings=(Timing(1, 2, 50.0, 60.0, 0.1, 0.2),),
    heard=Heard(2, 10, 1, 0.1, ()),
    level=Level(-20.0, -21.0, -19.0, -3.0, 0),
    joins=Joins(4, 0, 0.9),
    intonation=None,
    failures=(),
)


def test_rows_have_a_cell_for_every_voice():
    """What was not measured is a dash."""
    other = replace(RESULT, voice="other", timings=(), level=replace(RESULT.level, lufs=None))
    made = record(RESULT, other)
    assert rows.heads(made) == ["", "hummer, en", "other, en"]
    table = {row[0]: row[1:] for row in rows.figures(made)}
    assert table["first audio p50 / p95, ms, threads: 1"] == ["50 / 60", rows.NONE]
    assert table["recogniser's errors"][0] == "10.0% of 10 words"
    assert table["loudness, LUFS (single sentences)"] == ["-20.0 (-21.0 to -19.0)", rows.NONE]


def heard(text: str, edits: int) -> Clip:
    return Clip(Spoken(text, np.zeros(2_400, np.int16), (), 0.1, 0.2), f"not <{text}>", edits)


def test_the_page_holds_players_side_by_side_and_nothing_from_outside():
    """What was misheard most comes first, what one voice lacks is a dash, text is escaped."""
    other = replace(RESULT, voice="other")
    bench = Bench(
        record(RESULT, other),
        {
            ("hummer", "en"): (heard("well", 0), heard("worse", 3)),
            ("other", "en"): (heard("worse", 0),),
        },
    )
    page = render_page(bench)
    assert page.index("worse") < page.index("well")
    assert page.count('src="data:audio/mpeg;base64,') == 3
    assert "http" not in page
    assert "not &lt;worse&gt;" in page


def test_a_report_that_cannot_be_written_is_said(tmp_path: Path):
    """A file where the folder should be."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(ConfigError, match="taken"):
        write_report(tmp_path / "taken", Bench(record(), {}))


def test_the_record_is_one_line_of_json():
    """Every figure by its name."""
    line = to_json(record(RESULT))
    assert "\n" not in line
    assert json.loads(line)["results"][0]["timings"][0]["first_audio_p50_ms"] == 50.0


@pytest.mark.models
def test_a_failing_sentence_is_counted_and_the_rest_is_measured(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """The hum is heard as no words, so all of them are errors."""
    texts = ["fail", "two words", "and three words"]
    monkeypatch.setattr(run, "sentences", lambda language: texts)
    engine = engine_of("hummer", lambda settings, threads: Hummer())
    bench = run_bench(settings, [engine], Amount(3, 2, 1), lambda line: None)
    (result,) = bench.record.results
    assert [at.sentences for at in result.timings] == [1, 2]
    assert len(result.failures) == 2
    assert result.heard.sentences == 2
    assert result.heard.error_rate > 0.5
    assert result.joins.clicks == 2  # the hum begins anew with its second chunk
    page = write_report(tmp_path / "out", bench)
    assert page.name == PAGE_FILE
    assert json.loads((tmp_path / "out" / RECORD_FILE).read_text(encoding="utf-8"))


def absent(settings: Settings, threads: int) -> Hummer:
    """Loads nothing."""
    raise ModelMissingError("it is not here")


def engine_of(name: str, load: Callable[[Settings, int], Hummer]) -> VoiceEngine:
    return VoiceEngine(name, ("en",), "", "", lambda settings: "present", load)


@pytest.mark.models
def test_a_voice_that_cannot_be_loaded_is_left_out_and_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    """Its place among several is not a reason to lose the others; alone it is an error."""
    monkeypatch.setattr(run, "sentences", lambda language: ["two words"])
    voices = [
        engine_of("absent", absent),
        engine_of("hummer", lambda settings, threads: Hummer()),
    ]
    bench = run_bench(settings, voices, Amount(1, 1, 0), lambda line: None)
    assert [result.voice for result in bench.record.results] == ["hummer"]
    assert bench.record.unavailable == ("absent: it is not here",)
    assert "left out: absent: it is not here" in rows.machine_lines(bench.record)
    with pytest.raises(ModelMissingError):
        run_bench(settings, voices[:1], Amount(1, 1, 0), lambda line: None)


@pytest.mark.models
@pytest.mark.slow
@pytest.mark.parametrize("name", ["mandarin-voice", "hibari"])
def test_a_real_voice_is_understood_and_clean(name: str, settings: Settings):
    """Two sentences come back with few errors, at the target loudness, without clicks."""
    (engine,) = choose([name], settings)
    bench = run_bench(settings, [engine], Amount(2, 1, 1), lambda line: None)
    (result,) = bench.record.results
    assert result.heard.error_rate < 0.2
    assert result.level.lufs == pytest.approx(-20.0, abs=2.0)
    assert result.level.clipped_samples == 0
    assert result.joins.clicks == 0
    assert result.failures == ()


def test_what_a_voice_needs_is_shown_with_its_brackets(monkeypatch: pytest.MonkeyPatch):
    """`pip install 'qingting[chattts]'` is no markup of ours."""

    def told(settings: Settings, voices: object, amount: object, report: Callable[[str], None]):
        report("left out: pip install 'qingting[chattts]'")
        raise ModelMissingError("no voice is here")

    monkeypatch.setattr(run, "run_bench", told)
    result = CliRunner().invoke(app, ["voices", "bench", "--engine", "call"])
    assert "pip install 'qingting[chattts]'" in result.stderr


def test_an_unknown_voice_is_refused():
    """Before anything is loaded."""
    result = CliRunner().invoke(app, ["voices", "bench", "--engine", "operatic"])
    assert result.exit_code == 2
    assert "operatic" in result.stderr
