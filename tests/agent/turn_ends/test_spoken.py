"""The calls as they are heard: one flow of speech, cut where the caller pauses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.turn_ends.spoken import PAUSES_SECS, SILENCE_SECS, beginnings, flow_of, hear
from agent.turn_ends.turns import heard_in
from pipeline.audio import INPUT_RATE_HZ, FloatArray
from pipeline.stt.base import Hypothesis
from pipeline.text import Language
from pipeline.tts.base import CharMark, SpeechChunk, SpeechStyle

CHARACTER_SAMPLES = 2_400  # a tenth of a second at 24 kHz


class Even:
    """A voice that gives each character the same time and a loudness of its own, a mark none.

    So a cut can be computed, and one in a wrong place be seen.
    """

    name = "even"
    languages: frozenset[Language] = frozenset(("zh", "en"))
    sample_rate_hz = 24_000

    def synthesise(
        self, text: str, style: SpeechStyle, cancelled: Callable[[], bool]
    ) -> Iterator[SpeechChunk]:
        """One chunk; each character is as loud as it stands far from the beginning."""
        loudness = [0 if one in "，,。 " else 4_000 + 200 * at for at, one in enumerate(text)]
        pcm = np.repeat(np.array(loudness, np.int16), CHARACTER_SAMPLES)
        marks = (CharMark(at, at * CHARACTER_SAMPLES) for at in range(1, len(text) + 1))
        yield SpeechChunk(pcm, tuple(marks))


class Lengths:
    """A recogniser that writes how many characters it is given; each lasts a tenth of a second."""

    async def decode(self, audio: FloatArray, *, language: Language, **_: object) -> Hypothesis:
        """Pauses count for nothing."""
        slots = np.abs(audio[: len(audio) // 1_600 * 1_600]).reshape(-1, 1_600).max(axis=1)
        return Hypothesis("说" * int(np.sum(slots > 0.1)), language, 1.0)


@pytest.mark.parametrize(
    ("say", "language", "flow", "ends"),
    [
        ("我儿子上初中 / 以前他什么都说", "zh", "我儿子上初中，以前他什么都说", (6, 14)),
        ("i moved here / last year", "en", "i moved here, last year", (12, 23)),
        ("我们 team / 换了 manager", "zh", "我们 team, 换了 manager", (7, 19)),
        ("我看一下啊，/ 这个礼拜。", "zh", "我看一下啊，这个礼拜。", (5, 10)),
        ("I miss it. / When I sat", "en", "I miss it, When I sat", (9, 21)),
        ("你说什么？ / 我没听见", "zh", "你说什么？，我没听见", (5, 10)),
        ("嗯", "zh", "嗯", (1,)),
    ],
)
def test_a_turn_is_said_in_one_flow(say: str, language: Language, flow: str, ends: tuple[int, ...]):
    """With a comma where the caller pauses, so that the melody promises more."""
    assert flow_of(say, language) == (flow, ends)


@given(st.lists(st.text("我你他很累了想走", min_size=1, max_size=6), min_size=1, max_size=4))
def test_every_part_is_heard_behind_all_before_it(parts: list[str]):
    """Each beginning is the one before, a pause and its own part."""
    say = " / ".join(parts)
    silence, found = round(SILENCE_SECS * INPUT_RATE_HZ), list(beginnings(say, "zh", Even()))
    assert len(found) == len(parts)
    assert len(found[0]) == pytest.approx(len(parts[0]) * 1_600 + silence, abs=2)
    for shorter, longer, part in zip(found, found[1:], parts[1:], strict=False):
        added_secs = (len(longer) - len(shorter)) / INPUT_RATE_HZ - len(part) / 10
        assert any(added_secs == pytest.approx(pause, abs=0.01) for pause in PAUSES_SECS)
        before = len(shorter) - silence - 800  # the resampler looks ahead
        assert np.abs(longer[:before] - shorter[:before]).max() < 0.03


def test_a_turn_sounds_the_same_in_every_run():
    """Its manner follows from its words."""
    first, second = (list(beginnings("好 / 我想想", "zh", Even())) for _ in range(2))
    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


def test_what_was_heard_stands_line_by_line_beside_the_calls(tmp_path: Path):
    """A list for each turn, up to each pause and whole, in the call's own script."""
    file = tmp_path / "some.jsonl"
    turns = [{"bot": "你好。", "say": "我很累 / 睡不好"}, {"bot": "嗯？", "say": "对"}]
    calls = [{"locale": locale, "turns": turns} for locale in ("zh-Hans", "zh-Hant")]
    file.write_text("\n".join(json.dumps(call) for call in calls) + "\n", "utf-8")
    asyncio.run(hear(file, Even(), Lengths()))  # type: ignore[arg-type]
    assert list(heard_in(file)) == [
        [["说" * 3, "说" * 6], ["说"]],
        [["說" * 3, "說" * 6], ["說"]],
    ]
