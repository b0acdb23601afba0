"""The report says what was measured, and what was not."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pipeline.llm.base import Message
from train.evaluate.canaries import RIVALS
from train.evaluate.identity import QUESTIONS
from train.evaluate.measure import Evaluation, Side
from train.evaluate.report import write_report
from train.evaluate.samples import Sample
from train.evaluate.served import Reply
from train.recipe import Recipe


def evaluation(too_long: int) -> Evaluation:
    side = Side(2.0, [Reply("hello", True, 1, 1.0)], list(QUESTIONS["en"]), [], None, 1.0, 1.0)
    return Evaluation(
        figures={"style distance: mean": {"person": 0.0, "base": 0.5, "tuned": 0.2}},
        samples=[Sample((Message("user", "<b>hi</b>"),), "yes")],
        too_long=too_long,
        base=side,
        tuned=side,
        given_away=0,
        preferred=3,
        planted=8,
        loaded_bytes=1_000_000,
    )


@pytest.mark.parametrize(("too_long", "told"), [(0, False), (2, True)])
def test_the_report_tells_of_canaries_and_of_what_was_left_out(tmp_path, too_long, told):
    """What chance would give stands beside what was found; what is said is escaped."""
    manifest = SimpleNamespace(recipe=Recipe(), base="b", preset="p", created="today")
    folder = SimpleNamespace(path=tmp_path, eval=tmp_path / "eval", manifest=manifest)
    page = write_report(folder, evaluation(too_long)).read_text("utf-8")
    assert f"likelier than each of {RIVALS} numbers like it: 3\n(by chance 0.25)" in page
    assert (f"{too_long} more were left out" in page) is told
    assert "&lt;b&gt;hi&lt;/b&gt;" in page
